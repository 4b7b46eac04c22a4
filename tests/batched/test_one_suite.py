"""One suite over both engines: numba's, a problem at a time, and the batched one on tensors of each device there is.

Fields are held to solutions that share no code with either, bounds to their errors, flags to bounds; and both engines
to each other, within rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from surrogate_plugin.batched.solve import solve
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.engine.request import EXACT_SHARE
from surrogate_plugin.equation.problem import FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.gallery import tumour_and_vessels, vessel_tree
from tests.batched.hostile import DEVICES, by_kind, extremes, for_lattices, nasty
from tests.exact import exact_field


@dataclass(frozen=True)
class Answer:
    """What an engine says of a problem."""

    field: FloatArray
    bound: float
    settled: bool
    cycles: int


Ask = Callable[[list[Problem], list[float] | None], list[Answer]]


def numba(problems: list[Problem], tolerance: list[float] | None) -> list[Answer]:
    """One after the other by cycles; ``tolerance`` None asks for exact fields."""
    engine, found = Engine(), []
    for number, problem in enumerate(problems):
        wanted = None if tolerance is None else tolerance[number]
        solution = engine.solve(problem, method="multigrid", tolerance=wanted)
        short = any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)
        cycles = solution.stats.counts.get("cycles", 0)
        found.append(Answer(solution.field, solution.error_bound, not short, cycles))
    return found


def torch_on(device: str) -> Ask:
    """All at once."""

    def ask(problems: list[Problem], tolerance: list[float] | None) -> list[Answer]:
        wanted = None if tolerance is None else np.array(tolerance)
        found = solve(Stack.of(problems, device), tolerance=wanted, share=EXACT_SHARE if tolerance is None else None)
        parts = zip(found.field.cpu().numpy(), found.bound, found.settled, found.cycles, strict=True)
        return [Answer(field, float(bound), bool(settled), int(cycles)) for field, bound, settled, cycles in parts]

    return ask


ENGINES: dict[str, Ask] = {"numba": numba, **{f"torch-{device}": torch_on(device) for device in DEVICES}}
#: The engines that are held to numba's.
BATCHED = [name for name in ENGINES if name != "numba"]
#: Where an answer's own rounding ends.
_ROUNDING = 1e-13


def mixed(shape: tuple[int, int]) -> list[list[Problem]]:
    """Batches of mixed difficulty: hostile problems of each kind, beside tissues."""
    rng = np.random.default_rng(shape)
    tissues = [make(rng, shape) for make in (tumour_and_vessels, vessel_tree) for _ in range(2)]
    return by_kind(for_lattices([*extremes(11, 30, shape), *nasty(12, 24, shape), *tissues]))


def tolerances(problems: list[Problem]) -> list[float]:
    """From a thousandth to a tenth of what is imposed, or of what production brings."""
    sizes = [problem.largest_imposed or float(exact_field(problem).max()) for problem in problems]
    return [size * 10.0 ** -(1.0 + index % 3) for index, size in enumerate(sizes)]


def check(
    problems: list[Problem], answers: list[Answer], tolerance: list[float] | None, exact: list[FloatArray]
) -> None:
    """What is promised of each answer, whichever engine gave it."""
    for number, (problem, answer, truth) in enumerate(zip(problems, answers, exact, strict=True)):
        largest = max(float(truth.max()), problem.largest_imposed)
        wanted = 1e-10 * largest if tolerance is None else tolerance[number]
        assert answer.field.shape == problem.shape
        assert np.isfinite(answer.field).all()
        assert float(np.abs(answer.field - truth).max()) <= answer.bound + _ROUNDING * largest
        assert np.array_equal(answer.field[problem.fixed], problem.source[problem.fixed])
        assert answer.field.min() >= 0.0
        assert answer.settled == (answer.bound <= wanted * (1.0 + 1e-9))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [(8, 8), (9, 13), (16, 16), (40, 33)])
def test_hostile_batches_keep_every_promise(shape: tuple[int, int], engine: str) -> None:
    settled, count = 0, 0
    for problems in mixed(shape):
        exact, wanted = [exact_field(problem) for problem in problems], tolerances(problems)
        for tolerance in (wanted, None):
            answers = ENGINES[engine](problems, tolerance)
            check(problems, answers, tolerance, exact)
            settled, count = settled + sum(answer.settled for answer in answers), count + len(answers)
    assert settled >= 0.9 * count


@pytest.mark.parametrize("engine", BATCHED)
@pytest.mark.parametrize("shape", [(8, 8), (9, 13), (16, 16), (40, 33)])
def test_both_engines_agree(shape: tuple[int, int], engine: str) -> None:
    """Where equations are linear and faces alike each cycle is the same one, and so is what is shown of it.

    Where a first bound is not enough one engine goes on from the field as it was smoothed for that, and the other from
    the field before; and where uptake saturates levels are made anew more often in one. Then fields differ by what is
    left of their errors.
    """
    alike = linear = 0
    for problems in mixed(shape):
        tolerance = tolerances(problems)
        for ours, theirs in zip(ENGINES[engine](problems, tolerance), numba(problems, tolerance), strict=True):
            apart, largest = float(np.abs(ours.field - theirs.field).max()), float(theirs.field.max())
            assert apart <= ours.bound + theirs.bound
            assert ours.settled == theirs.settled
            assert ours.cycles <= theirs.cycles + 2
            if problems[0].plain and problems[0].uptake is None:
                linear += 1
                same_bound = ours.bound == pytest.approx(theirs.bound, rel=0.01, abs=1e-12 * largest)
                alike += same_bound and apart <= 1e-7 * largest and ours.cycles == theirs.cycles
    assert alike >= 0.95 * linear > 0


def known(shape: tuple[int, int], seed: int, *, saturating: bool) -> tuple[Problem, FloatArray]:
    """A problem whose field is known: production is what a smooth field loses, so that no solver is needed to judge.

    Its second difference is far below what decays, which keeps production above 0.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape) * (2.0 * np.pi / 200.0)
    field = 20.0 + 6.0 * np.sin(rows + rng.uniform(0, 6)) * np.cos(columns + rng.uniform(0, 6))
    decay = 10.0 ** rng.uniform(-2, 0, shape)
    fixed = rng.random(shape) < 0.003
    uptake = MichaelisMenten(0.5 * rng.random(shape), 4.0) if saturating else None
    around = np.pad(field, 1, mode="edge")
    inward = (around[:-2, 1:-1] - field) + (around[2:, 1:-1] - field)
    inward += (around[1:-1, :-2] - field) + (around[1:-1, 2:] - field)
    loss = decay * field + (0.0 if uptake is None else np.asarray(uptake.vmax) * field / (4.0 + field))
    production = np.where(fixed, 0.0, loss - inward)
    source = np.where(fixed, field, 0.0)
    return Problem(source, fixed, decay=decay, production=production, uptake=uptake, boundary="reflecting"), field


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("saturating", [False, True])
@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((127, 129), 4),
        ((256, 256), 2),
        pytest.param((512, 384), 3, marks=pytest.mark.slow),
    ],
)
def test_large_fields_that_are_known(shape: tuple[int, int], count: int, saturating: bool, engine: str) -> None:
    problems, fields = zip(*(known(shape, seed, saturating=saturating) for seed in range(count)), strict=True)
    for tolerance in ([10.0 ** -(1 + seed) for seed in range(count)], None):
        answers = ENGINES[engine](list(problems), tolerance)
        check(list(problems), answers, tolerance, list(fields))
        assert all(answer.settled for answer in answers)


@pytest.mark.parametrize("engine", BATCHED)
def test_a_megapixel_that_is_known(engine: str) -> None:
    problem, field = known((1024, 1024), 0, saturating=False)
    answers = ENGINES[engine]([problem], [0.01])
    check([problem], answers, [0.01], [field])
    assert answers[0].settled


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("saturating", [False, True])
def test_megapixels_that_are_known(saturating: bool, engine: str) -> None:
    test_large_fields_that_are_known((1024, 1024), 2, saturating, engine)
