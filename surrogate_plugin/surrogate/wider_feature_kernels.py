"""Compiled passes from a problem of the wider equation to the image that the network reads."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle


@jit.exact
def encode_pixels(
    team, image, first, held, held_at, source, fixed, alone, decay, initial, supply, per_value, per_decay, per_supply
):
    """Fill the first five channels, row by row: what pixels hold, take up and are supplied with.

    The lattice begins at ``first``; beyond a side that is ``held``, (2, 2), lie fixed pixels of ``held_at``, and
    beyond any other nothing.
    """
    rows, columns = source.shape
    one, zero = np.float32(1.0), np.float32(0.0)
    chunks = pieces(image.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * image.shape[1] // chunks, (chunk + 1) * image.shape[1] // chunks):
            image[:5, i] = zero
            value, mask, first_order, rate, made = image[0, i], image[1, i], image[2, i], image[3, i], image[4, i]
            r = i - first[0]
            if r < 0 or r >= rows:
                end = 0 if r < 0 else 1
                if held[0, end]:
                    mask[:] = one
                    value[:] = np.float32(held_at[0, end])
                    continue
            for low, high, end in ((0, first[1], 0), (first[1] + columns, mask.size, 1)):
                if held[1, end]:
                    mask[low:high] = one
                    value[low:high] = np.float32(held_at[1, end])
            if r < 0 or r >= rows:
                continue
            for c in range(columns):
                if alone[r, c]:
                    continue
                j = first[1] + c
                if fixed[r, c]:
                    mask[j], value[j] = one, np.float32(source[r, c] * per_value)
                else:
                    first_order[j] = np.float32(decay[r, c] * per_decay)
                    rate[j] = np.float32(initial[r, c] * per_decay)
                    made[j] = np.float32(supply[r, c] * per_supply)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def encode_faces(team, image, first, held, rings, north, east):
    """Fill the last two channels: the conductances of the faces to the next row and the next column.

    ``north`` (H + 1, W) and ``east`` (H, W + 1), face ``k`` below pixel ``k``. Where a ring is closed each of the
    ``m + 1`` faces around its ``m`` margin pixels conducts ``m + 1`` times as well as its one face.
    """
    rows, columns = east.shape[0], north.shape[1]
    more_rows = np.float64(image.shape[1] - rows + 1)
    more_columns = np.float64(image.shape[2] - columns + 1)
    chunks = pieces(image.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * image.shape[1] // chunks, (chunk + 1) * image.shape[1] // chunks):
            to_north, to_east = image[5, i], image[6, i]
            r = i - first[0]
            for j in range(image.shape[2]):
                c = j - first[1]
                within = held_beyond(r, c, rows, columns, held)
                if 0 <= c < columns and 0 <= r + 1 <= rows:
                    ends = r + 1 == 0 or r + 1 == rows
                    to_north[j] = north[r + 1, c] * (more_rows if rings[0] and ends else 1.0)
                elif 0 <= c < columns and rings[0]:
                    to_north[j] = north[0, c] * more_rows
                else:
                    to_north[j] = 1.0 if within and held_beyond(r + 1, c, rows, columns, held) else 0.0
                if 0 <= r < rows and 0 <= c + 1 <= columns:
                    ends = c + 1 == 0 or c + 1 == columns
                    to_east[j] = east[r, c + 1] * (more_columns if rings[1] and ends else 1.0)
                elif 0 <= r < rows and rings[1]:
                    to_east[j] = east[r, 0] * more_columns
                else:
                    to_east[j] = 1.0 if within and held_beyond(r, c + 1, rows, columns, held) else 0.0
            if not rings[1]:
                to_east[image.shape[2] - 1] = 0.0
            if i == image.shape[1] - 1 and not rings[0]:
                to_north[:] = np.float32(0.0)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact_inner
def held_beyond(r, c, rows, columns, held):
    """Whether a pixel of the margin is one that is held: by its row's side, or by its column's."""
    if (r < 0 and held[0, 0]) or (r >= rows and held[0, 1]):
        return True
    return (c < 0 and held[1, 0]) or (c >= columns and held[1, 1])
