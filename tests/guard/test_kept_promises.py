"""Promises that were broken once, each with the very numbers that broke it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import models
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from surrogate_plugin.gallery import extreme_problems, tumour_and_vessels
from surrogate_plugin.reference import solve_extended
from tests.attack.networks import NETWORKS, Network
from tests.attack.plugins import NAME, registered
from tests.exact import exact_field
from tests.gone import engine_without_network

EVERY_METHOD = ("guarded", "exact", "multigrid", "spectral", "sparse-direct")


def extreme(seed: int, number: int) -> Problem:
    [problem] = extreme_problems(seed, 1, start=number)
    return problem


def flagged(solution: Solution) -> bool:
    return any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)


# Strong decay over a large part of the lattice: the cycles' NaN had its sign bit set, and the bound was 0.


def beside_strong_decay(side: int, strong: float) -> Problem:
    source, decay = np.zeros((side, side)), np.full((side, side), 1e-3)
    source[2:4, 2:6] = 38
    decay[side // 2 :] = strong
    return Problem(source, decay=decay, boundary="reflecting")


@pytest.mark.parametrize("method", ["guarded", "exact", "multigrid"])
def test_strong_decay_over_half_of_a_large_lattice_hides_no_error(method: str) -> None:
    problem = beside_strong_decay(512, 2e4)
    exact = exact_field(problem)
    solution = sp.solve(problem, method=method, tolerance=0.38)
    assert exact[10, 10] == pytest.approx(19.03, abs=0.01)
    assert np.abs(solution.field - exact).max() <= solution.error_bound <= 0.38


@pytest.mark.parametrize("strong", [1e4, 1e7, 1e8, 1e10, 9e11])
@pytest.mark.parametrize("method", ["guarded", "exact", "multigrid"])
def test_strong_decay_over_half_of_a_small_lattice_hides_no_error(method: str, strong: float) -> None:
    problem = beside_strong_decay(64, strong)
    reference = solve_extended(problem)
    solution = sp.solve(problem, method=method, tolerance=0.38)
    assert reference.distance(solution.field) <= solution.error_bound <= 0.38


def test_packed_cells_in_micrometres_hide_no_error() -> None:
    """Decay 1e4 per minute at D = 100 um^2 / min on pixels of 20 um."""
    source, decay = np.zeros((64, 64)), np.full((64, 64), 0.1)
    source[30:34, 2:6] = 38
    decay[:, 20:] = 1e4
    problem = Problem(source, diffusivity=100.0, decay=decay, spacing=20.0, boundary="reflecting")
    reference = solve_extended(problem)
    for tolerance in (0.38, 1e-6):
        solution = sp.solve(problem, tolerance=tolerance)
        assert reference.distance(solution.field) <= solution.error_bound <= tolerance


# Values below 0, and above the largest imposed value where nothing is produced.


@pytest.mark.parametrize(("seed", "number"), [(1, 74), (1, 13), (2, 11)])
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_no_value_is_negative(seed: int, number: int, method: str) -> None:
    problem = extreme(seed, number)
    for tolerance in (None, 1e-8, 1e-2, 0.3):
        try:
            solution = sp.solve(problem, method, tolerance and tolerance * problem.largest_imposed)
        except UnsupportedProblemError:
            return
        assert solution.field.min() >= 0.0


@pytest.mark.parametrize(("seed", "number"), [(2, 417), (2, 288), (1, 1459), (1, 1266), (2, 104), (1, 86)])
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_no_value_exceeds_the_largest_imposed_one(seed: int, number: int, method: str) -> None:
    problem = extreme(seed, number)
    assert not np.any(problem.production)
    for tolerance in (None, 1e-8, 1e-2, 0.3):
        try:
            solution = sp.solve(problem, method, tolerance and tolerance * problem.largest_imposed)
        except UnsupportedProblemError:
            return
        assert solution.field.max() <= problem.largest_imposed


# What a network, a plugin or a previous field may be.


def test_the_raw_surrogate_says_that_it_misses_the_tolerance() -> None:
    problem = tumour_and_vessels(np.random.default_rng(4), (128, 128), boundary="reflecting", diffusion_length=20.0)
    solution = sp.solve(problem, method="surrogate", tolerance=1e-6 * problem.largest_imposed)
    assert solution.error_bound > 1e-6 * problem.largest_imposed
    assert flagged(solution)


@pytest.mark.parametrize("varied", [False, True])
def test_a_plugin_cannot_say_what_its_errors_are_measured_with(varied: bool) -> None:
    source = np.zeros((16, 16))
    source[8, 8] = 1.0
    problem = Problem(source, diffusivity=np.linspace(1.0, 2.0, 256).reshape(16, 16) if varied else 1.0, decay=1e-3)
    reference = solve_extended(problem)
    for seed in range(20):
        with registered(np.random.default_rng(seed)):
            solution = sp.solve(problem, method=NAME)
        assert reference.distance(solution.field) <= solution.error_bound


def answers() -> list[Any]:
    return [
        None, [], ["a"], "field", 3.0, {}, np.zeros(0), np.zeros((0, 0)), np.zeros((16, 16, 1)), np.zeros((15, 16)),
        np.full((16, 16), 1e200), np.full((16, 16), -1e200), np.full((16, 16), np.nan), np.zeros((16, 16), complex),
        np.full((16, 16), "a"), np.full((16, 16), None), np.ma.masked_all((16, 16)),
    ]  # fmt: skip


@pytest.mark.parametrize("policy", ["surrogate-first", "fastest"])
@pytest.mark.parametrize("number", range(len(answers())))
def test_no_answer_of_a_network_stops_a_guarded_solve(number: int, policy: str) -> None:
    source = np.zeros((16, 16))
    source[8, 8] = 1.0
    problem = Problem(source, decay=np.full((16, 16), 0.01))
    reference = solve_extended(problem)
    network = Network(lambda rng, problem, exact: answers()[number])
    solution = Engine(model=network, policy=policy).solve(problem, tolerance=0.01)
    assert reference.distance(solution.field) <= solution.error_bound <= 0.01


@pytest.mark.parametrize("policy", ["surrogate-first", "fastest"])
@pytest.mark.parametrize("error", [SystemExit(3), MemoryError(), ValueError("no"), RecursionError(), OSError(5)])
def test_no_exception_of_a_network_stops_a_guarded_solve(error: BaseException, policy: str) -> None:
    def propose(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
        raise error

    source = np.zeros((16, 16))
    source[8, 8] = 1.0
    problem = Problem(source, decay=np.full((16, 16), 0.01))
    solution = Engine(model=Network(propose), policy=policy).solve(problem, tolerance=0.01)
    assert solve_extended(problem).distance(solution.field) <= solution.error_bound <= 0.01


def test_an_interruption_by_hand_is_no_answer_of_a_network() -> None:
    def propose(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Engine(model=Network(propose), policy="surrogate-first").solve(
            Problem(np.eye(16), decay=np.full((16, 16), 0.01))
        )


@pytest.mark.parametrize("hyperparameters", [{"mixers": 10**9}, {"width": 10**9}, {"sweeps": 10**12}, {"head": 10**7}])
def test_a_card_of_absurd_sizes_is_refused_before_anything_is_built(
    tmp_path: Path, hyperparameters: dict[str, int]
) -> None:
    pytest.importorskip("torch")
    shipped = Path(models.default())
    weights = next(shipped.glob("*.safetensors")) if shipped.is_dir() else shipped
    shutil.copy(weights, tmp_path / "absurd.safetensors")
    card = json.loads(weights.with_suffix(".json").read_text())
    card["network"]["hyperparameters"] |= hyperparameters
    (tmp_path / "absurd.json").write_text(json.dumps(card))
    source = np.zeros((96, 96))
    source[40, 40] = 1.0
    solution = Engine(model=str(tmp_path / "absurd.safetensors")).solve(Problem(source))
    assert solution.flags[0].reason is Reason.DAMAGED_MODEL
    assert solution.error_bound <= 0.01


@pytest.mark.parametrize("value", [1e100, 1e99, 1e60, 1e30, 0.0, -1e100, 1e-320])
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_a_previous_field_of_any_size_changes_the_time_only(value: float, method: str) -> None:
    source = np.zeros((16, 16))
    source[8, 8] = 1.0
    decay = 0.01 if method == "spectral" else np.full((16, 16), 0.01)
    problem = Problem(source, decay=decay)
    previous = np.full((16, 16), value)
    solution = engine_without_network().solve(problem, method=method, tolerance=1e-6, previous=previous)
    assert solve_extended(problem).distance(solution.field) <= solution.error_bound <= 1e-6


@pytest.mark.parametrize("size", [1e-300, 1e-290, 1e-99, 1e-60])
@pytest.mark.parametrize("method", EVERY_METHOD)
def test_tiny_values_are_refused_or_right(size: float, method: str) -> None:
    source = np.zeros((16, 16))
    source[8, 8], source[3, 3] = size, 0.3 * size
    try:
        problem = Problem(source, decay=0.01)
    except InvalidProblemError:
        return
    solution = sp.solve(problem, method=method)
    assert solve_extended(problem).distance(solution.field) <= solution.error_bound * (1 + 1e-9) + 1e-15 * size


def test_hostile_networks_are_all_answered_for() -> None:
    source = np.zeros((16, 16))
    source[8, 8] = 1.0
    problem = Problem(source, decay=np.full((16, 16), 0.01))
    reference = solve_extended(problem)
    for name, propose in NETWORKS.items():
        network = Network(propose)
        network.exact = reference.field.astype(np.float64)
        for _ in range(20):
            solution = Engine(model=network).solve(problem, tolerance=0.01)
            assert reference.distance(solution.field) <= solution.error_bound + 1e-15, name
