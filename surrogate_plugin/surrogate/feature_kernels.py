"""Compiled passes between a problem's arrays and the network's blocks of 8x8 pixels."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def encode_blocks(blocks, rows, columns, source, fixed, decay, vmax, ghosts, per_value, per_decay, per_half, bounds):
    """Fill ``blocks``: 64 values, 64 mask entries, the log of the mean decay of the free pixels of four 4x4 quarters.

    ``rows`` and ``columns`` map the padded lattice to the inner one; -1 and -2 are beyond the low and the high side.
    """
    low, high, centre = bounds
    for a in range(blocks.shape[0]):
        for b in range(blocks.shape[1]):
            cell = blocks[a, b]
            for quarter in range(4):
                y0, x0 = 4 * (quarter // 2), 4 * (quarter % 2)
                total, count = 0.0, 0
                for y in range(y0, y0 + 4):
                    r = rows[8 * a + y]
                    for x in range(x0, x0 + 4):
                        c = columns[8 * b + x]
                        at = 8 * y + x
                        if r >= 0 and c >= 0:
                            if fixed[r, c]:
                                cell[at] = source[r, c] * per_value
                                cell[64 + at] = 1.0
                            else:
                                cell[at] = 0.0
                                cell[64 + at] = 0.0
                                total += decay[r, c] + vmax[r, c] * per_half
                                count += 1
                        else:
                            ghost = ghosts[-1 - c] if c < 0 else ghosts[1 - r]
                            cell[at] = ghost * per_value
                            cell[64 + at] = 1.0
                k = low
                if count > 0:
                    k = min(max(total / count * per_decay, low), high)
                cell[128 + quarter] = math.log10(k) - centre if count > 0 else 0.0


@njit(cache=True, nogil=True)
def decode_blocks(field, pixels, source, fixed, first_row, first_column, scale):
    """Write the pixels of each block into ``field``, within [0, ``scale``], fixed values imposed; NaN stays NaN."""
    for row in range(field.shape[0]):
        a, y = divmod(row + first_row, 8)
        for column in range(field.shape[1]):
            if fixed[row, column]:
                field[row, column] = source[row, column]
                continue
            b, x = divmod(column + first_column, 8)
            value = np.float64(pixels[a, b, 8 * y + x]) * scale
            if value < 0.0:
                value = 0.0
            elif value > scale:
                value = scale
            field[row, column] = value
