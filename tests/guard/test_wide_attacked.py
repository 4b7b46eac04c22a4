"""Bounds of the wider equation hold whoever proposes them: coarse lattices, an algebraic hierarchy or a factorisation.

The reference is an assembled dense matrix that shares no code with the solvers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.inverse import FactorisedInverse
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from tests.equation.assembled import solved
from tests.equation.wider import wide_problems

#: Of the largest value: what the dense reference itself is off by, at contrasts up to 1e8.
_REFERENCE = 1e-9


def _inverses(problem: sp.Problem, operator: Operator) -> Iterator[Any]:
    """Each, though none of coarse lattices would be asked for what these problems pose."""
    yield Hierarchy(problem.shape, problem.walls)
    yield AlgebraicHierarchy(problem.shape, problem.walls)
    yield FactorisedInverse(operator)


def _disturbed(rng: np.random.Generator, problem: sp.Problem, exact: FloatArray) -> FloatArray:
    """A field that is off in one of many ways, with what is known where it is known."""
    largest = float(exact.max()) or 1.0
    size = largest * 10.0 ** rng.uniform(-6, 0.5)
    kind = rng.integers(4)
    if kind == 0:
        field = exact + size * rng.standard_normal(exact.shape)
    elif kind == 1:
        field = exact + size
    elif kind == 2:
        field = exact.copy()
        field[tuple(rng.integers(0, n) for n in exact.shape)] += size
    else:
        field = exact * rng.uniform(0.0, 2.0)
    return np.where(problem.unknown, np.maximum(field, 0.0), problem.known)


@pytest.mark.parametrize("seed", range(6))
def test_no_error_is_above_the_bound_of_any_inverse(seed: int) -> None:
    rng = np.random.default_rng([seed, 77])
    for problem in wide_problems(7000 + seed, 50):
        exact, operator = solved(problem), Operator(problem)
        field = _disturbed(rng, problem, exact)
        error, allowed = np.abs(field - exact), _REFERENCE * max(float(exact.max()), 1e-300)
        for inverse in _inverses(problem, operator):
            certifier = Certifier(operator, inverse, rebuild=True)
            wanted = float(rng.choice([0.0, 0.5, 2.0])) * float(error.max())
            bound = certifier.bound(operator.embed(field), wanted, with_map=True)
            assert error.max() <= bound.value * (1 + 1e-9) + allowed
            assert bound.map is not None
            assert np.all(error <= bound.map * (1 + 1e-9) + allowed)


@pytest.mark.parametrize("few", [0, 4096])
def test_certify_bounds_the_error_at_each_pixel(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from surrogate_plugin.guard import hierarchies

    monkeypatch.setattr(hierarchies, "FEW", few)
    rng = np.random.default_rng(few)
    for problem in wide_problems(7100, 60):
        exact = solved(problem)
        field = _disturbed(rng, problem, exact) * (1.0 if rng.random() < 0.5 else 1.1)
        found = sp.certify(problem, field)
        allowed = _REFERENCE * max(float(exact.max()), 1e-300)
        assert np.all(np.abs(field - exact) <= found.error_map * (1 + 1e-9) + allowed)
        assert np.all(found.error_map <= found.error_bound)


def test_bounds_of_the_wider_equation_are_tight_where_errors_are_smooth() -> None:
    ratios = []
    for problem in wide_problems(7200, 80, hard=False, saturating=False, min_side=6):
        exact = solved(problem)
        if not float(exact.max()) > 0.0:
            continue
        field = np.where(problem.unknown, 1.01 * exact, problem.known)
        error = float(np.abs(field - exact).max())
        if error > 0.0:
            ratios.append(sp.certify(problem, field).error_bound / error)
    assert len(ratios) > 50
    assert min(ratios) >= 1.0 - 1e-6
    assert np.median(ratios) <= 2.5
