"""The same problems through the guard: certified from the network's field, or caught, and none over the tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.equation.problem import Problem
from surrogate_training.samples.dataset import exact_field
from surrogate_training.study.edge_cases_config import Guarded
from surrogate_training.study.held_fields import ShippedModel, StudyNetwork

#: Of the fields that answers are compared with, over the largest value.
_EXACT = 1e-9


def through_the_guard(subject: StudyNetwork | ShippedModel, problems: Sequence[Problem], tolerance: float) -> Guarded:
    """Solve each problem, the network first, and compare the answer with the exact field.

    Parameters
    ----------
    subject : StudyNetwork or ShippedModel
    problems : sequence of Problem
    tolerance : float
        Over the largest imposed value.
    """
    model: Any = subject.name if isinstance(subject, ShippedModel) else subject
    engine = sp.Engine(model=model, policy="surrogate-first")
    errors, bounds, cycles = [], [], []
    raw = 0
    for problem in problems:
        scale = problem.largest_imposed
        solution = engine.solve(problem, method="guarded", tolerance=tolerance * scale)
        exact = exact_field(problem, _EXACT)
        errors.append(float(np.abs(solution.field - exact).max()) / scale)
        bounds.append(solution.error_bound / scale)
        raw += bool(np.abs(subject.fields([problem])[0] - exact).max() <= tolerance * scale)
        if solution.method == "surrogate":
            cycles.append(solution.stats.counts.get("cycles", 0))
    over = sum(max(error, bound) > tolerance for error, bound in zip(errors, bounds, strict=True))
    return Guarded(
        len(problems), len(cycles), len(problems) - len(cycles), over, max(errors), max(bounds), raw,
        dict(sorted(Counter(cycles).items())),
    )  # fmt: skip
