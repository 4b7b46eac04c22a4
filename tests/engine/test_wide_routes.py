"""Problems of the wider equation go to whatever solves them, one method after the other; what answers is bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.engine import polish, routes
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.engine.keeping import Keeping
from surrogate_plugin.engine.request import Request
from surrogate_plugin.guard import hierarchies
from surrogate_plugin.solvers.algebraic.solver import Algebraic
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.multigrid.solver import Multigrid
from tests.equation.assembled import solved
from tests.equation.wider import wide_problems
from tests.gone import engine_without_network

#: Of the largest value: what the dense reference itself is off by, at contrasts up to 1e8.
_REFERENCE = 1e-9


def _noise(shape: tuple[int, int] = (24, 30), seed: int = 0) -> sp.Problem:
    rng = np.random.default_rng(seed)
    source = np.zeros(shape)
    source[7, 9], source[15, 22] = 1.0, 0.4
    return sp.Problem(source, diffusivity=10.0 ** -rng.uniform(0, 6, shape), decay=1e-3)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if lattices were large: hierarchies are worth their set-up, and factorisations are dear."""
    for module in (routes, hierarchies):
        monkeypatch.setattr(module, "FEW", 0)
    monkeypatch.setattr(Algebraic, "cost", lambda self, problem: 1.0)
    monkeypatch.setattr(SparseDirect, "cost", lambda self, problem: 2.0)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("seed", range(4))
def test_random_wide_problems_are_exact_and_guarded_without_a_factorisation_first(seed: int) -> None:
    engine, rng = engine_without_network(), np.random.default_rng(seed)
    answered = set()
    for problem in wide_problems(8000 + seed, 40):
        exact = solved(problem)
        largest = float(exact.max())
        tolerance = 10.0 ** rng.uniform(-7, -2) * max(largest, 1e-100)
        previous = exact * rng.uniform(0.9, 1.1) if rng.random() < 0.5 else None
        for method in ("exact", "guarded"):
            solution = engine.solve(problem, method=method, tolerance=tolerance, previous=previous)
            answered.add(solution.method)
            error = float(np.abs(solution.field - exact).max())
            assert error <= solution.error_bound * (1 + 1e-9) + _REFERENCE * largest
            assert solution.error_bound <= tolerance or any(
                flag.reason is sp.Reason.TOLERANCE_NOT_REACHED for flag in solution.flags
            )
    assert "algebraic" in answered


@pytest.mark.usefixtures("large")
def test_pixel_noise_goes_to_the_algebraic_solver() -> None:
    problem = _noise()
    assert Multigrid().refusal(problem) is not None
    solution = engine_without_network().solve(problem, method="exact")
    assert solution.method == "algebraic"
    assert np.abs(solution.field - solved(problem)).max() <= 1e-8
    assert solution.error_bound <= 1e-10


def test_who_is_asked_goes_by_size_and_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, keeping = _noise(), Keeping()

    def order() -> list[str]:
        return list(routes._applicable(Request(problem), keeping))

    assert order() == ["sparse-direct"]
    monkeypatch.setattr(routes, "FEW", 0)
    for algebraic, expected in ((1.0, ["algebraic", "sparse-direct"]), (3.0, ["sparse-direct"])):
        monkeypatch.setattr(Algebraic, "cost", lambda self, problem, cost=algebraic: cost)
        monkeypatch.setattr(SparseDirect, "cost", lambda self, problem: 2.0)
        assert order() == expected


@pytest.mark.usefixtures("large")
def test_a_method_that_stalls_is_flagged_and_the_next_one_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    short = polish.algebraic()
    monkeypatch.setattr(
        "surrogate_plugin.engine.exact.algebraic", lambda: polish.Cycles(short.solver, short.run, most=1)
    )
    problem = _noise()
    solution = engine_without_network().solve(problem, method="exact", tolerance=1e-8)
    assert solution.method == "sparse-direct"
    assert sp.Reason.METHOD_STALLED in [flag.reason for flag in solution.flags]
    assert "after 1 cycles" in next(f.message for f in solution.flags if f.reason is sp.Reason.METHOD_STALLED)
    assert solution.error_bound <= 1e-8


