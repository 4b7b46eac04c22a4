"""Losses in their order, and whether they differ by more than a seed does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surrogate_training.study.result import Result, by_variant, deviation

#: The measures of which the best loss is named, besides the whole lattice's.
_OTHERS = {
    "sources": "on the sources",
    "r1": "in R1",
    "r3": "in R3",
    "max": "in the maximum",
    "relative_l2": "in relative L2",
}


def ranking(results: Sequence[Result]) -> str:
    """Losses by their mean error on the whole lattice, the best of other measures, and loss against seed."""
    groups = by_variant(results)
    errors = {variant: [1e3 * r.measures["mae"] for r in group] for variant, group in groups.items()}
    order = sorted(errors, key=lambda variant: float(np.mean(errors[variant])))
    best, worst = order[0], order[-1]
    ranked = ", ".join(f"{variant} {_cell(errors[variant])}" for variant in order)
    ratio = float(np.mean(errors[worst]) / np.mean(errors[best]))
    text = f"Ranked by the error on the whole lattice: {ranked}; {worst} has {ratio:.2f} times the error of {best}."
    return f"{text} {_bests(groups)}{_against_the_seed(errors)}"


def _cell(values: Sequence[float]) -> str:
    mean = f"{float(np.mean(values)):.2f}"
    return mean if len(values) == 1 else f"{mean} ± {deviation(values):.2f}"


def _bests(groups: dict[str, list[Result]]) -> str:
    """Which loss is best by which other measure."""
    found: dict[str, list[str]] = {}
    for name, said in _OTHERS.items():
        means = {
            variant: float(np.mean([r.measures[name] for r in group if name in r.measures]))
            for variant, group in groups.items()
            if any(name in r.measures for r in group)
        }
        if means:
            found.setdefault(min(means, key=means.__getitem__), []).append(said)
    listed = "; ".join(f"{_and(said)} {variant}" for variant, said in found.items())
    return f"The smallest error has: {listed}."


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _against_the_seed(errors: dict[str, list[float]]) -> str:
    """The spread of the losses' means beside that of one loss over its seeds."""
    within = [deviation(values) for values in errors.values() if len(values) > 1]
    if not within:
        return ""
    seeds = float(np.sqrt(np.mean(np.square(within))))
    losses = deviation([float(np.mean(values)) for values in errors.values()])
    more, found = ("more", "as the paper found") if losses > seeds else ("no more", "other than the paper found")
    return (
        f" The means of the losses are spread by {losses:.2f} (standard deviation), the seeds of one loss by "
        f"{seeds:.2f}: the loss matters {more} than the seed, {found}."
    )
