"""Every so many pixels of a lattice, and their neighbours: views on arrays that have been extended beyond the sides."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

#: How far an extended array goes on beyond the first pixel and the last one.
_BEYOND = 2


def extended(inner: Tensor, rings: tuple[bool, bool]) -> Tensor:
    """(B, h, w) gone on for two pixels on each side: on a ring with what is on the far side, elsewhere with 0."""
    for axis, ring in ((1, rings[0]), (2, rings[1])):
        count = inner.shape[axis]
        if not ring:
            inner = functional.pad(inner, (0, 0, _BEYOND, _BEYOND) if axis == 1 else (_BEYOND, _BEYOND))
            continue
        around = torch.cat((inner, inner), axis) if count < _BEYOND else inner  # a ring of one goes round and round
        far, near = around.narrow(axis, around.shape[axis] - _BEYOND, _BEYOND), around.narrow(axis, 0, _BEYOND)
        inner = torch.cat((far, inner, near), axis)
    return inner


class Places(NamedTuple):
    """``extent`` pixels along each axis, ``step`` apart, the first of them at ``start`` (counted from 1)."""

    start: tuple[int, int]
    extent: tuple[int, int]
    step: int = 2

    def at(self, values: Tensor, rows: int = 0, columns: int = 0) -> Tensor:
        """What an extended array holds so many rows above and columns right of these pixels."""
        first = [_BEYOND - 1 + start + by for start, by in zip(self.start, (rows, columns), strict=True)]
        low, high = (
            slice(begin, begin + self.step * (count - 1) + 1, self.step)
            for begin, count in zip(first, self.extent, strict=True)
        )
        return values[:, low, high]

    def moved(self, rows: int, columns: int) -> Places:
        """The pixels so many rows above and columns right of these."""
        return self._replace(start=(self.start[0] + rows, self.start[1] + columns))
