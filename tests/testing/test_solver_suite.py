"""A solver broken in each of the usual ways is found out by the check that is meant for it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.testing import SolverSuite


class Broken(SparseDirect):
    """Sparse direct whose field is spoilt by `spoil`."""

    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        solution = super().solve(state, problem, guess, tolerance=tolerance)
        return dataclasses.replace(solution, field=self.spoil(solution.field, problem))

    def spoil(self, field: Any, problem: Problem) -> Any:
        return field


class ForgetsFixedValues(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed, field * (1 + 1e-14), field)


class ReturnsNan(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed, field, np.nan)


class ReturnsAColumn(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return field.ravel()


class ReturnsSingles(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return field.astype(np.float32)


class FallsBelowZero(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed, field, field - 1e-14 * (1.0 + field.max()))


class IsALittleOff(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed, field, field * (1 + 1e-6))


class IsNeverTheSame(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed, field, field * (1 + 1e-13 * np.random.default_rng().random(field.shape)))


class CountsInUnitsOfOne(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed | (field > 1e-15), field, 0.0)


class TakesToleranceForALicence(SparseDirect):
    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        solution = super().solve(state, problem, guess)
        off = 0.0 if tolerance is None else 3.0 * tolerance
        return dataclasses.replace(solution, field=np.where(problem.fixed, problem.source, solution.field + off))


class ReturnsTheGuess(SparseDirect):
    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        if guess is None:
            return super().solve(state, problem, tolerance=tolerance)
        return Solution(np.where(problem.fixed, problem.source, guess), method=self.name)


class WorksInTheGuess(SparseDirect):
    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        solution = super().solve(state, problem, guess, tolerance=tolerance)
        if guess is not None:
            guess[...] = solution.field
        return solution


class TakesStaleStates(SparseDirect):
    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        fresh = dataclasses.replace(state, fingerprint=problem.fingerprint)
        return super().solve(fresh, problem, guess, tolerance=tolerance)


class PreparesTheAnswer(SparseDirect):
    """The state holds the values that it was prepared with."""

    def prepare(self, problem: Problem) -> Any:
        return SparseDirect.solve(self, SparseDirect.prepare(self, problem), problem), problem.fingerprint

    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        if state[1] != problem.fingerprint:
            SparseDirect.solve(self, dataclasses.replace(super().prepare(problem), fingerprint=state[1]), problem)
        solution: Solution = state[0]
        return solution


class PromisesABound(SparseDirect):
    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        return dataclasses.replace(super().solve(state, problem, guess), error_bound=0.0)


class SharesItsBuffer(SparseDirect):
    """All answers are one array."""

    def __init__(self) -> None:
        super().__init__()
        self.buffers: dict[tuple[int, int], Any] = {}

    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        buffer = self.buffers.setdefault(problem.shape, np.zeros(problem.shape))
        buffer[...] = super().solve(state, problem, guess, tolerance=tolerance).field
        return Solution(buffer, method=self.name)


class KeepsItsProblemInItself(SparseDirect):
    """Between threads, the first problem of a pair is answered with the field of the second."""

    def __init__(self) -> None:
        super().__init__()
        self.meeting = threading.Barrier(4)
        self.last: Any = None

    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        self.last = super().solve(state, problem, guess, tolerance=tolerance)
        if threading.current_thread() is not threading.main_thread():
            self.meeting.wait(timeout=60)  # all have written before any reads
        return self.last  # type: ignore[no-any-return]


class StopsWhereNothingIsFree(SparseDirect):
    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        if problem.fixed.all():
            raise ZeroDivisionError("no free pixel")
        return super().solve(state, problem, guess, tolerance=tolerance)


class SeesAbsorbingSides(SparseDirect):
    """Whatever a side is, 0 is imposed there."""

    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        other = problem.replace(boundary="absorbing")
        super().solve(state, problem)
        return super().solve(super().prepare(other), other, guess, tolerance=tolerance)


class TakesALineForAColumn(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed, field, 0.5 * field) if 1 in field.shape else field


class SmokesOfNothing(Broken):
    def spoil(self, field: Any, problem: Problem) -> Any:
        return np.where(problem.fixed, field, np.maximum(field, 1e-12))


class CostsNothing(SparseDirect):
    def cost(self, problem: Problem) -> float:
        return 0.0


class CostsLessTheLarger(SparseDirect):
    def cost(self, problem: Problem) -> float:
        return 1.0 / problem.source.size


class RefusesWithAWord(SparseDirect):
    def refusal(self, problem: Problem) -> Any:
        return "no" if problem.uptake is not None else None


class StopsUnasked(SparseDirect):
    def prepare(self, problem: Problem) -> Any:
        if problem.boundary.periodic_x:
            raise NotImplementedError("no rings")
        return super().prepare(problem)


class IsSomebodyElse(Broken):
    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        return dataclasses.replace(super().solve(state, problem), method="somebody")


FOUND: dict[Callable[[], Any], str] = {
    ForgetsFixedValues: "test_fixed_values_are_kept_exactly",
    ReturnsNan: "test_fields_are_float64_finite_and_of_the_shape",
    ReturnsAColumn: "test_fields_are_float64_finite_and_of_the_shape",
    ReturnsSingles: "test_fields_are_float64_finite_and_of_the_shape",
    FallsBelowZero: "test_no_field_is_below_zero",
    IsALittleOff: "test_fields_are_right",
    IsNeverTheSame: "test_the_same_question_has_the_same_answer",
    CountsInUnitsOfOne: "test_large_and_small_units_change_nothing",
    TakesToleranceForALicence: "test_a_tolerance_is_kept",
    ReturnsTheGuess: "test_a_guess_changes_the_time_alone",
    WorksInTheGuess: "test_nothing_that_is_handed_over_is_changed",
    TakesStaleStates: "test_a_state_of_another_operator_is_refused",
    PreparesTheAnswer: "test_a_state_serves_other_values",
    PromisesABound: "test_a_bare_solver_promises_no_bound",
    SharesItsBuffer: "test_an_answer_stays_what_it_is",
    KeepsItsProblemInItself: "test_threads_do_not_disturb_one_another",
    StopsWhereNothingIsFree: "test_what_is_not_refused_is_solved",
    SeesAbsorbingSides: "test_every_kind_of_side_is_kept",
    TakesALineForAColumn: "test_lattices_a_pixel_wide_are_right",
    SmokesOfNothing: "test_nothing_comes_of_nothing",
    CostsNothing: "test_a_cost_is_a_positive_number_of_seconds_or_none",
    CostsLessTheLarger: "test_a_larger_lattice_costs_more",
    RefusesWithAWord: "test_a_refusal_is_a_sentence_or_none",
    StopsUnasked: "test_what_is_not_refused_is_solved",
    IsSomebodyElse: "test_it_has_a_name_and_its_solutions_carry_it",
}


def suite(make: Callable[[], Any]) -> Any:
    made = SolverSuite()
    made.make_solver = make  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize(("broken", "check"), FOUND.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_broken_solver_is_found_out(broken: Callable[[], Any], check: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(suite(broken), check)()


@pytest.mark.parametrize("check", sorted(set(FOUND.values())))
def test_and_one_that_is_not_broken_is_not(check: str) -> None:
    getattr(suite(SparseDirect), check)()
