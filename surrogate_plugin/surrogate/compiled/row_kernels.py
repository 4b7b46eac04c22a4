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

READ, DENSE, CONVOLVE, RECTIFY, ADD, MULTIPLY, JOIN, SURROUND, DRAW = range(9)
#: A step of the table: operation, where its weights (of `JOIN`, how many values) and its bias begin (-1 where there is
#: none), and its operands from here on: what it reads, then what it writes.
OPERANDS = 3
#: Of an operand: whether it is on the lattice, channels before it, its own channels.
ENTRIES = 3

_BLOCK = 4
_PIXELS = _BLOCK * _BLOCK
#: Numbers in a line of the cache.
_LINE = 16


@jit.fast
def run_stages(team, stages, table, weights, lattice, scratch_rows, image, saturation, answer):
    """Go through the steps of each stage, ``table[stages[k, 0] : stages[k, 1]]``, row by row; a stage after the other.

    All float32: ``lattice`` (channels * h, columns), ``weights`` 1-D, ``image`` (4, 4 h, 4 w), ``answer`` (4 h, 4 w).
    """
    h, columns = image.shape[1] // _BLOCK, lattice.shape[1]
    scratch = _aligned(scratch_rows, columns)
    for stage in range(stages.shape[0]):
        chunks = pieces(answer.size)
        chunk = claim(team, chunks)
        while chunk < chunks:
            for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
                for at in range(stages[stage, 0], stages[stage, 1]):
                    _step(table[at], weights, lattice, scratch, image, saturation, answer, i)
            chunk = claim(team, chunks)
        settle(team, chunks)


@jit.fast_inner
def _aligned(rows, columns):
    """Memory that begins with a cache line, as each of its rows then does: a vector across two lines is read twice."""
    memory = np.empty(rows * columns + _LINE, np.float32)
    first = (-memory.ctypes.data % (4 * _LINE)) // 4
    return memory[first : first + rows * columns].reshape((rows, columns))


@jit.fast_inner
def _step(step, weights, lattice, scratch, image, saturation, answer, i):
    """One operation on block row ``i``."""
    operation, first = step[0], _row(step, 0, lattice, scratch, image, i)
    w = image.shape[2] // _BLOCK
    if operation == DENSE:
        _dense(_row(step, 1, lattice, scratch, image, i), weights, step[1], step[2], first)
    elif operation == CONVOLVE:
        h, channels = image.shape[1] // _BLOCK, first.shape[0]
        below = _row(step, 0, lattice, scratch, image, max(i - 1, 0))
        above = _row(step, 0, lattice, scratch, image, min(i + 1, h - 1))
        out = _row(step, 1, lattice, scratch, image, i)
        for c in range(channels):
            k = weights[step[1] + 9 * c : step[1] + 9 * (c + 1)]
            bias = weights[step[2] + c] if step[2] >= 0 else np.float32(0.0)
            _convolve(out[c], k, bias, below[c], first[c], above[c], i > 0, i < h - 1, w)
    elif operation == RECTIFY:
        _rectify(_row(step, 1, lattice, scratch, image, i), first)
    elif operation == ADD:
        _add(_row(step, 2, lattice, scratch, image, i), first, _row(step, 1, lattice, scratch, image, i))
    elif operation == MULTIPLY:
        _multiply(_row(step, 2, lattice, scratch, image, i), first, _row(step, 1, lattice, scratch, image, i))
    elif operation == JOIN:
        _join(step, lattice, scratch, image, i)
    elif operation == SURROUND:
        h = image.shape[1] // _BLOCK
        out = _row(step, 1, lattice, scratch, image, i)
        for dy in range(-1, 2):
            source = _row(step, 0, lattice, scratch, image, min(max(i + dy, 0), h - 1))
            _surround(out, source, dy, w)
    elif operation == READ:
        share, value = _row(step, 1, lattice, scratch, image, i)[0], _row(step, 2, lattice, scratch, image, i)[0]
        first_order, rate = _row(step, 3, lattice, scratch, image, i)[0], _row(step, 4, lattice, scratch, image, i)[0]
        bounds = weights[step[1] : step[1] + 3]
        _read(first, share, value, first_order, rate, image, saturation, bounds, i)
    elif operation == DRAW:
        _draw(answer, first, i)


