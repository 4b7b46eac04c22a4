"""Many problems at once: each answered as by itself, in its place, whatever the others are."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.engine import many_worker, pooling
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.gallery import extreme_problems, nasty_problems, tumour_and_vessels, wider_problems
from tests.exact import exact_field


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    sp.use_threads(3)
    yield
    sp.use_threads(None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    """The problems that an engine was asked for, in the place of compiled code or by the test itself."""
    problems: list[Problem] = []
    solve = Engine.solve

    def noted(engine: Engine, problem: Problem, **options: Any) -> sp.Solution:
        problems.append(problem)
        return solve(engine, problem, **options)

    monkeypatch.setattr(Engine, "solve", noted)
    return problems


def _tissues(
    count: int, shape: tuple[int, int] = (24, 32), *, saturating: bool = False, seed: int = 0
) -> list[Problem]:
    rng = np.random.default_rng(count)
    pinned = {"scale": 38.0, "variable_decay": True, "michaelis_menten": saturating}
    return [tumour_and_vessels(rng, shape, **pinned) for _ in range(count)]


def _hostile(count: int) -> list[Problem]:
    """Problems of all kinds, of which several share a shape, in any order."""
    rng = np.random.default_rng(5)
    found = [*extreme_problems(11, count), *nasty_problems(3, count // 2, max_side=24), *_tissues(count // 4)]
    found += [*wider_problems(7, count // 4), *_tissues(count // 4, saturating=True), *_tissues(4, (16, 16))]
    return [found[place] for place in rng.permutation(len(found))]


def _alone(problem: Problem, method: str, tolerance: float | None = None) -> sp.Solution | Exception:
    try:
        return Engine(device="cpu").solve(problem, method=method, tolerance=tolerance)
    except ValueError as error:
        return error


def _assert_alike(one: sp.Solution, other: sp.Solution) -> None:
    scale = max(float(other.field.max()), 1e-300)
    np.testing.assert_allclose(one.field, other.field, rtol=0, atol=1e-12 * scale)
    assert one.error_bound == pytest.approx(other.error_bound, rel=1e-6, abs=1e-13 * scale)
    assert (one.method, one.stats.counts, one.stats.start) == (other.method, other.stats.counts, other.stats.start)
    assert [flag.reason for flag in one.flags] == [flag.reason for flag in other.flags]
    assert (one.spacing, one.boundary) == (other.spacing, other.boundary)


@pytest.mark.parametrize("method", ["guarded", "exact", "multigrid"])
def test_each_of_many_hostile_problems_is_answered_as_by_itself(method: str) -> None:
    problems = _hostile(40)
    answers = sp.solve_many(problems, method=method, device="cpu", errors="return")
    assert len(answers) == len(problems)
    for problem, answer in zip(problems, answers, strict=True):
        alone = _alone(problem, method)
        assert type(answer) is type(alone)
        if isinstance(answer, sp.Solution) and isinstance(alone, sp.Solution):
            _assert_alike(answer, alone)
        else:
            assert str(answer) == str(alone)


@pytest.mark.parametrize("saturating", [False, True])
def test_tissues_are_solved_without_an_engine_and_within_their_bounds(
    monkeypatch: pytest.MonkeyPatch, saturating: bool
) -> None:
    monkeypatch.setattr(Engine, "solve", lambda *_, **__: pytest.fail("an engine was asked"))
    problems = _tissues(9, saturating=saturating)
    for problem, solution in zip(problems, sp.solve_many(problems, method="exact", tolerance=1e-3), strict=True):
        error = float(np.abs(solution.field - exact_field(problem)).max())
        assert error <= solution.error_bound <= 1e-3


def test_what_compiled_code_does_not_settle_is_answered_by_an_engine(asked: list[Problem]) -> None:
    """Around long diffusion lengths between mirrors a bound needs a barrier, which is computed in python alone."""
    source = np.zeros((48, 48))
    source[20:22, 20:22] = 38.0
    decay = np.where(np.indices((48, 48)).sum(axis=0) % 5 == 0, 1e-3, 1e-9)
    problems = [Problem(source, decay=factor * decay, boundary="reflecting") for factor in (1.0, 0.5, 0.25)]
    answers = sp.solve_many(problems, method="exact", tolerance=1e-6)
    assert asked
    for problem, solution in zip(problems, answers, strict=True):
        _assert_alike(solution, Engine().solve(problem, method="exact", tolerance=1e-6))
        assert solution.error_bound <= 1e-6


def test_tolerances_starts_and_maps_are_each_problems_own() -> None:
    problems = _tissues(6)
    tolerances = [None, 1e-2, 1e-4, 1e-6, None, 1e-3]
    starts = [None, None, exact_field(problems[2]), None, exact_field(problems[4]), None]
    maps = [False, True, False, True, False, False]
    answers = sp.solve_many(problems, tolerance=tolerances, previous=starts, error_map=maps)
    for each in zip(problems, tolerances, starts, maps, answers, strict=True):
        problem, tolerance, start, mapped, answer = each
        alone = Engine().solve(problem, tolerance=tolerance, previous=start, error_map=mapped)
        _assert_alike(answer, alone)
        assert (answer.error_map is not None) == mapped


@pytest.mark.parametrize("saturating", [False, True])
def test_fields_of_the_step_before_are_starts_and_bad_ones_spoil_nothing(saturating: bool) -> None:
    problems = _tissues(12, saturating=saturating)
    exact = [exact_field(problem) for problem in problems]
    rng = np.random.default_rng(3)
    starts = [field * rng.uniform(0.99, 1.01, field.shape) for field in exact[:4]]
    starts += [exact[4], np.zeros_like(exact[5]), np.full_like(exact[6], 1e90), -exact[7]]
    starts += [field * factor for field, factor in zip(exact[8:], (1e-3, 3.0, 1e3, 1e-30), strict=True)]
    answers = sp.solve_many(problems, method="exact", tolerance=1e-4, previous=starts)
    nothing = sp.solve_many(problems, method="exact", tolerance=1e-4)
    for answer, field in zip(answers, exact, strict=True):
        assert float(np.abs(answer.field - field).max()) <= answer.error_bound <= 1e-4
    for answer, other in zip(answers[:5], nothing[:5], strict=True):
        assert answer.stats.start == "previous"
        assert answer.stats.cycles <= other.stats.cycles


def test_steps_from_first_order_fields_ask_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [problem for problem in _tissues(12) if not problem.constant_coefficients]
    starts = [exact_field(problem) * 1.01 for problem in problems]
    alone = [Engine().solve(each, previous=start) for each, start in zip(problems, starts, strict=True)]
    monkeypatch.setattr(Engine, "solve", lambda *_, **__: pytest.fail("an engine was asked"))
    for answer, other in zip(sp.solve_many(problems, previous=starts), alone, strict=True):
        _assert_alike(answer, other)
        assert answer.stats.start == "previous"


def test_fields_do_not_depend_on_the_number_of_threads() -> None:
    problems = _tissues(10)
    several = sp.solve_many(problems, method="exact")
    sp.use_threads(1)
    for one, other in zip(sp.solve_many(problems, method="exact"), several, strict=True):
        np.testing.assert_array_equal(one.field, other.field)
        assert one.error_bound == other.error_bound


def test_a_bad_problem_among_many_spoils_no_other() -> None:
    good = _tissues(5)
    unposed = Problem(np.zeros((24, 32)), decay=0.0, production=1.0, boundary="reflecting")
    mixed = [good[0], "no problem", *good[1:3], unposed, *good[3:]]
    answers = sp.solve_many(mixed, method="exact", errors="return")  # type: ignore[list-item]
    assert [type(answer) for answer in answers] == [
        sp.Solution, sp.InvalidProblemError, sp.Solution, sp.Solution, sp.InvalidProblemError, sp.Solution, sp.Solution,
    ]  # fmt: skip
    for place, problem in ((0, good[0]), (2, good[1]), (6, good[4])):
        answer = answers[place]
        assert isinstance(answer, sp.Solution)
        _assert_alike(answer, Engine().solve(problem, method="exact"))


def test_the_first_problem_that_has_an_error_raises_it_and_says_which_it_is() -> None:
    problems = _tissues(30)
    problems[21] = Problem(np.zeros((24, 32)), decay=0.0, production=1.0, boundary="reflecting")
    problems[13] = Problem(np.zeros((9, 9)), decay=0.0, boundary="periodic")
    with pytest.raises(sp.InvalidProblemError, match="no unique steady state") as caught:
        sp.solve_many(problems)
    assert caught.value.__notes__ == ["It is problem 13 of 30, counted from 0."]


def test_a_tolerance_that_is_none_in_a_sequence_is_its_problems_error() -> None:
    answers = sp.solve_many(_tissues(3), tolerance=[1.0, -1.0, None], errors="return")
    assert [isinstance(answer, sp.Solution) for answer in answers] == [True, False, True]
    assert "tolerance is -1.0" in str(answers[1])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"errors": "ignore"}, "errors is 'ignore'"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"tolerance": [1.0, 2.0]}, "tolerance has 2 entries; one for each of the 1 problems"),
        ({"previous": [None, None]}, "previous has 2 entries"),
        ({"previous": 3.0}, "previous is 3.0; a sequence"),
        ({"error_map": [True, False]}, "error_map has 2 entries"),
        ({"method": 3}, "method is 3"),
        ({"device": "tpu"}, "device is 'tpu'"),
        ({"policy": "cheapest"}, "policy is 'cheapest'"),
        ({"engine": "default"}, "engine is 'default'; None or an Engine is allowed."),
    ],
)
def test_arguments_that_are_not_allowed_are_refused_at_once(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.solve_many(_tissues(1), **{"errors": "return", **arguments})  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_what_is_no_list_of_problems_is_refused() -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"problems is .*; an iterable of Problem is allowed."):
        sp.solve_many(_tissues(1)[0])  # type: ignore[call-overload]


def test_an_unknown_method_is_an_error_of_each_problem() -> None:
    answers = sp.solve_many(_tissues(2), method="guesswork", errors="return")
    assert all(isinstance(answer, sp.UnsupportedProblemError) for answer in answers)


def test_none_and_one_and_what_can_be_gone_through_but_once() -> None:
    assert sp.solve_many([]) == []
    [problem] = _tissues(1)
    [solution] = sp.solve_many(each for each in [problem])
    _assert_alike(solution, Engine().solve(problem))


def test_a_sequence_may_be_an_array() -> None:
    source = np.zeros((9, 9))
    source[4, 4] = 38.0
    problems = [Problem(source, decay=rate) for rate in (0.01, 0.1, 1.0)]
    given = sp.solve_many(problems, tolerance=np.array([0.3, 0.2, 0.1]), error_map=np.array([True, False, True]))
    assert [each.error_map is not None for each in given] == [True, False, True]
    assert all(each.error_bound <= limit for each, limit in zip(given, (0.3, 0.2, 0.1), strict=True))


def test_a_callback_that_cannot_be_called_is_refused_before_anything_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "solve", lambda *given, **named: pytest.fail("it was solved"))
    with pytest.raises(sp.InvalidProblemError, match=r"callback is 5; None or a function"):
        sp.solve_many([Problem(np.eye(8))], callback=5)  # type: ignore[call-overload]


def test_the_callback_hears_of_all_problems_on_the_calling_thread() -> None:
    heard: list[tuple[int, int]] = []
    here = threading.get_ident()

    def callback(done: int, among: int) -> None:
        assert threading.get_ident() == here
        heard.append((done, among))

    sp.solve_many(_tissues(40), callback=callback)
    done = [each for each, _ in heard]
    assert done == sorted(set(done))
    assert heard[-1] == (40, 40)
    assert {among for _, among in heard} == {40}


def test_ctrl_c_ends_the_work_and_leaves_no_thread_behind() -> None:
    heard: list[int] = []

    def callback(done: int, among: int) -> None:
        heard.append(done)
        raise KeyboardInterrupt

    problems, before = _tissues(200), threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        sp.solve_many(problems, callback=callback)
    assert len(heard) == 1
    assert heard[0] < len(problems)
    assert not [each for each in threading.enumerate() if each.name == "surrogate-plugin-many"]
    assert threading.active_count() <= before + 2  # the kernels' own helpers stay
    assert len(sp.solve_many(problems[:5])) == 5


def test_an_error_that_is_no_problems_own_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(many_worker, "_solution", break_down)
    with pytest.raises(RuntimeError, match="a bug"):
        sp.solve_many(_tissues(20), method="exact", errors="return")


def test_it_may_be_called_within_itself_and_by_several_threads() -> None:
    problems = _tissues(12)
    expected = [each.field for each in sp.solve_many(problems, method="exact")]
    inner: list[np.ndarray] = []

    def callback(done: int, among: int) -> None:
        inner.append(sp.solve_many(problems[:3], method="exact")[2].field)

    outer: list[list[sp.Solution]] = []
    threads = [
        threading.Thread(target=lambda: outer.append(sp.solve_many(problems, method="exact", callback=callback)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outer) == 2
    assert inner
    for field in inner:
        np.testing.assert_array_equal(field, expected[2])
    for answers in outer:
        for answer, field in zip(answers, expected, strict=True):
            np.testing.assert_array_equal(answer.field, field)


def _solve_in_child(problems: list[Problem]) -> list[float]:
    return [float(each.field.sum()) for each in sp.solve_many(problems, method="exact")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork.")
def test_a_forked_child_solves_many_too() -> None:
    problems = _tissues(8)
    expected = _solve_in_child(problems)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of every fork beside threads
        pool = multiprocessing.get_context("fork").Pool(1)
    with pool:
        assert pool.apply_async(_solve_in_child, (problems,)).get(timeout=300) == expected


class _Pool:
    """Answers as a pool does, and remembers how much it was asked for at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def answer(self, engine: Engine, asked: list[pooling.Asked]) -> list[sp.Solution | Exception]:
        self.sizes.append(len(asked))
        token = pooling.HERE.set(None)
        try:
            return [engine.solve(each.problem, method=each.method, tolerance=each.tolerance) for each in asked]
        finally:
            pooling.HERE.reset(token)


