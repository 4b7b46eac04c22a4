"""What a run is told of its substrates: as it attaches, once there are cells, between two solves, and at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from surrogate_adapters.biofvm import Substrate, concerns, require_allowed
from surrogate_adapters.notices import Kind, Notices
from surrogate_adapters.physicell.wording import how_far_off, what_happened

__all__ = ["Telling"]


class Telling:
    """Notices of one attachment.

    Parameters
    ----------
    size_um : (float, float), um
        Of the microenvironment.
    step_min : float, min
        Between two phenotype steps.

    Attributes
    ----------
    notices : Notices

    Examples
    --------
    >>> telling = Telling((1000.0, 1000.0), 6.0)
    >>> telling.concerns_of(Substrate("oxygen", 1e5, 0.1, held=True))
    >>> telling.counted(), telling.at_the_end(never=["drug"])
    ([], ['drug: nothing supplied it, so its steady field was 0 throughout.'])
    """

    def __init__(self, size_um: tuple[float, float], step_min: float) -> None:
        self.notices = Notices()
        self._most_off: dict[str, tuple[float, float]] = {}
        self._size_um = size_um
        self._step_min = step_min

    def concerns_of(self, substrate: Substrate) -> None:
        """Tell why a steady field may not be what the cells would see, each reason once.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            If the substrate has no field at all.
        """
        require_allowed(substrate)
        told = concerns(substrate, self._size_um, self._step_min)
        if any(concern.kind == "not anchored" for concern in told):
            # By itself it never comes to rest; what cells may pull it to, it spreads to no faster than if it were held.
            held = concerns(replace(substrate, held=True), self._size_um, self._step_min)
            told = [concern for concern in told if concern.kind != "not quasi-steady"]
            told += [concern for concern in held if concern.kind == "not quasi-steady"]
        for concern in told:
            if (concern.kind, substrate.name) not in self.notices.counts:
                self.notices.tell(concern.kind, substrate.name, concern.sentence)

    def happened(self, kind: str, name: str, voxels: int, minutes: float) -> None:
        """Tell of what came up between two solves."""
        self.notices.tell(cast(Kind, kind), name, what_happened(kind, name, voxels, minutes))

    def was_off(self, name: str, excess: float, allowed: float, minutes: float) -> None:
        """Tell of a steady field that cells have read until ``minutes``, if it was off by more than is allowed."""
        if excess <= allowed:
            return
        self._most_off[name] = max(self._most_off.get(name, (0.0, 0.0)), (excess, minutes))
        self.notices.tell("cells read more than the bound", name, how_far_off(name, excess, allowed, minutes))

    def counted(self) -> list[tuple[str, str, int]]:
        """Kind, substrate and times."""
        return [(kind, name, times) for (kind, name), times in self.notices.counts.items()]

    def at_the_end(self, never: Sequence[str]) -> list[str]:
        """A sentence each: what was told, and which substrates were never there."""
        most = [
            f"{name}: the field that cells read was off by up to {excess:.3g}, most before {minutes:g} min."
            for name, (excess, minutes) in self._most_off.items()
        ]
        unsupplied = [f"{name}: nothing supplied it, so its steady field was 0 throughout." for name in never]
        return self.notices.summary() + most + unsupplied
