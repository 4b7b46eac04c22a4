"""Views of vectors with a halo of one pixel, (..., h + 2, w + 2), and what the halo holds on a ring."""

from __future__ import annotations

from torch import Tensor


def inner(x: Tensor) -> Tensor:
    """A view without the halo."""
    return x[..., 1:-1, 1:-1]


def shifted(x: Tensor, rows: int, columns: int) -> Tensor:
    """A view of the pixels so many rows up and columns right of each, at most one."""
    height, width = x.shape[-2] - 2, x.shape[-1] - 2
    return x[..., 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]


def wrap_(x: Tensor, rings: tuple[bool, bool]) -> None:
    """Let the halo repeat the far side where an axis is a ring."""
    if rings[1]:
        x[..., 0], x[..., -1] = x[..., -2], x[..., 1]
    if rings[0]:
        x[..., 0, :], x[..., -1, :] = x[..., -2, :], x[..., 1, :]


def wrapped(x: Tensor, rings: tuple[bool, bool]) -> Tensor:
    """``x`` with such a halo, which is a copy where there is a ring."""
    if rings == (False, False):
        return x
    x = x.clone()
    wrap_(x, rings)
    return x
