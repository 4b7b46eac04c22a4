"""The batched certificate under attack: whatever candidates and cycles are, bounds hold, field by field."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from surrogate_plugin.batched import certificate
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from tests.batched.hostile import (
    DEVICES,
    HostileLevels,
    any_candidate,
    by_kind,
    extremes,
    nasty,
    padded,
    references,
    set_up,
    slack,
)


def check(problems: list[Problem], rng: np.random.Generator, device: str, *, hostile: bool) -> None:
    """Bounds and maps of one batch of candidates are at least their errors."""
    exact = references(problems)
    fields = [any_candidate(rng, p, r.field.astype(np.float64)) for p, r in zip(problems, exact, strict=True)]
    errors = np.array([r.distance(field) for r, field in zip(exact, fields, strict=True)])
    stack, c = Stack.of(problems, device), padded(fields, device)
    levels = set_up(stack, torch.nan_to_num(c, nan=0.0).clamp(min=0.0))
    tolerance = np.where(rng.random(errors.size) < 0.3, 0.0, errors * 10.0 ** rng.uniform(-3, 3, errors.size))
    given = HostileLevels(levels, rng) if hostile else levels
    bounds = certificate.bound(stack, given, c, tolerance, with_map=bool(rng.random() < 0.5))
    for number, (problem, reference) in enumerate(zip(problems, exact, strict=True)):
        room = slack(problem, reference)
        assert errors[number] <= bounds.value[number] + room
        if bounds.map is None:
            continue
        each = bounds.map[number].cpu().numpy()
        assert (each[problem.unknown] <= bounds.value[number]).all()
        assert not each[~problem.unknown].any()
        if math.isfinite(bounds.value[number]):
            assert (np.abs(fields[number] - reference.field) <= each + room).all()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("shape", [(8, 8), (9, 13)])
def test_any_candidates_are_bounded(shape: tuple[int, int], hostile: bool, device: str) -> None:
    rng = np.random.default_rng([int(hostile), *shape])
    for group in by_kind([*extremes(1, 36, shape), *nasty(2, 24, shape)]):
        check(group, rng, device, hostile=hostile)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("seed", range(8))
def test_ten_thousand_candidates_are_bounded(seed: int, device: str) -> None:
    rng = np.random.default_rng(seed)
    for group in by_kind([*extremes(100 + seed, 300, (8, 9)), *nasty(100 + seed, 75, (8, 9))]):
        for _ in range(4):
            check(group, rng, device, hostile=bool(rng.random() < 0.3))


def single(problem: Problem, field: np.ndarray, device: str, tolerance: float = 0.0) -> float:
    """The bound on one field."""
    stack, c = Stack.of([problem], device), padded([field], device)
    levels = set_up(stack, torch.nan_to_num(c, nan=0.0, posinf=0.0, neginf=0.0).clamp(min=0.0))
    return float(certificate.bound(stack, levels, c, np.array([tolerance])).value[0])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [(0, 0), (3, 4), (7, 9)])
def test_nothing_is_shown_of_what_is_not_finite(place: tuple[int, int], wrong: float, device: str) -> None:
    field = np.full((8, 10), 0.5)
    field[place] = wrong
    assert single(Problem(np.zeros((8, 10)), decay=0.1, boundary=1.0), field, device, tolerance=1e9) == math.inf


@pytest.mark.parametrize("device", DEVICES)
def test_nothing_is_shown_of_a_field_that_is_off_where_it_is_fixed(device: str) -> None:
    source = np.zeros((8, 8))
    source[3, 3] = 38.0
    field = np.where(source > 0, np.nextafter(38.0, 0.0), 1.0)
    assert single(Problem(source, decay=0.1), field, device, tolerance=1e9) == math.inf


@pytest.mark.parametrize("device", DEVICES)
def test_nothing_is_shown_of_a_negative_field_where_uptake_saturates(device: str) -> None:
    """Below 0 the law is another one: -km is a pole."""
    source = np.zeros((8, 8))
    source[3, 3] = 38.0
    uptake = MichaelisMenten(1.0, 5.0)
    field = np.where(source > 0, 38.0, 0.0)
    field[5, 5] = -1e-12
    assert single(Problem(source, decay=0.1, uptake=uptake), field, device, tolerance=1e9) == math.inf
    assert single(Problem(source, decay=0.1), field, device, tolerance=1e9) < math.inf


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [1e-100, 1e-30, 1.0, 1e30, 1e99])
def test_bounds_scale_with_the_field(size: float, device: str) -> None:
    source = np.zeros((8, 8))
    source[2:4, 5] = size
    problem = Problem(source, decay=0.01, boundary="reflecting")
    [reference] = references([problem])
    field = np.where(source > 0, size, 0.9 * reference.field.astype(np.float64))
    found, error = single(problem, field, device), reference.distance(field)
    assert error <= found < 10.0 * error


@pytest.mark.parametrize("device", DEVICES)
def test_a_weak_anchor_is_not_lost_in_rounding(device: str) -> None:
    """A closed box with hardly any decay: a field off by a constant leaves a residual a trillionth of its size."""
    shape = (8, 8)
    problem = Problem(np.zeros(shape), decay=1e-11, production=1e-11, boundary="reflecting")
    [reference] = references([problem])
    for off in (1e-9, 1e-6, 1e-3, 1.0):
        field = np.full(shape, 1.0 - off if off < 1.0 else 2.0)
        assert reference.distance(field) <= single(problem, field, device) + slack(problem, reference)


@pytest.mark.parametrize("device", DEVICES)
def test_a_hopeless_field_spoils_no_other_bound(device: str) -> None:
    """One of a batch is not a number: the others are bounded as they are alone."""
    problems = [problem for group in by_kind(nasty(7, 24, (10, 12))) for problem in group if problem.plain]
    for group in by_kind(problems):
        fields = [0.9 * r.field.astype(np.float64) for r in references(group)]
        fields = [np.where(p.unknown, field, p.known) for p, field in zip(group, fields, strict=True)]
        alone = [single(problem, field, device) for problem, field in zip(group, fields, strict=True)]
        spoilt = [np.full_like(fields[0], math.nan), *fields]
        stack, c = Stack.of([group[0], *group], device), padded(spoilt, device)
        levels = set_up(stack, torch.nan_to_num(c, nan=0.0))
        together = certificate.bound(stack, levels, c, np.zeros(len(spoilt))).value
        assert together[0] == math.inf
        np.testing.assert_allclose(together[1:], alone, rtol=1e-4)
