"""Compiled passes over the faces and the supply of an image, a row of blocks at a time: see `wider_operations`."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit

_BLOCK = 4
_PIXELS = _BLOCK * _BLOCK
#: Of an image's channels.
_MASK, _NORTH, _EAST = 1, 5, 6
#: As `wider_operations.LEAST`.
_LEAST = 1e-6


@jit.fast_inner
def read_faces(image, i, seen, links, grip):
    """How pixels of block row ``i`` conduct, 32 channels, its blocks' links, 2, and how they grip, 1."""
    w = image.shape[2] // _BLOCK
    for y in range(_BLOCK):
        _along_row(image[_EAST, _BLOCK * i + y], seen[_BLOCK * y : _BLOCK * (y + 1)])
        at = _BLOCK * i + y
        below = image[_NORTH, max(at - 1, 0)]
        above = image[_NORTH, min(at, image.shape[1] - 2)]
        _along_columns(below, above, seen[_PIXELS + _BLOCK * y : _PIXELS + _BLOCK * (y + 1)])
    _links_east(image, i, links[0], _closed_columns(image[_EAST]))
    _links_north(image, i, links[1])
    _read_grip(image, i, grip[0])
    for row in seen:
        row[w:] = np.float32(0.0)
    for row in links:
        row[w:] = np.float32(0.0)
    grip[0][w:] = np.float32(0.0)


@jit.fast_inner
def read_supply(first_order, rate, saturation, mean, held, w):
    """A block's mean supply, which comes as a sum, and what it would be held at alone."""
    slope = np.float32(1.0) + np.float32(0.5) * saturation
    for j in range(w):
        mean[j] /= np.float32(_PIXELS)
        held[j] = mean[j] / (np.float32(4.0) + first_order[j] + rate[j] / slope)
    held[w:] = np.float32(0.0)


@jit.fast_inner
def _seen(mean):
    return (mean - np.float32(1.0)) / (np.float32(10.0) * mean + np.float32(1.0))


