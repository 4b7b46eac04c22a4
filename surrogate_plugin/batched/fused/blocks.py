"""The layers of the compact network for plain problems: a pass over its blocks of 4 x 4 pixels for each part of it.

What `surrogate_plugin.surrogate.networks` lists as steps is `read`, a `mix` for each mixer, `dense` before the coarse
equation and `draw` after it. Between them a block is its channels in float32, (N, channels, h, w), and nothing else is
written: of a network of 16 channels these read and write some 50 bytes a pixel, where one operation after the other
takes some 450 in bfloat16. Sums are of float32's own products, so nothing is lost by it either.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch

__all__ = ["dense", "draw", "mix", "read"]

#: Blocks of 4 x 4 pixels that a program has.
_BLOCKS = 64

Layer = tuple[torch.Tensor, torch.Tensor]


def read(
    image: torch.Tensor, saturation: torch.Tensor, stem: Layer, bounds: tuple[float, float, float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Channels of each block, and the means that `surrogate_plugin.surrogate.operations.ReadBlocks` writes.

    Parameters
    ----------
    image : (N, 4, 4 h, 4 w) float32
    saturation : (N,) float32
    stem : (channels, 17) and (channels,) float32
    bounds : (float, float, float)
        Between which the mean decay is held, and the logarithm that counts as 0.

    Returns
    -------
    cells : (N, channels, h, w) float32
    means : (N, 4, h, w) float32
        Value and share of fixed pixels, first-order decay, initial rate of saturating uptake.
    """
    count, h, w = image.shape[0], image.shape[2] // 4, image.shape[3] // 4
    weight, bias = stem
    cells, means = image.new_empty((count, weight.shape[0], h, w)), image.new_empty((count, 4, h, w))
    programs = triton.cdiv(h * w, _BLOCKS)
    launch(
        _read, count * programs, image, saturation, weight, bias, cells, means, h, w, programs, *bounds,
        BLOCKS=_BLOCKS, CHANNELS=weight.shape[0], PADDED=_padded(weight.shape[0]),
    )  # fmt: skip
    return cells, means


def mix(cells: torch.Tensor, near: Layer, expand: Layer, contract: Layer) -> torch.Tensor:
    """``x + contract(relu(expand(near(x))))``; weights (c, 1, 3, 3), (e, c) and (c, e), each with its bias."""
    count, channels, h, w = cells.shape
    out, programs, wide = torch.empty_like(cells), triton.cdiv(h * w, _BLOCKS), expand[0].shape[0]
    launch(
        _mix, count * programs, cells, *near, *expand, *contract, out, h, w, programs,
        BLOCKS=_BLOCKS, CHANNELS=channels, PADDED=_padded(channels), WIDE=wide, WIDE_PADDED=_padded(wide),
    )  # fmt: skip
    return out


def dense(cells: torch.Tensor, layer: Layer) -> torch.Tensor:
    """A layer in each block: (N, out, h, w)."""
    (count, channels, h, w), (weight, bias) = cells.shape, layer
    out, programs = cells.new_empty((count, weight.shape[0], h, w)), triton.cdiv(h * w, _BLOCKS)
    launch(
        _dense, count * programs, cells, weight, bias, out, h, w, programs,
        BLOCKS=_BLOCKS, CHANNELS=channels, PADDED=_padded(channels), OUT=weight.shape[0],
        OUT_PADDED=_padded(weight.shape[0]),
    )  # fmt: skip
    return out


def draw(
    cells: torch.Tensor, field: torch.Tensor, means: torch.Tensor, hidden: Layer, gain: torch.Tensor,
    spread: torch.Tensor, pixels: torch.Tensor,
) -> torch.Tensor:  # fmt: skip
    """Pixels from channels, the coarse field and the means of `read`: (N, 4 h, 4 w) float32.

    Parameters
    ----------
    cells : (N, channels, h, w) float32
    field : (N, h, w) float32
    means : (N, 4, h, w) float32
    hidden : (head, channels) and (head,) float32
    gain, spread, pixels : (head, 18), (16, 9) and (16, head) float32
    """
    count, channels, h, w = cells.shape
    head, programs, out = gain.shape[0], triton.cdiv(h * w, _BLOCKS), cells.new_empty((count, 4 * h, 4 * w))
    launch(
        _draw, count * programs, cells, field, means, *hidden, gain, spread, pixels, out, h, w, programs,
        BLOCKS=_BLOCKS, CHANNELS=channels, PADDED=_padded(channels), HEAD=head, HEAD_PADDED=_padded(head),
    )  # fmt: skip
    return out


