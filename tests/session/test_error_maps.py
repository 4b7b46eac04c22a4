"""A backend that is asked for it bounds the error at each pixel, of held fields and of steps in time too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.session.scenes import DOMAIN, config, exact_step, tissue

ROUNDED = 1e-9


def covered(solution: sp.Solution, exact: np.ndarray) -> bool:
    """Whether the map covers what the field is off, and is nowhere above the bound."""
    assert solution.error_map is not None
    assert (solution.error_map <= solution.error_bound).all()
    return bool((np.abs(solution.field - exact) <= solution.error_map + ROUNDED).all())


@pytest.mark.parametrize("method", ["guarded", "multigrid"])
def test_each_step_has_a_map_that_covers_its_error(method: str) -> None:
    backend, exactly = sp.Backend(config(error_map=True, method=method)), sp.Backend(config(method="exact"))
    for seed in range(3):
        state = tissue(seed)
        result = backend.step(state)
        assert covered(result.solution, exactly.step(state).field)
        assert (result.solution.error_map[backend.problem(state).fixed] == 0.0).all()
        assert result.solution.gradient_bound is not None


def test_a_held_step_keeps_its_map_and_nobody_writes_into_it() -> None:
    backend = sp.Backend(config(error_map=True))
    first, held = backend.step(tissue(1)), backend.step(tissue(1))
    assert held.record.method == "held"
    assert held.solution.error_map is first.solution.error_map
    with pytest.raises(ValueError, match="read-only"):
        held.solution.error_map[0, 0] = 0.0


def test_without_being_asked_there_is_none_and_it_may_be_asked_for_in_mid_run() -> None:
    backend = sp.Backend(config())
    plain = backend.step(tissue(1))
    assert plain.solution.error_map is None
    assert plain.solution.gradient_bound is None
    backend.reconfigure(error_map=True)
    mapped = backend.step(tissue(1))
    assert mapped.record.method != "held"
    assert mapped.solution.error_map is not None


@pytest.mark.parametrize("time_tolerance", [None, 0.5])
def test_the_map_of_a_step_in_time_covers_what_the_steps_before_left(time_tolerance: float | None) -> None:
    backend = sp.Backend(
        config(
            diffusivity_um2_per_min=600.0, decay_per_min=0.01, boundary="reflecting", stepping="implicit-euler",
            tolerance=0.4, initial=5.0, time_tolerance=time_tolerance, error_map=True,
        )
    )  # fmt: skip
    true = np.full(DOMAIN.shape, 5.0)
    for seed in range(4):
        state = tissue(seed)
        result = backend.step(state, 6.0)
        for _ in range(result.record.parts):
            true = exact_step(backend.problem(state), true, 6.0 / result.record.parts)
        assert covered(result.solution, true)


def test_an_engine_that_knows_no_map_is_not_asked_for_one() -> None:
    class Plain:
        def __init__(self) -> None:
            self.engine = sp.Engine()

        def solve(self, problem: sp.Problem, *, method: str, tolerance: float, previous: Any) -> sp.Solution:
            return self.engine.solve(problem, method=method, tolerance=tolerance, previous=previous)

    assert sp.Backend(config(), engine=Plain()).step(tissue(1)).solution.error_map is None
    in_time = config(stepping="implicit-euler", error_map=True)
    assert sp.Backend(in_time, engine=Plain()).step(tissue(1), 6.0).solution.error_map is not None


@pytest.mark.parametrize("given", ["yes", 1, None])
def test_what_is_neither_true_nor_false_is_refused(given: object) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"BackendConfig\.error_map is .*boolean"):
        config(error_map=given)


def test_a_step_is_mapped_as_advance_maps_it() -> None:
    problem = sp.Backend(config()).problem(tissue(2))
    field = np.full(DOMAIN.shape, 3.0)
    mapped = sp.advance(problem, field, 6.0, method="multigrid", field_error=0.1, error_map=True)
    plain = sp.advance(problem, field, 6.0, method="multigrid", field_error=0.1)
    # The engine that both share proposes the second bound from what it has kept of the first.
    assert mapped.error_bound == pytest.approx(plain.error_bound, rel=1e-6)
    assert covered(mapped, exact_step(problem, field, 6.0))
