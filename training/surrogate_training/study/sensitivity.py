"""How much an error changes with each hyperparameter, beside how much it changes with the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surrogate_training.study.config import StudyConfig
from surrogate_training.study.hyperparameters import Point
from surrogate_training.study.result import Result, by_variant, deviation

#: A mean error above the largest value there is: no field within what can be is so wrong, a network has run away.
RAN_AWAY = 1.0


@dataclass(frozen=True)
class Sensitivity:
    """What one hyperparameter does to the whole-lattice error.

    Attributes
    ----------
    label : str
        The hyperparameter's.
    points : list of Point
        In the order of their values.
    errors : list of list of float
        Of each point, a number a seed, over the largest imposed value.
    """

    label: str
    points: list[Point]
    errors: list[list[float]]

    @property
    def means(self) -> list[float]:
        """Mean over seeds of each point."""
        return [float(np.mean(values)) for values in self.errors]

    @property
    def runaways(self) -> list[tuple[Point, int]]:
        """The values with which networks ran away, and how many of their runs did; what follows leaves these out."""
        counted = [(point, sum(e > RAN_AWAY for e in values)) for point, values in self._measured]
        return [(point, count) for point, count in counted if count]

    @property
    def ratio(self) -> float:
        """The largest mean over the smallest."""
        stayed = [float(np.mean(values)) for _, values in self._stayed]
        return max(stayed) / min(stayed) if stayed else float("nan")

    @property
    def least(self) -> float:
        """The smallest mean."""
        return min((float(np.mean(values)) for _, values in self._stayed), default=float("nan"))

    @property
    def best(self) -> Point:
        """The value with the smallest mean."""
        return self.points[int(np.argmin(self.means))]

    @property
    def base(self) -> float | None:
        """The mean at the value that the base has, where it is one of them."""
        return next((mean for point, mean in zip(self.points, self.means, strict=True) if point.is_base), None)

    @property
    def seeds(self) -> float:
        """Standard deviation over seeds, the root of its mean square over the points, over the mean error."""
        stayed = [values for _, values in self._stayed if len(values) > 1]
        spreads = [deviation(values) for values in stayed]
        return float(np.sqrt(np.mean(np.square(spreads))) / np.mean(stayed)) if spreads else float("nan")

    @property
    def _measured(self) -> list[tuple[Point, list[float]]]:
        return list(zip(self.points, self.errors, strict=True))

    @property
    def _stayed(self) -> list[tuple[Point, list[float]]]:
        return [(point, values) for point, values in self._measured if max(values) <= RAN_AWAY]


def sensitivities(config: StudyConfig, results: Sequence[Result]) -> list[Sensitivity]:
    """Each hyperparameter of which two values are finished; one that makes networks run away first, then by ratio."""
    groups = by_variant(results)
    found: dict[str, list[tuple[Point, list[float]]]] = {}
    for point in config.design():
        if group := groups.get(point.variant):
            found.setdefault(point.label, []).append((point, [r.measures["mae"] for r in group]))
    all_of_them = []
    for label, measured in found.items():
        measured.sort(key=lambda each: each[0].value)
        if len(measured) > 1:
            all_of_them.append(Sensitivity(label, [point for point, _ in measured], [errors for _, errors in measured]))
    return sorted(all_of_them, key=lambda each: (not each.runaways, -each.ratio))


def conclusion(found: Sequence[Sensitivity]) -> str:
    """What matters most and least, and how far the base is from the best value of each."""
    if len(found) < 2:
        return "Too few hyperparameters are finished to compare them."
    listed = ", ".join(f"{each.label} {each.ratio:.2f}" for each in found)
    text = (
        "Largest mean whole-lattice error over the smallest between the values of each hyperparameter, all others at "
        f"the base: {listed}."
    )
    lost = [
        f"{count} of {len(each.errors[each.points.index(point)])} with {each.label} {point.value:g}"
        for each in found
        for point, count in each.runaways
    ]
    if lost:
        text += (
            f" Left out are values with which networks ran away, to errors above the largest value: {', '.join(lost)}."
        )
    spreads = [each.seeds for each in found if np.isfinite(each.seeds)]
    if spreads:
        text += (
            f" The seed alone changes the error by {100 * float(np.median(spreads)):.1f} % (one standard deviation)."
        )
    gains = [(each.base / each.least, each) for each in found if each.base is not None and not each.best.is_base]
    if gains:
        gain, each = max(gains, key=lambda pair: pair[0])
        text += (
            f" The base gains most from another {each.label}: with {each.best.value:g} its error is {gain:.2f} times "
            "smaller."
        )
    return text
