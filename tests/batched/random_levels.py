"""Levels of random links, with no problem behind them: what kernels and the reference are compared on."""

from __future__ import annotations

import torch
from torch import Tensor

from surrogate_plugin.batched import halos, setup
from surrogate_plugin.batched.level import Level

#: Where kernels run: on a GPU, or under the interpreter.
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def level(
    generator: torch.Generator, shape: tuple[int, int], rings: tuple[bool, bool], *, linked: bool, fixed: float = 0.2
) -> Level:
    """Two problems: a part of the pixels fixed, decay over four decades, links in [0, 1] if any, walls of any kind."""
    size = (2, shape[0] + 2, shape[1] + 2)
    decay = 10.0 ** (4.0 * torch.rand(size, generator=generator) - 3.0)
    free = torch.rand(size, generator=generator) > fixed
    north, east = (torch.rand(size, generator=generator) if linked else None for _ in range(2))
    if north is not None and east is not None:
        halos.wrap_(north, rings)
        halos.wrap_(east, rings)
    one = torch.ones(size)
    inverse = setup.inverse_of(decay, None, one if north is None else north, one if east is None else east)
    inverse = torch.where(free, inverse, 0.0)
    north, east = (None if each is None else each.to(DEVICE) for each in (north, east))
    return Level(inverse.to(DEVICE), north, east, rings)


def vector(generator: torch.Generator, level: Level) -> Tensor:
    """Noise on free pixels; NaN in the halo, which nobody may look at."""
    b = torch.full(level.inverse.shape, torch.nan, device=DEVICE)
    inner = level.inverse[:, 1:-1, 1:-1]
    b[:, 1:-1, 1:-1] = torch.randn(inner.shape, generator=generator).to(DEVICE) * (inner != 0.0)
    return b


def hierarchy(
    generator: torch.Generator, shape: tuple[int, int], rings: tuple[bool, bool], depth: int
) -> tuple[list[Level], Tensor]:
    """Levels that halve each other, all but a first one with links and without fixed pixels; the last one's inverse."""
    levels = [level(generator, shape, rings, linked=depth == 0, fixed=0.2 if depth else 0.0)]
    for _ in range(depth):
        shape = (shape[0] + 1) // 2, (shape[1] + 1) // 2
        levels.append(level(generator, shape, rings, linked=True, fixed=0.0))
    return levels, setup.invert_coarsest(levels[-1])
