"""Compiled loops that turn capsules into pixels, and their outlines into walls; typed by numba from their arguments.

Positions are in pixels: pixel (row, column) covers [column, column + 1) x [row, row + 1). Lengths are in units of the
longer side of a pixel, and ``sides`` (dy, dx) are its sides in these. ``rings`` says of the two axes, y and x as in a
shape, whether they close: what leaves the lattice there comes in on the other side.
"""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.tissue.raster_kernels import around

__all__ = ["fix_capsules", "wall_capsules"]

#: So many pieces a pixel's length of a wall is cut into, each of which belongs to one pixel.
_PIECES = 16
#: How far from an edge a piece belongs to the pixels on both sides of it, in pixels.
_ON_EDGE = 1e-9


@jit.exact_inner
def _fix(source, fixed, row, column, value):
    if fixed[row, column]:
        source[row, column] = max(source[row, column], value)
    else:
        fixed[row, column] = True
        source[row, column] = value


@jit.exact_inner
def _distance2(px, py, x0, y0, x1, y1, sides):
    """Squared distance of a point to a segment."""
    xx, yy = sides[1] * sides[1], sides[0] * sides[0]
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx * xx + dy * dy * yy
    t = 0.0
    if length2 > 0.0:
        t = min(max(((px - x0) * dx * xx + (py - y0) * dy * yy) / length2, 0.0), 1.0)
    ex, ey = px - (x0 + t * dx), py - (y0 + t * dy)
    return ex * ex * xx + ey * ey * yy


@jit.exact_inner
def _fix_inside(x0, y0, x1, y1, r, value, source, fixed, sides):
    """Fix the pixels whose centre is within ``r`` of the axis; return how many there are."""
    height, width = fixed.shape
    # Clamped as floats first: a capsule may reach far beyond what an integer holds.
    rows, columns = r / sides[0], r / sides[1]
    top = int(min(max(y0, y1) + rows + 1.0, float(height)))
    bottom = int(max(min(y0, y1) - rows - 1.0, 0.0))
    right = int(min(max(x0, x1) + columns + 1.0, float(width)))
    left = int(max(min(x0, x1) - columns - 1.0, 0.0))
    count = 0
    for row in range(bottom, top):
        for column in range(left, right):
            if _distance2(column + 0.5, row + 0.5, x0, y0, x1, y1, sides) <= r * r:
                _fix(source, fixed, row, column, value)
                count += 1
    return count


@jit.exact_inner
def _images(start, end, size, ring):
    """Between which turns the image of an axis lies that is nearest to a pixel of the ring; ``start`` is on the ring.

    The distance to an axis is convex in how far it is moved along the ring, and least where the axis, as it is moved,
    passes the pixel: so the nearest image is one of the two beside that place.
    """
    if not ring:
        return 0, 0
    return -1 - math.ceil(max(end - start, 0.0) / size), 1 + math.ceil(max(start - end, 0.0) / size)


@jit.exact_inner
def _fix_around(x0, y0, x1, y1, r, value, source, fixed, rings, sides):
    """As `_fix_inside`, for every image of the capsule that rings bring near the lattice."""
    height, width = fixed.shape
    # No pixel is farther from the lattice's middle than this.
    near = r + 0.5 * math.hypot(height * sides[0], width * sides[1])
    low_y, high_y = _images(y0, y1, height, rings[0])
    low_x, high_x = _images(x0, x1, width, rings[1])
    count = 0
    for i in range(low_y, high_y + 1):
        for j in range(low_x, high_x + 1):
            xa, xb, ya, yb = x0 + j * width, x1 + j * width, y0 + i * height, y1 + i * height
            if _distance2(0.5 * width, 0.5 * height, xa, ya, xb, yb, sides) <= near * near:
                count += _fix_inside(xa, ya, xb, yb, r, value, source, fixed, sides)
    return count


@jit.exact_inner
def _span(start, step, width, low, high):
    """Narrow the parameters ``[low, high]`` of ``start + t step`` to those on ``[0, width]``; low > high if none."""
    if step == 0.0:
        return (low, high) if 0.0 <= start <= width else (1.0, 0.0)
    a, b = -start / step, (width - start) / step
    return max(low, min(a, b)), min(high, max(a, b))


