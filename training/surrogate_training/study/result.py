"""What came of one of a study's runs, which tables and figures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Result:
    """What came of one run.

    Attributes
    ----------
    variant, seed
        As in `StudyRun`.
    picked_step : int
        Where the validation split found the weights that were measured.
    measures : dict of float
        Means over the test split, over the largest imposed value.
    by_sources : dict of dict of float
        The same for each number of sources.
    """

    variant: str
    seed: int
    picked_step: int
    measures: dict[str, float]
    by_sources: dict[int, dict[str, float]]


def by_variant(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The runs of each variant, in the order they were asked for."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.variant, []).append(result)
    return groups


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a sample; nan for a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