def _padded(channels: int) -> int:
    """What a matrix product takes of them: a power of two, 16 at least."""
    return max(16, int(triton.next_power_of_2(channels)))


@triton.jit
def _cells(h, w, programs, BLOCKS: tl.constexpr):
    """Which problem a program has, and of which blocks the rows, the columns, and which of them there are."""
    program = tl.program_id(0)
    p = program % programs * BLOCKS + tl.arange(0, BLOCKS)
    return (program // programs).to(tl.int64), p // w, p % w, p < h * w


@triton.jit
def _taken(array, begin, row, column, there, h, w, CHANNELS: tl.constexpr, PADDED: tl.constexpr):
    """The channels of blocks, 0 where there are none."""
    c = tl.arange(0, PADDED)
    at = begin * CHANNELS * h * w + c[None, :] * h * w + (row * w + column)[:, None]
    return tl.load(array + at, mask=there[:, None] & (c < CHANNELS)[None, :], other=0.0)


@triton.jit
def _put(array, begin, values, row, column, there, h, w, CHANNELS: tl.constexpr, PADDED: tl.constexpr):
    c = tl.arange(0, PADDED)
    at = begin * CHANNELS * h * w + c[None, :] * h * w + (row * w + column)[:, None]
    tl.store(array + at, values, mask=there[:, None] & (c < CHANNELS)[None, :])


@triton.jit
def _layer(
    x, weight, FIRST: tl.constexpr, TO: tl.constexpr, ALL: tl.constexpr, IN_PADDED: tl.constexpr, OUT: tl.constexpr,
    OUT_PADDED: tl.constexpr,
):  # fmt: skip
    """``x`` (blocks, IN_PADDED) times the columns FIRST to TO of a weight (OUT, ALL), transposed."""
    k, o = tl.arange(0, IN_PADDED), tl.arange(0, OUT_PADDED)
    mask = (k < TO - FIRST)[:, None] & (o < OUT)[None, :]
    matrix = tl.load(weight + o[None, :] * ALL + FIRST + k[:, None], mask=mask, other=0.0)
    return tl.dot(x, matrix, input_precision="ieee")


@triton.jit
def _bias(bias, OUT: tl.constexpr, OUT_PADDED: tl.constexpr):
    o = tl.arange(0, OUT_PADDED)
    return tl.load(bias + o, mask=o < OUT, other=0.0)[None, :]


@triton.jit
def _rectified(x):
    return tl.where(x < 0.0, 0.0, x)  # NaN stays


@triton.jit(do_not_specialize=["programs"])
def _read(
    image, saturation, weight, bias, cells, means, h, w, programs, lowest, highest, centre,
    BLOCKS: tl.constexpr, CHANNELS: tl.constexpr, PADDED: tl.constexpr,
):  # fmt: skip
    problem, row, column, there = _cells(h, w, programs, BLOCKS)
    k = tl.arange(0, 16)
    pixels = 16 * h * w
    at = problem * 4 * pixels + (4 * row[:, None] + k[None, :] // 4) * (4 * w) + 4 * column[:, None] + k[None, :] % 4
    mask = tl.load(image + pixels + at, mask=there[:, None], other=0.0)
    share = tl.sum(mask, 1) / 16.0
    value = tl.sum(tl.load(image + at, mask=there[:, None], other=0.0), 1) / 16.0 / tl.maximum(share, 1.0 / 16.0)
    first = tl.sum(tl.load(image + 2 * pixels + at, mask=there[:, None], other=0.0), 1) / 16.0
    rate = tl.sum(tl.load(image + 3 * pixels + at, mask=there[:, None], other=0.0), 1) / 16.0
    free = 1.0 - share
    mean = (first + rate / (1.0 + 0.5 * tl.load(saturation + problem))) / tl.maximum(free, 1.0 / 16.0)
    held = tl.where(mean < lowest, lowest, tl.where(mean > highest, highest, mean))
    scaled = tl.where(free > 0.0, tl.log(held) * 0.4342944819032518 - centre, 0.0)
    o = tl.arange(0, PADDED)
    last = tl.load(weight + o * 17 + 16, mask=o < CHANNELS, other=0.0)
    x = _layer(mask, weight, 0, 16, 17, 16, CHANNELS, PADDED) + scaled[:, None] * last[None, :]
    _put(cells, problem, _rectified(x + _bias(bias, CHANNELS, PADDED)), row, column, there, h, w, CHANNELS, PADDED)
    to = means + problem * 4 * h * w + row * w + column
    tl.store(to, value, mask=there)
    tl.store(to + h * w, share, mask=there)
    tl.store(to + 2 * h * w, first, mask=there)
    tl.store(to + 3 * h * w, rate, mask=there)


@triton.jit(do_not_specialize=["programs"])
def _mix(
    cells, near, near_bias, expand, expand_bias, contract, contract_bias, out, h, w, programs,
    BLOCKS: tl.constexpr, CHANNELS: tl.constexpr, PADDED: tl.constexpr, WIDE: tl.constexpr, WIDE_PADDED: tl.constexpr,
):  # fmt: skip
    problem, row, column, there = _cells(h, w, programs, BLOCKS)
    c = tl.arange(0, PADDED)
    seen = tl.zeros((BLOCKS, PADDED), tl.float32) + _bias(near_bias, CHANNELS, PADDED)
    for at in tl.static_range(9):
        y, x = row + at // 3 - 1, column + at % 3 - 1
        inside = there & (y >= 0) & (y < h) & (x >= 0) & (x < w)
        factor = tl.load(near + c * 9 + at, mask=c < CHANNELS, other=0.0)
        seen += factor[None, :] * _taken(cells, problem, y, x, inside, h, w, CHANNELS, PADDED)
    wide = _layer(seen, expand, 0, CHANNELS, CHANNELS, PADDED, WIDE, WIDE_PADDED)
    wide = _rectified(wide + _bias(expand_bias, WIDE, WIDE_PADDED))
    change = _layer(wide, contract, 0, WIDE, WIDE, WIDE_PADDED, CHANNELS, PADDED)
    change += _bias(contract_bias, CHANNELS, PADDED)
    own = _taken(cells, problem, row, column, there, h, w, CHANNELS, PADDED)
    _put(out, problem, own + change, row, column, there, h, w, CHANNELS, PADDED)


@triton.jit(do_not_specialize=["programs"])
def _dense(
    cells, weight, bias, out, h, w, programs,
    BLOCKS: tl.constexpr, CHANNELS: tl.constexpr, PADDED: tl.constexpr, OUT: tl.constexpr, OUT_PADDED: tl.constexpr,
):  # fmt: skip
    problem, row, column, there = _cells(h, w, programs, BLOCKS)
    x = _taken(cells, problem, row, column, there, h, w, CHANNELS, PADDED)
    made = _layer(x, weight, 0, CHANNELS, CHANNELS, PADDED, OUT, OUT_PADDED) + _bias(bias, OUT, OUT_PADDED)
    _put(out, problem, made, row, column, there, h, w, OUT, OUT_PADDED)


@triton.jit
def _around(array, row, column, there, h, w):
    """The 3 x 3 neighbours of blocks, row by row, the edge repeated; of 16 columns the last seven are 0."""
    k = tl.arange(0, 16)
    y, x = row[:, None] + k[None, :] // 3 - 1, column[:, None] + k[None, :] % 3 - 1
    y, x = tl.minimum(tl.maximum(y, 0), h - 1), tl.minimum(tl.maximum(x, 0), w - 1)
    return tl.load(array + y * w + x, mask=there[:, None] & (k < 9)[None, :], other=0.0)


@triton.jit(do_not_specialize=["programs"])
def _draw(
    cells, field, means, hidden, hidden_bias, gain, spread, pixels, out, h, w, programs,
    BLOCKS: tl.constexpr, CHANNELS: tl.constexpr, PADDED: tl.constexpr, HEAD: tl.constexpr, HEAD_PADDED: tl.constexpr,
):  # fmt: skip
    problem, row, column, there = _cells(h, w, programs, BLOCKS)
    x = _taken(cells, problem, row, column, there, h, w, CHANNELS, PADDED)
    terms = _layer(x, hidden, 0, CHANNELS, CHANNELS, PADDED, HEAD, HEAD_PADDED)
    terms = _rectified(terms + _bias(hidden_bias, HEAD, HEAD_PADDED))
    near = _around(field + problem * h * w, row, column, there, h, w)
    values = _around(means + problem * 4 * h * w, row, column, there, h, w)
    amount = _layer(near, gain, 0, 9, 18, 16, HEAD, HEAD_PADDED)
    amount += _layer(values, gain, 9, 18, 18, 16, HEAD, HEAD_PADDED)
    drawn = _layer(near, spread, 0, 9, 9, 16, 16, 16)
    drawn += _layer(terms * amount, pixels, 0, HEAD, HEAD, HEAD_PADDED, 16, 16)
    k = tl.arange(0, 16)
    at = (4 * row[:, None] + k[None, :] // 4) * (4 * w) + 4 * column[:, None] + k[None, :] % 4
    tl.store(out + problem * 16 * h * w + at, drawn, mask=there[:, None])
