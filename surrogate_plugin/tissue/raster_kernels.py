"""Compiled loops that turn discs and capsules into pixels; typed by numba from their arguments.

Lengths are in pixels throughout: pixel (row, column) covers [column, column + 1) x [row, row + 1). ``rings`` says of
the two axes, y and x as in a shape, whether they close: what leaves the lattice there comes in on the other side.
"""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin import jit

__all__ = ["deposit_area", "deposit_voxel", "fix_capsules"]


@jit.exact_inner
def _cap(t):
    """Area of the part of the unit disc with ``x <= t``."""
    if t <= -1.0:
        return 0.0
    if t >= 1.0:
        return math.pi
    return t * math.sqrt(1.0 - t * t) + math.asin(t) + 0.5 * math.pi


@jit.exact_inner
def _corner(x, y, cap_x, cap_y):
    """Area of the part of the unit disc with ``X <= x`` and ``Y <= y``; the caps are those of ``_cap``.

    With the corner (x, y) inside the disc the derivative in x is the chord ``y + sqrt(1 - x^2)``, whose integral is the
    last line; outside, the quadrant loses whole caps.
    """
    if x <= -1.0 or y <= -1.0:
        return 0.0
    if x >= 1.0:
        return cap_y
    if y >= 1.0:
        return cap_x
    if x * x + y * y >= 1.0:
        if x >= 0.0:
            return cap_x + cap_y - math.pi if y >= 0.0 else cap_y
        return cap_x if y >= 0.0 else 0.0
    return x * y + 0.5 * (cap_x + cap_y) - 0.25 * math.pi


