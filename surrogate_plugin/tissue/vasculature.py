"""How vessels land on the pixels of a domain: those that hold a value, and leaky ones that exchange with the tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import BoolArray, Coefficient, FloatArray
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.places import around, refuse_off
from surrogate_plugin.tissue.raster import Outside
from surrogate_plugin.tissue.state import Vessels

if TYPE_CHECKING:
    from surrogate_plugin.tissue.domain import Domain

#: Where an axis may end, in pixels: rounding moves it by less than a thousandth of a pixel.
_REACH = 1e12
#: How often a vessel may go around a ring: more is a mistake in a unit, whose images would take minutes to draw.
_TURNS = 100
#: x and y of where the axes start and end, (m,) each, in pixels: x0, y0, x1, y1.
_Axes = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Blood:
    """What vessels are to the equation.

    Attributes
    ----------
    source, fixed : (H, W) float64 and bool
        What pixels hold, and which.
    closed : (H, W) bool, or None
        Those inside leaky vessels, which nothing passes.
    exchange, supply : float or (H, W) float64, 1 / min and field units / min
        What the walls of leaky vessels add to decay and production.
    lost : int
        How many vessels cover no pixel.
    """

    source: FloatArray
    fixed: BoolArray
    closed: BoolArray | None = None
    exchange: Coefficient = 0.0
    supply: Coefficient = 0.0
    lost: int = 0


def land(domain: Domain, vessels: Vessels, outside: Outside, sides: Boundary) -> Blood:
    """The vessels on the pixels; see `Domain.rasterise`.

    Raises
    ------
    InvalidProblemError
        If one covers no pixel and ``outside`` is "error", or its axis is too long.
    """
    source, fixed = np.zeros(domain.shape), np.zeros(domain.shape, dtype=np.bool_)
    if not len(vessels):
        return Blood(source, fixed)
    pen = _Pen(domain, vessels, sides, _axes(domain, vessels, sides))
    leaky = vessels.leaky
    missed = pen.fix(~leaky, source, fixed)
    if leaky.any():
        missed |= pen.fix(leaky, np.zeros(domain.shape), np.zeros(domain.shape, dtype=np.bool_))
    if outside == "error":
        refuse_off(domain, "vessels.position_um", vessels.position_um, missed)
    if outside == "clamp" and missed.any():
        pen = _Pen(domain, vessels, sides, pen.clamped(missed))
        pen.fix(missed & ~leaky, source, fixed)
        missed[:] = False
    lost = int(missed.sum())
    return Blood(source, fixed, lost=lost) if not leaky.any() else _leaking(pen, leaky & ~missed, source, fixed, lost)


def _leaking(pen: _Pen, leaky: BoolArray, source: FloatArray, fixed: BoolArray, lost: int) -> Blood:
    """With the insides of leaky vessels, and with what their walls let through."""
    blood, inside = np.zeros(fixed.shape), np.zeros(fixed.shape, dtype=np.bool_)
    pen.fix(leaky & (pen.radius >= 0.5), blood, inside)
    closed = inside & ~fixed
    source[closed] = blood[closed]
    permeability = pen.vessels.permeability_um_per_min
    # A wall as long as the longer side of a pixel has so much area in a voxel's volume.
    area = pen.unit_um / pen.domain.pixel_area_um2
    with np.errstate(over="ignore"):  # what overflows is refused as infinite by the problem
        through = permeability[leaky] * area
        exchange, supply = pen.walls(leaky, np.stack([through, through * pen.vessels.value[leaky]]), inside)
    return Blood(source, fixed | closed, closed if closed.any() else None, exchange, supply, lost)


class _Pen:
    """Draws some of the vessels on pixels; lengths are in units of a pixel's longer side."""

    def __init__(self, domain: Domain, vessels: Vessels, sides: Boundary, axes: _Axes) -> None:
        dy, dx = domain.spacings_um
        self.domain, self.vessels, self.axes, self.rings = domain, vessels, axes, sides.rings
        self.unit_um = max(dy, dx)
        self.sides = (dy / self.unit_um, dx / self.unit_um)
        self.radius = vessels.radius_um / self.unit_um

    def fix(self, which: BoolArray, source: FloatArray, fixed: BoolArray) -> BoolArray:
        """Fix their pixels; return which of them cover none, of all."""
        from surrogate_plugin.tissue.vessel_kernels import fix_capsules

        missed = np.zeros(len(which), dtype=np.bool_)
        if which.any():
            ends = (end[which] for end in self.axes)
            own = np.zeros(int(which.sum()), dtype=np.bool_)
            value = self.vessels.value[which]
            fix_capsules(*ends, self.radius[which], value, source, fixed, own, self.rings, self.sides)
            missed[which] = own
        return missed

    def walls(self, which: BoolArray, weight: FloatArray, inside: BoolArray) -> FloatArray:
        """``weight``, (m, k) for these vessels, times the length of their walls in each pixel, (m, H, W)."""
        from surrogate_plugin.tissue.vessel_kernels import wall_capsules

        wall = np.zeros((len(weight), *inside.shape))
        ends = (end[which] for end in self.axes)
        wall_capsules(*ends, self.radius[which], weight, inside, wall, self.rings, self.sides)
        return wall

    def clamped(self, which: BoolArray) -> _Axes:
        """The axes, those of these vessels with ends at the nearest points of the lattice."""
        rows, columns = self.domain.shape
        ring_y, ring_x = self.rings
        x0, y0, x1, y1 = self.axes
        on_x = (x0, x1) if ring_x else (np.clip(x0, 0, columns), np.clip(x1, 0, columns))
        on_y = (y0, y1) if ring_y else (np.clip(y0, 0, rows), np.clip(y1, 0, rows))
        moved = (on_x[0], on_y[0], on_x[1], on_y[1])
        start_x, start_y, end_x, end_y = (np.where(which, new, old) for new, old in zip(moved, self.axes, strict=True))
        return start_x, start_y, end_x, end_y


def _axes(domain: Domain, vessels: Vessels, sides: Boundary) -> _Axes:
    """Where the axes start and end; those on a ring start on the lattice and go on from there."""
    x0, y0 = _near(domain, "vessels.position_um", vessels.position_um)
    x1, y1 = _near(domain, "vessels.end_um", vessels.end_um)
    for start, end, size, ring in zip((y0, x0), (y1, x1), domain.shape, sides.rings, strict=True):
        if not ring:
            continue
        turns = np.abs(end - start) / size
        if turns.max() > _TURNS:
            item = int(np.argmax(turns))
            raise InvalidProblemError(
                f"vessels.end_um[{item}] is {turns[item]:.3g} times the domain away from vessels.position_um[{item}]; "
                f"at most {_TURNS} times around periodic sides is allowed."
            )
        moved = around(start, size) - start
        start += moved
        end += moved
    return x0, y0, x1, y1


def _near(domain: Domain, name: str, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Positions in pixels, none so far away that the axis it ends is lost in rounding."""
    x, y = domain.pixels(points)
    far = np.maximum(np.abs(x), np.abs(y)) > _REACH
    if far.any():
        item = int(np.argmax(far))
        raise InvalidProblemError(
            f"{name}[{item}] is {points[item].tolist()} um; at most {_REACH:g} pixels of "
            f"{max(domain.spacings_um):g} um from the domain are allowed."
        )
    return x, y
