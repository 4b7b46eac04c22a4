"""Whether a model's card covers a problem: asked before the network is, and never trusted beyond saving time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.arguments import largest
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.sides import Side
from surrogate_plugin.equation.solution import Flag, Reason
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.surrogate.card import BoundaryKind, ModelCard, Ranges
from surrogate_plugin.surrogate.scale import value_scale

#: Beyond a card's range by less than this factor a network still starts well, and the bound judges the outcome.
SLACK = 1.25


@dataclass(frozen=True)
class Extent:
    """What a card's ranges speak of, measured on one problem."""

    shortest_length_px: float
    longest_length_px: float
    contrast: float
    sources: int
    largest_source_px: int
    fixed_share: float
    boundaries: frozenset[BoundaryKind]
    shape: tuple[int, int]
    supplied: bool = False
    link_contrast: float = 1.0
    blocked_share: float = 0.0
    anisotropy: float = 1.0


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
    if problem.largest_imposed <= 0 and problem.largest_supply <= 0:
        return (_flag(f"nothing above 0 is imposed or supplied, and model {card.name!r} measures fields by that."),)
    extent = measure(problem)
    return tuple(_flag(sentence.format(name=card.name)) for sentence in _sentences(extent, card))


def measure(problem: Problem) -> Extent:
    """Measure what a card's ranges speak of, in one pass over the problem."""
    from surrogate_plugin.guard.applicability_kernels import decay_range, groups

    uptake = problem.uptake
    half = 0.0 if uptake is None else float(Saturation(1.0, uptake.km).secant(0.5 * value_scale(problem)))
    vmax = 0.0 if uptake is None else uptake.vmax
    scalars = not isinstance(problem.decay, np.ndarray) and not isinstance(vmax, np.ndarray)
    if scalars:
        weakest = strongest = float(problem.decay) + float(vmax) * half
    else:
        decay, rate = np.broadcast_to(problem.decay, problem.shape), np.broadcast_to(vmax, problem.shape)
        weakest, strongest = decay_range(decay, rate, half, problem.fixed)
    per_link = 1.0 / problem.reference_link
    sources, largest_source = groups(problem.fixed)
    return Extent(
        shortest_length_px=_length(strongest * per_link),
        longest_length_px=_length(weakest * per_link),
        contrast=strongest / weakest if weakest > 0 else (math.inf if strongest > 0 else 1.0),
        sources=int(sources),
        largest_source_px=int(largest_source),
        fixed_share=float(np.count_nonzero(problem.fixed)) / problem.fixed.size,
        boundaries=frozenset(_kind(side) for side in problem.boundary.sides),
        shape=problem.shape,
        supplied=problem.largest_supply > 0,
        **_faces(problem),
    )


def _faces(problem: Problem) -> dict[str, float]:
    """What a card says of faces, as `Extent` has it."""
    if problem.plain:
        return {}
    from surrogate_plugin.guard.applicability_kernels import face_range

    assert problem.faces is not None
    north, east = problem.faces
    best, worst, blocked, count = face_range(north, east)
    axes = [largest(link) for link in problem.axis_links]
    return {
        "link_contrast": best / worst if best > 0 else 1.0,
        "blocked_share": blocked / count if count else 0.0,
        "anisotropy": max(axes) / min(axes) if min(axes) > 0 else math.inf,
    }


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
        supplied=any(extent.supplied for extent in extents),
        largest_link_contrast=high([extent.link_contrast for extent in extents]),
        largest_blocked_share=high([extent.blocked_share for extent in extents]),
        largest_anisotropy=high([extent.anisotropy for extent in extents]),
    )


_DOES = {"value": "holds a value", "flux": "has a flux", "exchange": "exchanges"}


def _sentences(extent: Extent, card: ModelCard) -> list[str]:
    ranges, known = card.ranges, ", ".join(card.ranges.boundaries)
    found = [
        f"a side {_DOES.get(kind, f'is {kind}')}, but model {{name!r}} was trained with {known} sides only."
        for kind in sorted(extent.boundaries - set(ranges.boundaries))
    ]
    if extent.supplied and not ranges.supplied:
        found.append("the problem has production or a flux, but model {name!r} was trained without.")
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
        ("contrast of what faces conduct", extent.link_contrast, ranges.largest_link_contrast, ""),
        ("share of faces that conduct nothing", extent.blocked_share, ranges.largest_blocked_share, ""),
        ("anisotropy", extent.anisotropy, ranges.largest_anisotropy, ""),
    )
    for what, value, limit, unit in high:
        if value > limit * SLACK:
            found.append(f"the {what} is {value:.3g}{unit}, but model {{name!r}} was trained up to {limit:.3g}.")
    return found


def _flag(sentence: str) -> Flag:
    return Flag(Reason.OUTSIDE_CARD, sentence)


def _length(k: float) -> float:
    return math.inf if k <= 0 else k**-0.5


def _kind(side: Side) -> BoundaryKind:
    if side.kind == "value":
        return "value" if side.value > 0 else "absorbing"
    return side.kind
