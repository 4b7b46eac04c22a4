"""Conjugate gradients for the equation between blocks: three launches a step beside its V-cycle.

As `surrogate_plugin.surrogate.diffusion_tensors.solve`, on levels of 5 points whose axes are rings. What has to be
summed over a lattice is left as partial sums, which each program of the next launch adds up for itself, in one order.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.gradients import direction, parts_of_product
from surrogate_plugin.batched.fused.launching import launch
from surrogate_plugin.batched.fused.rows import block_of, lines_of
from surrogate_plugin.batched.level import Level

__all__ = ["solve"]

#: As `gradients` cuts a lattice, whose partial sums are read here.
_ROWS, _WIDTH = 8, 256
_RINGS: tl.constexpr = tl.constexpr((True, True))


def solve(
    x: torch.Tensor, r: torch.Tensor, level: Level, cycle: Callable[[torch.Tensor], torch.Tensor], steps: int
) -> torch.Tensor:
    """``x`` after so many steps, which are taken in place.

    Parameters
    ----------
    x, r : (N, h + 2, w + 2) float32
        Where to start from, and what is left there; both are written to. Nobody looks at their halos.
    level : Level
        With links, on rings.
    cycle : callable
        About ``A^-1 r``.
    steps : int
    """
    h, w = level.shape
    width = min(_WIDTH, triton.next_power_of_2(w))
    down, along = -(-h // _ROWS), -(-w // width)
    cut = {"ROWS": _ROWS, "WIDTH": width, "PARTS": triton.next_power_of_2(down * along)}
    programs, p = level.count * down * along, torch.zeros_like(r)
    energy = torch.ones(level.count, dtype=torch.float32, device=r.device)
    for _ in range(steps):
        z = cycle(r)
        energies, _ = parts_of_product(r, z)
        following, image, curvatures = torch.empty_like(p), torch.empty_like(p), torch.empty_like(energies)
        launch(
            _turn, programs, p, z, energies, energy, level.inverse, level.north, level.east, following, image,
            curvatures, h, w, down, along, **cut,
        )  # fmt: skip
        p, new = following, torch.empty_like(energy)
        launch(_move, programs, x, r, p, image, energies, curvatures, new, h, w, down, along, **cut)
        energy = new
    return x


@triton.jit
def _total(parts, problem, count, PARTS: tl.constexpr):
    k = tl.arange(0, PARTS)
    return tl.sum(tl.load(parts + problem * count + k, mask=k < count, other=0.0), 0).to(tl.float32)


@triton.jit(do_not_specialize=["down", "along"])
def _turn(
    p, z, energies, energy, inverse, north, east, out, image, curvatures, h, w, down, along,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, PARTS: tl.constexpr,
):  # fmt: skip
    """The next direction, its image under the operator, and their product."""
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, 0, down, along)
    beta = _total(energies, problem, down * along, PARTS) / tl.load(energy + problem)
    factor = tl.zeros((WIDTH,), tl.float32) + beta
    lines = lines_of(problem, j, h, w, _RINGS)
    before, after = lines_of(problem, j - 1, h, w, _RINGS), lines_of(problem, j + 1, h, w, _RINGS)
    total = tl.zeros((WIDTH,), tl.float64)
    for step in range(ROWS):
        i = start + step
        there = (j < w) & (i < h)
        here = direction(p, z, factor, i, lines, h, w, _RINGS)
        below, above = (
            direction(p, z, factor, i - 1, lines, h, w, _RINGS), direction(p, z, factor, i + 1, lines, h, w, _RINGS)
        )  # fmt: skip
        left, right = (
            direction(p, z, factor, i, before, h, w, _RINGS), direction(p, z, factor, i, after, h, w, _RINGS)
        )  # fmt: skip
        at = problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1
        south_link = tl.load(north + at - (w + 2), mask=there, other=0.0)
        north_link = tl.load(north + at, mask=there, other=0.0)
        west_link = tl.load(east + at - 1, mask=there, other=0.0)
        east_link = tl.load(east + at, mask=there, other=0.0)
        flow = (south_link * below + north_link * above) + (west_link * left + east_link * right)
        own = tl.load(inverse + at, mask=there, other=0.0)
        lost = tl.where(own == 0.0, 0.0, here / tl.where(own == 0.0, 1.0, own) - flow)
        total += tl.where(there, here * lost, 0.0).to(tl.float64)
        tl.store(out + at, here, mask=there)
        tl.store(image + at, lost, mask=there)
    tl.store(curvatures + tl.program_id(0), tl.sum(total, 0))


@triton.jit(do_not_specialize=["down", "along"])
def _move(
    x, r, p, image, energies, curvatures, energy, h, w, down, along,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, PARTS: tl.constexpr,
):  # fmt: skip
    """A step along the direction; a problem that has come to its end, or to no number, stays as it is."""
    problem, start, j = block_of(tl.program_id(0), ROWS, WIDTH, 0, down, along)
    new = _total(energies, problem, down * along, PARTS)
    curvature = _total(curvatures, problem, down * along, PARTS)
    goes_on = (new > 0.0) & (curvature > 0.0)
    size = tl.zeros((WIDTH,), tl.float32) + tl.where(goes_on, new / tl.where(goes_on, curvature, 1.0), 0.0)
    for step in range(ROWS):
        i = start + step
        there = (j < w) & (i < h) & (size != 0.0)
        at = problem * (h + 2) * (w + 2) + (i + 1) * (w + 2) + j + 1
        moved = tl.load(x + at, mask=there, other=0.0) + size * tl.load(p + at, mask=there, other=0.0)
        left = tl.load(r + at, mask=there, other=0.0) - size * tl.load(image + at, mask=there, other=0.0)
        tl.store(x + at, moved, mask=there)
        tl.store(r + at, left, mask=there)
    first = tl.program_id(0) % (down * along) == 0
    tl.store(energy + problem, tl.where(goes_on, new, 1.0), mask=first)