def test_a_pool_is_handed_all_problems_at_once() -> None:
    pool, problems = _Pool(), _tissues(4)
    token = pooling.HERE.set(pool)
    try:
        answers = sp.solve_many(problems)
    finally:
        pooling.HERE.reset(token)
    assert pool.sizes == [4]
    for problem, answer in zip(problems, answers, strict=True):
        _assert_alike(answer, Engine().solve(problem))


def test_an_engine_gives_its_model_and_policy() -> None:
    problems = _tissues(4, (32, 32))
    engine = Engine(device="cpu", policy="surrogate-first")
    for problem, solution in zip(problems, sp.solve_many(problems, engine=engine), strict=True):
        _assert_alike(solution, Engine(device="cpu", policy="surrogate-first").solve(problem))


@pytest.mark.parametrize(("share", "held", "method"), [
    (0.01, True, "multigrid"), (1e-6, True, "spectral"), (0.01, False, "spectral"),
])  # fmt: skip
def test_constant_coefficients_are_for_cycles_where_something_is_held_and_little_is_asked(
    share: float, held: bool, method: str, asked: list[Problem]
) -> None:
    """Alone and among many: there in compiled code, which no engine is asked for."""
    rng, problems = np.random.default_rng(5), []
    for _ in range(9):
        source = np.where(rng.random((24, 28)) < 0.07, 1.0, 0.0) if held else np.zeros((24, 28))
        problems.append(sp.Problem(source, decay=float(rng.uniform(1e-4, 0.1)), boundary=1.0))
    answers = sp.solve_many(problems, tolerance=share)
    assert len(asked) == (0 if method == "multigrid" else len(problems))
    for problem, answer in zip(problems, answers, strict=True):
        assert answer.method == method
        _assert_alike(answer, Engine().solve(problem, tolerance=share))


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("saturating", [False, True])
def test_what_production_alone_feeds_is_solved_in_compiled_code_too(
    saturating: bool, started: bool, asked: list[Problem]
) -> None:
    """To 1 % of a largest value that shows only as it is solved for."""
    rng, problems = np.random.default_rng(11), []
    for scale in 10.0 ** rng.uniform(-6, 6, 12):
        cells = rng.random((30, 26)) < 0.2
        uptake = sp.MichaelisMenten(np.where(cells, 0.0, 0.02 * scale), 10.0 * scale) if saturating else None
        production = np.where(cells, scale * rng.random(cells.shape), 0.0)
        decay = 10.0 ** rng.uniform(-4, -1, cells.shape)
        problems.append(
            sp.Problem(np.zeros(cells.shape), decay=decay, production=production, uptake=uptake, boundary="reflecting")
        )
    starts = [exact_field(each) * rng.uniform(0.9, 1.2) for each in problems] if started else [None] * len(problems)
    answers = sp.solve_many(problems, previous=starts)
    assert len(asked) <= len(problems) // 4
    for problem, answer in zip(problems, answers, strict=True):
        exact = exact_field(problem)
        assert float(np.abs(answer.field - exact).max()) <= answer.error_bound <= 0.01 * exact.max()
        if not started:
            _assert_alike(answer, Engine().solve(problem))
