"""Where cycles start under "fastest": the previous field, the network's or nothing, by what is known of each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import calibration
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.engine.previous_start import PreviousStart
from surrogate_plugin.engine.request import Request
from surrogate_plugin.engine.starts import Change, Lessons, Offer, compared, least
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.gallery import tumour_and_vessels
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from tests.exact import exact_field
from tests.gone import engine_without_network

_SHAPE = (96, 128)


def _tissue(seed: int = 0) -> Problem:
    return tumour_and_vessels(np.random.default_rng(seed), _SHAPE, michaelis_menten=False)


def _moved(problem: Problem) -> Problem:
    """The tissue with some cells' uptake one pixel further."""
    decay = np.broadcast_to(problem.decay, problem.shape).copy()
    decay[40:48, 40:60] = np.roll(decay[40:48, 40:60], 1, axis=1) * 1.3
    return problem.replace(decay=decay)


class _Rival:
    """A network of a price, whose field is exact."""

    def __init__(self, problem: Problem, price: float | None, share: float = 0.01) -> None:
        self._problem, self._price, self.share, self.asked = problem, price, share, 0

    def price(self) -> float | None:
        self.asked += 1
        return self._price

    def propose(self) -> object:
        from surrogate_plugin.engine.network_start import Proposal

        return Proposal(exact_field(self._problem))


def _chosen(problem: Problem, previous: FloatArray, rival: _Rival | None = None) -> tuple[sp.Solution | None, Trace]:
    request, trace = Request.read(problem, 1e-3 * problem.largest_imposed, previous), Trace()
    hierarchy = Hierarchy(problem.shape, problem.walls)
    return PreviousStart().solve(request, trace, hierarchy, previous, rival), trace  # type: ignore[arg-type]


def test_the_field_before_a_small_change_is_started_from_and_the_record_says_why() -> None:
    problem = _tissue()
    changed = _moved(problem)
    solution = engine_without_network().solve(
        changed, tolerance=1e-3 * problem.largest_imposed, previous=exact_field(problem)
    )
    assert solution.stats.start == "previous"
    assert "pixels changed" in solution.stats.why
    assert "The previous field, about" in solution.stats.why
    assert "nothing, about" in solution.stats.why
    assert solution.stats.why.endswith(".")


def test_a_field_of_something_else_is_no_start() -> None:
    problem = _tissue()
    solution, trace = _chosen(problem, np.full(problem.shape, 5.0 * problem.largest_imposed))
    assert solution is None
    assert trace.why
    fed = problem.replace(production=1e-6)
    answer = engine_without_network().solve(
        fed, tolerance=1e-4 * fed.largest_imposed, previous=np.full(fed.shape, 9.0 * fed.largest_imposed)
    )
    assert answer.stats.start in ("previous", "nothing")
    assert np.abs(answer.field - exact_field(fed)).max() <= answer.error_bound <= 1e-4 * fed.largest_imposed


def test_a_previous_field_that_nothing_has_changed_for_is_told_as_such() -> None:
    decay = np.linspace(0.1, 0.2, 1024).reshape(32, 32)
    problem = Problem(np.zeros((32, 32)), decay=decay, production=4.0 * decay, boundary="reflecting")
    solution = engine_without_network().solve(problem, previous=np.full((32, 32), 4.0), tolerance=1.0)
    assert solution.stats.why == "The previous field lacks nothing."
    assert solution.stats.counts["cycles"] == 0


@pytest.mark.parametrize(("price", "start"), [(0.01, "network"), (50.0, None), (None, None)])
def test_a_network_is_asked_instead_of_a_poor_previous_field_if_it_is_cheap_enough(
    price: float | None, start: str | None
) -> None:
    problem = _tissue()
    rival = _Rival(problem, price)
    solution, trace = _chosen(problem, np.full(problem.shape, 5.0 * problem.largest_imposed), rival)
    assert rival.asked
    assert (None if solution is None else solution.stats.start) == start
    if solution is not None:
        assert solution.method == "surrogate"
        assert "to ask" in trace.why


def test_no_network_is_weighed_where_the_previous_field_leaves_one_cycle() -> None:
    problem = _tissue()
    rival = _Rival(problem, 0.0)
    solution, _ = _chosen(problem.replace(decay=problem.decay * 1.0001), exact_field(problem), rival)
    assert solution is not None
    assert solution.stats.start == "previous"
    assert rival.asked == 0


def test_surrogate_first_asks_the_network_though_the_previous_field_is_exact() -> None:
    problem = _tissue()
    exact = exact_field(problem)

    class Network:
        card, device, typical_error = None, "cpu", 0.02

        def predict(self, asked: Problem) -> FloatArray:
            return 0.99 * exact

    solution = Engine(model=Network(), policy="surrogate-first").solve(problem, previous=exact)
    assert solution.method == "surrogate"
    assert solution.stats.start == "network"
    assert "policy" in solution.stats.why


def test_what_a_network_without_a_card_takes_is_kept_by_its_engine_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SURROGATE_PLUGIN_CACHE", str(tmp_path))
    monkeypatch.setattr(calibration, "_figures", {})
    problem, asked = _tissue(), []

    class Network:
        card, device, typical_error = None, "cpu", 0.02

        def predict(self, problem: Problem) -> FloatArray:
            asked.append(problem)
            return np.zeros(problem.shape)

    engine = Engine(model=Network())
    engine.solve(problem)
    once = len(asked)
    assert once > 1  # it was timed
    engine.solve(problem)
    assert len(asked) <= once + 1
    assert all("cycle" in name for name in json.loads(calibration.cache_file().read_text()))


def test_what_a_change_was_worth_serves_changes_of_about_as_many_pixels() -> None:
    lessons = Lessons()
    few, all_of_them = Change(2.0, 10, 1000), Change(2.0, 900, 1000)
    assert lessons.error(few) == 1.0
    assert np.isnan(lessons.error(all_of_them))
    lessons.learn(all_of_them, 30.0)
    assert lessons.error(Change(1.0, 800, 1000)) == 15.0
    assert lessons.error(few) == 1.0
    lessons.forget()
    assert np.isnan(lessons.error(all_of_them))


def test_offers_are_compared_in_cycles_to_the_tolerance() -> None:
    previous, network, nothing = Offer("previous", 1.0), Offer("network", 0.1, 2.5), Offer("nothing", 40.0)
    assert least([previous, nothing, network], 1e-3) is previous
    assert least([Offer("previous", 40.0), nothing], 1e-3).start == "previous"
    assert least([nothing, Offer("network", 0.01, 0.5)], 1e-3).start == "network"
    assert compared([nothing, network], 1e-3).startswith("Nothing, about 40 off, takes 4.8 cycles; the network's field")
    assert Offer("previous", 0.0).cycles(1e-3) == 1.0


def test_a_backend_records_why_it_started_where_it_did() -> None:
    domain = sp.Domain((0.0, 0.0), (640.0, 640.0), (32, 32))
    config = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, tolerance=0.38)
    backend = sp.Backend(config, engine=engine_without_network())
    for shift in (0.0, 2.0):
        cells = sp.Cells([(200.0 + shift, 300.0), (210.0, 310.0)], radius_um=8.4, uptake_per_min=10.0)
        vessels = sp.Vessels([(400.0, 300.0)], radius_um=30.0, value=38.0)
        backend.step(sp.TissueState(cells=cells, vessels=vessels))
    assert backend.records[1].start == "previous"
    assert "pixels changed" in backend.records[1].why
