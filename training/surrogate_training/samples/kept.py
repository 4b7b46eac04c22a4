"""A problem and its exact field at half the memory: what is kept of a sample that is seen more than once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from surrogate_plugin.equation.problem import Coefficient, FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import Boundary, Kind, Side
from surrogate_training.whole_files import reading

Array = npt.NDArray[Any]


#: Far more than any accuracy of the targets.
_BEYOND = 0.1


class _Numbers(BaseModel):
    """What of a record is no map."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    diffusivity: float
    spacing: float
    sides: tuple[tuple[Kind, float], tuple[Kind, float], tuple[Kind, float], tuple[Kind, float]]
    decay: float | None = None
    vmax: float | None = None
    km: float | None = None


class Record:
    """One sample: maps in float32, numbers in float64.

    Rounding changes values by 6e-8 of themselves, far below the accuracy of the targets.

    Attributes
    ----------
    maps : dict of (H, W) array
        ``source`` and ``field``, float32, field units; ``fixed``, bool; ``decay``, ``vmax`` where they vary, float32.
    numbers : str
        The rest, as JSON.

    Examples
    --------
    >>> record = Record.of(Problem(np.eye(8), decay=0.1), np.eye(8))
    >>> problem, field = record.restore()
    >>> problem.decay, field.dtype
    (0.1, dtype('float64'))
    """

    def __init__(self, maps: Mapping[str, Array], numbers: str) -> None:
        self.maps, self.numbers = dict(maps), numbers

    @classmethod
    def of(cls, problem: Problem, field: FloatArray) -> Record:
        """Keep a problem without production and of constant diffusivity, as networks take it."""
        uptake = problem.uptake
        found: dict[str, Coefficient | None] = {
            "decay": problem.decay,
            "vmax": None if uptake is None else uptake.vmax,
        }
        maps: dict[str, Array] = {"source": problem.source.astype(np.float32), "field": field.astype(np.float32)}
        maps["fixed"] = problem.fixed
        maps |= {name: value.astype(np.float32) for name, value in found.items() if isinstance(value, np.ndarray)}
        numbers = _Numbers.model_validate(
            {
                "diffusivity": problem.reference_diffusivity,
                "spacing": problem.spacing,
                "sides": [(side.kind, side.value) for side in problem.boundary.sides],
                "km": None if uptake is None else uptake.km,
            }
            | {name: value for name, value in found.items() if name not in maps}
        )
        return cls(maps, numbers.model_dump_json(exclude_none=True))

    def restore(self) -> tuple[Problem, FloatArray]:
        """The problem and its field, (H, W) float64, field units.

        Raises
        ------
        DamagedFileError
            If these maps and numbers are not those of a sample.
        """
        with reading("a stored sample", "remake the samples"):
            return self._restored()

    def _restored(self) -> tuple[Problem, FloatArray]:
        numbers = _Numbers.model_validate_json(self.numbers)
        left, right, bottom, top = (Side(*side) for side in numbers.sides)

        def coefficient(name: str, number: float | None) -> Coefficient:
            return self.maps[name].astype(np.float64) if name in self.maps else number or 0.0

        problem = Problem(
            self.maps["source"],
            fixed=self.maps["fixed"],
            diffusivity=numbers.diffusivity,
            decay=coefficient("decay", numbers.decay),
            uptake=None if numbers.km is None else MichaelisMenten(coefficient("vmax", numbers.vmax), numbers.km),
            spacing=numbers.spacing,
            boundary=Boundary(left, right, bottom, top),
        )
        field = self.maps["field"].astype(np.float64)
        # Nothing is produced, so that no exact field leaves what is imposed by more than it was solved to.
        low, high = -_BEYOND * problem.largest_imposed, (1.0 + _BEYOND) * problem.largest_imposed
        if field.shape != problem.shape or not np.all((field >= low) & (field <= high)):
            raise ValueError("its field is not one of its problem")
        return problem, field
