"""A hierarchy that stands for an operator is not set up for it again, and never taken for another's."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.solvers.multigrid import hierarchy as module
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy


def problem(**changed) -> sp.Problem:
    decay = np.random.default_rng(0).uniform(0.01, 0.1, (24, 32))
    return sp.Problem(np.eye(24, 32), **{"decay": decay, "boundary": "reflecting"} | changed)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kernels that hierarchies have run."""
    names: list[str] = []
    run = module.team.run

    def noted(kernel, *arguments):
        names.append(kernel.__name__)
        return run(kernel, *arguments)

    monkeypatch.setattr(module.team, "run", noted)
    return names


def cycle(hierarchy: Hierarchy) -> np.ndarray:
    b = np.zeros((26, 34), np.float32)
    b[1:-1, 1:-1] = np.random.default_rng(1).random((24, 32))
    z = np.zeros_like(b)
    hierarchy.v_cycle(z, b)
    return z


def rebuilt(hierarchy: Hierarchy, posed: sp.Problem) -> np.ndarray:
    operator = Operator(posed)
    hierarchy.rebuild(operator.free, operator.decay, operator.faces)
    return cycle(hierarchy)


def fresh(posed: sp.Problem) -> np.ndarray:
    return rebuilt(Hierarchy(posed.shape, posed.walls), posed)


def test_the_same_numbers_take_no_set_up(calls: list[str]) -> None:
    hierarchy = Hierarchy((24, 32), problem().walls)
    first = rebuilt(hierarchy, problem())
    assert calls.count("set_up") == 1
    assert np.array_equal(rebuilt(hierarchy, problem()), first)
    assert calls.count("set_up") == 1


@pytest.mark.parametrize("row", [0, 5, 23])
def test_other_numbers_are_set_up_for(row: int) -> None:
    hierarchy = Hierarchy((24, 32), problem().walls)
    rebuilt(hierarchy, problem())
    decay = np.array(problem().decay)
    decay[row, 7] += 0.3
    assert np.array_equal(rebuilt(hierarchy, problem(decay=decay)), fresh(problem(decay=decay)))
    fixed = np.eye(24, 32) > 0
    fixed[row, 9] = True
    assert np.array_equal(rebuilt(hierarchy, problem(fixed=fixed)), fresh(problem(fixed=fixed)))


def test_an_array_that_was_written_into_counts_as_another() -> None:
    operator, hierarchy = Operator(problem()), Hierarchy((24, 32), problem().walls)
    hierarchy.rebuild(operator.free, operator.decay, operator.faces)
    operator.decay[3, 4] += 0.7
    hierarchy.rebuild(operator.free, operator.decay, operator.faces)
    other = Hierarchy((24, 32), problem().walls)
    other.rebuild(operator.free, operator.decay, operator.faces)
    assert np.array_equal(cycle(hierarchy), cycle(other))


def test_another_map_on_the_finest_level_is_not_forgotten() -> None:
    hierarchy = Hierarchy((24, 32), problem().walls)
    first = rebuilt(hierarchy, problem())
    operator = Operator(problem())
    hierarchy.relinearise(operator.free, 3.0 * operator.decay)
    assert not np.array_equal(cycle(hierarchy), first)
    assert np.array_equal(rebuilt(hierarchy, problem()), first)


def test_a_second_step_of_one_operator_sets_nothing_up(calls: list[str]) -> None:
    engine, posed = sp.Engine(), problem(production=np.random.default_rng(2).random((24, 32)))
    options = {"method": "multigrid", "tolerance": 1e-3}
    field = engine.solve(posed.implicit_step(np.full((24, 32), 2.0), 6.0), **options).field
    field.flags.writeable = False
    before = calls.count("set_up")
    solution = engine.solve(posed.implicit_step(field, 6.0), previous=field, **options)
    assert (before, calls.count("set_up")) == (1, 1)
    assert solution.stats.start == "previous"
