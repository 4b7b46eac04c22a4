"""The lattice in micrometres: tissue to pixels (`Domain.rasterise`) and field to points (`Domain.sample`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import (
    HUGE,
    BoolArray,
    FloatArray,
    instance_of,
    one_number,
    one_of,
    plane_points,
    positive_number,
    real_array,
    same_shape,
    shown,
    whole_sides,
)
from surrogate_plugin.equation.gradients import Surroundings
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue import landing
from surrogate_plugin.tissue.places import FARTHEST, around, refuse_off
from surrogate_plugin.tissue.raster import Deposit, Outside, Raster
from surrogate_plugin.tissue.sampling import bilinear, surroundings_of
from surrogate_plugin.tissue.state import TissueState

#: What rounding may put between a point on the border and its position in pixels.
_ON_BORDER = 1e-6


@dataclass(frozen=True, init=False)
class Domain:
    """A rectangle of equal pixels; pixel (row, column) has its centre at ``origin + (column + 1/2, row + 1/2) h``.

    Pixels are square, but for those of `from_lattice` with a spacing of its own along each axis.

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
    spacings_um : (float, float), um
        Sides of a pixel in the order of a shape: (dy, dx).
    spacing_um : float, um
        Side of a square pixel.

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
    spacings_um: tuple[float, float]
    thickness_um: float

    def __init__(
        self,
        origin_um: Sequence[float],
        size_um: Sequence[float],
        shape: Sequence[int] = (512, 512),
        thickness_um: float | None = None,
    ) -> None:
        x0, y0 = _pair("domain.origin_um", origin_um)
        width, height = _pair("domain.size_um", size_um, positive=True)
        rows, columns = whole_sides("domain.shape", shape)
        spacing = positive_number("domain.spacing_um", width / columns)
        if not math.isclose(spacing, height / rows, rel_tol=1e-9):
            raise InvalidProblemError(
                f"domain has pixels of {spacing:g} um along x and {height / rows:g} um along y; square ones are "
                "allowed: size_um is (width, height) and shape (rows, columns). Domain.from_lattice(shape, "
                "spacing_um=(dy, dx)) has pixels of two sides."
            )
        depth = spacing if thickness_um is None else positive_number("domain.thickness_um", thickness_um)
        self._set((x0, y0), (width, height), (rows, columns), (spacing, spacing), depth)

    @classmethod
    def from_lattice(
        cls,
        shape: Sequence[int],
        spacing_um: float | Sequence[float],
        origin_um: Sequence[float] = (0.0, 0.0),
        thickness_um: float | None = None,
    ) -> Domain:
        """The domain of a host's own lattice of ``shape`` (rows, columns), whose own discrete equation is then solved.

        Parameters
        ----------
        shape : (int, int)
        spacing_um : float or (float, float), um
            Side of a square pixel, or (dy, dx): along y and along x, as in a shape.
        origin_um, thickness_um
            As of a `Domain`; pixels that are not square have no thickness by default.

        Examples
        --------
        >>> Domain.from_lattice((50, 75), spacing_um=20.0, origin_um=(-750.0, -500.0)).size_um
        (1500.0, 1000.0)
        >>> Domain.from_lattice((50, 75), spacing_um=(20.0, 30.0), thickness_um=20.0).size_um
        (2250.0, 1000.0)
        """
        rows, columns = whole_sides("domain.shape", shape)
        dy, dx = _spacings(spacing_um)
        if dy != dx and thickness_um is None:
            raise InvalidProblemError(
                f"domain.thickness_um is None, but pixels are {dx:g} um along x and {dy:g} um along y; a depth > 0 of "
                "the voxels is allowed, from which follows what a cell is diluted in."
            )
        origin, size = _pair("domain.origin_um", origin_um), _pair("domain.size_um", (columns * dx, rows * dy), True)
        depth = dx if thickness_um is None else positive_number("domain.thickness_um", thickness_um)
        domain = cls.__new__(cls)
        # The host's own numbers to the last bit, so that a cell on a voxel's edge falls where the host has it.
        domain._set(origin, size, (rows, columns), (dy, dx), depth)
        return domain

    def _set(
        self,
        origin_um: tuple[float, float],
        size_um: tuple[float, float],
        shape: tuple[int, int],
        spacings_um: tuple[float, float],
        thickness_um: float,
    ) -> None:
        for distance, spacing in zip(origin_um, reversed(spacings_um), strict=True):
            if abs(distance) > FARTHEST * spacing:
                raise InvalidProblemError(
                    f"domain.origin_um is ({origin_um[0]:g}, {origin_um[1]:g}); at most {FARTHEST:g} pixels of "
                    f"{spacing:g} um from 0 are allowed, beyond which float64 does not tell the parts of a pixel apart."
                )
        object.__setattr__(self, "origin_um", origin_um)
        object.__setattr__(self, "size_um", size_um)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "spacings_um", spacings_um)
        object.__setattr__(self, "thickness_um", thickness_um)

    @property
    def spacing_um(self) -> float:
        """Side of a square pixel, um.

        Raises
        ------
        InvalidProblemError
            If pixels are not square, which `spacings_um` knows of.
        """
        dy, dx = self.spacings_um
        if dy != dx:
            raise InvalidProblemError(
                f"domain.spacing_um is one number, but pixels are {dx:g} um along x and {dy:g} um along y; "
                "domain.spacings_um has both."
            )
        return dx

    @property
    def pixel_area_um2(self) -> float:
        """Area of a pixel, um^2."""
        dy, dx = self.spacings_um
        return dy * dx

    @property
    def voxel_volume_um3(self) -> float:
        """Volume of a voxel, um^3."""
        return self.pixel_area_um2 * self.thickness_um

    def centres_um(self) -> tuple[FloatArray, FloatArray]:
        """Pixel centres along x, (W,), and along y, (H,), um."""
        (rows, columns), (dy, dx) = self.shape, self.spacings_um
        x = self.origin_um[0] + (np.arange(columns, dtype=np.float64) + 0.5) * dx
        y = self.origin_um[1] + (np.arange(rows, dtype=np.float64) + 0.5) * dy
        return x, y

    def contains(self, points_um: npt.ArrayLike, *, boundary: BoundaryLike | Boundary = "reflecting") -> BoolArray:
        """Which of the (n, 2) points lie on the domain, its border included: (n,) bool.

        Where the sides of ``boundary`` are periodic, every point up to 1e9 pixels away is on it, somewhere.
        """
        x, y = self.pixels(plane_points("points_um", points_um))
        return self.holds(x, y, Boundary.parse(boundary))

    def holds(self, x: FloatArray, y: FloatArray, sides: Boundary) -> BoolArray:
        """Which positions in pixels lie on the domain, (n,), see `contains`."""
        (rows, columns), (ring_y, ring_x) = self.shape, sides.rings
        on_x = np.abs(x) <= FARTHEST if ring_x else (x >= 0) & (x <= columns)
        on_y = np.abs(y) <= FARTHEST if ring_y else (y >= 0) & (y <= rows)
        return np.asarray(on_x & on_y)

    def rasterise(
        self,
        state: TissueState,
        *,
        deposit: Deposit = "area",
        outside: Outside = "error",
        boundary: BoundaryLike | Boundary = "reflecting",
    ) -> Raster:
        """Put a tissue state on the pixels.

        A cell of volume V adds ``V / V_voxel`` times its rates to the maps. The sum of what it adds is kept to
        rounding (1e-12 relative) wherever on the domain its centre lies: the part of its disc beyond the border
        is shared out among the pixels inside. A vessel fixes exactly the pixels whose centres it covers; one thinner
        than a pixel the unbroken chain along its axis. Where fixed values meet, the largest wins.

        Around periodic sides everything goes on at the other side, so that a tissue moved around a torus gives the same
        maps, moved. A disc that meets itself all around adds up with itself, as the discs of two cells do.

        Parameters
        ----------
        state : TissueState
        deposit : "area" or "voxel"
            Antialiased by the exact area of the cell's disc on each pixel, or all in the pixel that holds the centre,
            as hosts with a lattice of their own do.
        outside : "error", "drop" or "clamp"
            What becomes of cells whose centre is off the domain, and of vessels that cover no pixel. Along periodic
            sides nothing is off.
        boundary : as in `Problem`
            Of which it matters what is periodic.

        Returns
        -------
        Raster

        Raises
        ------
        InvalidProblemError
            If something is off the domain and ``outside`` is "error", or voxels have another shape; if a cell is larger
            than 1e100 voxels, or the axis of a vessel reaches farther than 1e12 pixels; if one goes more than 100 times
            around periodic sides, or a cell there is both wider than 4096 pixels and 4 times the domain's diagonal.
        """
        instance_of("state", state, TissueState, "a TissueState")
        one_of("deposit", deposit, get_args(Deposit))
        one_of("outside", outside, get_args(Outside))
        return landing.rasterise(self, state, deposit, outside, Boundary.parse(boundary))

    def sample(
        self,
        field: FloatArray,
        points_um: npt.ArrayLike,
        *,
        boundary: BoundaryLike | Boundary = "reflecting",
        outside: Literal["error", "clamp"] = "error",
        around: Surroundings | None = None,
    ) -> FloatArray:
        """Read a field at points, bilinear between pixel centres.

        Parameters
        ----------
        field : (H, W) array, field units
        points_um : (n, 2) array, um
        boundary : as in `Problem`
            What the outer half pixel leans on: the ghost value of an absorbing or fixed side, the pixel itself beside
            a reflecting one (the default), the far pixel across a periodic one. Along periodic sides no point is off
            the domain: it is read where it comes to lie, turns around it taken off.
        outside : "error" or "clamp"
            What becomes of points off the domain: refused, or read at the nearest point on it.
        around : Surroundings, optional
            As a solution's ``around`` has it, which also knows what a flux and an exchange make of the outer half
            pixel; beside such sides it is the pixel itself if not given.

        Returns
        -------
        (n,) float64, field units; second order in the spacing where the field is smooth. Across a membrane or beside
        an obstacle it mixes what is on both sides.

        Raises
        ------
        InvalidProblemError
            If a point is off the domain and ``outside`` is "error", or no point; if the field has another shape, or is
            not finite where it is read.

        Examples
        --------
        >>> domain = Domain((0.0, 0.0), (80.0, 80.0), (8, 8))
        >>> x, y = domain.centres_um()
        >>> domain.sample(x[np.newaxis, :] + 0 * y[:, np.newaxis], [(40.0, 12.0), (33.0, 70.0)]).tolist()
        [40.0, 33.0]
        """
        field = real_array("field", field, copy=False)
        same_shape("field", field.shape, self.shape, "the domain")
        sides = Boundary.parse(boundary)
        points = plane_points("points_um", points_um)
        if one_of("outside", outside, ("error", "clamp")) == "error":
            refuse_off(self, "points_um", points, ~self.contains(points, boundary=sides))
        x, y = self.nearest(*self.pixels(points), sides)
        with np.errstate(all="ignore"):  # a field that is not finite is refused below, where it is read
            values = bilinear(field, x, y, surroundings_of(sides) if around is None else around)
        if not np.isfinite(values).all():
            item = int(np.argmin(np.isfinite(values)))
            raise InvalidProblemError(
                f"field is {values[item]} around points_um[{item}] = {points[item].tolist()}; "
                "finite values are allowed."
            )
        return values

    def pixels(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Positions in pixels from the lower left corner; a millionth of a pixel off the border is on it."""
        x, y = (
            _onto_border((points[:, axis] - self.origin_um[axis]) / self.spacings_um[1 - axis], self.shape[1 - axis])
            for axis in (0, 1)
        )
        return x, y

    def nearest(self, x: FloatArray, y: FloatArray, sides: Boundary) -> tuple[FloatArray, FloatArray]:
        """The positions on the lattice nearest to positions in pixels; on a ring, where they come to lie."""
        (rows, columns), (ring_y, ring_x) = self.shape, sides.rings
        return (
            around(x, columns) if ring_x else np.clip(x, 0.0, columns),
            around(y, rows) if ring_y else np.clip(y, 0.0, rows),
        )


def _onto_border(position: FloatArray, size: int) -> FloatArray:
    """Positions along one axis, in pixels, those that rounding has put off the lattice back on its border."""
    on_border = np.clip(position, 0.0, size)
    return np.where(np.abs(position - on_border) <= _ON_BORDER, on_border, position)


def _spacings(given: float | Sequence[float]) -> tuple[float, float]:
    """The sides of a pixel, (dy, dx)."""
    name = "domain.spacing_um"
    try:
        dy, dx = given  # type: ignore[misc]  # a number is not iterable, which is how it is known
    except TypeError:
        side = positive_number(name, given)
        return side, side
    except Exception:  # another number of sides, or an object that fails in a way of its own
        raise InvalidProblemError(f"{name} is {shown(given)}; one number > 0 or two, (dy, dx), are allowed.") from None
    return positive_number(name, dy), positive_number(name, dx)


def _pair(name: str, value: Sequence[float], positive: bool = False) -> tuple[float, float]:
    allowed = f"two finite numbers (x, y){' > 0' if positive else ''}"
    try:
        first, second = value
    except Exception:  # nothing to unpack, or another number of them
        raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} are allowed.") from None
    if positive:
        return positive_number(name, first), positive_number(name, second)
    pair = one_number(name, first, allowed), one_number(name, second, allowed)
    if not all(abs(item) <= HUGE for item in pair):
        raise InvalidProblemError(f"{name} is ({pair[0]:g}, {pair[1]:g}); {allowed} are allowed.")
    return pair
