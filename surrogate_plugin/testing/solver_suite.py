"""The conformance kit for authors of solvers: what every solver has to keep, as tests to be inherited."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import StaleStateError
from surrogate_plugin.solvers.protocol import Solver, adopted
from surrogate_plugin.testing.solver_cases import Case, cases, other_operator, other_values

__all__ = ["SolverSuite"]


class SolverSuite:
    """Every check of a solver; inherit, name the class ``Test...``, and say how a solver is made.

    Attributes
    ----------
    agreement : float
        Largest error allowed where no tolerance is asked, relative to the largest value.
    thread_safe : bool
        False where the solver says that one instance serves one thread at a time.

    Examples
    --------
    >>> from surrogate_plugin.solvers.direct.solver import SparseDirect
    >>> class TestMine(SolverSuite):
    ...     def make_solver(self):
    ...         return SparseDirect()
    """

    agreement: float = 1e-9
    thread_safe: bool = True

    def make_solver(self) -> Any:
        """A solver as the engine makes it, without arguments."""
        raise NotImplementedError("a solver's suite says how the solver is made.")

    # --- what it says of itself ---

    def test_it_has_a_name_and_its_solutions_carry_it(self) -> None:
        solver = self.made()
        name: Any = solver.name
        assert name and isinstance(name, str), f"name is {name!r}, not a word."  # noqa: PT018
        assert name not in ("guarded", "surrogate", "exact"), f"{name!r} is a method of the engine's own."
        method = solved(solver, self.taken("hostile")[0].problem).method
        assert method == solver.name, f"a solution is by {method!r}, not by {solver.name!r}."

    def test_a_refusal_is_a_sentence_or_none(self) -> None:
        solver = self.made()
        for kind in ("hostile", "every_side", "thin", "scales", "tissues"):
            for case in cases(kind):
                said: list[Any] = [solver.refusal(case.problem) for _ in range(2)]
                assert said[0] == said[1], f"{case.name}: refused with {said[0]!r}, and then with {said[1]!r}."
                sentence = said[0] is None or (isinstance(said[0], str) and len(said[0].split()) > 2)
                assert sentence, f"{case.name}: a refusal is a sentence or None, not {said[0]!r}."

    def test_what_is_not_refused_is_solved(self) -> None:
        solver = self.made()
        for kind in ("hostile", "every_side", "thin", "scales", "tissues"):
            for case in self.taken(kind):
                try:
                    solved(solver, case.problem)
                except Exception as error:
                    pytest.fail(f"{case.name}: not refused, and stopped with {type(error).__name__}: {error}")

    def test_a_cost_is_a_positive_number_of_seconds_or_none(self) -> None:
        solver = self.made()
        for case in self.taken("hostile"):
            cost: Any = solver.cost(case.problem)
            right = cost is None or (isinstance(cost, float | int) and 0.0 < cost < math.inf)
            assert right, f"{case.name}: a cost is a positive number or None, not {cost!r}."

    def test_a_larger_lattice_costs_more(self) -> None:
        solver = self.made()
        for case in self.taken("every_side")[:5]:
            shape = case.problem.shape
            sizes = [
                case.problem.pad(rows=(0, more - shape[0]), columns=(0, more - shape[1])) for more in (40, 80, 160)
            ]
            costs = [solver.cost(problem) for problem in sizes if solver.refusal(problem) is None]
            known = [cost for cost in costs if cost is not None]
            assert known == sorted(known), f"{case.name}: 40, 80 and 160 pixels square cost {known} s."

    # --- its fields ---

    def test_fields_are_float64_finite_and_of_the_shape(self) -> None:
        for case, solution in self.answers("hostile"):
            field: Any = solution.field
            assert isinstance(field, np.ndarray), f"{case.name}: the field is a {type(field).__name__}."
            assert field.dtype == np.float64, f"{case.name}: the field is {field.dtype}, not float64."
            assert field.shape == case.problem.shape, f"{case.name}: {field.shape}, not {case.problem.shape}."
            assert np.isfinite(field).all(), f"{case.name}: the field is not finite."

    def test_fields_are_right(self) -> None:
        self.check("hostile")

    def test_every_kind_of_side_is_kept(self) -> None:
        self.check("every_side")

    def test_lattices_a_pixel_wide_are_right(self) -> None:
        self.check("thin")

    def test_large_and_small_units_change_nothing(self) -> None:
        self.check("scales")

    def test_obstacles_membranes_fluxes_and_fibres_are_kept(self) -> None:
        self.check("tissues")

    def test_fixed_values_are_kept_exactly(self) -> None:
        for case, solution in self.answers("hostile"):
            fixed = case.problem.fixed
            kept = np.array_equal(solution.field[fixed], case.problem.source[fixed])
            assert kept, f"{case.name}: fixed pixels do not hold exactly their values."

    def test_no_field_is_below_zero(self) -> None:
        for case, solution in self.answers("hostile"):
            assert solution.field.min() >= 0.0, f"{case.name}: the field falls to {solution.field.min():g}."

    def test_a_tolerance_is_kept(self) -> None:
        solver = self.made()
        for case in self.taken("hostile"):
            for share in (1e-2, 1e-5):
                tolerance = share * (case.largest or 1.0)
                error = case.reference.distance(solved(solver, case.problem, tolerance=tolerance).field)
                assert error <= tolerance + case.reference.error, f"{case.name}: {error:g} off, {tolerance:g} allowed."

    def test_nothing_comes_of_nothing(self) -> None:
        solver = self.made()
        for case in self.taken("every_side"):
            empty = case.problem.replace(source=np.zeros(case.problem.shape), production=0.0, boundary="absorbing")
            if solver.refusal(empty) is None:
                assert not solved(solver, empty).field.any(), f"{case.name}: a field where nothing feeds one."

    def test_where_all_is_fixed_nothing_is_left_to_solve(self) -> None:
        solver = self.made()
        for case in self.taken("every_side"):
            source = np.random.default_rng(1).uniform(0.0, 2.0, case.problem.shape)
            held = case.problem.replace(source=source, fixed=np.ones(case.problem.shape, dtype=np.bool_))
            if solver.refusal(held) is None:
                same = np.array_equal(solved(solver, held).field, source)
                assert same, f"{case.name}: all pixels are fixed, and the field is another."

    def test_a_bare_solver_promises_no_bound(self) -> None:
        for case, solution in self.answers("every_side"):
            bound = solution.error_bound
            assert bound == math.inf, f"{case.name}: a bare solver's error_bound is infinite, not {bound:g}."

    # --- its states, and what it is handed ---

    def test_a_guess_changes_the_time_alone(self) -> None:
        solver = self.made()
        for case in self.taken("hostile"):
            exact = np.asarray(case.reference.field, dtype=np.float64)
            for name, guess in (("right", exact), ("empty", 0.0 * exact), ("flat", 0.0 * exact + case.largest)):
                error = case.reference.distance(solved(solver, case.problem, guess=guess.copy()).field)
                allowed = self.allowed(case)
                assert error <= allowed, f"{case.name}: from a guess that is {name} {error:g} off, {allowed:g} allowed."

    def test_nothing_that_is_handed_over_is_changed(self) -> None:
        solver = self.made()
        for case in self.taken("hostile"):
            parts = {name: np.copy(part) for name, part in case.problem.parts.items()}
            guess = np.full(case.problem.shape, 0.5 * case.largest)
            before = guess.copy()
            solved(solver, case.problem, guess=guess)
            assert np.array_equal(guess, before), f"{case.name}: the guess was written to."
            for name, part in case.problem.parts.items():
                assert np.array_equal(part, parts[name]), f"{case.name}: {name} was written to."

    def test_a_state_of_another_operator_is_refused(self) -> None:
        solver = self.made()
        for case in self.taken("every_side"):
            another = other_operator(case.problem)
            if solver.refusal(another) is None:
                state = solver.prepare(another)
                try:
                    solver.solve(state, case.problem)
                except StaleStateError:
                    continue
                pytest.fail(f"{case.name}: a state of another operator was taken; StaleStateError is expected.")

    def test_a_state_serves_other_values(self) -> None:
        solver = self.made()
        for case in self.taken("every_side"):
            state = solver.prepare(other_values(case.problem))
            for attempt in range(2):
                error = case.reference.distance(solver.solve(state, case.problem).field)
                allowed = self.allowed(case)
                assert error <= allowed, (
                    f"{case.name}: with a state prepared for other values, solve {attempt + 1} is {error:g} off."
                )
                solver.solve(state, other_values(case.problem))

    def test_the_same_question_has_the_same_answer(self) -> None:
        for kind in ("hostile", "every_side"):
            for (case, first), (_, second) in zip(self.answers(kind), self.answers(kind), strict=True):
                same = np.array_equal(first.field, second.field)
                assert same, f"{case.name}: solved twice, the fields differ."

    def test_an_answer_stays_what_it_is(self) -> None:
        solver = self.made()
        for case in self.taken("every_side"):
            state = solver.prepare(case.problem)
            first = solver.solve(state, case.problem).field
            before = first.copy()
            solver.solve(state, other_values(case.problem))
            assert np.array_equal(first, before), f"{case.name}: a later solve wrote into an earlier answer."

    def test_threads_do_not_disturb_one_another(self) -> None:
        if not self.thread_safe:
            pytest.skip("one instance of this solver serves one thread at a time")
        solver = self.made()
        problems = [case.problem for case in self.taken("every_side")] * 2
        alone = [solved(solver, problem).field for problem in problems]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda problem: solved(solver, problem).field, problems))
        for one, other in zip(alone, together, strict=True):
            assert np.array_equal(one, other), "beside other threads a solver has another answer."

    # --- what the checks share ---

    def made(self) -> Solver[Any]:
        """A new solver, behind the abstract class if it does not inherit it."""
        return adopted(self.make_solver(), "")

    def taken(self, kind: str) -> list[Case]:
        """The cases that the solver does not refuse."""
        solver = self.made()
        taken = [case for case in cases(kind) if solver.refusal(case.problem) is None]
        if not taken:
            pytest.skip(f"the solver refuses all cases of the kind {kind!r}")
        return taken

    def answers(self, kind: str) -> list[tuple[Case, Solution]]:
        """What a new solver answers to the cases that it takes."""
        solver = self.made()
        return [(case, solved(solver, case.problem)) for case in self.taken(kind)]

    def allowed(self, case: Case) -> float:
        """The largest error, field units."""
        return self.agreement * case.largest + case.reference.error

    def check(self, kind: str) -> None:
        """The solver's fields are those of the reference."""
        for case, solution in self.answers(kind):
            error, allowed = case.reference.distance(solution.field), self.allowed(case)
            assert error <= allowed, f"{case.name}: {error:g} off the field, {allowed:g} allowed."


def solved(
    solver: Solver[Any], problem: Problem, guess: FloatArray | None = None, tolerance: float | None = None
) -> Solution:
    """A problem prepared and solved."""
    return solver.solve(solver.prepare(problem), problem, guess, tolerance=tolerance)