@jit.exact_inner
def _around(index, size):
    """The pixel of a ring of ``size`` that an index off it stands for; most stand on it, and cost no division."""
    return index if 0 <= index < size else index - size * (index // size)


@jit.exact_inner
def _overlaps(x, y, radius, first, count, area, cap_u, below):
    """Fill ``area`` with the parts of a disc on each pixel, in parts of the unit disc, and return their sum.

    ``first`` and ``count`` are the disc's rows and columns. Where ``area`` has fewer, they start again in it: the disc
    reaches all around a ring. Inclusion and exclusion over the corners of the pixels; ``below`` holds those of the row
    of corners underneath.
    """
    rows, columns = count
    scale = 1.0 / radius
    area[:, :] = 0.0
    for j in range(columns + 1):
        cap_u[j] = _cap((first[1] + j - x) * scale)
        below[j] = 0.0
    total = 0.0
    for i in range(rows + 1):
        v = (first[0] + i - y) * scale
        cap_v = _cap(v)
        row = _around(i - 1, area.shape[0])
        left = 0.0
        for j in range(columns + 1):
            here = _corner((first[1] + j - x) * scale, v, cap_u[j], cap_v)
            if j > 0:
                if i > 0:
                    part = max(here - left - below[j] + below[j - 1], 0.0)
                    area[row, _around(j - 1, area.shape[1])] += part
                    total += part
                below[j - 1] = left
            left = here
        below[columns] = left
    return total


@jit.exact_inner
def _extent(centre, radius, size, ring):
    """The first pixel that a disc reaches along an axis, how many it reaches, and how many of them are different."""
    first, last = math.floor(centre - radius), math.floor(centre + radius)
    if not ring:
        # A centre on the upper border belongs to the last pixel.
        first, last = min(max(first, 0), size - 1), min(last, size - 1)
    count = last - first + 1
    return first, count, min(count, size)


@jit.exact
def deposit_area(x, y, radius, weight, out, rings):
    """Add ``weight[:, k]`` to ``out[:, ...]``, spread by the area of disc k on each pixel, normalised over the lattice.

    ``x, y, radius`` (n,) in pixels, centres on the lattice; ``weight`` (m, n); ``out`` (m, H, W). Around a ring a disc
    adds up with itself where it meets itself.
    """
    height, width = out.shape[1], out.shape[2]
    reach = int(2.0 * radius.max()) + 3 if x.size else 0
    scratch = np.empty((min(reach, height), min(reach, width)))
    cap_u, below = np.empty(reach + 1), np.empty(reach + 1)
    for k in range(x.size):
        first_row, rows, different_rows = _extent(y[k], radius[k], height, rings[0])
        first_column, columns, different_columns = _extent(x[k], radius[k], width, rings[1])
        area = scratch[:different_rows, :different_columns]
        total = 1.0
        if rows == 1 and columns == 1:
            area[0, 0] = 1.0
        else:
            total = _overlaps(x[k], y[k], radius[k], (first_row, first_column), (rows, columns), area, cap_u, below)
        for m in range(weight.shape[0]):
            share = weight[m, k] / total
            if share != 0.0:
                for i in range(different_rows):
                    row = _around(first_row + i, height)
                    for j in range(different_columns):
                        out[m, row, _around(first_column + j, width)] += share * area[i, j]


@jit.exact
def deposit_voxel(x, y, weight, out):
    """Add ``weight[:, k]`` to the one pixel of ``out[:, ...]`` that holds point k, as lattice hosts do."""
    height, width = out.shape[1], out.shape[2]
    for k in range(x.size):
        row = min(math.floor(y[k]), height - 1)
        column = min(math.floor(x[k]), width - 1)
        for m in range(weight.shape[0]):
            out[m, row, column] += weight[m, k]


@jit.exact_inner
def _fix(source, fixed, row, column, value):
    if fixed[row, column]:
        source[row, column] = max(source[row, column], value)
    else:
        fixed[row, column] = True
        source[row, column] = value


@jit.exact_inner
def _distance2(px, py, x0, y0, x1, y1):
    """Squared distance of a point to a segment."""
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx + dy * dy
    t = 0.0
    if length2 > 0.0:
        t = min(max(((px - x0) * dx + (py - y0) * dy) / length2, 0.0), 1.0)
    ex, ey = px - (x0 + t * dx), py - (y0 + t * dy)
    return ex * ex + ey * ey


@jit.exact_inner
def _fix_inside(x0, y0, x1, y1, r, value, source, fixed):
    """Fix the pixels whose centre is within ``r`` of the axis; return how many there are."""
    height, width = fixed.shape
    # Clamped as floats first: a capsule may reach far beyond what an integer holds.
    top = int(min(max(y0, y1) + r + 1.0, float(height)))
    bottom = int(max(min(y0, y1) - r - 1.0, 0.0))
    right = int(min(max(x0, x1) + r + 1.0, float(width)))
    left = int(max(min(x0, x1) - r - 1.0, 0.0))
    count = 0
    for row in range(bottom, top):
        for column in range(left, right):
            if _distance2(column + 0.5, row + 0.5, x0, y0, x1, y1) <= r * r:
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
def _fix_around(x0, y0, x1, y1, r, value, source, fixed, rings):
    """As `_fix_inside`, for every image of the capsule that rings bring near the lattice."""
    height, width = fixed.shape
    # No pixel is farther from the lattice's middle than this.
    near = r + 0.5 * math.hypot(height, width)
    low_y, high_y = _images(y0, y1, height, rings[0])
    low_x, high_x = _images(x0, x1, width, rings[1])
    count = 0
    for i in range(low_y, high_y + 1):
        for j in range(low_x, high_x + 1):
            xa, xb, ya, yb = x0 + j * width, x1 + j * width, y0 + i * height, y1 + i * height
            if _distance2(0.5 * width, 0.5 * height, xa, ya, xb, yb) <= near * near:
                count += _fix_inside(xa, ya, xb, yb, r, value, source, fixed)
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
    return _around(math.floor(position), size) if ring else min(int(max(position, 0.0)), size - 1)


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
def fix_capsules(x0, y0, x1, y1, radius, value, source, fixed, missed, rings):
    """Fix the pixels of each capsule; ``missed[k]`` is set where capsule k does not reach the lattice.

    Along a ring ``x0`` or ``y0`` is on the lattice, and the axis goes on from there, around it as often as it is long.

    A pixel is fixed when its centre is inside. A capsule thinner than a pixel fixes the chain of pixels along its
    axis too, and one that holds no centre at all the pixel of its axis. The largest value wins.
    """
    for k in range(x0.size):
        count = _fix_around(x0[k], y0[k], x1[k], y1[k], radius[k], value[k], source, fixed, rings)
        if count == 0 or radius[k] < 0.5:
            count += _fix_axis(x0[k], y0[k], x1[k], y1[k], value[k], source, fixed, rings)
        missed[k] = count == 0
