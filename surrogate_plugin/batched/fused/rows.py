"""What kernels that go through a level row by row share: where pixels stand, what neighbours bring, a half sweep.

``level`` is (inverse, north, east, h, w); ``lines`` is what a program holds of each row, see `lines_of`; ``i`` is a
row, counted from 0 and beyond the lattice at its edges. Beyond the lattice the inverse diagonal is read as 0, unless
an axis is a ring, so that a correction is 0 there too and nothing else needs a case. ``RINGS`` says which axes are
rings, ``WHOLE`` whether a program holds whole rows.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["around", "block_of", "first", "frame", "lines_of", "place", "read", "relax", "residual", "row_of"]


@triton.jit
def around(i, count):
    """The pixel that ``i`` is on a ring of ``count``, in whichever direction it went beyond."""
    return ((i % count) + count) % count


@triton.jit
def block_of(program, rows: tl.constexpr, width: tl.constexpr, margin: tl.constexpr, down, along):
    """Which problem, first row and columns a program has; problems go slowest, the blocks of a row fastest."""
    block, strip, problem = program % along, program // along % down, program // along // down
    j = block * (width - 2 * margin) - margin + tl.arange(0, width)
    return problem.to(tl.int64), strip * rows, j


@triton.jit
def lines_of(problem, j, h, w, RINGS: tl.constexpr):
    """What a program holds of each row: where its problem begins, the columns, and which of them there are."""
    column, there = columns_of(j, w, RINGS)
    return problem * (h + 2) * (w + 2), column, there


@triton.jit
def columns_of(j, w, RINGS: tl.constexpr):
    """The columns of pixels ``j``, and which of them there are."""
    if RINGS[1]:
        column, there = around(j, w), j == j
    else:
        column, there = j, (j >= 0) & (j < w)
    return column, there


@triton.jit
def frame(array, problem, start, j, h, w, ROWS: tl.constexpr, MARGIN: tl.constexpr):
    """Set to 0 what of a halo lies beside a program's own rows and columns, so that nobody else has to."""
    width: tl.constexpr = j.shape[0]
    first = tl.min(j, 0) + MARGIN
    beyond = first + width - 2 * MARGIN
    array += problem * (h + 2) * (w + 2)
    i = start + tl.arange(0, ROWS)
    nothing = tl.zeros((ROWS,), array.dtype.element_ty)
    tl.store(array + (i + 1) * (w + 2), nothing, mask=(i < h) & (first == 0))
    tl.store(array + (i + 1) * (w + 2) + w + 1, nothing, mask=(i < h) & (beyond >= w))
    # Rows below the first and above the last one, with the corners: a column more at the ends of the lattice.
    mine = (j >= first) & (j < beyond) & (j < w)
    nothing = tl.zeros((width,), array.dtype.element_ty)
    last = array + (h + 1) * (w + 2)
    low, high = start == 0, start + ROWS >= h
    tl.store(array + j + 1, nothing, mask=mine & low)
    tl.store(last + j + 1, nothing, mask=mine & high)
    tl.store(array + j, nothing, mask=mine & low & (j == 0))
    tl.store(last + j, nothing, mask=mine & high & (j == 0))
    tl.store(array + j + 2, nothing, mask=mine & low & (j == w - 1))
    tl.store(last + j + 2, nothing, mask=mine & high & (j == w - 1))


@triton.jit
def row_of(i, h, RINGS: tl.constexpr):
    """The row that ``i`` is, and whether there is one."""
    if RINGS[0]:
        row, there = around(i, h), i == i
    else:
        row, there = i, (i >= 0) & (i < h)
    return row, there


@triton.jit
def place(i, lines, h, w, RINGS: tl.constexpr):
    """Where the pixels of row ``i`` stand in an array with a halo, and which of them there are."""
    row, there = row_of(i, h, RINGS)
    problem, column, exists = lines
    return problem + (row + 1) * (w + 2) + 1 + column, exists & there


