"""Compiled passes of the compact network: one block row at a time, so that what a row needs stays in the cache.

Arrays of a row are (channels, columns): every layer is then a sum of whole rows, which vectorises. Weights are as
torch keeps them, (out, in).
"""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle

_BLOCK = 4


@jit.fast_inner
def _dense(out, weight, bias, x):
    """``out = weight x + bias``; both C-contiguous, (out, columns) and (in, columns).

    Two outputs and eight inputs at a time, so that most numbers of the inner loop stay in registers.
    """
    outputs, inputs = weight.shape
    columns = x.shape[1]
    for o in range(outputs):
        row = out[o]
        for j in range(columns):
            row[j] = bias[o]
    for o in range(0, outputs - 1, 2):
        one, other, v, w = out[o], out[o + 1], weight[o], weight[o + 1]
        for c in range(0, inputs - 7, 8):
            x0, x1, x2, x3 = x[c], x[c + 1], x[c + 2], x[c + 3]
            x4, x5, x6, x7 = x[c + 4], x[c + 5], x[c + 6], x[c + 7]
            v0, v1, v2, v3, v4, v5, v6, v7 = v[c], v[c + 1], v[c + 2], v[c + 3], v[c + 4], v[c + 5], v[c + 6], v[c + 7]
            w0, w1, w2, w3, w4, w5, w6, w7 = w[c], w[c + 1], w[c + 2], w[c + 3], w[c + 4], w[c + 5], w[c + 6], w[c + 7]
            for j in range(columns):
                low = (v0 * x0[j] + v1 * x1[j]) + (v2 * x2[j] + v3 * x3[j])
                high = (w0 * x0[j] + w1 * x1[j]) + (w2 * x2[j] + w3 * x3[j])
                one[j] += low + ((v4 * x4[j] + v5 * x5[j]) + (v6 * x6[j] + v7 * x7[j]))
                other[j] += high + ((w4 * x4[j] + w5 * x5[j]) + (w6 * x6[j] + w7 * x7[j]))
    for o in range(outputs):
        done = inputs - inputs % 8 if o < outputs - outputs % 2 else 0
        row = out[o]
        for c in range(done, inputs):
            factor, line = weight[o, c], x[c]
            for j in range(columns):
                row[j] += factor * line[j]


@jit.fast_inner
def _rectify(x):
    for c in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[c, j] = max(x[c, j], np.float32(0.0))


