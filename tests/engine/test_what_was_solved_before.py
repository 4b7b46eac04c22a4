"""A host's steps learn from one another; where it is chance who solved what before, a field does not depend on it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.engine.spare_engines import spare_engine
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.gallery import tumour_and_vessels
from tests.exact import exact_field

_SHAPE = (24, 32)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """So that the engine that is lent last is the one that is lent next."""
    sp.use_threads(1)
    yield
    sp.use_threads(None)


def _misleading() -> list[tuple[Problem, FloatArray]]:
    """A change that is worth far more than its residual says, and one of as many pixels that is worth less.

    After the first one, the field before is thought to be no start for the second.
    """
    source = np.zeros(_SHAPE)
    source[4, 4] = 38.0
    decay = np.linspace(1e-3, 2e-3, source.size).reshape(_SHAPE)
    problem = Problem(source, decay=decay, boundary="reflecting")
    field = exact_field(problem)
    rough = field + np.random.default_rng(0).uniform(0.0, 0.5, _SHAPE)
    return [(problem.replace(decay=2.0 * decay), field), (problem, rough)]


def _solved(engine: Engine, method: str, asked: list[tuple[Problem, FloatArray]]) -> list[sp.Solution]:
    return [engine.solve(problem, method=method, tolerance=0.04, previous=start) for problem, start in asked]


@pytest.mark.parametrize("method", ["guarded", "exact", "multigrid"])
def test_the_steps_of_a_host_learn_from_one_another_until_they_are_to_forget(method: str) -> None:
    asked, engine = _misleading(), Engine(device="cpu")
    (alone,) = _solved(Engine(device="cpu"), method, asked[1:])
    assert _solved(engine, method, asked)[1].stats.start == "nothing"
    _solved(engine, method, asked[:1])
    engine.forget()
    (found,) = _solved(engine, method, asked[1:])
    assert found.stats.start == alone.stats.start == "previous"
    assert np.array_equal(found.field, alone.field)


@pytest.mark.parametrize("method", ["guarded", "exact", "multigrid"])
def test_many_problems_are_answered_alike_whatever_the_thread_solved_before(method: str) -> None:
    asked, engine = _misleading(), Engine(device="cpu")
    (alone,) = _solved(Engine(device="cpu"), method, asked[1:])
    with spare_engine(engine.options) as lent:
        _solved(lent, method, asked[:1])
    for order in ([1], [0, 1], [1, 0]):
        problems, starts = [asked[k][0] for k in order], [asked[k][1] for k in order]
        # Maps are an engine's business, not that of compiled code.
        answers = sp.solve_many(problems, method, 0.04, engine=engine, previous=starts, error_map=True)
        found = answers[order.index(1)]
        assert found.stats.start == "previous"
        assert np.array_equal(found.field, alone.field)
        assert found.error_bound == alone.error_bound


class _Low:
    """A network that is always off by as much of the field."""

    card, device, typical_error = None, "cpu", 0.05

    def predict(self, problem: Problem) -> FloatArray:
        return np.where(problem.fixed, problem.source, 0.96 * exact_field(problem))


def test_the_network_corrects_no_field_for_one_thread_and_not_for_another() -> None:
    before = tumour_and_vessels(np.random.default_rng(3), (96, 96), michaelis_menten=False)
    after, tolerance = before.replace(decay=1.2 * np.asarray(before.decay)), 0.01 * before.largest_imposed
    engine = Engine(model=_Low(), device="cpu", policy="surrogate-first")
    (first,) = sp.solve_many([before], tolerance=tolerance, engine=engine)
    (alike,) = sp.solve_many([after], tolerance=tolerance, engine=engine, previous=[first.field])
    (other,) = sp.solve_many([after], tolerance=tolerance, engine=engine, previous=[first.field.copy()])
    assert first.method == alike.method == "surrogate"
    assert np.array_equal(alike.field, other.field)
    assert alike.error_bound == other.error_bound