@triton.jit
def read(array, i, lines, h, w, RINGS: tl.constexpr):
    """A row of an array with a halo; 0 beyond the lattice."""
    at, there = place(i, lines, h, w, RINGS)
    return tl.load(array + at, mask=there, other=0.0)


@triton.jit
def colour_of(i, lines, h, RINGS: tl.constexpr):
    """The half sweep in which a pixel is relaxed, 0 or 1; on a ring that of the pixel that stands there."""
    row, _ = row_of(i, h, RINGS)
    return (row + 1 + lines[1]) & 1


@triton.jit
def beside(row, w, RINGS: tl.constexpr, WHOLE: tl.constexpr):
    """The values to the left and to the right of each pixel of a row.

    A block that has whole rows of a ring finds the far side; elsewhere 0 comes in at the ends of a block, which is
    right at the edge of the lattice and in a margin reaches no pixel of the block's own.
    """
    width: tl.constexpr = row.shape[0]
    k = tl.arange(0, width)
    if RINGS[1] and WHOLE:
        left, right = tl.gather(row, around(k - 1, w), 0), tl.gather(row, around(k + 1, w), 0)
    else:
        left = tl.where(k > 0, tl.gather(row, tl.maximum(k - 1, 0), 0), 0.0)
        right = tl.where(k < width - 1, tl.gather(row, tl.minimum(k + 1, width - 1), 0), 0.0)
    return left, right


@triton.jit
def inflow(below, here, above, level, i, lines, RINGS: tl.constexpr, WHOLE: tl.constexpr):
    """What the four neighbours of each pixel of row ``i`` bring."""
    _, north, east, h, w = level
    left, right = beside(here, w, RINGS, WHOLE)
    if north is None:
        flow = (below + above) + (left + right)
    else:
        column, there = columns_of(lines[1] - 1, w, RINGS)
        south_link, north_link = read(north, i - 1, lines, h, w, RINGS), read(north, i, lines, h, w, RINGS)
        west_link = read(east, i, (lines[0], column, there), h, w, RINGS)
        east_link = read(east, i, lines, h, w, RINGS)
        flow = (south_link * below + north_link * above) + (west_link * left + east_link * right)
    return flow


@triton.jit
def first(b, level, i, lines, colour, RINGS: tl.constexpr):
    """Row ``i`` after the first half sweep from 0: ``b / diagonal`` on one colour."""
    inverse, _, _, h, w = level
    relaxed = read(b, i, lines, h, w, RINGS) * read(inverse, i, lines, h, w, RINGS)
    return tl.where(colour_of(i, lines, h, RINGS) == colour, relaxed, 0.0)


@triton.jit
def relax(below, here, above, b, level, i, lines, colour, RINGS: tl.constexpr, WHOLE: tl.constexpr):
    """Row ``i`` after a half sweep, from three rows before it."""
    inverse, _, _, h, w = level
    at, there = place(i, lines, h, w, RINGS)
    total = tl.load(b + at, mask=there, other=0.0) + inflow(below, here, above, level, i, lines, RINGS, WHOLE)
    relaxed = total * tl.load(inverse + at, mask=there, other=0.0)
    return tl.where(colour_of(i, lines, h, RINGS) == colour, relaxed, here)


@triton.jit
def residual(below, here, above, b, level, i, lines, RINGS: tl.constexpr, WHOLE: tl.constexpr):
    """``b - A x`` of row ``i``, 0 on fixed pixels and outside; ``b`` None is 0."""
    inverse, _, _, h, w = level
    inv = read(inverse, i, lines, h, w, RINGS)
    diagonal = 1.0 / tl.where(inv == 0.0, 1.0, inv)
    value = inflow(below, here, above, level, i, lines, RINGS, WHOLE) - here * diagonal
    if b is not None:
        value += read(b, i, lines, h, w, RINGS)
    return tl.where(inv == 0.0, 0.0, value)
