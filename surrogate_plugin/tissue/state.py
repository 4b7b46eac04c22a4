"""What a host hands over at one moment: its cells, its vessels, and what it already keeps per voxel."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    BoolArray,
    Coefficient,
    FloatArray,
    coefficient,
    instance_of,
    per_item,
    plane_points,
    truth_array,
)
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.cells import Cells as Cells


@dataclass(frozen=True, eq=False, init=False)
class Vessels:
    """Discs and capsules that hold the field at a value; a disc is a capsule of length 0.

    Parameters
    ----------
    position_um : (m, 2) array, um
        Centres of discs, or where the axes of capsules start; m may be 0.
    radius_um : float or (m,) array, um
        Radii, >= 0. A vessel thinner than a pixel still fixes the pixels its axis runs through.
    value : float or (m,) array, field units
        The value imposed, >= 0; where vessels overlap the largest wins.
    end_um : (m, 2) array, um, optional
        Where the axes of capsules end; ``position_um`` if not given.

    Raises
    ------
    InvalidProblemError
        One sentence naming the field, the vessel and the value.

    Examples
    --------
    >>> tree = Vessels.from_segments([(0.0, 0.0)], [(30.0, 40.0)], radius_um=5.0, value=38.0)
    >>> tree.length_um.tolist()
    [50.0]
    """

    position_um: FloatArray
    radius_um: FloatArray
    value: FloatArray
    end_um: FloatArray

    def __init__(
        self,
        position_um: npt.ArrayLike,
        radius_um: float | npt.ArrayLike,
        value: float | npt.ArrayLike,
        end_um: npt.ArrayLike | None = None,
    ) -> None:
        start = plane_points("vessels.position_um", position_um)
        end = start if end_um is None else plane_points("vessels.end_um", end_um)
        if len(end) != len(start):
            raise InvalidProblemError(f"vessels.end_um has {len(end)} points, but there are {len(start)} vessels.")
        object.__setattr__(self, "position_um", start)
        object.__setattr__(self, "radius_um", per_item("vessels.radius_um", radius_um, len(start)))
        object.__setattr__(self, "value", per_item("vessels.value", value, len(start)))
        object.__setattr__(self, "end_um", end)

    @classmethod
    @functools.cache
    def none(cls) -> Vessels:
        """No vessels."""
        return cls(position_um=np.empty((0, 2)), radius_um=np.empty(0), value=np.empty(0))

    @classmethod
    def from_segments(
        cls,
        start_um: npt.ArrayLike,
        end_um: npt.ArrayLike,
        radius_um: float | npt.ArrayLike,
        value: float | npt.ArrayLike,
    ) -> Vessels:
        """Capsules around the segments from ``start_um`` to ``end_um``, (m, 2) each."""
        return cls(position_um=start_um, radius_um=radius_um, value=value, end_um=end_um)

    def __len__(self) -> int:
        return len(self.position_um)

    @property
    def length_um(self) -> FloatArray:
        """Length of the axis, (m,) float64, um; 0 for a disc."""
        return np.asarray(np.hypot(*(self.end_um - self.position_um).T))


@dataclass(frozen=True, eq=False, init=False)
class Voxels:
    """What a host with a lattice of its own already knows per voxel, taken over exactly.

    Parameters
    ----------
    fixed : (H, W) bool array, optional
        Voxels that hold a value (Dirichlet nodes); none if not given.
    value : float or (H, W) array, field units
        The values they hold, >= 0.
    uptake_per_min : float or (H, W) array, 1 / min
        Uptake on top of that of the cells, >= 0.
    production_per_min : float or (H, W) array, field units / min
        Production on top of that of the cells, >= 0.

    Raises
    ------
    InvalidProblemError
        One sentence naming the field and what is allowed.

    Examples
    --------
    >>> wall = np.zeros((8, 16), dtype=bool); wall[:, 0] = True
    >>> int(Voxels(fixed=wall, value=38.0).fixed.sum())
    8
    """

    fixed: BoolArray | None
    value: Coefficient
    uptake_per_min: Coefficient
    production_per_min: Coefficient

    def __init__(
        self,
        fixed: npt.ArrayLike | None = None,
        value: float | npt.ArrayLike = 0.0,
        uptake_per_min: float | npt.ArrayLike = 0.0,
        production_per_min: float | npt.ArrayLike = 0.0,
    ) -> None:
        mask = None if fixed is None else truth_array("voxels.fixed", fixed)
        if mask is not None and mask.ndim != 2:
            raise InvalidProblemError(f"voxels.fixed has shape {mask.shape}; a 2-D boolean array (H, W) is allowed.")
        object.__setattr__(self, "fixed", mask)
        given = {"value": value, "uptake_per_min": uptake_per_min, "production_per_min": production_per_min}
        for name, map_or_number in given.items():
            object.__setattr__(self, name, coefficient(f"voxels.{name}", map_or_number))


@dataclass(frozen=True, eq=False)
class TissueState:
    """Everything the field depends on at one moment; immutable, so that it can be held and compared.

    Parameters
    ----------
    cells : Cells
    vessels : Vessels
    voxels : Voxels, optional
        For hosts with a lattice of their own.

    Examples
    --------
    >>> state = TissueState(vessels=Vessels(position_um=[(50.0, 50.0)], radius_um=10.0, value=38.0))
    >>> len(state.cells), len(state.vessels)
    (0, 1)
    """

    cells: Cells = field(default_factory=Cells.none)
    vessels: Vessels = field(default_factory=Vessels.none)
    voxels: Voxels | None = None

    def __post_init__(self) -> None:
        instance_of("state.cells", self.cells, Cells, "an object of Cells")
        instance_of("state.vessels", self.vessels, Vessels, "an object of Vessels")
        instance_of("state.voxels", self.voxels, (Voxels, NoneType), "None or an object of Voxels")

    def same_as(self, other: object) -> bool:
        """Whether both states hold the same numbers."""
        if self is other:
            return True
        if not isinstance(other, TissueState):
            return False
        return all(
            _same(vars(mine).get(name), vars(theirs).get(name))
            for mine, theirs in (
                (self.cells, other.cells),
                (self.vessels, other.vessels),
                (self.voxels or _NO_VOXELS, other.voxels or _NO_VOXELS),
            )
            for name in vars(mine)
        )


def _same(mine: Any, theirs: Any) -> bool:
    if mine is theirs:
        return True
    if mine is None or theirs is None:
        return False
    return np.array_equal(mine, theirs)


_NO_VOXELS = Voxels()
