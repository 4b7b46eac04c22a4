"""Compiled passes of a network's program: one block row at a time, so that what a row needs stays in the cache.

A row of a value is (channels, columns), C-contiguous, the columns rounded up to whole vectors: every operation is then
a sum of whole rows, which vectorises, and no loop ends one number at a time. Values that one stage alone reads are in
scratch memory, which belongs to a row; the others are on the lattice, row after row.
"""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle
from surrogate_plugin.surrogate.compiled.face_kernels import read_faces, read_supply

READ, DENSE, CONVOLVE, RECTIFY, ADD, MULTIPLY, JOIN, SURROUND, DRAW, READ_SUPPLY, READ_FACES = range(11)
#: A step of the table: operation, where its weights (of `JOIN`, how many values) and its bias begin (-1 where there is
#: none), and its operands from here on: what it reads, then what it writes.
OPERANDS = 3
#: Of an operand: where its rows begin in the memory, how far it is to the next block row's and to the next chunk's, and
#: its channels.
ENTRIES = 4

_BLOCK = 4
_PIXELS = _BLOCK * _BLOCK
#: Channels of an image whose means every network reads; after them comes the supply.
_MEANS = 4


@jit.fast
def run_stages(team, stages, table, weights, memory, image, saturation, answer):
    """Go through the steps of each stage, ``table[stages[k, 0] : stages[k, 1]]``, row by row; a stage after the other.

    All float32: ``memory`` (rows, columns), ``weights`` 1-D, ``image`` (4 or 7, 4 h, 4 w), ``answer`` (4 h, 4 w).
    """
    h = image.shape[1] // _BLOCK
    for stage in range(stages.shape[0]):
        chunks = pieces(answer.size)
        chunk = claim(team, chunks)
        while chunk < chunks:
            for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
                for at in range(stages[stage, 0], stages[stage, 1]):
                    _step(table[at], weights, memory, image, saturation, answer, i, chunk)
            chunk = claim(team, chunks)
        settle(team, chunks)


