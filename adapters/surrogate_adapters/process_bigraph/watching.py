"""What a steady field cannot follow in a composite, noticed and told once a kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.notices import Notices
from surrogate_adapters.quasi_steady import least_diffusivity, not_quasi_steady, relaxation_min
from surrogate_adapters.steady_fields import SteadyFields

FloatArray = npt.NDArray[np.float64]


class Watch:
    """Compares what the document holds with what was left in it.

    Parameters
    ----------
    fields : SteadyFields
    notices : Notices
    """

    def __init__(self, fields: SteadyFields, notices: Notices) -> None:
        self._fields, self._notices = fields, notices
        self._left: dict[str, FloatArray] = {}
        self._read: dict[str, dict[str, float]] = {}
        self._paced: set[str] = set()

    def writes(self, name: str, there: FloatArray) -> None:
        """Tell if a field is not the one that was left there."""
        if name not in self._left:
            return
        written = there - self._left[name]
        row, column = np.unravel_index(int(np.abs(written).argmax()), written.shape)
        largest = float(written[row, column])
        if abs(largest) > 1e-9 * max(1e-300, float(np.abs(self._left[name]).max())):
            self._notices.tell(
                "written from outside",
                name,
                f"something else wrote {largest:+.3g} into fields.{name} at row {row}, column {column}. A steady field "
                "follows cells, vessels, fixed voxels and sides only, so this is put back: say what cells take up and "
                "give in uptake_per_min, secretion_per_min and production_per_min.",
            )

    def left(self, name: str, field: FloatArray, tissue: sp.TissueState, step_min: float | None) -> None:
        """This is what is left there; tell once if it cannot come to rest within a step."""
        self._left[name] = field
        if step_min is None or name in self._paced or not field.any():
            return
        self._paced.add(name)
        config = self._fields.backends[name].config
        held = _holds(tissue) or sp.Boundary.parse(config.boundary).holds_a_value
        decay = float(np.min(config.decay_per_min)) + (0.0 if held else _loss_per_min(tissue, config.domain))
        diffusivity = least_diffusivity(config.diffusivity_um2_per_min)
        relaxation = relaxation_min(diffusivity, decay, config.domain.size_um, held=held)
        sentence = not_quasi_steady(name, relaxation, step_min)
        if sentence is not None:
            self._notices.tell("not quasi-steady", name, sentence)

    def misreading(self, name: str, ids: Sequence[str], read: FloatArray) -> None:
        """Tell if cells had read something else until now, of the step before; those without keys are not compared."""
        before, now = self._read.get(name, {}), dict(zip(ids, read.tolist(), strict=False))
        self._read[name] = now
        excess = max((abs(value - before[key]) for key, value in now.items() if key in before), default=0.0)
        entry, wanted = self._fields.latest(name), self._fields.backends[name].config.tolerance
        entry.excess = max(entry.excess, excess)
        if excess > (0.01 * float(self._left[name].max()) if wanted is None else wanted):
            self._notices.tell(
                "cells read more than the bound",
                name,
                f"a cell read {name} {excess:.3g} off: it has moved, grown or changed its rates since the field was "
                "solved for, an interval ago, as processes of the host run side by side. SurrogateDiffusionStep, with "
                "the same config and wires, solves after them.",
            )


def _holds(tissue: sp.TissueState) -> bool:
    voxels = tissue.voxels
    return len(tissue.vessels) > 0 or (voxels is not None and voxels.fixed is not None and bool(voxels.fixed.any()))


def _loss_per_min(tissue: sp.TissueState, domain: sp.Domain) -> float:
    """What cells take, shared out over all voxels."""
    cells = tissue.cells
    lost = float((cells.volume_um3 * (cells.uptake_per_min + cells.secretion_per_min)).sum())
    return lost / (domain.voxel_volume_um3 * domain.shape[0] * domain.shape[1])
