"""A real host on the backend: its cells see the steady field of its own equation, within the tolerance."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import TOLERANCE, error, reference, seen, still, tissue


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("voxels", [(20, 12), (9, 31)])
def test_the_first_call_solves_the_hosts_own_equation_at_once(seed, voxels):
    sim = tissue(seed, voxels=voxels)
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        sim.microenvironment.step(0.01)
        assert error(sim) <= min(TOLERANCE, link.history[0].bound)
        assert [entry.reason for entry in link.history] == ["first"]


@pytest.mark.parametrize("policy", ["surrogate-first", "fastest"])
def test_what_the_cells_see_is_within_the_tolerance_at_every_phenotype_step(policy):
    sim = tissue(3, cells=80, dt=0.5)
    errors: list[float] = []
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, policy=policy, move_limit_um=0.0) as link:
        step = sim.microenvironment.step

        def audited(dt: float) -> None:
            step(dt)
            errors.append(error(sim))

        sim.microenvironment.step = audited
        born = sim.cells.n
        while sim.t < 36.0:
            sim.step()
            # What the host sampled for its cells is what was written for them.
            columns = seen(sim).ravel()[sim.cells.voxel[: sim.cells.n]]
            fresh = sim.cells.sampled[: sim.cells.n, 0] > 0
            assert np.array_equal(sim.cells.sampled[: sim.cells.n, 0][fresh], columns[fresh])
        sim.microenvironment.step = step
        assert sim.cells.n > born
        assert len(link.history) >= 6
    assert len(errors) == 72
    assert max(errors) <= TOLERANCE


def test_no_cells_and_no_vessels_leave_what_the_faces_hold():
    sim = tissue(12, cells=0, vessels=0)
    with attach(sim, substrates=["oxygen"], tolerance=1e-6) as link:
        sim.step()
        assert error(sim) <= 1e-6
        assert link.history[0].bound <= 1e-6


def test_both_substrates_each_with_its_own_tolerance():
    sim = tissue(7, second=True)
    with attach(sim, tolerance={"oxygen": 1e-3, "glucose": 1e-6}) as link:
        sim.microenvironment.step(0.01)
        assert error(sim, "oxygen") <= 1e-3
        assert error(sim, "glucose") <= 1e-6
        assert [entry.substrate for entry in link.history] == ["glucose", "oxygen"]


def test_the_hosts_own_stepping_converges_to_the_attached_field_as_its_time_step_shrinks():
    """The host splits x from y and releases Dirichlet voxels inside its sweeps, both first order in its time step."""
    gaps = []
    for dt in (4e-4, 2e-4, 1e-4):
        sim = tissue(13, voxels=(10, 8), cells=30, vessels=2, dt=dt)
        me = sim.microenvironment
        me._D[:], me._lambda[:] = 2e4, 5.0
        sim.model.substrates[0].diffusion_coefficient, sim.model.substrates[0].decay_rate = 2e4, 5.0
        still(sim)
        me.density[..., 0] = reference(sim)
        for _ in range(round(1.0 / dt)):
            sim.step()
        own = seen(sim).copy()
        with attach(sim, substrates=["oxygen"], tolerance=1e-9):
            me.step(dt)
            gaps.append(float(np.abs(own - seen(sim)).max()))
    assert gaps[0] > 1.5 * gaps[1] > 1.5**2 * gaps[2]
    assert 2 * gaps[2] - gaps[1] < 0.1 * gaps[0]
