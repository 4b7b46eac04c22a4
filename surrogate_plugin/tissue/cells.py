"""The cells of one moment: where they are, how large they are, and what they take up, secrete and produce."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    HUGE,
    FloatArray,
    IndexArray,
    lattice_places,
    per_item,
    plane_points,
    special_per_item,
)
from surrogate_plugin.errors import InvalidProblemError

#: The positions of cells that live in voxels.
_NOWHERE = plane_points("cells.position_um", np.empty((0, 2)))


@dataclass(frozen=True, eq=False, init=False)
class Cells:
    """Agents with a volume that take the field up, secrete it and produce it.

    A cell of volume ``V`` in a voxel of volume ``V_voxel`` adds ``V / V_voxel * (uptake + secretion)`` to the decay
    there and ``V / V_voxel * (secretion * target + production)`` to the production. A cell may also conduct otherwise
    than what is around it, have a membrane, and let less decay: nothing of it is so unless it is said.

    Parameters
    ----------
    position_um : (n, 2) array, um, optional
        Centres as (x, y); n may be 0.
    radius_um : float or (n,) array, um, optional
        Radii of spheres, >= 0; the volume follows from them.
    uptake_per_min : float or (n,) array, 1 / min
        First-order uptake rates, >= 0.
    secretion_per_min : float or (n,) array, 1 / min
        Secretion rates, >= 0.
    secretion_target : float or (n,) array, field units
        The value at which secretion stops, >= 0.
    production_per_min : float or (n,) array, field units / min
        What a cell makes whatever is there, in a voxel that it fills, >= 0. A cell that makes an amount ``a``, in
        field units times um^3 / min, has ``a / V`` here.
    volume_um3 : float or (n,) array, um^3, optional
        Volumes, >= 0, in the place of ``radius_um``: exactly one of the two is given. They count as they are; only
        where cells are spread by area they are taken for those of spheres.
    voxel : (n,) or (n, 2) array of whole numbers, optional
        For hosts whose cells live in the voxels of their lattice, in the place of ``position_um``: flat indices
        ``row * columns + column``, or one (row, column) a row. Exactly one of the two is given.
    diffusivity_um2_per_min : float or (n,) array, um^2 / min, optional
        What cells conduct, >= 0; 0 for obstacles, NaN for a cell that conducts as what is around it. A pixel of which
        cells cover a share conducts the mean by area.
    membrane_um_per_min : float or (n,) array, um / min, optional
        The permeability of a cell's membrane, >= 0; inf for none, 0 for one that nothing passes. It lies on every face
        between a pixel whose centre the cell covers and one whose centre it does not, and membranes of several cells
        on one face are in series. With ``deposit="voxel"`` it is around the cell's voxel, one for all its cells, whose
        resistance is the mean of theirs by volume.
    max_uptake_per_min : float or (n,) array, field units / min, optional
        In the place of ``uptake_per_min``, where uptake saturates (``michaelis_km`` of the `BackendConfig`): what a
        cell takes up at most, in a voxel that it fills, >= 0. Where the field is ``c`` it takes ``c / (km + c)`` of it.
    decay_change_per_min : float or (n,) array, 1 / min, optional
        What decay is in a voxel that the cell fills, less the background; negative where less decays. ``V / V_voxel``
        times it is added to the background, which is not below 0 after it, before uptake and secretion are.

    Attributes
    ----------
    position_um : (n, 2) float64, um
        None at all, (0, 2), of cells that live in voxels.
    radius_um, volume_um3 : (n,) float64, um and um^3
        One as it was given, the other that of a sphere.
    voxel : (n,) or (n, 2) int64, or None

    Raises
    ------
    InvalidProblemError
        One sentence naming the field, the cell and the value.

    Examples
    --------
    >>> cells = Cells(position_um=[(5.0, 5.0), (15.0, 5.0)], radius_um=8.0, uptake_per_min=[10.0, 0.0])
    >>> len(cells), cells.uptake_per_min.tolist()
    (2, [10.0, 0.0])
    >>> Cells(voxel=[(0, 3), (2, 1)], volume_um3=2494.0, uptake_per_min=10.0).volume_um3.tolist()
    [2494.0, 2494.0]

    Cells that respire at most 250 mmHg / min, half of it at 1 mmHg, for a backend with ``michaelis_km=1.0``:

    >>> Cells(position_um=[(5.0, 5.0)], radius_um=8.0, max_uptake_per_min=250.0).max_uptake_per_min.tolist()
    [250.0]
    """

    position_um: FloatArray
    radius_um: FloatArray
    uptake_per_min: FloatArray
    secretion_per_min: FloatArray
    secretion_target: FloatArray
    production_per_min: FloatArray
    volume_um3: FloatArray = field(init=False)  # `dataclasses.replace` goes by the radius
    voxel: IndexArray | None
    diffusivity_um2_per_min: FloatArray | None
    membrane_um_per_min: FloatArray | None
    decay_change_per_min: FloatArray | None
    max_uptake_per_min: FloatArray | None

    def __init__(
        self,
        position_um: npt.ArrayLike | None = None,
        radius_um: float | npt.ArrayLike | None = None,
        uptake_per_min: float | npt.ArrayLike = 0.0,
        secretion_per_min: float | npt.ArrayLike = 0.0,
        secretion_target: float | npt.ArrayLike = 0.0,
        production_per_min: float | npt.ArrayLike = 0.0,
        *,
        volume_um3: float | npt.ArrayLike | None = None,
        voxel: npt.ArrayLike | None = None,
        diffusivity_um2_per_min: float | npt.ArrayLike | None = None,
        membrane_um_per_min: float | npt.ArrayLike | None = None,
        decay_change_per_min: float | npt.ArrayLike | None = None,
        max_uptake_per_min: float | npt.ArrayLike | None = None,
    ) -> None:
        _exactly_one("position_um", position_um, "voxel", voxel)
        _exactly_one("radius_um", radius_um, "volume_um3", volume_um3)
        position = _NOWHERE if position_um is None else plane_points("cells.position_um", position_um)
        places = None if voxel is None else lattice_places("cells.voxel", voxel)
        count = len(position if places is None else places)
        radius, volume = _sizes(radius_um, volume_um3, count)
        rates = {
            "uptake_per_min": uptake_per_min,
            "secretion_per_min": secretion_per_min,
            "secretion_target": secretion_target,
            "production_per_min": production_per_min,
        }
        numbers = {name: per_item(f"cells.{name}", rate, count) for name, rate in rates.items()}
        of_some: dict[str, FloatArray | None] = {
            name: None if given is None else read(f"cells.{name}", given, count)
            for name, (given, read) in {
                "diffusivity_um2_per_min": (diffusivity_um2_per_min, _diffusivities),
                "membrane_um_per_min": (membrane_um_per_min, permeabilities),
                "decay_change_per_min": (decay_change_per_min, _changes),
                "max_uptake_per_min": (max_uptake_per_min, per_item),
            }.items()
        }
        if of_some["max_uptake_per_min"] is not None and numbers["uptake_per_min"].any():
            raise InvalidProblemError(
                "cells.max_uptake_per_min is given, and so is cells.uptake_per_min; one of the two is allowed, and the "
                "other is the same times or over michaelis_km."
            )
        values = {"position_um": position, "voxel": places, "radius_um": radius, "volume_um3": volume}
        for name, value in {**values, **numbers, **of_some}.items():
            object.__setattr__(self, name, value)

    @classmethod
    @functools.cache
    def none(cls) -> Cells:
        """No cells."""
        return cls(position_um=np.empty((0, 2)), radius_um=np.empty(0))

    def __len__(self) -> int:
        return len(self.radius_um)


def permeabilities(name: str, given: float | npt.ArrayLike, count: int) -> FloatArray:
    """Of membranes and walls, (count,) float64: inf where there is none.

    Raises
    ------
    InvalidProblemError
    """
    allowed = f"numbers >= 0 and at most {HUGE:g}, or inf,"
    return special_per_item(name, given, count, lambda p: ((p >= 0) & (p <= HUGE)) | np.isposinf(p), allowed)


def _diffusivities(name: str, given: float | npt.ArrayLike, count: int) -> FloatArray:
    allowed = f"numbers >= 0 and at most {HUGE:g}, or NaN,"
    return special_per_item(name, given, count, lambda d: ((d >= 0) & (d <= HUGE)) | np.isnan(d), allowed)


def _changes(name: str, given: float | npt.ArrayLike, count: int) -> FloatArray:
    allowed = f"numbers of at most {HUGE:g} in size"
    return special_per_item(name, given, count, lambda change: np.abs(change) <= HUGE, allowed)


def _exactly_one(first: str, one: object, second: str, other: object) -> None:
    if (one is None) == (other is None):
        how = f"is None, as is cells.{second}" if one is None else f"is given, and so is cells.{second}"
        raise InvalidProblemError(f"cells.{first} {how}; exactly one of the two is allowed.")


def _sizes(
    radius_um: float | npt.ArrayLike | None, volume_um3: float | npt.ArrayLike | None, count: int
) -> tuple[FloatArray, FloatArray]:
    """Radii and volumes, (n,) each; those that were not given are those of spheres."""
    if volume_um3 is not None:
        volume = per_item("cells.volume_um3", volume_um3, count)
        radius = np.asarray(np.cbrt(volume * (3.0 / (4.0 * np.pi))))
    else:
        radius = per_item("cells.radius_um", radius_um, count)
        with np.errstate(over="ignore"):  # what float64 does not hold is refused where it lands on a lattice
            volume = np.asarray(4.0 / 3.0 * np.pi * radius**3)
    for derived in (radius, volume):
        derived.flags.writeable = False
    return radius, volume