@jit.fast_inner
def _row(step, operand, lattice, scratch, image, i):
    """Row ``i`` of an operand, (channels, columns)."""
    at = OPERANDS + ENTRIES * operand
    first, channels = step[at + 1], step[at + 2]
    if step[at]:
        start = first * (image.shape[1] // _BLOCK) + i * channels
        return lattice[start : start + channels]
    return scratch[first : first + channels]


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
    out[w:] = zero


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
def _join(step, lattice, scratch, image, i):
    count, done = step[1], 0
    out = _row(step, count, lattice, scratch, image, i)
    for part in range(count):
        given = _row(step, part, lattice, scratch, image, i)
        for c in range(given.shape[0]):
            row, line = out[done + c], given[c]
            for j in range(line.size):
                row[j] = line[j]
        done += given.shape[0]


@jit.fast_inner
def _surround(out, source, dy, w):
    """What lies in the row ``dy`` above, in the columns before, here and after; the edge repeated."""
    for c in range(source.shape[0]):
        row = source[c]
        for dx in range(-1, 2):
            line = out[9 * c + 3 * (dy + 1) + dx + 1]
            for j in range(1, w - 1):
                line[j] = row[j + dx]
            line[0], line[w - 1] = row[max(dx, 0)], row[min(w - 1 + dx, w - 1)]
            line[w:] = np.float32(0.0)


@jit.fast_inner
def _read(seen, share, value, first_order, rate, image, saturation, bounds, i):
    """The mask entries and the scaled decay of each block, and its four means."""
    w = image.shape[2] // _BLOCK
    low, high, centre = bounds[0], bounds[1], bounds[2]
    pixels = np.float32(_PIXELS)
    for y in range(_BLOCK):
        row = image[1, _BLOCK * i + y]
        for dx in range(_BLOCK):
            mask = seen[_BLOCK * y + dx]
            for j in range(w):
                mask[j] = row[_BLOCK * j + dx]
    _sum_blocks(image[0], i, value, w)
    _sum_blocks(image[1], i, share, w)
    _sum_blocks(image[2], i, first_order, w)
    _sum_blocks(image[3], i, rate, w)
    scaled = seen[_PIXELS]
    for j in range(w):
        free = pixels - share[j]
        value[j] /= max(share[j], np.float32(1.0))
        secant = rate[j] / (np.float32(1.0) + np.float32(0.5) * saturation)
        k = (first_order[j] + secant) / max(free, np.float32(1.0))
        scaled[j] = math.log10(min(max(k, low), high)) - centre if free > 0 else 0.0
        share[j] /= pixels
        first_order[j] /= pixels
        rate[j] /= pixels
    seen[:, w:] = np.float32(0.0)
    share[w:] = np.float32(0.0)
    value[w:] = np.float32(0.0)
    first_order[w:] = np.float32(0.0)
    rate[w:] = np.float32(0.0)


@jit.fast_inner
def _sum_blocks(channel, i, out, w):
    """The sum over each block of block row ``i``: first down the columns, which vectorises, then across."""
    first, second, third, fourth = channel[4 * i], channel[4 * i + 1], channel[4 * i + 2], channel[4 * i + 3]
    down = np.empty(channel.shape[1], np.float32)
    for at in range(down.size):
        down[at] = (first[at] + second[at]) + (third[at] + fourth[at])
    for j in range(w):
        out[j] = (down[4 * j] + down[4 * j + 1]) + (down[4 * j + 2] + down[4 * j + 3])


@jit.fast_inner
def _draw(answer, pixels, i):
    """Each channel is a pixel of every block."""
    for y in range(_BLOCK):
        row = answer[_BLOCK * i + y]
        a, b, c, d = pixels[4 * y], pixels[4 * y + 1], pixels[4 * y + 2], pixels[4 * y + 3]
        for j in range(row.size // _BLOCK):
            row[4 * j], row[4 * j + 1], row[4 * j + 2], row[4 * j + 3] = a[j], b[j], c[j], d[j]
