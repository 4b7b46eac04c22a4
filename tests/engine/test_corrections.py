"""A network that was asked at the step before corrects that step's field by the change that it sees."""

from __future__ import annotations

import gc

import numpy as np

from surrogate_plugin.engine.corrections import Corrections
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.gallery import tumour_and_vessels
from tests.exact import exact_field


class _Biased:
    """A network that is always off by the same smooth field, as good networks about are."""

    card, device, typical_error = None, "cpu", 0.05

    def __init__(self, share: float) -> None:
        self._share = share

    def predict(self, problem: Problem) -> FloatArray:
        rows, columns = problem.shape
        wave = np.sin(np.pi * np.arange(rows) / rows)[:, None] * np.sin(np.pi * np.arange(columns) / columns)
        exact = exact_field(problem)
        return np.where(problem.fixed, exact, exact + self._share * exact.max() * wave)


def _steps() -> tuple[Problem, Problem]:
    problem = tumour_and_vessels(np.random.default_rng(3), (96, 96), michaelis_menten=False)
    return problem, problem.replace(decay=1.2 * np.asarray(problem.decay))


def test_the_network_corrects_the_field_that_came_from_it() -> None:
    before, after = _steps()
    engine, tolerance = Engine(model=_Biased(0.04), policy="surrogate-first"), 0.01 * before.largest_imposed
    first = engine.solve(before, tolerance=tolerance)
    second = engine.solve(after, tolerance=tolerance, previous=first.field)
    alone = engine.solve(after, tolerance=tolerance, previous=first.field.copy())
    assert first.method == second.method == alone.method == "surrogate"
    assert "corrects the previous field" in second.stats.why
    assert "corrects" not in alone.stats.why
    exact = exact_field(after)
    assert np.abs(second.field - exact).max() <= second.error_bound <= tolerance
    assert second.stats.counts["cycles"] <= alone.stats.counts["cycles"]
    assert np.abs(second.field - exact).max() < 0.5 * np.abs(alone.field - exact).max()


def test_a_correction_that_misleads_is_bounded_all_the_same() -> None:
    before, after = _steps()
    engine, tolerance = Engine(model=_Biased(0.02), policy="surrogate-first"), 0.01 * before.largest_imposed
    first = engine.solve(before, tolerance=tolerance)
    first.field[...] = before.largest_imposed * (np.indices(before.shape).sum(axis=0) % 2)  # somebody wrote into it
    second = engine.solve(after, tolerance=tolerance, previous=first.field)
    assert np.abs(second.field - exact_field(after)).max() <= second.error_bound <= tolerance


def test_only_the_very_field_is_known_again_and_only_while_somebody_holds_it() -> None:
    corrections, prediction = Corrections(), np.full((3, 4), 2.0)
    answer = np.ones((3, 4))
    corrections.remember(answer, prediction)
    corrected = corrections.corrected(answer, prediction - 1.5)
    assert corrected is not None
    assert corrected.tolist() == np.zeros((3, 4)).tolist()  # 1 - 1.5 is below 0, where no field is
    assert corrections.corrected(answer.copy(), prediction) is None
    assert corrections.corrected(None, prediction) is None
    assert corrections.corrected(answer, np.ones((2, 2))) is None
    del answer
    gc.collect()
    other = np.ones((3, 4))
    assert corrections.corrected(other, prediction) is None


def test_no_more_fields_are_remembered_than_a_few() -> None:
    corrections, fields = Corrections(), [np.ones((2, 2)) for _ in range(20)]
    for field in fields:
        corrections.remember(field, field)
    assert corrections.corrected(fields[0], fields[0]) is None
    assert corrections.corrected(fields[-1], fields[-1]) is not None
