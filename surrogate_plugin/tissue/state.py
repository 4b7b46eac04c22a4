"""What a host hands over at one moment: its cells, its vessels, and what it already keeps per voxel."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from types import NoneType

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
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.cells import Cells as Cells
from surrogate_plugin.tissue.cells import permeabilities
from surrogate_plugin.tissue.sameness import same_numbers


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
    permeability_um_per_min : float or (m,) array, um / min, optional
        Of the wall of a leaky vessel, >= 0: the tissue beside it exchanges with blood that holds ``value``, see Notes.
        inf, or not given, is a vessel that holds the field at its value.

    Notes
    -----
    A lattice is a slab of tissue, a voxel thick, and a vessel stands in it as it is drawn: a disc is a cylinder through
    the slab, a capsule the wall of one all along its axis. So the wall of a leaky vessel has the length of its outline,
    ``2 pi radius`` for a disc and ``2 length`` more for a capsule, times the thickness. Each piece of it belongs to the
    first pixel outside the vessel, and adds ``permeability * area / volume`` of a voxel to the decay there and
    ``value`` times that to the production: first order in the spacing. Pixels whose centres are inside hold the value,
    and are closed to those around; in a vessel thinner than a pixel there are none. For a tube of that radius *in* the
    plane, whose wall has ``2 pi radius length``, hand over ``pi radius / thickness`` times the permeability.

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
    permeability_um_per_min: FloatArray

    def __init__(
        self,
        position_um: npt.ArrayLike,
        radius_um: float | npt.ArrayLike,
        value: float | npt.ArrayLike,
        end_um: npt.ArrayLike | None = None,
        *,
        permeability_um_per_min: float | npt.ArrayLike | None = None,
    ) -> None:
        start = plane_points("vessels.position_um", position_um)
        end = start if end_um is None else plane_points("vessels.end_um", end_um)
        if len(end) != len(start):
            raise InvalidProblemError(f"vessels.end_um has {len(end)} points, but there are {len(start)} vessels.")
        object.__setattr__(self, "position_um", start)
        object.__setattr__(self, "radius_um", per_item("vessels.radius_um", radius_um, len(start)))
        object.__setattr__(self, "value", per_item("vessels.value", value, len(start)))
        object.__setattr__(self, "end_um", end)
        permeability = math.inf if permeability_um_per_min is None else permeability_um_per_min
        each = permeabilities("vessels.permeability_um_per_min", permeability, len(start))
        object.__setattr__(self, "permeability_um_per_min", each)

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
        permeability_um_per_min: float | npt.ArrayLike | None = None,
    ) -> Vessels:
        """Capsules around the segments from ``start_um`` to ``end_um``, (m, 2) each."""
        return cls(start_um, radius_um, value, end_um, permeability_um_per_min=permeability_um_per_min)

    def __len__(self) -> int:
        return len(self.position_um)

    @property
    def length_um(self) -> FloatArray:
        """Length of the axis, (m,) float64, um; 0 for a disc."""
        return np.asarray(np.hypot(*(self.end_um - self.position_um).T))

    @property
    def leaky(self) -> BoolArray:
        """Which vessels exchange through their walls, (m,) bool; the others hold their value."""
        return np.isfinite(self.permeability_um_per_min)


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
    diffusivity_um2_per_min : float, (H, W) array or PerAxis, um^2 / min, optional
        In the place of the one that a `BackendConfig` has: >= 0, 0 for obstacles.
    decay_per_min : float or (H, W) array, 1 / min, optional
        Background decay in the place of the one that a `BackendConfig` has, >= 0.
    membranes : Membranes, um / min, optional
        Of the faces between voxels, in series with those of cells.

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
    diffusivity_um2_per_min: Diffusivity | None
    decay_per_min: Coefficient | None
    membranes: Membranes | None

    def __init__(
        self,
        fixed: npt.ArrayLike | None = None,
        value: float | npt.ArrayLike = 0.0,
        uptake_per_min: float | npt.ArrayLike = 0.0,
        production_per_min: float | npt.ArrayLike = 0.0,
        *,
        diffusivity_um2_per_min: float | npt.ArrayLike | PerAxis | None = None,
        decay_per_min: float | npt.ArrayLike | None = None,
        membranes: Membranes | None = None,
    ) -> None:
        mask = None if fixed is None else truth_array("voxels.fixed", fixed)
        if mask is not None and mask.ndim != 2:
            raise InvalidProblemError(f"voxels.fixed has shape {mask.shape}; a 2-D boolean array (H, W) is allowed.")
        object.__setattr__(self, "fixed", mask)
        given = {"value": value, "uptake_per_min": uptake_per_min, "production_per_min": production_per_min}
        for name, map_or_number in given.items():
            object.__setattr__(self, name, coefficient(f"voxels.{name}", map_or_number))
        instance_of("voxels.membranes", membranes, (Membranes, NoneType), "None or an object of Membranes")
        conducted = diffusivity_um2_per_min
        if conducted is not None and not isinstance(conducted, PerAxis):
            conducted = coefficient("voxels.diffusivity_um2_per_min", conducted)
        decay = None if decay_per_min is None else coefficient("voxels.decay_per_min", decay_per_min)
        object.__setattr__(self, "diffusivity_um2_per_min", conducted)
        object.__setattr__(self, "decay_per_min", decay)
        object.__setattr__(self, "membranes", membranes)


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
            same_numbers(vars(mine).get(name), vars(theirs).get(name), nan=name == "diffusivity_um2_per_min")
            for mine, theirs in (
                (self.cells, other.cells),
                (self.vessels, other.vessels),
                (self.voxels or _NO_VOXELS, other.voxels or _NO_VOXELS),
            )
            for name in vars(mine)
        )


_NO_VOXELS = Voxels()
