"""Whole batched solves of hostile problems, from any start: every promise of every answer, judged by the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate_plugin.batched.solve import Answers, solve
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.engine.request import EXACT_SHARE
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.reference import Reference
from tests.batched.hostile import DEVICES, by_kind, extremes, nasty, references, slack


def any_start(rng: np.random.Generator, exact: FloatArray) -> FloatArray:
    """Right, rough, absurd, or no numbers at all."""
    size = max(float(exact.max()), 1e-300)
    with np.errstate(over="ignore"):
        made = [
            exact,
            1.1 * exact,
            np.zeros_like(exact),
            1e8 * exact,
            np.full_like(exact, np.nan),
            np.abs(exact + 0.1 * size * rng.normal(size=exact.shape)),
            np.where(rng.random(exact.shape) < 0.1, np.inf, exact),
            np.full_like(exact, 1e300),
            -exact,
        ]
    return made[int(rng.integers(len(made)))]


def check(answers: Answers, problems: list[Problem], exact: list[Reference], wanted: FloatArray) -> None:
    """Fields are fields, bounds and maps hold, and what has settled is within what was asked for."""
    for number, (problem, reference) in enumerate(zip(problems, exact, strict=True)):
        field, room = answers.field[number].cpu().numpy(), slack(problem, reference)
        assert np.isfinite(field).all()
        assert field.min() >= 0.0
        assert np.array_equal(field[problem.fixed], problem.source[problem.fixed])
        assert reference.distance(field) <= answers.bound[number] + room
        assert answers.settled[number] == (answers.bound[number] <= wanted[number] * (1.0 + 1e-6))
        if answers.map is not None and answers.settled[number]:
            assert (np.abs(field - reference.field) <= answers.map[number].cpu().numpy() + room).all()


def hunt(seed: int, device: str) -> int:
    """One shape, all kinds of problems, each kind in one of three ways; how many have settled, in percent."""
    rng, settled = np.random.default_rng(seed), []
    least = 1 if seed % 4 == 0 else 6
    shape = (int(rng.integers(least, 13)), int(rng.integers(least, 13)))
    for problems in by_kind([*extremes(seed, 60, shape), *(nasty(seed, 24, shape) if least > 5 else [])]):
        exact = references(problems)
        sizes = [max(float(r.field.max()), p.largest_imposed) for r, p in zip(exact, problems, strict=True)]
        way = ("tolerance", "share", "start")[int(rng.integers(3))]
        wanted = np.maximum(np.array(sizes) * 10.0 ** rng.uniform(-9.0, -0.5, len(sizes)), 1e-280)
        share = float(rng.choice([EXACT_SHARE, 0.01]))
        start = None
        if way == "start":
            fields = [any_start(rng, reference.field.astype(np.float64)) for reference in exact]
            start = torch.from_numpy(np.stack(fields)).to(device)
        answers = solve(
            Stack.of(problems, device),
            tolerance=None if way == "share" else wanted,
            share=share,
            start=start,
            error_map=bool(rng.random() < 0.4),
        )
        if way == "share":
            own = answers.field.cpu().numpy().max((1, 2))
            wanted = share * np.maximum(own, [problem.largest_imposed for problem in problems])
            assert (answers.bound <= share / (1.0 - share) * np.array(sizes))[answers.settled].all()
        check(answers, problems, exact, wanted)
        settled += answers.settled.tolist()
    return round(100.0 * float(np.mean(settled)))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("seed", [0, 1])
def test_hostile_batches_from_any_start(seed: int, device: str) -> None:
    assert hunt(seed, device) >= 90


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("seed", range(100, 110))
def test_ten_thousand_hostile_problems(seed: int, device: str) -> None:
    for number in range(15):
        assert hunt(1000 * seed + number, device) >= 80
