"""A step that has the last word on the fields: it solves for the agents as they are, and puts back what others drew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from vivarium.core.process import Step

from surrogate_adapters.notices import Notices
from surrogate_adapters.vivarium.tissue import told_of_writes, written_bins

if TYPE_CHECKING:
    from surrogate_adapters.vivarium.process import SurrogateDiffusionField


class HeldField(Step):  # type: ignore[misc]
    """Keep the fields at what is steady for the agents as they are, whatever the other steps made of both.

    It has to run after them: with an entry of its own in the composite's flow it does, since steps without one run
    first.

    Following a `SurrogateDiffusionField`, it solves anew at each time of the engine at which agents moved, divided or
    changed their rates, the start included, so that what they read next is within the bound. It then has the ports
    ``agents`` and ``certificate`` too. By itself it only keeps the fields at what the process solved for.

    The steady field already has the agents' uptake in it. A ``LocalField`` that applies an agent's exchange to the
    field besides would drain it twice; this step takes that back in the same moment.

    Parameters
    ----------
    parameters : dict
        ``molecules``: those that are held.

    Attributes
    ----------
    notices : Notices
        What others added to the fields, where it follows no process; drawing on them is what it is there for.

    Examples
    --------
    >>> step = HeldField({"molecules": ["oxygen"]})
    >>> drained, steady = np.array([[0.5, 1.0]]), np.array([[1.0, 1.0]])
    >>> step.next_update(0.0, {"fields": {"oxygen": drained}, "steady": {"oxygen": steady}})
    {'fields': {'oxygen': array([[0.5, 0. ]])}}
    """

    name = "held_field"
    defaults: ClassVar[dict[str, Any]] = {"molecules": []}

    def __init__(self, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(parameters)
        self.notices = Notices()
        self._field: SurrogateDiffusionField | None = None

    def follow(self, field: SurrogateDiffusionField) -> HeldField:
        """Solve with a process of the same composite, after all others; returns this step."""
        self._field = field
        return self

    def ports_schema(self) -> dict[str, Any]:
        """The fields, and what they are held at; what the process followed reads and tells."""
        molecules = self.parameters["molecules"]
        ports = {
            "fields": {molecule: {"_updater": "nonnegative_accumulate"} for molecule in molecules},
            "steady": {molecule: {"_default": None, "_updater": "set"} for molecule in molecules},
        }
        if self._field is None:
            return ports
        theirs = self._field.ports_schema()
        return {**ports, "agents": theirs["agents"], "certificate": theirs["certificate"]}

    def next_update(self, timestep: float, states: dict[str, Any]) -> dict[str, Any]:
        """The deltas that take the fields there; by itself none before the first solve."""
        if self._field is not None:
            return self._field.follow(states)
        delta = {}
        for molecule, steady in states["steady"].items():
            field = states["fields"][molecule]
            if steady is not None and not np.array_equal(field, steady):
                delta[molecule] = steady - field
                self._tell_of_additions(molecule, field - steady, steady)
        return {"fields": delta} if delta else {}

    def _tell_of_additions(self, molecule: str, written: Any, steady: Any) -> None:
        bins = written_bins(written, steady)
        if any(written[site] > 0 for site in bins):
            self.notices.tell("written from outside", molecule, told_of_writes(molecule, written, bins))
