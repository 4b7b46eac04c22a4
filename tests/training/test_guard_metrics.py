"""A network's worth: the bounds behind it hold, a perfect network needs no cycles, a useless one saves none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, MichaelisMenten, Problem
from surrogate_plugin.gallery import random_problem, tumour_and_vessels
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Multigrid
from surrogate_training.quality.guard_metrics import (
    MOST_CYCLES,
    SHOWN_CYCLES,
    TOLERANCES,
    Bounds,
    Comparison,
    bounds_from,
    compare,
    forward_in_cycles,
    measure,
    polished,
    summarise,
)


@dataclass(frozen=True)
class Answer:
    """A network that is a formula."""

    formula: Callable[[Problem], FloatArray]

    def predict(self, problem: Problem) -> FloatArray:
        return self.formula(problem)


def exact(problem: Problem) -> FloatArray:
    solver = Multigrid()
    return solver.solve(solver.prepare(problem), problem).field


def nothing(problem: Problem) -> FloatArray:
    return np.zeros(problem.shape)


def noise(problem: Problem) -> FloatArray:
    return problem.largest_imposed * np.random.default_rng(0).random(problem.shape)


def smoothly_wrong(problem: Problem) -> FloatArray:
    """The exact field, 2 % too large, so that a cycle or two are left to do."""
    return 1.02 * exact(problem)


def tissue(seed: int, saturating: bool) -> Problem:
    rng = np.random.default_rng(seed)
    return tumour_and_vessels(rng, (48, 40), boundary="absorbing", diffusion_length=8.0, michaelis_menten=saturating)


@settings(max_examples=12)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([None, noise, smoothly_wrong]))
def test_every_bound_holds(seed: int, saturating: bool, proposed: Callable[[Problem], FloatArray] | None) -> None:
    problem = random_problem(
        np.random.default_rng(seed), shape=(24, 20), boundary="absorbing", michaelis_menten=saturating
    )
    start = None if proposed is None else proposed(problem)
    found, truth = bounds_from(problem, start), exact(problem)
    equation, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
    for cycles, bound in enumerate(found.values):
        error = np.abs(polished(equation, hierarchy, start, cycles).solution() - truth).max()
        assert error <= bound * problem.largest_imposed + 1e-9 * truth.max()


@pytest.mark.parametrize("saturating", [False, True])
def test_a_perfect_network_is_certified_at_once_and_saves_what_nothing_costs(saturating: bool) -> None:
    found = measure(Answer(exact), [tissue(seed, saturating) for seed in range(4)])
    for tolerance in TOLERANCES:
        worth = found.at[tolerance]
        assert worth.certified[1] == 1.0
        assert worth.cycles <= 1.0
        assert worth.saved == pytest.approx(worth.cycles_from_nothing - worth.cycles)
        assert worth.saved >= 1.0
        assert worth.worth is None


def test_a_useless_network_saves_nothing() -> None:
    problems = [tissue(seed, saturating=False) for seed in range(4)]
    assert {worth.saved for worth in measure(Answer(nothing), problems).at.values()} == {0.0}
    assert all(worth.saved <= 0.0 for worth in measure(Answer(noise), problems).at.values())


def test_a_field_that_is_not_finite_is_no_start() -> None:
    problem = tissue(0, saturating=True)
    found = compare(Answer(lambda asked: np.full(asked.shape, np.nan)), problem)
    assert found.network == found.nothing


def test_a_nearly_right_network_lies_between_the_two() -> None:
    found = measure(Answer(smoothly_wrong), [tissue(seed, bool(seed % 2)) for seed in range(4)]).at[0.001]
    assert 0.0 < found.cycles < found.cycles_from_nothing
    assert found.certified[0] == 0.0


@pytest.mark.parametrize("formula", [smoothly_wrong, noise])
def test_shares_grow_with_the_cycles_and_with_the_tolerance(formula: Callable[[Problem], FloatArray]) -> None:
    found = measure(Answer(formula), [tissue(seed, bool(seed % 2)) for seed in range(4)])
    for worth in found.at.values():
        for shares in (worth.certified, worth.certified_from_nothing):
            assert len(shares) == SHOWN_CYCLES + 1
            assert all(0.0 <= before <= after <= 1.0 for before, after in pairwise(shares))
    loose, middle, tight = (found.at[tolerance].certified for tolerance in TOLERANCES)
    assert all(a >= b >= c for a, b, c in zip(loose, middle, tight, strict=True))


def test_the_first_bound_within_the_tolerance_counts() -> None:
    bounds = Bounds((0.3, 0.04, 0.06, 0.01))
    assert [bounds.cycles_to_certify(tolerance) for tolerance in (1.0, 0.05, 0.01, 0.001)] == [0, 1, 3, MOST_CYCLES]
    found = summarise([Comparison(Bounds((0.0,)), bounds), Comparison(bounds, bounds)], 0.01, forward_cycles=0.5)
    assert (found.cycles, found.cycles_from_nothing, found.saved, found.worth) == (1.5, 3.0, 1.5, 1.0)
    assert found.certified == (0.5, 0.5, 0.5, *[1.0] * (SHOWN_CYCLES - 2))


def test_what_the_forward_pass_costs_is_taken_off() -> None:
    problem = tissue(1, saturating=False)
    found = measure(Answer(nothing), [problem], tolerances=(0.01,), measure_cost=True)
    assert found.forward_cycles is not None
    assert found.forward_cycles > 0.0
    assert found.at[0.01].worth == pytest.approx(found.at[0.01].saved - found.forward_cycles)
    assert forward_in_cycles(Answer(nothing), problem, repeats=1) > 0.0


def test_problems_without_a_bound_of_this_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        measure(Answer(nothing), [])
    source = np.zeros((12, 12))
    problem = Problem(source, fixed=np.zeros((12, 12), np.bool_), uptake=MichaelisMenten(vmax=1.0, km=1.0))
    with pytest.raises(ValueError, match="largest imposed value is 0"):
        bounds_from(problem, None)
