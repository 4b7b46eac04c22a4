"""A step's numbers a problem, in three launches: what torch does to a few numbers takes as long as a pass over a field.

As `surrogate_plugin.batched.iteration.Iteration.advance` where uptake is of first order, number by number: after the
product of residual and cycle, after the curvature of the new direction, and after the new residual. Sums of partial
sums are added up here, in one order however many problems there are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl

from surrogate_plugin.batched.fused.launching import launch

__all__ = ["Standing", "after_curvature", "after_product", "after_residual"]

#: That of `surrogate_plugin.batched.iteration`; what float32 does not hold Triton reads as float64.
_SMALLEST = tl.constexpr(1e-290)


class Standing(NamedTuple):
    """What an iteration knows of its problems, all (B,) float64 but for ``cycles``, which is int64."""

    largest: torch.Tensor
    scale: torch.Tensor
    energy: torch.Tensor
    contraction: torch.Tensor
    last_contraction: torch.Tensor
    direction_scale: torch.Tensor
    correction: torch.Tensor
    estimate: torch.Tensor
    cycles: torch.Tensor


def after_product(
    standing: Standing, sums: torch.Tensor, peaks: torch.Tensor, restart: float
) -> tuple[Standing, torch.Tensor, torch.Tensor]:
    """How much of the last direction is kept.

    Parameters
    ----------
    standing : Standing
    sums, peaks : (B, n) float64 and int32
        Of `gradients.parts_of_product`.
    restart : float
        From where on a direction is forgotten.

    Returns
    -------
    standing : Standing
        With the new energy and contractions.
    kept : (B,) float64
        Of the direction as it stands.
    now : (3, B) float64
        The product, the peak, and 1 where a step may be taken.
    """
    new = _room(standing.scale, 4)
    now = standing.scale.new_empty((3, sums.shape[0]))
    launch(
        _after_product, sums.shape[0], sums, peaks, standing.largest, standing.scale, standing.energy,
        standing.contraction, standing.last_contraction, standing.direction_scale, *new, now, sums.shape[0],
        sums.shape[1], restart, warps=1, PARTS=triton.next_power_of_2(sums.shape[1]),
    )  # fmt: skip
    energy, contraction, last, kept = new
    return standing._replace(energy=energy, contraction=contraction, last_contraction=last), kept, now


def after_curvature(
    standing: Standing, now: torch.Tensor, sums: torch.Tensor, *, mapped: bool
) -> tuple[Standing, torch.Tensor]:
    """How far to go, (B,) float64, what that says of the error, and the scale of the next residual.

    Parameters
    ----------
    standing : Standing
        As of `after_product`.
    now : (3, B) float64
    sums : (B, n) float64
        Of `gradients.parts_of_direction`.
    mapped : bool
        Whether faces have conductances of their own.
    """
    alpha, energy, correction, estimate, scale = _room(standing.scale, 5)
    cycles = torch.empty_like(standing.cycles)
    launch(
        _after_curvature, sums.shape[0], sums, now, standing.largest, standing.scale, standing.energy,
        standing.contraction, standing.last_contraction, standing.correction, standing.estimate, standing.cycles,
        alpha, energy, correction, estimate, scale, cycles, sums.shape[0], sums.shape[1], warps=1,
        PARTS=triton.next_power_of_2(sums.shape[1]), MAPPED=mapped,
    )  # fmt: skip
    moved = standing._replace(
        energy=energy, correction=correction, estimate=estimate, scale=scale, cycles=cycles,
        direction_scale=standing.scale,
    )  # fmt: skip
    return moved, alpha


def after_residual(standing: Standing, peaks: torch.Tensor) -> Standing:
    """The largest residual, of (B, n) bit patterns; no residual is no error."""
    largest, estimate = _room(standing.scale, 2)
    launch(
        _after_residual, peaks.shape[0], peaks, standing.estimate, largest, estimate, peaks.shape[1], warps=1,
        PARTS=triton.next_power_of_2(peaks.shape[1]),
    )  # fmt: skip
    return standing._replace(largest=largest, estimate=estimate)


def _room(like: torch.Tensor, count: int) -> tuple[torch.Tensor, ...]:
    return tuple(torch.empty_like(like) for _ in range(count))


@triton.jit
def _total(sums, problem, count, PARTS: tl.constexpr):
    k = tl.arange(0, PARTS)
    return tl.sum(tl.load(sums + problem * count + k, mask=k < count, other=0.0), 0)


@triton.jit(do_not_specialize=["problems", "count"])
def _after_product(
    sums, peaks, largest, scale, energy, contraction, last, direction_scale, new_energy, new_contraction, new_last,
    kept, now, problems, count, restart, PARTS: tl.constexpr,
):  # fmt: skip
    problem = tl.program_id(0)
    k = tl.arange(0, PARTS)
    total = _total(sums, problem, count, PARTS)
    # Floats without their sign order like integers, NaN above all.
    peak = tl.max(tl.load(peaks + problem * count + k, mask=k < count, other=0), 0).to(tl.float32, bitcast=True)
    left, unit = tl.load(largest + problem), tl.load(scale + problem)
    usable = (left > 0.0) & (left < float("inf")) & (total > 0.0) & (total < float("inf"))
    own, before = total / (unit * unit), tl.load(energy + problem)
    beta = tl.where(usable & (before > 0.0), own / tl.where(before > 0.0, before, 1.0), 0.0)
    known, was = beta > 0.0, tl.load(contraction + problem)
    root = tl.sqrt(tl.where(known, beta, 1.0))
    root = tl.where(root < 0.05, 0.05, tl.where(root > 0.7, 0.7, root))
    tl.store(new_energy + problem, tl.where(usable, own, 0.0))
    tl.store(new_contraction + problem, tl.where(known, root, was))
    tl.store(new_last + problem, tl.where(known, was, tl.load(last + problem)))
    beta = tl.where(beta > restart, 0.0, beta)
    tl.store(kept + problem, beta * unit / tl.load(direction_scale + problem))
    tl.store(now + problem, total)
    tl.store(now + problems + problem, peak.to(tl.float64))
    tl.store(now + 2 * problems + problem, tl.where(usable, 1.0, 0.0).to(tl.float64))


@triton.jit(do_not_specialize=["problems", "count"])
def _after_curvature(
    sums, now, largest, scale, energy, contraction, last, correction, estimate, cycles, alpha, new_energy,
    new_correction, new_estimate, new_scale, new_cycles, problems, count, PARTS: tl.constexpr,
    MAPPED: tl.constexpr,
):  # fmt: skip
    problem = tl.program_id(0)
    curvature = _total(sums, problem, count, PARTS)
    product, peak = tl.load(now + problem), tl.load(now + problems + problem)
    left, unit = tl.load(largest + problem), tl.load(scale + problem)
    going = (left > 0.0) & (left < float("inf"))
    moving = (tl.load(now + 2 * problems + problem) > 0.0) & (curvature > 0.0) & (curvature < float("inf"))
    step = product / tl.where(moving, curvature, 1.0) / unit
    tl.store(alpha + problem, tl.where(moving, step, 0.0))
    # A direction that leads nowhere is not remembered.
    tl.store(new_energy + problem, tl.where(moving, tl.load(energy + problem), 0.0))
    found, share = peak / unit, tl.load(contraction + problem)
    if MAPPED:
        share = 2.0 * tl.maximum(share, tl.load(last + problem))
    tl.store(new_correction + problem, tl.where(moving, found, tl.load(correction + problem)))
    # No energy is no error, and another reason to stay put is no news.
    stuck = tl.where(product == 0.0, 0.0, float("inf"))
    rest = tl.where(going, stuck, tl.load(estimate + problem))
    tl.store(new_estimate + problem, tl.where(moving, found * share, rest))
    tl.store(new_cycles + problem, tl.load(cycles + problem) + tl.where(moving, 1, 0))
    # A residual so small that its inverse would not be finite is not scaled up.
    known = going & (left > _SMALLEST)
    tl.store(new_scale + problem, tl.where(known, 1.0 / tl.where(known, left, 1.0), unit))


@triton.jit(do_not_specialize=["count"])
def _after_residual(peaks, estimate, largest, new_estimate, count, PARTS: tl.constexpr):
    problem = tl.program_id(0)
    k = tl.arange(0, PARTS)
    found = tl.max(tl.load(peaks + problem * count + k, mask=k < count, other=0), 0).to(tl.float64, bitcast=True)
    found = tl.where(found < float("inf"), found, float("inf"))  # NaN counts as infinite
    tl.store(largest + problem, found)
    tl.store(new_estimate + problem, tl.where(found == 0.0, 0.0, tl.load(estimate + problem)))