@jit.fast
def read_blocks(team, image, saturation, bounds, stem, bias, cells, maps):
    """The first layer, ``cells`` (h + 2, width, w + 2) with a margin of zeros, and the means of each block.

    ``maps``: (4, h, w): share of fixed pixels, their mean value, mean first-order decay, mean initial rate.
    """
    h, w = maps.shape[1:]
    low, high, centre = bounds
    pixels = np.float32(_BLOCK * _BLOCK)
    width = stem.shape[0]
    chunks = pieces(image.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            x = np.zeros((_BLOCK * _BLOCK + 1, _whole(w)), np.float32)
            for y in range(_BLOCK):
                row = image[1, _BLOCK * i + y]
                for dx in range(_BLOCK):
                    mask = x[_BLOCK * y + dx]
                    for j in range(w):
                        mask[j] = row[_BLOCK * j + dx]
            share, value, first_order, rate = maps[0, i], maps[1, i], maps[2, i], maps[3, i]
            _sum_blocks(image[0], i, value)
            _sum_blocks(image[1], i, share)
            _sum_blocks(image[2], i, first_order)
            _sum_blocks(image[3], i, rate)
            scaled = x[_BLOCK * _BLOCK]
            for j in range(w):
                free = pixels - share[j]
                value[j] /= max(share[j], np.float32(1.0))
                secant = rate[j] / (np.float32(1.0) + np.float32(0.5) * saturation)
                k = (first_order[j] + secant) / max(free, np.float32(1.0))
                scaled[j] = math.log10(min(max(k, low), high)) - centre if free > 0 else 0.0
                share[j] /= pixels
                first_order[j] /= pixels
                rate[j] /= pixels
            seen = np.zeros((width, _whole(w)), np.float32)
            _dense(seen, stem, bias, x)
            for c in range(width):
                line, row = seen[c], cells[i + 1, c]
                for j in range(w):
                    row[j + 1] = max(line[j], np.float32(0.0))
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _sum_blocks(channel, i, out):
    """The sum over each block of block row ``i``: first down the columns, which vectorises, then across."""
    first, second, third, fourth = channel[4 * i], channel[4 * i + 1], channel[4 * i + 2], channel[4 * i + 3]
    down = np.empty(channel.shape[1], np.float32)
    for at in range(down.size):
        down[at] = (first[at] + second[at]) + (third[at] + fourth[at])
    for j in range(out.size):
        out[j] = (down[4 * j] + down[4 * j + 1]) + (down[4 * j + 2] + down[4 * j + 3])


@jit.fast_inner
def _whole(columns):
    """``columns`` rounded up to whole vectors, so that no loop ends one number at a time."""
    return -(-columns // 16) * 16


@jit.fast_inner
def _row_of(cells, i):
    """A contiguous copy of block row ``i`` without its margins."""
    w = cells.shape[2] - 2
    row = np.zeros((cells.shape[1], _whole(w)), np.float32)
    for c in range(row.shape[0]):
        line, given = row[c], cells[i + 1, c]
        for j in range(w):
            line[j] = given[j + 1]
    return row


@jit.fast
def mix(team, cells, out, near, near_bias, expand, expand_bias, contract, contract_bias):
    """One mixer, from ``cells`` to ``out``, both (h + 2, width, w + 2) with a margin of zeros."""
    h, width, w = cells.shape[0] - 2, cells.shape[1], cells.shape[2] - 2
    chunks = pieces(cells.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            seen = np.zeros((width, _whole(w)), np.float32)
            hidden = np.zeros((expand.shape[0], _whole(w)), np.float32)
            for c in range(width):
                line, k = seen[c], near[c]
                below, here, above = cells[i, c], cells[i + 1, c], cells[i + 2, c]
                k0, k1, k2, k3, k4, k5, k6, k7, k8 = (
                    k[0, 0], k[0, 1], k[0, 2], k[1, 0], k[1, 1], k[1, 2], k[2, 0], k[2, 1], k[2, 2],
                )  # fmt: skip
                for j in range(w):
                    low = (k0 * below[j] + k1 * below[j + 1]) + k2 * below[j + 2]
                    middle = (k3 * here[j] + k4 * here[j + 1]) + k5 * here[j + 2]
                    high = (k6 * above[j] + k7 * above[j + 1]) + k8 * above[j + 2]
                    line[j] = near_bias[c] + (low + middle) + high
            _dense(hidden, expand, expand_bias, seen)
            _rectify(hidden)
            _dense(seen, contract, contract_bias, hidden)
            for c in range(width):
                line, here, row = seen[c], cells[i + 1, c], out[i + 1, c]
                for j in range(w):
                    row[j + 1] = here[j + 1] + line[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast
def choose(team, cells, weight, bias, share, firmest, chosen):
    """The coarse equation's coefficients, ``chosen`` (4, h, w): hold, hunger, and half logarithms to links after."""
    h, w = share.shape
    chunks = pieces(cells.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            said = np.zeros((6, _whole(w)), np.float32)
            _dense(said, weight, bias, _row_of(cells, i))
            for j in range(w):
                for part in range(6):
                    chosen[part, i, j] = min(max(said[part, j], np.float32(-6.0)), np.float32(6.0))
                hold = np.float32(0.0)
                if share[i, j] > 0:
                    hold = firmest * math.sqrt(share[i, j]) * math.exp(chosen[0, i, j])
                chosen[0, i, j] = hold
                chosen[1, i, j] = np.float32(_BLOCK * _BLOCK) * math.exp(chosen[1, i, j])
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast
def links(team, chosen, east, north):
    """Each link from what the two blocks that it joins say of that side; 1 across the edges, where none is read."""
    h, w = east.shape
    half = np.float32(0.5)
    chunks = pieces(chosen.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            for j in range(w):
                east[i, j] = math.exp(half * (chosen[2, i, j] + chosen[3, i, j + 1])) if j + 1 < w else np.float32(1.0)
                north[i, j] = math.exp(half * (chosen[4, i, j] + chosen[5, i + 1, j])) if i + 1 < h else np.float32(1.0)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast
def draw(team, cells, field, value, hidden_weight, hidden_bias, gain, spread, pixels, nothing, image):
    """The decoder: ``image`` (4 h, 4 w) from the coarse field and values around each block."""
    h, w = field.shape
    chunks = pieces(cells.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            around = np.zeros((18, _whole(w)), np.float32)
            for part, source in enumerate((field, value)):
                for dy in range(-1, 2):
                    row = source[min(max(i + dy, 0), h - 1)]
                    for dx in range(-1, 2):
                        line = around[9 * part + 3 * (dy + 1) + dx + 1]
                        for j in range(1, w - 1):
                            line[j] = row[j + dx]
                        line[0], line[w - 1] = row[max(dx, 0)], row[min(w - 1 + dx, w - 1)]
            hidden = np.zeros((gain.shape[0], _whole(w)), np.float32)
            gained = np.zeros((gain.shape[0], _whole(w)), np.float32)
            _dense(hidden, hidden_weight, hidden_bias, _row_of(cells, i))
            _dense(gained, gain, nothing, around)
            for c in range(hidden.shape[0]):
                for j in range(w):
                    hidden[c, j] = max(hidden[c, j], np.float32(0.0)) * gained[c, j]
            smooth = np.zeros((_BLOCK * _BLOCK, _whole(w)), np.float32)
            rough = np.zeros((_BLOCK * _BLOCK, _whole(w)), np.float32)
            _dense(smooth, spread, nothing, around[:9])
            _dense(rough, pixels, nothing, hidden)
            for c in range(smooth.shape[0]):
                for j in range(w):
                    smooth[c, j] += rough[c, j]
            for y in range(_BLOCK):
                row = image[_BLOCK * i + y]
                a, b, c, d = smooth[4 * y], smooth[4 * y + 1], smooth[4 * y + 2], smooth[4 * y + 3]
                for j in range(w):
                    row[4 * j], row[4 * j + 1], row[4 * j + 2], row[4 * j + 3] = a[j], b[j], c[j], d[j]
        chunk = claim(team, chunks)
    settle(team, chunks)
