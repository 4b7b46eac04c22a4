"""Whether a model's card covers a problem: asked before the network is, and never trusted beyond saving time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Flag, Reason
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.surrogate.card import BoundaryKind, ModelCard, Ranges

#: Beyond a card's range by less than this factor a network still starts well, and the bound judges the outcome.
SLACK = 1.25


@dataclass(frozen=True)
class Extent:
    """What a card's ranges speak of, measured on one problem with a scalar diffusivity."""

    shortest_length_px: float
    longest_length_px: float
    contrast: float
    sources: int
    largest_source_px: int
    fixed_share: float
    boundaries: frozenset[BoundaryKind]
    shape: tuple[int, int]


def check(problem: Problem, card: ModelCard) -> tuple[Flag, ...]:
    """Why the card does not cover the problem, one flag a reason; empty where it does.

    Parameters
    ----------
    problem : Problem
    card : ModelCard

    Returns
    -------
    tuple of Flag
        With `Reason.OUTSIDE_CARD`, each a sentence that names the measure, its value and the card's range.

    Examples
    --------
    >>> from surrogate_plugin.surrogate.card import NetworkEntry
    >>> ranges = Ranges(shortest_length_px=2, longest_length_px=100, largest_contrast=100, most_sources=50,
    ...     largest_source_px=5000, largest_fixed_share=0.3, boundaries=("absorbing",), shortest_side_px=96,
    ...     longest_side_px=512)
    >>> card = ModelCard(name="a", network=NetworkEntry(kind="compact", parameters=0, features=1), ranges=ranges,
    ...     training={}, metrics={}, sha256="")
    >>> source = np.zeros((128, 128)); source[9, 9] = 1.0
    >>> check(Problem(source), card)
    ()
    >>> print(*check(Problem(source, boundary="reflecting"), card))
    outside-card: a side is reflecting, but model 'a' was trained with absorbing sides only.
    """
    if not problem.plain:
        return (_flag(f"diffusivity varies, but model {card.name!r} knows a constant diffusivity only."),)
    if problem.largest_supply > 0:
        return (_flag(f"the problem has production, which model {card.name!r} does not see."),)
    if problem.largest_imposed <= 0:
        return (_flag(f"nothing imposes a value above 0, and model {card.name!r} measures fields by the largest one."),)
    extent = measure(problem)
    return tuple(_flag(sentence.format(name=card.name)) for sentence in _sentences(extent, card))


def measure(problem: Problem) -> Extent:
    """Measure what a card's ranges speak of, in one pass over the problem."""
    from surrogate_plugin.guard.applicability_kernels import decay_range, groups

    uptake = problem.uptake
    half = 0.0 if uptake is None else float(Saturation(1.0, uptake.km).secant(0.5 * problem.largest_imposed))
    vmax = 0.0 if uptake is None else uptake.vmax
    scalars = not isinstance(problem.decay, np.ndarray) and not isinstance(vmax, np.ndarray)
    if scalars:
        weakest = strongest = float(problem.decay) + float(vmax) * half
    else:
        decay, rate = np.broadcast_to(problem.decay, problem.shape), np.broadcast_to(vmax, problem.shape)
        weakest, strongest = decay_range(decay, rate, half, problem.fixed)
    per_link = 1.0 / problem.reference_link
    sources, largest = groups(problem.fixed)
    return Extent(
        shortest_length_px=_length(strongest * per_link),
        longest_length_px=_length(weakest * per_link),
        contrast=strongest / weakest if weakest > 0 else (math.inf if strongest > 0 else 1.0),
        sources=int(sources),
        largest_source_px=int(largest),
        fixed_share=float(np.count_nonzero(problem.fixed)) / problem.fixed.size,
        boundaries=frozenset(_kind(side.kind, side.value) for side in problem.boundary.sides),
        shape=problem.shape,
    )


def covering(extents: list[Extent]) -> Ranges:
    """The ranges of a card that covers problems like these: the 0.5th to 99.5th percentile of each measure."""

    def low(values: list[float]) -> float:
        return float(np.percentile(values, 0.5))

    def high(values: list[float]) -> float:
        return float(np.percentile(values, 99.5))

    kinds: set[BoundaryKind] = set().union(*(extent.boundaries for extent in extents))
    return Ranges(
        shortest_length_px=low([extent.shortest_length_px for extent in extents]),
        longest_length_px=high([extent.longest_length_px for extent in extents]),
        largest_contrast=high([extent.contrast for extent in extents]),
        most_sources=round(high([extent.sources for extent in extents])),
        largest_source_px=round(high([extent.largest_source_px for extent in extents])),
        largest_fixed_share=high([extent.fixed_share for extent in extents]),
        boundaries=tuple(sorted(kinds)),
        shortest_side_px=min(min(extent.shape) for extent in extents),
        longest_side_px=max(max(extent.shape) for extent in extents),
    )


def _sentences(extent: Extent, card: ModelCard) -> list[str]:
    ranges, found = card.ranges, []
    for kind in sorted(extent.boundaries - set(ranges.boundaries)):
        side = "holds a value" if kind == "value" else f"is {kind}"
        found.append(f"a side {side}, but model {{name!r}} was trained with {', '.join(ranges.boundaries)} sides only.")
    sides = f"{extent.shape[0]} x {extent.shape[1]}"
    if min(extent.shape) < ranges.shortest_side_px or max(extent.shape) > ranges.longest_side_px:
        limits = f"{ranges.shortest_side_px} to {ranges.longest_side_px}"
        found.append(f"the lattice is {sides}, but model {{name!r}} was trained on sides of {limits} pixels.")
    if extent.shortest_length_px < ranges.shortest_length_px / SLACK:
        found.append(
            f"the shortest diffusion length is {extent.shortest_length_px:.3g} pixels, "
            f"but model {{name!r}} was trained from {ranges.shortest_length_px:.3g} up."
        )
    high = (
        ("longest diffusion length", extent.longest_length_px, ranges.longest_length_px, " pixels"),
        ("decay contrast", extent.contrast, ranges.largest_contrast, ""),
        ("number of sources", extent.sources, ranges.most_sources, ""),
        ("largest source", extent.largest_source_px, ranges.largest_source_px, " pixels"),
        ("share of fixed pixels", extent.fixed_share, ranges.largest_fixed_share, ""),
    )
    for what, value, limit, unit in high:
        if value > limit * SLACK:
            found.append(f"the {what} is {value:.3g}{unit}, but model {{name!r}} was trained up to {limit:.3g}.")
    return found


def _flag(sentence: str) -> Flag:
    return Flag(Reason.OUTSIDE_CARD, sentence)


def _length(k: float) -> float:
    return math.inf if k <= 0 else k**-0.5


def _kind(kind: str, value: float) -> BoundaryKind:
    if kind == "value":
        return "value" if value > 0 else "absorbing"
    return "reflecting" if kind == "reflecting" else "periodic"
