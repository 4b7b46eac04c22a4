"""The lattice in micrometres: tissue to pixels (`Domain.rasterise`) and field to points (`Domain.sample`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import BoolArray, Coefficient, FloatArray, whole_sides
from surrogate_plugin.boundary import Boundary, BoundaryLike
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.raster import Deposit, Outside, Raster
from surrogate_plugin.sampling import bilinear
from surrogate_plugin.state import Cells, TissueState, Vessels, Voxels

#: What rounding may put between a point on the border and its position in pixels.
_ON_BORDER = 1e-6


@dataclass(frozen=True, init=False)
class Domain:
    """A rectangle of square pixels; pixel (row, column) has its centre at ``origin + (column + 1/2, row + 1/2) h``.

    Parameters
    ----------
    origin_um : (float, float), um
        The lower left corner (x, y).
    size_um : (float, float), um
        Width along x and height along y.
    shape : (int, int)
        (H, W): rows along y, columns along x.
    thickness_um : float, um, optional
        Depth of a voxel, for the volume a cell is diluted in; the spacing if not given (cubic voxels).

    Attributes
    ----------
    spacing_um : float, um
        Side of a pixel.

    Raises
    ------
    InvalidProblemError
        If a number is not finite or not positive, or the pixels would not be square.

    Examples
    --------
    >>> domain = Domain(origin_um=(-100.0, 0.0), size_um=(640.0, 320.0), shape=(16, 32))
    >>> domain.spacing_um, domain.voxel_volume_um3
    (20.0, 8000.0)
    """

    origin_um: tuple[float, float]
    size_um: tuple[float, float]
    shape: tuple[int, int]
    spacing_um: float
    thickness_um: float

    def __init__(
        self,
        origin_um: Sequence[float],
        size_um: Sequence[float],
        shape: Sequence[int] = (512, 512),
        thickness_um: float | None = None,
    ) -> None:
        x0, y0 = _pair("origin_um", origin_um)
        width, height = _pair("size_um", size_um, positive=True)
        rows, columns = whole_sides("domain.shape", shape)
        spacing = width / columns
        if not math.isclose(spacing, height / rows, rel_tol=1e-9):
            raise InvalidProblemError(
                f"domain has pixels of {spacing:g} um along x and {height / rows:g} um along y; square ones are "
                "allowed: size_um is (width, height) and shape (rows, columns)."
            )
        depth = spacing if thickness_um is None else _positive("thickness_um", thickness_um)
        self._set((x0, y0), (width, height), (rows, columns), spacing, depth)

    @classmethod
    def from_lattice(
        cls,
        shape: Sequence[int],
        spacing_um: float,
        origin_um: Sequence[float] = (0.0, 0.0),
        thickness_um: float | None = None,
    ) -> Domain:
        """The domain of a host's own lattice of ``shape`` (rows, columns), whose own discrete equation is then solved.

        Examples
        --------
        >>> Domain.from_lattice((50, 75), spacing_um=20.0, origin_um=(-750.0, -500.0)).size_um
        (1500.0, 1000.0)
        """
        rows, columns = whole_sides("domain.shape", shape)
        spacing = _positive("spacing_um", spacing_um)
        domain = cls(origin_um, (columns * spacing, rows * spacing), (rows, columns), thickness_um)
        depth = spacing if thickness_um is None else domain.thickness_um
        # The host's own number to the last bit, so that a cell on a voxel's edge falls where the host has it.
        domain._set(domain.origin_um, domain.size_um, domain.shape, spacing, depth)
        return domain

    def _set(
        self,
        origin_um: tuple[float, float],
        size_um: tuple[float, float],
        shape: tuple[int, int],
        spacing_um: float,
        thickness_um: float,
    ) -> None:
        object.__setattr__(self, "origin_um", origin_um)
        object.__setattr__(self, "size_um", size_um)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "spacing_um", spacing_um)
        object.__setattr__(self, "thickness_um", thickness_um)

    @property
    def voxel_volume_um3(self) -> float:
        """Volume of a voxel, um^3."""
        return self.spacing_um**2 * self.thickness_um

    def centres_um(self) -> tuple[FloatArray, FloatArray]:
        """Pixel centres along x, (W,), and along y, (H,), um."""
        rows, columns = self.shape
        x = self.origin_um[0] + (np.arange(columns, dtype=np.float64) + 0.5) * self.spacing_um
        y = self.origin_um[1] + (np.arange(rows, dtype=np.float64) + 0.5) * self.spacing_um
        return x, y

    def contains(self, points_um: npt.ArrayLike) -> BoolArray:
        """Which of the (n, 2) points lie on the domain, its border included: (n,) bool."""
        x, y = self._pixels(np.asarray(points_um, dtype=np.float64))
        rows, columns = self.shape
        return np.asarray((x >= 0) & (x <= columns) & (y >= 0) & (y <= rows))

    def rasterise(self, state: TissueState, *, deposit: Deposit = "area", outside: Outside = "error") -> Raster:
        """Put a tissue state on the pixels.

        A cell of volume V adds ``V / V_voxel`` times its rates to the maps. The sum of what it adds is kept to
        rounding (1e-12 relative) wherever on the domain its centre lies: the part of its disc beyond the border
        is shared out among the pixels inside. A vessel fixes exactly the pixels whose centres it covers; one thinner
        than a pixel the unbroken chain along its axis. Where fixed values meet, the largest wins.

        Parameters
        ----------
        state : TissueState
        deposit : "area" or "voxel"
            Antialiased by the exact area of the cell's disc on each pixel, or all in the pixel that holds the centre,
            as hosts with a lattice of their own do.
        outside : "error", "drop" or "clamp"
            What becomes of cells whose centre is off the domain, and of vessels that cover no pixel.

        Returns
        -------
        Raster

        Raises
        ------
        InvalidProblemError
            If something is off the domain and ``outside`` is "error", or voxels have another shape.
        """
        source, fixed = np.zeros(self.shape), np.zeros(self.shape, dtype=np.bool_)
        lost_vessels = self._fix_vessels(state.vessels, source, fixed, outside)
        uptake, secretion, production, lost_cells = self._deposit_cells(state.cells, deposit, outside)
        if state.voxels is not None:
            _fix_voxels(state.voxels, source, fixed)
            uptake = uptake + self._on_lattice("uptake_per_min", state.voxels.uptake_per_min)
            production = production + self._on_lattice("production_per_min", state.voxels.production_per_min)
        return Raster(source, fixed, uptake, secretion, production, lost_vessels + lost_cells)

    def sample(
        self,
        field: FloatArray,
        points_um: npt.ArrayLike,
        *,
        boundary: BoundaryLike | Boundary = "reflecting",
        outside: Literal["error", "clamp"] = "error",
    ) -> FloatArray:
        """Read a field at points, bilinear between pixel centres.

        Parameters
        ----------
        field : (H, W) float64, field units
        points_um : (n, 2) array, um
        boundary : as in `Problem`
            What the outer half pixel leans on: the ghost value of an absorbing or fixed side, the pixel itself beside
            a reflecting one (the default), the far pixel across a periodic one.
        outside : "error" or "clamp"
            What becomes of points off the domain: refused, or read at the nearest point on it.

        Returns
        -------
        (n,) float64, field units; second order in the spacing where the field is smooth.

        Raises
        ------
        InvalidProblemError
            If a point is off the domain and ``outside`` is "error", or the field has another shape.

        Examples
        --------
        >>> domain = Domain((0.0, 0.0), (80.0, 80.0), (8, 8))
        >>> x, y = domain.centres_um()
        >>> domain.sample(x[np.newaxis, :] + 0 * y[:, np.newaxis], [(40.0, 12.0), (33.0, 70.0)]).tolist()
        [40.0, 33.0]
        """
        if field.shape != self.shape:
            raise InvalidProblemError(f"field has shape {field.shape}; that of the domain, {self.shape}, is allowed.")
        points = np.asarray(points_um, dtype=np.float64).reshape(-1, 2)
        x, y = self._pixels(points)
        rows, columns = self.shape
        if outside == "error":
            self._refuse("points_um", points, ~self.contains(points))
        x, y = np.clip(x, 0.0, columns), np.clip(y, 0.0, rows)
        return bilinear(field, x, y, boundary if isinstance(boundary, Boundary) else Boundary.parse(boundary))

    def _pixels(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Positions in pixels from the lower left corner; a millionth of a pixel off the border is on it."""
        pixels = ((points - self.origin_um) / self.spacing_um).T
        on_border = np.clip(pixels, 0.0, [[self.shape[1]], [self.shape[0]]])
        x, y = np.where(np.abs(pixels - on_border) <= _ON_BORDER, on_border, pixels)
        return x, y

    def _on_lattice(self, name: str, value: Coefficient) -> Coefficient:
        if isinstance(value, np.ndarray) and value.shape != self.shape:
            raise InvalidProblemError(
                f"voxels.{name} has shape {value.shape}, but the domain has {self.shape}; they must agree."
            )
        return value

    def _refuse(self, name: str, points: FloatArray, wrong: BoolArray) -> None:
        if not wrong.any():
            return
        item = int(np.argmax(wrong))
        (x0, y0), (width, height) = self.origin_um, self.size_um
        raise InvalidProblemError(
            f"{name}[{item}] is at ({points[item, 0]:g}, {points[item, 1]:g}) um, off the domain "
            f"[{x0:g}, {x0 + width:g}] x [{y0:g}, {y0 + height:g}] ({int(wrong.sum())} are); "
            "outside='drop' leaves them out, 'clamp' moves them to the border."
        )

    def _fix_vessels(self, vessels: Vessels, source: FloatArray, fixed: BoolArray, outside: Outside) -> int:
        if not len(vessels):
            return 0
        from surrogate_plugin import rasterise

        x0, y0 = self._pixels(vessels.position_um)
        x1, y1 = self._pixels(vessels.end_um)
        radius = vessels.radius_um / self.spacing_um
        missed = np.zeros(len(vessels), dtype=np.bool_)
        rasterise.fix_capsules(x0, y0, x1, y1, radius, vessels.value, source, fixed, missed)
        if outside == "error":
            self._refuse("vessels.position_um", vessels.position_um, missed)
        if outside == "clamp" and missed.any():
            rows, columns = self.shape
            ends = (np.clip(x0, 0, columns), np.clip(y0, 0, rows), np.clip(x1, 0, columns), np.clip(y1, 0, rows))
            moved = (*(end[missed] for end in ends), radius[missed], vessels.value[missed])
            rasterise.fix_capsules(*moved, source, fixed, missed[missed])
            return 0
        return int(missed.sum())

    def _deposit_cells(
        self, cells: Cells, deposit: Deposit, outside: Outside
    ) -> tuple[Coefficient, Coefficient, Coefficient, int]:
        """Uptake, secretion and production maps (the number 0 where there is none), and how many cells are left out."""
        inside = self.contains(cells.position_um)
        if outside == "error":
            self._refuse("cells.position_um", cells.position_um, ~inside)
        chosen = np.ones_like(inside) if outside == "clamp" else inside
        rows, columns = self.shape
        x, y = self._pixels(cells.position_um)
        x, y = np.clip(x, 0.0, columns)[chosen], np.clip(y, 0.0, rows)[chosen]
        fraction = cells.volume_um3 / self.voxel_volume_um3
        production = cells.secretion_per_min * cells.secretion_target
        rates = [fraction * rate for rate in (cells.uptake_per_min, cells.secretion_per_min, production)]
        active = [index for index, rate in enumerate(rates) if rate[chosen].any()]
        maps: list[Coefficient] = [0.0, 0.0, 0.0]
        if active:
            from surrogate_plugin import rasterise

            weight = np.stack([rates[index][chosen] for index in active])
            out = np.zeros((len(active), *self.shape))
            if deposit == "area":
                rasterise.deposit_area(x, y, cells.radius_um[chosen] / self.spacing_um, weight, out)
            else:
                rasterise.deposit_voxel(x, y, weight, out)
            for index, filled in zip(active, out, strict=True):
                maps[index] = filled
        return maps[0], maps[1], maps[2], int((~chosen).sum())


def _fix_voxels(voxels: Voxels, source: FloatArray, fixed: BoolArray) -> None:
    if voxels.fixed is None:
        return
    for name, value in (("fixed", voxels.fixed), ("value", np.asarray(voxels.value))):
        if value.ndim and value.shape != fixed.shape:
            raise InvalidProblemError(
                f"voxels.{name} has shape {value.shape}, but the domain has {fixed.shape}; they must agree."
            )
    np.maximum(source, voxels.value, out=source, where=voxels.fixed)
    fixed |= voxels.fixed


def _pair(name: str, value: Sequence[float], *, positive: bool = False) -> tuple[float, float]:
    try:
        first, second = (float(item) for item in value)
    except (TypeError, ValueError):
        raise InvalidProblemError(f"domain.{name} is {value!r}; two numbers (x, y) are allowed.") from None
    for item in (first, second):
        if not math.isfinite(item) or (positive and item <= 0):
            raise InvalidProblemError(
                f"domain.{name} is ({first:g}, {second:g}); two finite numbers{' > 0' if positive else ''} are allowed."
            )
    return first, second


def _positive(name: str, value: float) -> float:
    return _pair(name, (value, value), positive=True)[0]
