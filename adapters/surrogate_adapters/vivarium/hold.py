"""A step that puts the steady field back after other steps have drawn on it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from vivarium.core.process import Step


class HeldField(Step):  # type: ignore[misc]
    """Keep the fields at what `SurrogateDiffusionField` solved for.

    The steady field already has the agents' uptake in it. A ``LocalField`` that applies an agent's exchange to the
    field besides would drain it twice until the next solve; this step takes that back in the same moment. It has to run
    after them: with an entry of its own in the composite's flow it does, since steps without one run first.

    Parameters
    ----------
    parameters : dict
        ``molecules``: those that are held.

    Examples
    --------
    >>> step = HeldField({"molecules": ["oxygen"]})
    >>> drained, steady = np.array([[0.5, 1.0]]), np.array([[1.0, 1.0]])
    >>> step.next_update(0.0, {"fields": {"oxygen": drained}, "steady": {"oxygen": steady}})
    {'fields': {'oxygen': array([[0.5, 0. ]])}}
    """

    name = "held_field"
    defaults: ClassVar[dict[str, Any]] = {"molecules": []}

    def ports_schema(self) -> dict[str, Any]:
        """The fields, and what they are held at."""
        molecules = self.parameters["molecules"]
        return {
            "fields": {molecule: {"_updater": "nonnegative_accumulate"} for molecule in molecules},
            "steady": {molecule: {"_default": None, "_updater": "set"} for molecule in molecules},
        }

    def next_update(self, timestep: float, states: dict[str, Any]) -> dict[str, Any]:
        """The deltas that take the fields back; none before the first solve."""
        delta = {}
        for molecule, steady in states["steady"].items():
            field = states["fields"][molecule]
            if steady is not None and not np.array_equal(field, steady):
                delta[molecule] = steady - field
        return {"fields": delta} if delta else {}