@pytest.mark.usefixtures("large")
def test_a_previous_field_helps_the_algebraic_solver_or_is_left_alone() -> None:
    problem, engine = _noise(), engine_without_network()
    exact = solved(problem)
    near = engine.solve(problem, method="exact", tolerance=1e-6, previous=exact * 1.001)
    rough = 1.0 - np.indices(problem.shape).sum(axis=0) % 2
    far = engine.solve(problem, method="exact", tolerance=1e-6, previous=rough)
    cold = engine.solve(problem, method="exact", tolerance=1e-6)
    assert (near.stats.start, far.stats.start, cold.stats.start) == ("previous", "nothing", "nothing")
    assert "lacks up to" in near.stats.why
    assert near.stats.counts["cycles"] < cold.stats.counts["cycles"]
    assert max(np.abs(each.field - exact).max() for each in (near, far, cold)) <= 1e-6


def _certifying_without(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is factorised while a field is certified."""
    from surrogate_plugin.guard import inverse

    seen: list[str] = []
    whole: Callable[[Any], Any] = inverse.factorise
    monkeypatch.setattr(inverse, "factorise", lambda matrix: seen.append("factorised") or whole(matrix))
    return seen


@pytest.mark.usefixtures("large")
def test_certify_does_not_factorise_what_a_hierarchy_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _noise()
    exact = solved(problem)
    seen = _certifying_without(monkeypatch)
    found = sp.certify(problem, np.where(problem.fixed, exact, 1.01 * exact))
    assert not seen
    assert 0.01 * exact[~problem.fixed].max() <= found.error_bound <= 0.03


def test_surrogate_first_polishes_a_network_field_by_whatever_follows_the_faces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = _noise()
    exact = solved(problem)

    class Network:
        card, device, typical_error = None, "cpu", 0.02

        def predict(self, asked: sp.Problem) -> Any:
            return exact * 0.99

    monkeypatch.setattr("surrogate_plugin.engine.network.Network.outside", lambda self, problem: ())
    solution = Engine(model=Network(), policy="surrogate-first").solve(problem, tolerance=1e-4)
    assert solution.method == "surrogate"
    assert np.abs(solution.field - exact).max() <= solution.error_bound <= 1e-4


@pytest.mark.parametrize("method", ["guarded", "exact"])
def test_where_nothing_feeds_the_field_nobody_has_to_be_asked(method: str) -> None:
    for problem in (
        sp.Problem(np.zeros((90, 80)), decay=np.full((90, 80), 0.1) + 0.1 * np.eye(90, 80), boundary="reflecting"),
        sp.Problem(np.zeros((90, 80)), diffusivity=np.eye(90, 80), boundary={"left": sp.Exchange(2.0, 0.0)}),
        sp.Problem(np.zeros((5, 4)), uptake=sp.MichaelisMenten(1.0, 1.0)),
    ):
        solution = sp.solve(problem, method=method, error_map=True)
        assert not solution.field.any()
        assert (solution.error_bound, solution.flags) == (0.0, ())
        assert solution.error_map is not None
        assert not solution.error_map.any()


def test_transforms_give_way_to_cycles_by_the_rims_of_what_is_held() -> None:
    """One large vessel has a short rim; as many pixels in small ones are charges, all of them."""
    large, small = np.zeros((64, 64)), np.zeros((64, 64))
    large[10:40, 10:40] = 1.0
    small[::2, 1::2] = 1.0
    for source, method in ((large, "spectral"), (small, "multigrid")):
        solution = engine_without_network().solve(sp.Problem(source), method="exact")
        assert solution.method == method
        assert solution.error_bound <= 1e-10
