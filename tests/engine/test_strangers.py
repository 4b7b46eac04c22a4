"""What other packages' solvers do to the method "exact": a flag at worst, never a wrong field, never an exception."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import calibration, registry
from surrogate_plugin.engine import routes
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.gallery import nasty_problems
from surrogate_plugin.reference import solve_extended
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.protocol import Solver
from tests.engine import pyamg_example


class Stranger(SparseDirect):
    """Right, cheap by its own word, and counts what it is asked."""

    name = "stranger"

    def __init__(self) -> None:
        super().__init__(cache_size=0)
        self.prepared = 0
        self.guesses: list[Any] = []

    def cost(self, problem: Problem) -> float:
        return 1e-9

    def prepare(self, problem: Problem) -> Any:
        self.prepared += 1
        return super().prepare(problem)

    def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        self.guesses.append(guess)
        return super().solve(state, problem, guess, tolerance=tolerance)


def spoilt(field: Any) -> type[Stranger]:
    """A stranger that answers with what ``field`` makes of the right one."""

    class Spoilt(Stranger):
        def solve(self, state: Any, problem: Problem, guess: Any = None, *, tolerance: float | None = None) -> Any:
            solution = super().solve(state, problem, guess, tolerance=tolerance)
            return dataclasses.replace(solution, field=field(solution.field, problem), error_bound=0.0)

    return Spoilt


def raising(method: str, error: BaseException) -> type[Stranger]:
    def fail(self: Any, *arguments: Any, **named: Any) -> Any:
        raise error

    return type("Raising", (Stranger,), {method: fail})


def saying(method: str, said: Any) -> type[Stranger]:
    return type("Saying", (Stranger,), {method: lambda self, *arguments, **named: said})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An engine in whose world some classes are registered."""
    # Small lattices are quick to test, but to certify a field on a map takes as long there as to factorise.
    monkeypatch.setattr(routes, "certificate_seconds", lambda problem: 0.0)
    monkeypatch.setattr(routes, "_UNNOTICED", 1e9)  # nobody is slow but where a test says so
    made = sp.Engine()
    load, names = registry.load, registry.names
    classes: dict[str, Any] = {}
    monkeypatch.setattr(registry, "load", lambda group, name: classes[name] if name in classes else load(group, name))
    monkeypatch.setattr(
        registry, "names", lambda group: (*names(group), *(classes if group == registry.SOLVERS else ()))
    )

    def register(name: str, cls: Any) -> sp.Engine:
        classes[name] = cls
        return made

    return register


def maps(shape: tuple[int, int] = (20, 30)) -> Problem:
    source = np.zeros(shape)
    source[7, 9], source[15, 22] = 1.0, 0.4
    noise = 10.0 ** -np.random.default_rng(2).uniform(0.0, 6.0, shape)  # which no coarse lattice follows
    return Problem(source, diffusivity=noise, decay=0.02)


def test_the_cheapest_answers_and_is_certified(engine: Any) -> None:
    solution = engine("stranger", Stranger).solve(maps(), method="exact")
    assert solution.method == "stranger"
    assert solution.flags == ()
    assert solve_extended(maps()).distance(solution.field) <= solution.error_bound <= 1e-10


def test_who_does_not_know_its_cost_is_asked_by_name_alone(engine: Any) -> None:
    made = engine("stranger", saying("cost", None))
    assert made.solve(maps(), method="exact").method == "sparse-direct"
    assert made.solve(maps(), method="stranger").method == "stranger"


def test_who_is_dearer_is_not_asked(engine: Any) -> None:
    assert engine("stranger", saying("cost", 1e9)).solve(maps(), method="exact").method == "sparse-direct"


def test_a_state_is_prepared_once_for_one_operator_and_the_last_field_is_the_guess(engine: Any) -> None:
    kept: list[Stranger] = []

    class Kept(Stranger):
        def __init__(self) -> None:
            super().__init__()
            kept.append(self)

    made = engine("kept", Kept)
    first = made.solve(maps(), method="exact")
    second = made.solve(maps().replace(source=1.5 * maps().source), method="exact", previous=first.field)
    assert (first.method, second.method, len(kept), kept[0].prepared) == ("kept", "kept", 1, 1)
    assert kept[0].guesses[0] is None
    assert np.array_equal(kept[0].guesses[1], first.field)
    made.solve(maps().replace(decay=0.03), method="kept")
    assert (len(kept), kept[0].prepared) == (1, 2)


