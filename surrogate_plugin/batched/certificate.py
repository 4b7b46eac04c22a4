"""Bounds on the errors of many candidate fields at once, by the theorem of `surrogate_plugin.guard.certificate`.

What is verified is inequality (1) there, pixel by pixel, in float64 with a rounding allowance, by
`surrogate_plugin.batched.operator`. Where a supersolution comes from does not matter, so V-cycles in float32 propose
it, see `surrogate_plugin.batched.proposals`. Barriers are those of `surrogate_plugin.guard.barriers`.

Each problem is bounded as if it were alone: it stops at its own first bound within its tolerance, by the same rules as
there, and what others of the batch still take does not touch its answer. Those that have stopped leave the batch when
they are half of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from surrogate_plugin.arguments import BoolArray, FloatArray, IndexArray
from surrogate_plugin.batched import operator, reading
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.proposals import Proposals, verified_height
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.guard.barriers import up

#: See `surrogate_plugin.guard.certificate`, where each was measured: when a bound is tight, what a residual counts as
#: at least, when proposals are poor, after how many a barrier is computed, and how many there are at most.
_TIGHT = 0.5
_SETTLED, _SETTLED_MAP = 0.1, 1e-2
_SMALLEST = 1e-290
_LOOK, _STUBBORN = 3, 0.2
_PATIENCE, _MAX_CYCLES = 6, 12


@dataclass(frozen=True, eq=False)
class Bounds:
    """What is shown of the fields of a batch.

    Attributes
    ----------
    value : (B,) float64 array, field units
        The largest error possible of each field; infinite where nothing can be shown.
    cycles : (B,) int64 array
        How many V-cycles that took.
    tight : (B,) bool array
        Whether a better inverse could hardly show less.
    map : (B, H, W) float64 tensor, field units, or None
        The largest error possible at each pixel, 0 at fixed ones, at most ``value``; where it was asked for.
    """

    value: FloatArray
    cycles: IndexArray
    tight: BoolArray
    map: Tensor | None = None


def bound(
    stack: Stack,
    levels: Levels,
    c: Tensor,
    tolerance: FloatArray,
    *,
    among: BoolArray | None = None,
    with_map: bool = False,
) -> Bounds:
    """Bounds on ``max |c_exact - c|`` of each problem; each stops at its first bound within its tolerance.

    Parameters
    ----------
    stack : Stack
        Of B problems; the bounds hold for their equations.
    levels : Levels
        Set up for about these equations, linearised at ``c``; only the tightness depends on them.
    c : (B, H + 2, W + 2) float64 tensor, field units
        The candidates with a halo. Fixed pixels must hold their values exactly.
    tolerance : (B,) float64 array, field units
    among : (B,) bool array, optional
        Whose bounds are wanted; those of the others are infinite.
    with_map : bool
        Say the largest error possible pixel by pixel, too.

    Returns
    -------
    Bounds
        A value is infinite where the field is not finite, is negative although uptake saturates, differs from what is
        fixed, or where nothing anchors the error.
    """
    target, largest = operator.inflated_residual(stack, c)
    size, height = reading.read(torch.stack((largest, usual_height(stack))))
    found = _Found(stack, tolerance, np.maximum(size, _SMALLEST), height, with_map)
    with np.errstate(over="ignore", invalid="ignore"):
        crude = up(found.size * height)
    # No free pixel has no height: then there is nothing to be wrong.
    found.settle(size == 0.0, np.where(height > 0.0, up(0.0), 0.0))
    found.settle(~(size < math.inf), np.full(size.shape, math.inf))
    found.settle(crude <= tolerance, crude)
    if among is not None:
        found.open &= among
    if found.open.any():
        place = np.arange(stack.count)
        proposals = Proposals.begun(stack, levels, c, target, 1.0 / largest.clamp(min=_SMALLEST), place)
        _tighten(_narrowed(proposals, found), found)
    return Bounds(found.value, found.cycles, found.tight, found.map)


def usual_height(stack: Stack) -> Tensor:
    """The height of each problem's usual barrier, (B,) float64: see `surrogate_plugin.guard.barriers.usual_height`."""
    least = stack.decay.masked_fill(~stack.free, math.inf).amin((1, 2))
    height = torch.where(least > 0.0, 1.0 / least, math.inf)
    if stack.north is not None:
        return height
    walls = (stack.wall_conductance == 1.0).sum(2)
    for axis, count in enumerate(stack.shape):
        # A number beside a float64 tensor counts as float64; two numbers alone make float32, which may round down.
        height = torch.where(walls[:, axis] == 1, height.clamp(max=count * (count + 1) / 2), height)
        height = torch.where(walls[:, axis] == 2, height.clamp(max=(count + 1) ** 2 / 8), height)
    return height