@jit.exact_inner
def _pixel(position, size, ring):
    """The pixel of a position along an axis, which rounding may have put off the lattice."""
    return around(math.floor(position), size) if ring else min(int(max(position, 0.0)), size - 1)


@jit.exact_inner
def _fix_axis(x0, y0, x1, y1, value, source, fixed, rings):
    """Fix one pixel for each step of the axis, an unbroken chain; return how many steps lie on the lattice."""
    height, width = fixed.shape
    low, high = 0.0, 1.0
    if not rings[1]:
        low, high = _span(x0, x1 - x0, float(width), low, high)
    if not rings[0]:
        low, high = _span(y0, y1 - y0, float(height), low, high)
    if low > high:
        return 0
    # Steps shorter than a pixel: whole ones from edge to edge of pixels would skip one when rounded.
    steps = math.ceil((high - low) * max(abs(x1 - x0), abs(y1 - y0))) + 1
    for step in range(steps + 1):
        t = low + (high - low) * step / steps
        row, column = _pixel(y0 + t * (y1 - y0), height, rings[0]), _pixel(x0 + t * (x1 - x0), width, rings[1])
        _fix(source, fixed, row, column, value)
    return steps + 1


@jit.exact
def fix_capsules(x0, y0, x1, y1, radius, value, source, fixed, missed, rings, sides):
    """Fix the pixels of each capsule; ``missed[k]`` is set where capsule k does not reach the lattice.

    Along a ring ``x0`` or ``y0`` is on the lattice, and the axis goes on from there, around it as often as it is long.

    A pixel is fixed when its centre is inside. A capsule thinner than a pixel fixes the chain of pixels along its
    axis too, and one that holds no centre at all the pixel of its axis. The largest value wins.
    """
    for k in range(x0.size):
        count = _fix_around(x0[k], y0[k], x1[k], y1[k], radius[k], value[k], source, fixed, rings, sides)
        if count == 0 or radius[k] < 0.5:
            count += _fix_axis(x0[k], y0[k], x1[k], y1[k], value[k], source, fixed, rings)
        missed[k] = count == 0


@jit.exact_inner
def _turned(position, middle, size, ring):
    """The image of a position on a ring that is nearest to another position."""
    return position - size * math.floor((position - middle) / size + 0.5) if ring else position


@jit.exact_inner
def _neighbours(item, x0, y0, x1, y1, radius, rings, size, sides, near):
    """Write into ``near`` which capsules may meet capsule ``item``; return how many."""
    count = 0
    x, y = 0.5 * (x0[item] + x1[item]), 0.5 * (y0[item] + y1[item])
    reach = radius[item] + 0.5 * math.hypot((x1[item] - x0[item]) * sides[1], (y1[item] - y0[item]) * sides[0])
    for k in range(x0.size):
        middle_x, middle_y = 0.5 * (x0[k] + x1[k]), 0.5 * (y0[k] + y1[k])
        dx = (_turned(x, middle_x, size[1], rings[1]) - middle_x) * sides[1]
        dy = (_turned(y, middle_y, size[0], rings[0]) - middle_y) * sides[0]
        other = radius[k] + 0.5 * math.hypot((x1[k] - x0[k]) * sides[1], (y1[k] - y0[k]) * sides[0])
        if k != item and math.hypot(dx, dy) <= reach + other:
            near[count] = k
            count += 1
    return count


@jit.exact_inner
def _covered(x, y, x0, y0, x1, y1, radius, rings, size, sides, near):
    """Whether a point is inside one of the capsules that are near."""
    for k in near:
        px = _turned(x, 0.5 * (x0[k] + x1[k]), size[1], rings[1])
        py = _turned(y, 0.5 * (y0[k] + y1[k]), size[0], rings[0])
        r = radius[k] - _ON_EDGE
        if r > 0.0 and _distance2(px, py, x0[k], y0[k], x1[k], y1[k], sides) < r * r:
            return True
    return False