BROKEN: dict[str, type[Stranger]] = {
    "raises in refusal": raising("refusal", RuntimeError("no licence")),
    "raises in cost": raising("cost", KeyError("seconds")),
    "raises in prepare": raising("prepare", MemoryError("too large")),
    "raises in solve": raising("solve", ZeroDivisionError()),
    "exits": raising("solve", SystemExit(3)),
    "costs nothing": saying("cost", 0.0),
    "costs no number": saying("cost", "cheap"),
    "costs NaN": saying("cost", float("nan")),
    "answers with nothing": saying("solve", None),
    "NaN": spoilt(lambda field, problem: field * np.nan),
    "a column": spoilt(lambda field, problem: field.ravel()),
    "a list": spoilt(lambda field, problem: field.tolist()),
    "words": spoilt(lambda field, problem: field.astype(str)),
    "complex": spoilt(lambda field, problem: field + 1j),
    "below zero": spoilt(lambda field, problem: field - 0.5),
    "other fixed values": spoilt(lambda field, problem: 1.5 * field),
    "huge": spoilt(lambda field, problem: np.where(problem.fixed, field, 1e300)),
    "zero": spoilt(lambda field, problem: np.where(problem.fixed, field, 0.0)),
    "a little off": spoilt(lambda field, problem: np.where(problem.fixed, field, field * (1 + 1e-6))),
}


@pytest.mark.parametrize("form", ["map", "constant", "decay map"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_stranger_costs_a_flag_and_nothing_else(engine: Any, name: str, form: str) -> None:
    made, problem = engine("stranger", BROKEN[name]), maps()
    if form != "map":
        problem = problem.replace(diffusivity=1.0)
    if form == "decay map":
        problem = problem.replace(decay=0.02 + 0.1 * problem.source)
    solution = made.solve(problem, method="exact")
    assert solution.method != "stranger"
    assert [flag.reason for flag in solution.flags] == [Reason.SOLVER_FAILED]
    assert "'stranger'" in solution.flags[0].message
    reference = solve_extended(problem)
    assert reference.distance(solution.field) <= solution.error_bound + reference.error
    assert solution.error_bound <= 1e-10


def test_hostile_problems_stay_right_beside_a_stranger_that_is_a_little_off(engine: Any) -> None:
    made = engine("stranger", spoilt(lambda field, problem: field * (1 + 1e-7)))
    for problem in nasty_problems(31, 24, 16, variable_diffusivity=True):
        reference = solve_extended(problem)
        for tolerance in (None, 1e-2 * max(float(reference.field.max()), 1e-9)):
            solution = made.solve(problem, method="exact", tolerance=tolerance)
            assert reference.distance(solution.field) <= solution.error_bound + reference.error


def test_who_says_too_little_twice_is_believed_no_more(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_UNNOTICED", 0.02)
    clock = iter(range(0, 10_000, 7))  # each look at it is 7 s later
    monkeypatch.setattr(routes.time, "perf_counter", lambda: float(next(clock)))
    made = engine("stranger", Stranger)
    answers = [made.solve(maps(), method="exact") for _ in range(3)]
    assert [answer.method for answer in answers] == ["stranger", "stranger", "sparse-direct"]
    assert [[flag.reason for flag in answer.flags] for answer in answers] == [[], [Reason.SOLVER_SLOW], []]


def test_one_that_does_not_load_is_a_flag_of_exact_and_an_error_by_name(engine: Any) -> None:
    class Unmade(Stranger):
        def __init__(self) -> None:
            raise OSError("a library is missing")

    made = engine("stranger", Unmade)
    assert [flag.reason for flag in made.solve(maps(), method="exact").flags] == [Reason.SOLVER_FAILED]
    with pytest.raises(OSError, match="a library is missing"):
        made.solve(maps(), method="stranger")


def test_by_name_its_errors_are_the_callers(engine: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        engine("stranger", BROKEN["raises in solve"]).solve(maps(), method="stranger")
    with pytest.raises(ArithmeticError, match="no finite field"):
        engine("stranger", BROKEN["NaN"]).solve(maps(), method="stranger")


def test_ours_keep_their_order_whoever_is_there(engine: Any) -> None:
    made = engine("stranger", saying("cost", 1e9))
    constant = maps().replace(diffusivity=1.0)
    assert made.solve(constant, method="exact").method == "spectral"
    assert made.solve(constant.replace(decay=0.02 + constant.source), method="exact").method == "multigrid"


#: What one solve by each and one cycle take on a machine where PyAMG is the quickest for such maps, seconds.
IDLE = {"sparse": 0.03, "pyamg": 0.02, "cycle": 0.0004, "algebraic": 0.04}


def test_pyamg_answers_where_it_is_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With costs as such a machine has them: those of a busy one are anybody's guess."""
    for measure in ("seconds", "made_seconds"):
        monkeypatch.setattr(calibration, measure, lambda name, work: IDLE[name.split(" ")[0].split("|")[0]])
    made = sp.Engine()
    pyamg_example.module()
    pyamg_example.install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    registry.forget()
    large, small = maps((320, 320)), maps((24, 24))
    try:
        assert issubclass(registry.load(registry.SOLVERS, "pyamg"), Solver)
        solutions = [made.solve(problem, method="exact") for problem in (large, small)]
    finally:
        monkeypatch.undo()
        registry.forget()
    assert [solution.method for solution in solutions] == ["pyamg", "sparse-direct"]
    exact = made.solve(large, method="sparse-direct")
    assert np.abs(solutions[0].field - exact.field).max() <= solutions[0].error_bound + exact.error_bound
    assert solutions[0].error_bound <= 1e-10