@jit.fast_inner
def _step(step, weights, memory, image, saturation, answer, i, chunk):
    """One operation on block row ``i``."""
    h, w = image.shape[1] // _BLOCK, image.shape[2] // _BLOCK
    operation = step[0]
    first, second = _row(step, 0, memory, i, chunk), _row(step, 1, memory, i, chunk)
    third = _row(step, 2, memory, i, chunk)
    if operation == DENSE:
        _dense(second, weights, step[1], step[2], first)
    elif operation == CONVOLVE:
        below = _row(step, 0, memory, max(i - 1, 0), chunk)
        above = _row(step, 0, memory, min(i + 1, h - 1), chunk)
        for c in range(first.shape[0]):
            k = weights[step[1] + 9 * c : step[1] + 9 * (c + 1)]
            bias = weights[step[2] + c] if step[2] >= 0 else np.float32(0.0)
            _convolve(second[c], k, bias, below[c], first[c], above[c], i > 0, i < h - 1, w)
    elif operation == RECTIFY:
        _rectify(second, first)
    elif operation == ADD:
        _add(third, first, second)
    elif operation == MULTIPLY:
        _multiply(third, first, second)
    elif operation == JOIN:
        _join(step, memory, i, chunk)
    elif operation == SURROUND:
        for k in range(second.shape[0]):
            source = _row(step, 0, memory, min(max(i + k % 9 // 3 - 1, 0), h - 1), chunk)
            _shift(second[k], source[k // 9], k % 3 - 1, w)
    elif operation == READ:
        for channel in range(_MEANS):
            _sum_blocks(image[channel], i, _row(step, 1 + channel, memory, i, chunk)[0], w)
        first_order, rate = _row(step, 3, memory, i, chunk)[0], _row(step, 4, memory, i, chunk)[0]
        bounds = weights[step[1] : step[1] + 3]
        _read(first, second[0], third[0], first_order, rate, image, saturation, bounds, i)
    elif operation == DRAW:
        _draw(answer, first, i)
    elif operation == READ_SUPPLY:
        _sum_blocks(image[_MEANS], i, third[0], w)
        alone = _row(step, 3, memory, i, chunk)[0]
        read_supply(first[0], second[0], saturation, third[0], alone, w)
    elif operation == READ_FACES:
        read_faces(image, i, first, second, third)


@jit.fast_inner
def _row(step, operand, memory, i, chunk):
    """Row ``i`` of an operand, (channels, columns); empty where a step has fewer operands."""
    at = OPERANDS + ENTRIES * operand
    start = step[at] + step[at + 1] * i + step[at + 2] * chunk
    return memory[start : start + step[at + 3]]


@jit.fast_inner
def _dense(out, weights, first, bias, x):
    """``out = weight x + bias``; both C-contiguous, (out, columns) and (in, columns).

    Two outputs and eight inputs at a time, so that most numbers of the inner loop stay in registers; what is left over
    comes first, since two outputs are done with while they are in the cache.
    """
    outputs, inputs, columns = out.shape[0], x.shape[0], x.shape[1]
    over = inputs % 8
    for o in range(0, outputs - 1, 2):
        one, other = out[o], out[o + 1]
        v = weights[first + o * inputs : first + (o + 1) * inputs]
        w = weights[first + (o + 1) * inputs : first + (o + 2) * inputs]
        _fill(one, weights, bias, o)
        _fill(other, weights, bias, o + 1)
        for c in range(over):
            v0, w0, x0 = v[c], w[c], x[c]
            for j in range(columns):
                one[j] += v0 * x0[j]
                other[j] += w0 * x0[j]
        for c in range(over, inputs, 8):
            x0, x1, x2, x3 = x[c], x[c + 1], x[c + 2], x[c + 3]
            x4, x5, x6, x7 = x[c + 4], x[c + 5], x[c + 6], x[c + 7]
            v0, v1, v2, v3, v4, v5, v6, v7 = v[c], v[c + 1], v[c + 2], v[c + 3], v[c + 4], v[c + 5], v[c + 6], v[c + 7]
            w0, w1, w2, w3, w4, w5, w6, w7 = w[c], w[c + 1], w[c + 2], w[c + 3], w[c + 4], w[c + 5], w[c + 6], w[c + 7]
            for j in range(columns):
                low = (v0 * x0[j] + v1 * x1[j]) + (v2 * x2[j] + v3 * x3[j])
                high = (w0 * x0[j] + w1 * x1[j]) + (w2 * x2[j] + w3 * x3[j])
                one[j] += low + ((v4 * x4[j] + v5 * x5[j]) + (v6 * x6[j] + v7 * x7[j]))
                other[j] += high + ((w4 * x4[j] + w5 * x5[j]) + (w6 * x6[j] + w7 * x7[j]))
    if outputs % 2:
        last = outputs - 1
        row = out[last]
        _fill(row, weights, bias, last)
        for c in range(inputs):
            factor, line = weights[first + last * inputs + c], x[c]
            for j in range(columns):
                row[j] += factor * line[j]


@jit.fast_inner
def _fill(row, weights, bias, o):
    """A row of an output's bias."""
    begin = weights[bias + o] if bias >= 0 else np.float32(0.0)
    for j in range(row.size):
        row[j] = begin


@jit.fast_inner
def _convolve(out, k, bias, below, here, above, has_below, has_above, w):
    """One channel of a row by its 3x3 weights; 0 beyond the edges, where the weights of a missing row are 0 instead."""
    zero = np.float32(0.0)
    k0, k1, k2 = (k[0], k[1], k[2]) if has_below else (zero, zero, zero)
    k3, k4, k5 = k[3], k[4], k[5]
    k6, k7, k8 = (k[6], k[7], k[8]) if has_above else (zero, zero, zero)
    for j in range(1, w - 1):
        low = (k0 * below[j - 1] + k1 * below[j]) + k2 * below[j + 1]
        middle = (k3 * here[j - 1] + k4 * here[j]) + k5 * here[j + 1]
        high = (k6 * above[j - 1] + k7 * above[j]) + k8 * above[j + 1]
        out[j] = bias + (low + middle) + high
    last = w - 1
    out[0] = bias + k1 * below[0] + k2 * below[1] + k4 * here[0] + k5 * here[1] + k7 * above[0] + k8 * above[1]
    left = k0 * below[last - 1] + k3 * here[last - 1] + k6 * above[last - 1]
    out[last] = bias + left + k1 * below[last] + k4 * here[last] + k7 * above[last]
    _clear(out, w)


@jit.fast_inner
def _rectify(out, x):
    for c in range(x.shape[0]):
        row, line = out[c], x[c]
        for j in range(line.size):
            row[j] = max(line[j], np.float32(0.0))


@jit.fast_inner
def _add(out, one, other):
    for c in range(out.shape[0]):
        row, a, b = out[c], one[c], other[c]
        for j in range(row.size):
            row[j] = a[j] + b[j]


@jit.fast_inner
def _multiply(out, one, other):
    for c in range(out.shape[0]):
        row, a, b = out[c], one[c], other[c]
        for j in range(row.size):
            row[j] = a[j] * b[j]


@jit.fast_inner
def _join(step, memory, i, chunk):
    count, done = step[1], 0
    out = _row(step, count, memory, i, chunk)
    for part in range(count):
        given = _row(step, part, memory, i, chunk)
        for c in range(given.shape[0]):
            row, line = out[done + c], given[c]
            for j in range(line.size):
                row[j] = line[j]
        done += given.shape[0]


@jit.fast_inner
def _shift(out, row, dx, w):
    """What lies ``dx`` columns on, the edge repeated."""
    for j in range(1, w - 1):
        out[j] = row[j + dx]
    out[0], out[w - 1] = row[max(dx, 0)], row[min(w - 1 + dx, w - 1)]
    _clear(out, w)


@jit.fast_inner
def _read(seen, value, share, first_order, rate, image, saturation, bounds, i):
    """The mask entries and the scaled decay of each block, and its four means, which come as sums."""
    low, high, centre = bounds[0], bounds[1], bounds[2]
    pixels, one = np.float32(_PIXELS), np.float32(1.0)
    w = image.shape[2] // _BLOCK
    for pixel in range(seen.shape[0] - 1):
        row, mask = image[1, _BLOCK * i + pixel // _BLOCK], seen[pixel]
        for j in range(w):
            mask[j] = row[_BLOCK * j + pixel % _BLOCK]
    scaled = seen[_PIXELS]
    for j in range(w):
        free = pixels - share[j]
        value[j] /= max(share[j], one)
        k = (first_order[j] + rate[j] / (one + np.float32(0.5) * saturation)) / max(free, one)
        scaled[j] = math.log10(min(max(k, low), high)) - centre if free > 0 else 0.0
        share[j] /= pixels
        first_order[j] /= pixels
        rate[j] /= pixels
    for c in range(seen.shape[0]):
        _clear(seen[c], w)


@jit.fast_inner
def _sum_blocks(channel, i, out, w):
    """The sum over each block of block row ``i``."""
    first, second, third, fourth = channel[4 * i], channel[4 * i + 1], channel[4 * i + 2], channel[4 * i + 3]
    for j in range(w):
        total = np.float32(0.0)
        for at in range(4 * j, 4 * j + 4):
            total += (first[at] + second[at]) + (third[at] + fourth[at])
        out[j] = total
    _clear(out, w)


@jit.fast_inner
def _clear(row, w):
    """Zeros in the columns that no block has, so that nothing piles up there."""
    for j in range(w, row.size):
        row[j] = np.float32(0.0)


@jit.fast_inner
def _draw(answer, pixels, i):
    """Each channel is a pixel of every block."""
    for y in range(pixels.shape[0] // _BLOCK):
        row = answer[_BLOCK * i + y]
        a, b, c, d = pixels[4 * y], pixels[4 * y + 1], pixels[4 * y + 2], pixels[4 * y + 3]
        for j in range(row.size // _BLOCK):
            row[4 * j], row[4 * j + 1], row[4 * j + 2], row[4 * j + 3] = a[j], b[j], c[j], d[j]
