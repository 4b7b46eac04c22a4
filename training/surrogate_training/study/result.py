"""What came of one of a study's runs, which tables and figures are made of."""

from __future__ import annotations

from dataclasses import dataclass


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
