"""The prediction of a time step's error is what pyphysicell itself comes to at rest, with its step and with others."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import pytest

from surrogate_adapters.pyphysicell.saves import SimulationRun
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.run import Moment
from surrogate_plugin.audit.scheme import at_rest
from surrogate_plugin.audit.steady import Rest
from tests.hosts.pyphysicell import tissue


def resting(dt: float, start: np.ndarray | None = None) -> pc.Simulation:
    """Vessels, secretion, export and several cells a voxel, stepped until nothing changes but by rounding."""
    sim = tissue.tissue(3, dt=dt, cells=90)
    tissue.still(sim)
    if start is not None:
        sim.microenvironment.density[0, :, :, 0] = start
    before = np.zeros(0)
    while not np.array_equal(before, now := tissue.seen(sim).round(10)):
        before = now
        for _ in range(200):
            sim.step()
    return sim


def moment_of(sim: pc.Simulation) -> Moment:
    return SimulationRun([sim]).moment(SimulationRun([sim]).names[0])


@pytest.mark.parametrize("dt", [0.05, 0.01])
def test_the_scheme_at_rest_is_where_the_host_comes_to_rest(dt: float) -> None:
    sim = resting(dt)
    moment = moment_of(sim)
    seen = moment.seen["oxygen"]
    assert seen.state is not None
    assert seen.scheme is not None
    rest = Rest.of(moment, seen, seen.state)
    found = at_rest(seen.scheme, dt, rest)
    assert found is not None
    assert np.abs(found.field - tissue.seen(sim)).max() < 1e-6
    assert np.abs(rest.field - tissue.seen(sim)).max() > 1.0  # which is not a little


def test_one_step_of_the_scheme_is_one_step_of_the_host() -> None:
    sim = tissue.tissue(5, second=True, cells=90)
    tissue.still(sim)
    before = moment_of(sim)
    sim.step()
    for name in ("glucose", "oxygen"):
        seen = before.seen[name]
        assert seen.scheme is not None
        stepped = seen.scheme(0.01)(seen.field)
        np.testing.assert_allclose(stepped, tissue.seen(sim, name), rtol=0, atol=1e-12)


def test_a_step_that_is_small_enough_by_the_prediction_is_so_in_the_host() -> None:
    sim = resting(0.01)
    tolerance = 2.0
    (entry,) = audit(SimulationRun([sim]), tolerance=tolerance).entries
    step = entry.time_step
    assert step is not None
    assert step.predicted_at_cells > tolerance
    assert step.small_enough_min is not None
    assert step.then is not None
    assert step.small_enough_min < 0.01
    shorter = resting(step.small_enough_min, tissue.reference(sim))
    voxel = moment_of(shorter).voxel
    there = np.abs(tissue.seen(shorter) - tissue.reference(shorter)).ravel()[voxel].max()
    assert there <= tolerance
    assert there == pytest.approx(step.then, rel=1e-4)


def test_a_difference_that_the_time_step_makes_is_said_to_be_its_doing() -> None:
    (entry,) = audit(SimulationRun([resting(0.01)])).entries
    assert entry.time_step is not None
    assert entry.steady is not None
    assert entry.time_step.left < 1e-6 * entry.steady.largest
    assert "the step was too long" in entry.sentence
