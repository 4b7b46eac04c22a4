"""A problem and its exact field at half the memory: what is kept of a sample that is seen more than once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from surrogate_plugin.equation.codec import faces_in, maps_of, numbers_of, side_parts
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.sides import Boundary, Kind, Side
from surrogate_plugin.surrogate.scale import value_scale
from surrogate_training.damage import reading

Array = npt.NDArray[Any]


#: Far more than any accuracy of the targets.
_BEYOND = 0.1
#: What a field is at most over the value that a network takes for its scale.
_FAR = 1e3


_SideOf = tuple[Kind, float] | tuple[Kind, float, float]


class _Numbers(BaseModel):
    """What of a sample is no map; of a side kind and value, and a rate where it has one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    diffusivity: float | None = None
    diffusivity_y: float | None = None
    diffusivity_x: float | None = None
    spacing: float | tuple[float, float]
    sides: tuple[_SideOf, _SideOf, _SideOf, _SideOf]
    decay: float | None = None
    production: float | None = None
    vmax: float | None = None
    km: float | None = None


class KeptSample:
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
    >>> sample = KeptSample.of(Problem(np.eye(8), decay=0.1), np.eye(8))
    >>> problem, field = sample.restore()
    >>> problem.decay, field.dtype
    (0.1, dtype('float64'))
    """

    def __init__(self, maps: Mapping[str, Array], numbers: str) -> None:
        self.maps, self.numbers = dict(maps), numbers

    @classmethod
    def of(cls, problem: Problem, field: FloatArray) -> KeptSample:
        """Keep a problem as networks take it."""
        parts = problem.parts
        maps: dict[str, Array] = {
            name: value if name == "fixed" else value.astype(np.float32)
            for name, value in (maps_of(parts) | faces_in(parts)).items()
        }
        maps["field"] = field.astype(np.float32)
        sides = [(side.kind, side.value, side.rate)[: 3 if side.rate else 2] for side in problem.boundary.sides]
        plain = {name: number for name, number in numbers_of(parts).items() if (name, number) != ("production", 0.0)}
        numbers = _Numbers.model_validate({"sides": sides, **plain, "spacing": problem.spacing})
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
        sides = side_parts(Boundary(*(Side(*side) for side in numbers.sides)))
        plain = {"production": 0.0, **numbers.model_dump(exclude={"sides"}, exclude_none=True)}
        plain["spacing"] = np.array(plain["spacing"]) if isinstance(plain["spacing"], tuple) else plain["spacing"]
        maps = {name: values for name, values in self.maps.items() if name != "field"}
        problem = Problem.of_parts({**plain, **sides, **maps})
        field = self.maps["field"].astype(np.float64)
        # Where nothing is supplied no exact field leaves what is imposed by more than it was solved to.
        scale, supplied = value_scale(problem), problem.largest_supply > 0
        low, high = -_BEYOND * scale, (_FAR if supplied else 1.0 + _BEYOND) * scale
        if field.shape != problem.shape or not np.all((field >= low) & (field <= high)):
            raise ValueError("its field is not one of its problem")
        return problem, field