class _Found:
    """What has been shown so far, on the host, an entry for each problem of the batch; `open`: who goes on."""

    def __init__(
        self, stack: Stack, tolerance: FloatArray, size: FloatArray, height: FloatArray, with_map: bool
    ) -> None:
        count = size.size
        self.tolerance, self.size, self.height = tolerance, size, height
        self.value, self.lift = np.full(count, math.inf), np.full(count, math.inf)
        self.top, self.lack = np.zeros(count), np.full(count, math.inf)
        self.cycles, self.tight = np.zeros(count, np.int64), np.zeros(count, np.bool_)
        self.open = np.ones(count, np.bool_)
        self.map: Tensor | None = None
        self.settled = _SETTLED
        if with_map:
            self.settled = _SETTLED_MAP
            self.map = torch.zeros((count, *stack.shape), dtype=torch.float64, device=stack.device)
        self._computed_height, self._reach = np.full(count, math.inf), np.full(count, math.inf)
        self._free = stack.free

    def settle(self, who: BoolArray, value: FloatArray) -> None:
        """Bounds that need no supersolution: the same everywhere."""
        who = who & self.open
        self.value[who], self.open[who], self.tight[who] = value[who], False, np.isfinite(value[who])
        if self.map is not None and who.any():
            at = reading.index(who, self.map.device)
            each = reading.upload(value[who], self.map.device)[:, None, None]
            self.map[at] = torch.where(self._free[at], each, 0.0)

    def see(self, place: IndexArray, lack: FloatArray, top: FloatArray) -> None:
        """What is lacking of a supersolution, and its largest value: a bound, if a barrier covers what is lacking."""
        on = self.open[place]
        place, lack, top = place[on], lack[on], top[on]
        self.lack[place], self.top[place] = lack, top
        self.cycles[place] += 1
        self._take_least(place)

    def see_barrier(self, place: IndexArray, height: FloatArray, reach: FloatArray) -> None:
        """Another barrier, which serves bounds up to its reach."""
        on = self.open[place]
        self._computed_height[place[on]], self._reach[place[on]] = height[on], reach[on]
        self._take_least(place[on])

    def _take_least(self, place: IndexArray) -> None:
        """The least bound of the barriers that reach so far, see `surrogate_plugin.guard.barriers.least`."""
        top, lack, size = self.top[place], self.lack[place], self.size[place]
        value = lift = np.full(place.size, math.inf)
        usual = self.height[place], np.full(place.size, math.inf)
        computed = self._computed_height[place], self._reach[place]
        for height, reach in (usual, computed):
            with np.errstate(over="ignore", invalid="ignore"):
                lifted = np.where(lack == 0.0, 0.0, lack * height)
                shown = up((top + lifted) * size)
            better = (shown <= reach) & (shown < value)
            value, lift = np.where(better, shown, value), np.where(better, lifted, lift)
        self.lift[place] = lift
        self.value[place] = np.fmin(self.value[place], value)

    def judge(self, place: IndexArray) -> BoolArray:
        """Who of these has come as far as it is going to, by the rules of `surrogate_plugin.guard.certificate`."""
        lack, top, value, tolerance = (each[place] for each in (self.lack, self.top, self.value, self.tolerance))
        least = np.minimum(self.height[place], self._computed_height[place])
        with np.errstate(over="ignore", invalid="ignore"):
            rest = np.where(lack > 0.0, lack * least, 0.0)
            beyond = (tolerance > 0.0) & (tolerance < top * self.size[place]) & (self.settled == _SETTLED)
            tight = rest <= _TIGHT * top
            done = (((value <= tolerance) | beyond) & tight) | (rest <= self.settled * top)
        # What is not finite will not be again.
        return np.asarray(done | ~((lack < math.inf) & (top < math.inf)))

    def hopeless(self, place: IndexArray) -> BoolArray:
        """After a barrier was computed: who is done with it, or has nothing to hope for from closer proposals."""
        value, tolerance = self.value[place], self.tolerance[place]
        beyond = np.isfinite(value) & (self.top[place] * self.size[place] > tolerance)
        return np.asarray((value <= tolerance) | beyond)

    def close(self, proposals: Proposals, done: BoolArray) -> None:
        """These go no further; their maps are made from the supersolutions that they have come to."""
        done = done & self.open[proposals.place]
        place = proposals.place[done]
        self.open[place] = False
        self.tight[place] = (self.lift[place] <= self.top[place]) & np.isfinite(self.value[place])
        if self.map is None or not place.size:
            return
        device = self.map.device
        columns = np.stack((self.lift[place], self.size[place], self.value[place]))
        lift, size, value = reading.upload(columns, device)[:, :, None, None]
        at, to = reading.index(done, device), reading.index(place, device)
        each = up((proposals.w[at, 1:-1, 1:-1].to(torch.float64) + lift) * size)
        # What is no number counts as the bound of the whole field, which holds everywhere.
        self.map[to] = torch.where(self._free[to], torch.fmin(each, value), 0.0)


def _tighten(proposals: Proposals, found: _Found, *, begin: int = 1) -> None:
    """Proposals towards equality in (1) until each bound is within its tolerance or no longer improves.

    Where plain ones turn out to be poor, closer ones begin anew, from then on.
    """
    well = begin == _LOOK
    for cycle in range(begin, _MAX_CYCLES + 1):
        if cycle == _LOOK and not well:
            stubborn = found.open[proposals.place] & (found.lack[proposals.place] > _STUBBORN)
            if stubborn.any():
                some = proposals.of(stubborn)
                some.begin()
                _tighten(some, found, begin=_LOOK)
                proposals = _narrowed(proposals, found)
        if not found.open[proposals.place].any():
            return
        proposals.propose(first=cycle == begin, well=well)
        found.see(proposals.place, *proposals.lacking())
        found.close(proposals, found.judge(proposals.place))
        proposals = _narrowed(proposals, found)
        if cycle == _PATIENCE and found.open[proposals.place].any():
            proposals.widen()
            place = proposals.place
            wanted = 2.0 * found.top[place] * found.size[place]
            limits = {"cycles": _MAX_CYCLES, "well_from": _LOOK, "patience": _PATIENCE}
            found.see_barrier(place, *verified_height(proposals, wanted, **limits))
            found.close(proposals, found.hopeless(place))
            proposals = _narrowed(proposals, found)
    found.close(proposals, np.ones(proposals.place.size, np.bool_))


def _narrowed(proposals: Proposals, found: _Found) -> Proposals:
    """Those that go on alone, once they are half or fewer; nobody if there are none."""
    going = found.open[proposals.place]
    return proposals.of(going) if 0 < 2 * int(going.sum()) <= going.size else proposals
