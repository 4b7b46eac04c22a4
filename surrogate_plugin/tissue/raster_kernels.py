"""Compiled loops that turn discs into pixels; typed by numba from their arguments.

Positions are in pixels throughout: pixel (row, column) covers [column, column + 1) x [row, row + 1). A disc is as many
pixels of either axis wide as its radius is long, (y, x) as in a shape. ``rings`` says of the two axes whether they
close: what leaves the lattice there comes in on the other side.
"""

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin import jit

__all__ = ["around", "cover_area", "deposit_area", "deposit_voxel", "enclose_area"]


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
def around(index, size):
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
    scale_y, scale_x = 1.0 / radius[0], 1.0 / radius[1]
    area[:, :] = 0.0
    for j in range(columns + 1):
        cap_u[j] = _cap((first[1] + j - x) * scale_x)
        below[j] = 0.0
    total = 0.0
    for i in range(rows + 1):
        v = (first[0] + i - y) * scale_y
        cap_v = _cap(v)
        row = around(i - 1, area.shape[0])
        left = 0.0
        for j in range(columns + 1):
            here = _corner((first[1] + j - x) * scale_x, v, cap_u[j], cap_v)
            if j > 0:
                if i > 0:
                    part = max(here - left - below[j] + below[j - 1], 0.0)
                    area[row, around(j - 1, area.shape[1])] += part
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


@jit.exact_inner
def _scratch(radius, size):
    """Room for the overlaps of the largest disc: parts of pixels, and two rows of their corners."""
    rows = min(int(2.0 * radius[0].max()) + 3, size[0])
    columns = int(2.0 * radius[1].max()) + 3
    return np.empty((rows, min(columns, size[1]))), np.empty(columns + 1), np.empty(columns + 1)


@jit.exact
def deposit_area(x, y, radius, weight, out, rings):
    """Add ``weight[:, k]`` to ``out[:, ...]``, spread by the area of disc k on each pixel, normalised over the lattice.

    ``x, y`` (n,) in pixels, centres on the lattice; ``radius`` (2, n); ``weight`` (m, n); ``out`` (m, H, W). Around a
    ring a disc adds up with itself where it meets itself.
    """
    if x.size == 0:
        return
    height, width = out.shape[1], out.shape[2]
    scratch, cap_u, below = _scratch(radius, (height, width))
    for k in range(x.size):
        first_row, rows, different_rows = _extent(y[k], radius[0, k], height, rings[0])
        first_column, columns, different_columns = _extent(x[k], radius[1, k], width, rings[1])
        area = scratch[:different_rows, :different_columns]
        total = 1.0
        if rows == 1 and columns == 1:
            area[0, 0] = 1.0
        else:
            first, count = (first_row, first_column), (rows, columns)
            total = _overlaps(x[k], y[k], (radius[0, k], radius[1, k]), first, count, area, cap_u, below)
        for m in range(weight.shape[0]):
            share = weight[m, k] / total
            if share != 0.0:
                for i in range(different_rows):
                    row = around(first_row + i, height)
                    for j in range(different_columns):
                        out[m, row, around(first_column + j, width)] += share * area[i, j]


@jit.exact
def cover_area(x, y, radius, least, value, share, out, rings):
    """Add to ``share`` what part of each pixel disc k covers, and ``value[k]`` times that to ``out``, (H, W) each.

    As in `deposit_area`, but what is beyond the lattice stays there. Parts of less than ``least`` are left out.
    """
    if x.size == 0:
        return
    height, width = out.shape
    scratch, cap_u, below = _scratch(radius, (height, width))
    for k in range(x.size):
        scale = radius[0, k] * radius[1, k]  # a unit disc's areas to parts of a pixel
        if scale == 0.0:
            continue
        first_row, rows, different_rows = _extent(y[k], radius[0, k], height, rings[0])
        first_column, columns, different_columns = _extent(x[k], radius[1, k], width, rings[1])
        area = scratch[:different_rows, :different_columns]
        first, count = (first_row, first_column), (rows, columns)
        _overlaps(x[k], y[k], (radius[0, k], radius[1, k]), first, count, area, cap_u, below)
        for i in range(different_rows):
            row = around(first_row + i, height)
            for j in range(different_columns):
                part = scale * area[i, j]
                if part >= least:
                    column = around(first_column + j, width)
                    share[row, column] += part
                    out[row, column] += value[k] * part


@jit.exact_inner
def _inside(row, column, x, y, radius):
    """Whether a disc covers the centre of a pixel."""
    u, v = (column + 0.5 - x) / radius[1], (row + 0.5 - y) / radius[0]
    return u * u + v * v <= 1.0


@jit.exact
def enclose_area(x, y, radius, resistance, faces_y, faces_x, rings):
    """Add ``resistance[k]`` to every face between a pixel whose centre disc k covers and one whose centre it does not.

    ``faces_y, faces_x`` (H, W): face (row, column) is between the pixel and the next one of its column, or of its row;
    the last is between the last and the first, on rings alone.
    """
    height, width = faces_y.shape
    for k in range(x.size):
        r = (radius[0, k], radius[1, k])
        if resistance[k] == 0.0 or r[0] == 0.0:
            continue
        for i in range(math.floor(y[k] - r[0]), math.floor(y[k] + r[0]) + 1):
            for j in range(math.floor(x[k] - r[1]), math.floor(x[k] + r[1]) + 1):
                if not _inside(i, j, x[k], y[k], r):
                    continue
                if not (rings[0] or 0 <= i < height) or not (rings[1] or 0 <= j < width):
                    continue
                row, column = around(i, height), around(j, width)
                if not _inside(i + 1, j, x[k], y[k], r) and (rings[0] or i + 1 < height):
                    faces_y[row, column] += resistance[k]
                if not _inside(i - 1, j, x[k], y[k], r) and (rings[0] or i > 0):
                    faces_y[around(i - 1, height), column] += resistance[k]
                if not _inside(i, j + 1, x[k], y[k], r) and (rings[1] or j + 1 < width):
                    faces_x[row, column] += resistance[k]
                if not _inside(i, j - 1, x[k], y[k], r) and (rings[1] or j > 0):
                    faces_x[row, around(j - 1, width)] += resistance[k]


@jit.exact
def deposit_voxel(x, y, weight, out):
    """Add ``weight[:, k]`` to the one pixel of ``out[:, ...]`` that holds point k, as lattice hosts do."""
    height, width = out.shape[1], out.shape[2]
    for k in range(x.size):
        row = min(math.floor(y[k]), height - 1)
        column = min(math.floor(x[k]), width - 1)
        for m in range(weight.shape[0]):
            out[m, row, column] += weight[m, k]