@jit.fast_inner
def _along_row(faces, out):
    """For a row of pixels, the four of each block apart."""
    half, last = np.float32(0.5), faces.size - 1
    for k in range(_BLOCK):
        row = out[k]
        for j in range(faces.size // _BLOCK):
            x = _BLOCK * j + k
            before, after = faces[max(x - 1, 0)], faces[min(x, last - 1)]
            row[j] = _seen(half * (before + after))


@jit.fast_inner
def _along_columns(below, above, out):
    half = np.float32(0.5)
    for k in range(_BLOCK):
        row = out[k]
        for j in range(below.size // _BLOCK):
            x = _BLOCK * j + k
            row[j] = _seen(half * (below[x] + above[x]))


@jit.fast_inner
def _inverse(face):
    return np.float32(1.0) / max(face, np.float32(_LEAST))


@jit.fast_inner
def _resistance(f1, f2, f3, g0, g1):
    """From the middle of a block to that of the next: half of its second face, and so on."""
    half = np.float32(0.5)
    return (half * (_inverse(f1) + _inverse(g1)) + _inverse(f2)) + (_inverse(f3) + _inverse(g0))


@jit.fast_inner
def _live(image, y, x):
    """Whether any face joins a pixel to others."""
    above, before = y - 1 if y > 0 else image.shape[1] - 1, x - 1 if x > 0 else image.shape[2] - 1
    north, east = image[_NORTH], image[_EAST]
    return (north[y, x] + north[above, x]) + (east[y, x] + east[y, before]) > np.float32(0.0)


@jit.fast_inner
def _middle_east(image, y, x):
    """The face to the next column, 1 where it leads to or from a pixel that nothing joins to others."""
    face = image[_EAST, y, x]
    if face == np.float32(0.0) and not (_live(image, y, x) and _live(image, y, x + 1)):
        return np.float32(1.0)
    return face


@jit.fast_inner
def _middle_north(image, y, x):
    """The same of the face to the next row."""
    face = image[_NORTH, y, x]
    if face == np.float32(0.0) and not (_live(image, y, x) and _live(image, y + 1, x)):
        return np.float32(1.0)
    return face


@jit.fast_inner
def _first_east(image, y, x):
    """The face from the first pixel of a block to the next column, 1 where its row ends with that pixel."""
    face = image[_EAST, y, x]
    if face == np.float32(0.0) and not (_live(image, y, x + 1) or _live(image, y, x + 2) or _live(image, y, x + 3)):
        return np.float32(1.0)
    return face


@jit.fast_inner
def _third_east(image, y, x):
    """The face from the third pixel of a block, which begins at ``x``, 1 where its row begins with the last one."""
    face = image[_EAST, y, x + 2]
    if face == np.float32(0.0) and not (_live(image, y, x) or _live(image, y, x + 1) or _live(image, y, x + 2)):
        return np.float32(1.0)
    return face


@jit.fast_inner
def _first_north(image, y, x):
    """The same along columns."""
    face = image[_NORTH, y, x]
    if face == np.float32(0.0) and not (_live(image, y + 1, x) or _live(image, y + 2, x) or _live(image, y + 3, x)):
        return np.float32(1.0)
    return face


@jit.fast_inner
def _third_north(image, y, x):
    face = image[_NORTH, y + 2, x]
    if face == np.float32(0.0) and not (_live(image, y, x) or _live(image, y + 1, x) or _live(image, y + 2, x)):
        return np.float32(1.0)
    return face


@jit.fast_inner
def _closed_columns(faces):
    """Whether the last column of an image leads to the first."""
    last, closed = faces.shape[1] - 1, False
    for i in range(faces.shape[0]):
        closed = closed or faces[i, last] > 0
    return closed


@jit.fast_inner
def _links_east(image, i, out, closed):
    """The links of block row ``i`` to the next column of blocks."""
    half, one, zero = np.float32(0.5), np.float32(1.0), np.float32(0.0)
    faces = image[_EAST]
    w = faces.shape[1] // _BLOCK
    for j in range(w):
        a, b = _BLOCK * j, _BLOCK * ((j + 1) % w)
        in_rows, s1, s2, s3, t0, t1 = zero, zero, zero, zero, zero, zero
        for y in range(_BLOCK * i, _BLOCK * (i + 1)):
            f1, f2, f3 = _middle_east(image, y, a + 1), _third_east(image, y, a), faces[y, a + 3]
            g0, g1 = _first_east(image, y, b), _middle_east(image, y, b + 1)
            in_rows += one / _resistance(f1, f2, f3, g0, g1)
            s1 += f1
            s2 += f2
            s3 += f3
            t0 += g0
            t1 += g1
        out[j] = half * (in_rows + one / _resistance(s1, s2, s3, t0, t1))
    if not closed:
        out[w - 1] = zero


@jit.fast_inner
def _links_north(image, i, out):
    """The links of block row ``i`` to the next row of blocks."""
    half, one, zero = np.float32(0.5), np.float32(1.0), np.float32(0.0)
    faces = image[_NORTH]
    h, w = faces.shape[0] // _BLOCK, faces.shape[1] // _BLOCK
    a, b = _BLOCK * i, _BLOCK * ((i + 1) % h)
    across = faces[a + 3]
    closed = i < h - 1
    if not closed:
        for x in range(across.size):
            closed = closed or across[x] > 0
    for j in range(w):
        in_rows, s1, s2, s3, t0, t1 = zero, zero, zero, zero, zero, zero
        for x in range(_BLOCK * j, _BLOCK * (j + 1)):
            f1, f2, f3 = _middle_north(image, a + 1, x), _third_north(image, a, x), across[x]
            g0, g1 = _first_north(image, b, x), _middle_north(image, b + 1, x)
            in_rows += one / _resistance(f1, f2, f3, g0, g1)
            s1 += f1
            s2 += f2
            s3 += f3
            t0 += g0
            t1 += g1
        out[j] = half * (in_rows + one / _resistance(s1, s2, s3, t0, t1)) if closed else zero


@jit.fast_inner
def _read_grip(image, i, out):
    """The mean conductance of faces between fixed pixels of a block and free ones, 1 where there are none."""
    rows, columns = image.shape[1], image.shape[2]
    mask, north, east = image[_MASK], image[_NORTH], image[_EAST]
    one, zero = np.float32(1.0), np.float32(0.0)
    for j in range(columns // _BLOCK):
        passes, count = zero, zero
        for y in range(_BLOCK * i, _BLOCK * (i + 1)):
            for x in range(_BLOCK * j, _BLOCK * (j + 1)):
                if mask[y, x] == zero:
                    continue
                if x > 0 and mask[y, x - 1] == zero:
                    passes, count = passes + east[y, x - 1], count + one
                if x < columns - 1 and mask[y, x + 1] == zero:
                    passes, count = passes + east[y, x], count + one
                if y > 0 and mask[y - 1, x] == zero:
                    passes, count = passes + north[y - 1, x], count + one
                if y < rows - 1 and mask[y + 1, x] == zero:
                    passes, count = passes + north[y, x], count + one
        out[j] = passes / count if count > zero else one