@jit.exact_inner
def _give(x, y, step_x, step_y, length, weight, closed, rings, wall):
    """Give a piece of wall to the first pixel from a point outwards that is not closed."""
    height, width = closed.shape
    for _ in range(4 * (height + width)):
        column, row = math.floor(x), math.floor(y)
        if not (rings[1] or 0 <= column < width) or not (rings[0] or 0 <= row < height):
            return
        row, column = around(row, height), around(column, width)
        if not closed[row, column]:
            for m in range(weight.size):
                wall[m, row, column] += weight[m] * length
            return
        x += step_x
        y += step_y


@jit.exact_inner
def _piece(x, y, normal_x, normal_y, length, weight, closed, rings, sides, wall):
    """Give a piece of wall at a point to its pixel, in equal parts to those whose edge or corner it is on."""
    # In pixels, and a little outwards: of a wall along an edge the pixels outside have all.
    nx, ny = normal_x / sides[1], normal_y / sides[0]
    x += 1e-6 * nx
    y += 1e-6 * ny
    step_x, step_y = 0.25 * nx, 0.25 * ny
    low_x, high_x, low_y, high_y = x - _ON_EDGE, x + _ON_EDGE, y - _ON_EDGE, y + _ON_EDGE
    if math.floor(low_x) == math.floor(high_x) and math.floor(low_y) == math.floor(high_y):
        _give(x, y, step_x, step_y, length, weight, closed, rings, wall)
        return
    for px in (low_x, high_x):
        for py in (low_y, high_y):
            _give(px, py, step_x, step_y, 0.25 * length, weight, closed, rings, wall)


@jit.exact
def wall_capsules(x0, y0, x1, y1, radius, weight, closed, wall, rings, sides):
    """Add ``weight[:, k]`` times the length of the outline of capsule k in each pixel to ``wall[:, ...]``, (m, H, W).

    A piece of the outline that lies inside another capsule is no wall. One in a pixel of ``closed`` is of the next
    pixel outwards that is not.
    """
    size, others = closed.shape, np.empty(x0.size, dtype=np.int64)
    for k in range(x0.size):
        r, near = radius[k], others[: _neighbours(k, x0, y0, x1, y1, radius, rings, size, sides, others)]
        along_x, along_y = (x1[k] - x0[k]) * sides[1], (y1[k] - y0[k]) * sides[0]
        length = math.hypot(along_x, along_y)
        ex, ey = (along_x / length, along_y / length) if length > 0.0 else (1.0, 0.0)
        pieces = max(math.ceil(_PIECES * length - _ON_EDGE), 1)  # of as many, whichever way round
        for i in range(pieces if length > 0.0 else 0):
            t = (i + 0.5) / pieces
            for side in (-1.0, 1.0):
                nx, ny = -side * ey, side * ex
                x, y = x0[k] + t * (x1[k] - x0[k]) + r * nx / sides[1], y0[k] + t * (y1[k] - y0[k]) + r * ny / sides[0]
                if not _covered(x, y, x0, y0, x1, y1, radius, rings, size, sides, near):
                    _piece(x, y, nx, ny, length / pieces, weight[:, k], closed, rings, sides, wall)
        # A quarter of a circle has whole pieces, so that mirrored discs have mirrored walls.
        pieces = 4 * max(math.ceil(_PIECES * 0.5 * math.pi * r - _ON_EDGE), 4)
        for i in range(pieces):
            angle = 2.0 * math.pi * (i + 0.5) / pieces
            nx, ny = ex * math.cos(angle) - ey * math.sin(angle), ey * math.cos(angle) + ex * math.sin(angle)
            ahead = math.cos(angle) > 0.0  # half of it around the end of the axis
            cx, cy = (x1[k], y1[k]) if ahead else (x0[k], y0[k])
            x, y = cx + r * nx / sides[1], cy + r * ny / sides[0]
            if not _covered(x, y, x0, y0, x1, y1, radius, rings, size, sides, near):
                _piece(x, y, nx, ny, 2.0 * math.pi * r / pieces, weight[:, k], closed, rings, sides, wall)
