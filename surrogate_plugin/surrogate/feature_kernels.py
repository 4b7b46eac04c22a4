"""Compiled passes between a problem's arrays and the image that the network reads."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle


@jit.exact
def encode_image(team, image, rows, columns, first, source, fixed, decay, initial, held_at, per_value, per_decay):
    """Fill ``image``: values, mask, first-order decay and the saturating uptake's initial rate, row by row.

    ``rows`` and ``columns`` map the padded lattice to the inner one, which begins at column ``first``; -1 and -2 are
    beyond the low and the high side of their axis, which hold ``held_at`` (2, 2).
    """
    width = source.shape[1]
    chunks = pieces(image.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * rows.size // chunks, (chunk + 1) * rows.size // chunks):
            value, mask, first_order, rate = image[0, i], image[1, i], image[2, i], image[3, i]
            r = rows[i]
            if r < 0:
                for j in range(columns.size):
                    value[j] = held_at[0, -1 - r] * per_value
                    mask[j], first_order[j], rate[j] = 1.0, 0.0, 0.0
                continue
            for c in range(width):  # the lattice itself, where every column is read in its turn
                held = np.float32(fixed[r, c])
                j = first + c
                value[j] = held * np.float32(source[r, c] * per_value)
                mask[j] = held
                first_order[j] = (np.float32(1.0) - held) * np.float32(decay[r, c] * per_decay)
                rate[j] = (np.float32(1.0) - held) * np.float32(initial[r, c] * per_decay)
            for j in range(columns.size):
                if first <= j < first + width:
                    continue
                c = columns[j]
                if c < 0:
                    value[j] = held_at[1, -1 - c] * per_value
                    mask[j], first_order[j], rate[j] = 1.0, 0.0, 0.0
                else:
                    value[j], mask[j] = value[first + c], mask[first + c]
                    first_order[j], rate[j] = first_order[first + c], rate[first + c]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.exact
def decode_image(team, field, image, source, fixed, first_row, first_column, scale, highest):
    """Write the network's image into ``field``, within [0, ``highest``], fixed values imposed; NaN stays NaN."""
    chunks = pieces(field.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for row in range(chunk * field.shape[0] // chunks, (chunk + 1) * field.shape[0] // chunks):
            given = image[row + first_row]
            for column in range(field.shape[1]):
                value = np.float64(given[column + first_column]) * scale
                if value < 0.0:
                    value = 0.0
                if value > highest:
                    value = highest
                field[row, column] = source[row, column] if fixed[row, column] else value
        chunk = claim(team, chunks)
    settle(team, chunks)
