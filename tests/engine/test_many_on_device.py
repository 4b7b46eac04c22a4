"""Many problems on a device, which is the CPU's tensors here: answered there, or with a flag by the CPU's solvers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched import memory, solve
from surrogate_plugin.batched.network import Predictor
from surrogate_plugin.engine import many, on_device
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.gallery import extreme_problems, nasty_problems, tumour_and_vessels
from tests.exact import exact_field


@pytest.fixture(autouse=True)
def _tensors_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(many, "device_for", lambda device: "cpu")
    sp.use_threads(2)
    yield
    sp.use_threads(None)


def _tissues(count: int, shape: tuple[int, int] = (24, 32), **pinned: Any) -> list[Problem]:
    rng = np.random.default_rng(count)
    return [tumour_and_vessels(rng, shape, **{"scale": 38.0, "variable_decay": True, **pinned}) for _ in range(count)]


def _alike(count: int, shape: tuple[int, int] = (24, 32), weakest: float = 1e-3) -> list[Problem]:
    """Problems of one kind, which share a stack."""
    source, cells = np.zeros(shape), np.random.default_rng(count).random(shape) < 0.3
    source[8:10, 12:15] = 38.0
    return [Problem(source, decay=weakest * (1.0 + each + 40.0 * cells)) for each in range(count)]


def _reasons(answer: sp.Solution | Exception) -> list[Reason]:
    assert isinstance(answer, sp.Solution)
    return [flag.reason for flag in answer.flags]


def test_tissues_are_answered_there_within_bounds_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "solve", lambda *_, **__: pytest.fail("an engine was asked"))
    problems = [*_tissues(3), *_tissues(2, (16, 16)), *_tissues(3, michaelis_menten=True)]
    heard: list[tuple[int, int]] = []
    answers = sp.solve_many(problems, callback=lambda done, among: heard.append((done, among)))
    for problem, answer in zip(problems, answers, strict=True):
        error = float(np.abs(answer.field - exact_field(problem)).max())
        assert error <= answer.error_bound <= 0.01 * problem.largest_imposed
        assert answer.method == "multigrid"
    assert heard[-1] == (len(problems), len(problems))


@pytest.mark.parametrize("saturating", [False, True])
def test_what_production_alone_feeds_is_answered_there_too(saturating: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "solve", lambda *_, **__: pytest.fail("an engine was asked"))
    rng, problems = np.random.default_rng(6), []
    for decay in 10.0 ** rng.uniform(-5, 0, 6):
        cells = rng.random((20, 24)) < 0.1
        uptake = sp.MichaelisMenten(np.where(cells, 0.0, 0.1), 0.5) if saturating else None
        rates, zero = decay * (1.0 + cells), np.zeros((20, 24))
        problems.append(Problem(zero, decay=rates, production=1.0 * cells, uptake=uptake, boundary="reflecting"))
    for problem, answer in zip(problems, sp.solve_many(problems), strict=True):
        exact = exact_field(problem)
        assert np.abs(answer.field - exact).max() <= answer.error_bound <= 0.01 * exact.max()


@pytest.mark.parametrize("method", ["guarded", "exact"])
def test_hostile_problems_are_answered_or_refused_as_by_the_cpu(method: str) -> None:
    problems = [*extreme_problems(21, 14, 24), *nasty_problems(4, 6, max_side=24)]
    answers = sp.solve_many(problems, method=method, errors="return")
    for problem, answer in zip(problems, answers, strict=True):
        if not isinstance(answer, sp.Solution):
            with pytest.raises(type(answer), match=re.escape(str(answer))):
                Engine(device="cpu").solve(problem, method=method)
            continue
        alone = Engine(device="cpu").solve(problem, method=method)
        apart = float(np.abs(answer.field - alone.field).max())
        assert apart <= (answer.error_bound + alone.error_bound) * (1 + 1e-9)
        wanted = 0.01 * problem.largest_imposed if method == "guarded" and problem.largest_imposed else np.inf
        assert answer.error_bound <= wanted or Reason.TOLERANCE_NOT_REACHED in _reasons(answer)


def test_what_does_not_settle_there_is_solved_here_with_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    def stalling(stack: Any, **options: Any) -> Any:
        answers = _solve(stack, **options)
        answers.settled[0] = False
        return answers

    _solve = solve.solve
    monkeypatch.setattr(solve, "solve", stalling)
    answers = sp.solve_many(_alike(3), method="exact", tolerance=1e-4)
    assert _reasons(answers[0]) == [Reason.DEVICE_STALLED]
    assert [_reasons(answer) for answer in answers[1:]] == [[], []]
    assert all(answer.error_bound <= 1e-4 for answer in answers)


def test_where_memory_is_short_chunks_are_halved_and_the_last_resort_is_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    def short(stack: Any, **options: Any) -> Any:
        sizes.append(stack.count)
        if stack.count > 1 or len(sizes) > 4:
            raise torch.OutOfMemoryError("too many")
        return _solve(stack, **options)

    _solve = solve.solve
    monkeypatch.setattr(solve, "solve", short)
    monkeypatch.setattr(memory, "chunk_of", lambda *_, **__: 4)
    answers = sp.solve_many(_alike(4), method="exact", tolerance=1e-4)
    assert sizes == [4, 2, 1, 1, 1, 1]
    assert [_reasons(answer) for answer in answers] == [[], [], [Reason.DEVICE_MEMORY], [Reason.DEVICE_MEMORY]]
    assert all(answer.error_bound <= 1e-4 for answer in answers)


def test_where_memory_is_short_for_the_network_chunks_are_halved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def short(self: Predictor, stack: Any) -> Any:
        sizes.append(stack.count)
        if stack.count > 1:
            raise RuntimeError("CUDNN_STATUS_ALLOC_FAILED")
        return _predict(self, stack)

    _predict = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", short)
    monkeypatch.setattr(memory, "chunk_of", lambda *_, **__: 4)
    answers = sp.solve_many(_alike(4, (96, 128)), policy="surrogate-first")
    assert sizes == [4, 2, 1, 1, 1, 1]
    assert [answer.method for answer in answers] == ["surrogate"] * 4


def test_a_device_that_fails_costs_a_flag_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(stack: Any, **options: Any) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(solve, "solve", failing)
    answers = sp.solve_many(_tissues(3), method="exact", tolerance=1e-4)
    assert [_reasons(answer) for answer in answers] == [[Reason.DEVICE_FAILED]] * 3
    assert "illegal memory access" in answers[0].flags[0].message


def test_previous_fields_are_starts_there_too() -> None:
    problems = _tissues(4)
    starts = [None, exact_field(problems[1]), None, np.full((24, 32), 1e6)]
    answers = sp.solve_many(problems, method="exact", tolerance=1e-3, previous=starts)
    assert answers[1].stats.start == "previous"
    assert answers[1].stats.cycles < answers[0].stats.cycles
    assert all(answer.error_bound <= 1e-3 for answer in answers)


def test_error_maps_bound_the_error_of_each_pixel() -> None:
    problems = _tissues(2)
    for problem, answer in zip(problems, sp.solve_many(problems, error_map=True), strict=True):
        error = np.abs(answer.field - exact_field(problem))
        assert answer.error_map is not None
        assert (error <= answer.error_map).all()
        assert float(answer.error_map.max()) <= answer.error_bound


def test_the_network_starts_what_its_card_covers_where_the_policy_wants_it() -> None:
    problems = [*_alike(2, (96, 128)), *_alike(1, (96, 128), 1e-9)]
    answers = sp.solve_many(problems, policy="surrogate-first")
    for problem, answer in zip(problems, answers, strict=True):
        assert float(np.abs(answer.field - exact_field(problem)).max()) <= answer.error_bound
    assert [answer.method for answer in answers] == ["surrogate", "surrogate", "multigrid"]
    assert [answer.stats.start for answer in answers] == ["network", "network", "nothing"]
    assert set(_reasons(answers[2])) == {Reason.OUTSIDE_CARD}
    assert all(answer.method == "multigrid" for answer in sp.solve_many(problems, policy="fastest"))


def test_methods_that_are_no_cycles_stay_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solve, "solve", lambda *_, **__: pytest.fail("the device was asked"))
    [answer] = sp.solve_many(_tissues(1), method="sparse-direct")
    assert answer.method == "sparse-direct"


def test_a_card_is_looked_for_only_where_there_may_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert on_device.device_for("cpu") is None
    assert on_device.device_for("cuda") == on_device.device_for("auto") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert on_device.device_for("cuda") is on_device.device_for("auto") is None
