"""A field that is held is looked at only where somebody may have written into it, and then always."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach, upkeep
from tests.hosts.pyphysicell.tissue import TOLERANCE, error, past_the_first_phenotype_step, seen, tissue


@pytest.fixture
def looks(monkeypatch):
    """The times of the host at which the whole field was compared with what was left."""
    times, written = [], upkeep.written

    def counted(microenvironment, index, field):
        times.append(index)
        return written(microenvironment, index, field)

    monkeypatch.setattr(upkeep, "written", counted)
    return times


def walking(seed: int = 1, **options) -> pc.Simulation:
    """Cells that push one another about; a mechanics step in ten diffusion steps, a phenotype step in a hundred."""
    sim = tissue(seed, **options)
    sim.model.time.dt_phenotype = 1.0
    return sim


def test_inside_the_hosts_run_the_field_is_looked_at_after_phenotype_steps_alone(looks):
    sim = walking()
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        before = sim.cells.positions[:20].copy()
        sim.run(until=2.995)
        assert np.abs(sim.cells.positions[:20] - before).max() > 1.0
        assert len(looks) == 3  # right behind those of minutes 0, 1 and 2
        assert error(sim) <= TOLERANCE
        assert "moved" in {entry.reason for entry in link.history}
        held = sum(entry.held for entry in link.history)
        assert held + len(link.history) + sum(r.method == "held" for r in link.backend("oxygen").records) >= 300


def test_in_a_loop_of_ones_own_it_is_looked_at_in_each_step(looks):
    sim = walking()
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
        for _ in range(20):
            sim.step()
        assert len(looks) == 19


def write(sim: pc.Simulation) -> None:
    sim.microenvironment.density[0, 3, 4, 0] = 99.0


@pytest.mark.parametrize("slot", ["step", "custom_rule", "phenotype"])
def test_what_a_hook_writes_is_put_back_in_the_next_step(slot):
    sim = walking()
    wrote, there = [], {}

    @sim.hook(slot)
    def hook(_context):
        if sim.t > 0.15 or slot == "phenotype":
            wrote.append(sim.t)
            write(sim)

    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        host_sample = sim._sample_fields

        def sampled():  # by the host, right behind the diffusion step
            there.setdefault(sim.t, float(seen(sim)[3, 4]))
            host_sample()

        sim._sample_fields = sampled
        with pytest.warns(sp.PromiseWarning, match="1 voxels of oxygen were written over"):
            sim.run(until=0.5)
        del sim._sample_fields
        assert wrote
        assert max(there.values()) < 99.0
        assert link.notices.counts["written from outside", "oxygen"] >= len(wrote) - 1


def test_what_a_timer_writes_is_put_back(looks):
    sim = past_the_first_phenotype_step(walking())
    sim.every(0.05, write)
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
        with pytest.warns(sp.PromiseWarning, match="were written over"):
            sim.run(until=0.2)
        sim._timers.clear()
        sim.run(until=0.3)
        assert error(sim) <= TOLERANCE


def test_what_stop_when_writes_is_put_back():
    sim = past_the_first_phenotype_step(walking())
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
        with pytest.warns(sp.PromiseWarning, match="were written over"):
            sim.run(until=0.2, stop_when=write)
        sim.microenvironment.step(0.01)
        assert error(sim) <= TOLERANCE


def test_what_is_written_between_two_runs_is_put_back():
    sim = walking()
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
        sim.run(until=0.05)
        write(sim)
        with pytest.warns(sp.PromiseWarning, match="were written over"):
            sim.run(until=0.06)
        assert error(sim) <= TOLERANCE


@pytest.mark.parametrize("stepping", ["steady", "implicit-euler"])
@pytest.mark.filterwarnings("error::surrogate_plugin.PromiseWarning")
def test_a_node_that_is_written_over_has_its_value_in_the_next_step(stepping):
    """As a cell that dies in a vessel releases what it has, and as the host's own solver has it."""
    sim = past_the_first_phenotype_step(walking())
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, stepping=stepping):
        sim.step()
        me = sim.microenvironment
        nodes, holds = me.dirichlet_idx, me.dirichlet_val[:, 0]
        for _ in range(3):
            me.density.reshape(-1)[nodes] += 7.0
            sim.step()
            np.testing.assert_array_equal(me.density.reshape(-1)[nodes], holds)


def test_what_removed_cells_release_is_put_back():
    """They are removed in a mechanics step, when nobody else has a turn."""
    sim = past_the_first_phenotype_step(walking(track=True))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
        sim.run(until=0.1)
        sim.cells.fraction_released_at_death[:] = 1.0
        doomed = sim._mechanics

        def mechanics(dt):
            doomed(dt)
            sim._pending_removal.append(2)  # the first two are in voxels that are nodes
            sim._flush_removals()

        sim._mechanics = mechanics
        with pytest.warns(sp.PromiseWarning, match="were written over"):
            sim.run(until=0.15)
        assert error(sim) <= TOLERANCE


def test_a_step_around_ours_is_a_turn_of_somebody_elses(looks):
    sim = past_the_first_phenotype_step(walking())
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
        ours = sim.microenvironment.step

        def around(dt):
            ours(dt)
            write(sim)

        sim.microenvironment.step = around
        with pytest.warns(sp.PromiseWarning, match="were written over"):
            sim.run(until=0.05)
        sim.microenvironment.step = ours
        assert len(looks) == 4


def test_a_host_of_somebodys_own_making_is_looked_at_in_each_step(looks):
    class Mine(pc.Simulation):
        def step(self):
            super().step()
            write(self)

    sim = Mine(walking().model, seed=1)
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE):
        with pytest.warns(sp.PromiseWarning, match="were written over"):
            sim.run(until=0.05)
        assert len(looks) >= 4


def test_the_host_gets_its_own_run_back():
    sim = walking()
    link = attach(sim, substrates=["oxygen"], tolerance=TOLERANCE)
    assert "run" in vars(sim)
    copy = sim.branch()
    copy.run(until=0.02)
    link.detach()
    assert "run" not in vars(sim)
    assert copy.t > sim.t == 0.0
