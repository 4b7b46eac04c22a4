"""What cells change while nobody reads their field is put off until somebody does, and nobody reads a field gone by."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import pytest

from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import TOLERANCE, error, reference, seen, tissue


def walking() -> pc.Simulation:
    """Cells that walk about, some 4 um in each of the ten mechanics steps in a phenotype step, and climb nothing."""
    sim = tissue(1)
    sim.model.time.dt_phenotype = 1.0
    sim.needs_gradients = False
    sim.cells.is_motile[:], sim.cells.motility_speed[:], sim.cells.persistence_time[:] = 1, 40.0, 0.3
    return sim


def attached(sim: pc.Simulation, **options):
    return attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, **options)


def test_inside_the_hosts_run_a_field_is_solved_for_once_a_phenotype_step():
    sim = walking()
    before, errors = sim.cells.positions[:20].copy(), []
    sim.hook("phenotype")(lambda context: errors.append(error(sim)))
    with attached(sim) as link:
        sim.run(until=3.5)
        assert np.abs(sim.cells.positions[:20] - before).max() > 1.0
        assert [entry.reason for entry in link.history[:4]] == ["first", "phenotype", "phenotype", "phenotype"]
        assert len(errors) == 4
        assert max(errors) <= TOLERANCE
        # Whoever called the run reads the field of the cells as they are now, and so do these.
        assert [entry.reason for entry in link.history[4:]] in (["moved"], ["count"], ["rates"])
        assert error(sim) <= TOLERANCE
        n = sim.cells.n
        assert np.array_equal(sim.cells.sampled[:n, 0], seen(sim).ravel()[sim.cells.voxel[:n]])
        assert sum(1 + entry.held for entry in link.history) == 351  # each diffusion step, and the end of the run


def test_the_hosts_record_reads_the_field_of_its_time():
    sim = walking()
    with attached(sim) as link:
        sim.run(until=0.3)
        sim.run(until=0.7, record_every=0.2)
        means, times = sim.scalars.mean_substrate["oxygen"], [round(time, 6) for time in sim.scalars.times]
        assert times == [0.0, 0.3, 0.5, 0.7]
        # Cells have walked, so each was solved for.
        assert [round(entry.time_min, 6) for entry in link.history] == times
        assert means[-1] == seen(sim).mean()
        assert abs(means[-1] - reference(sim).mean()) <= TOLERANCE


def climbs(sim: pc.Simulation) -> None:
    sim.needs_gradients = True


def counts(sim: pc.Simulation) -> None:
    sim.model.track_internalized_substrates = True


def is_hooked(sim: pc.Simulation) -> None:
    sim.hook("custom_rule")(lambda context: None)


def has_a_timer(sim: pc.Simulation) -> None:
    sim.every(0.05, lambda simulation: None)


def moves_otherwise(sim: pc.Simulation) -> None:
    own = sim._mechanics
    sim._mechanics = lambda dt: own(dt)


def records_otherwise(sim: pc.Simulation) -> None:
    own = sim.record
    sim.record = lambda: own()


@pytest.mark.parametrize("somebody", [climbs, counts, is_hooked, has_a_timer, moves_otherwise, records_otherwise])
def test_nothing_is_put_off_where_somebody_may_read_on_the_way(somebody):
    sim = walking()
    somebody(sim)
    with attached(sim) as link:
        sim.run(until=0.995)
        assert [entry.reason for entry in link.history].count("moved") >= 5


def test_nothing_is_put_off_in_a_loop_of_ones_own_or_in_steps_around_ours():
    sim = walking()
    with attached(sim) as link:
        for _ in range(60):
            sim.step()
        moved = [entry.reason for entry in link.history].count("moved")
        assert moved >= 2
        ours = sim.microenvironment.step
        sim.microenvironment.step = lambda dt: ours(dt)
        sim.run(until=0.95)
        assert [entry.reason for entry in link.history].count("moved") > moved
        sim.microenvironment.step = ours


def test_a_copy_made_in_mid_run_is_not_in_that_run():
    sim, copies = walking(), []
    sim.hook("phenotype")(lambda context: copies.append(sim.branch()) if sim.t > 0.5 else None)
    with attached(sim):
        sim.run(until=1.05)
        assert "record" not in vars(sim)
    (copy,) = copies
    copy._hooks.clear()
    copy.cells.position[3, 0] += 45.0
    copy.microenvironment.step(0.01)
    assert error(copy) <= TOLERANCE
    copy.run(until=1.5)
    assert "record" not in vars(copy)
    assert error(copy) <= TOLERANCE


@pytest.mark.filterwarnings("ignore:cells read oxygen up to")
def test_what_nobody_read_is_no_excess():
    sim = walking()
    with attached(sim, move_limit_um=15.0) as link:
        sim.run(until=2.5)
        assert max(entry.excess for entry in link.history) == 0.0
        sim.run(until=2.8, stop_when=lambda simulation: False)
        assert max(entry.excess for entry in link.history) > 0.0


def next_phenotype_step(sim: pc.Simulation) -> float:
    """The error of the field that cells decide on in the phenotype step that is due."""
    errors: list[float] = []
    sim.hook("phenotype")(lambda context: errors.append(error(sim)))
    sim.run(until=sim.t + 0.005)
    (found,) = errors
    return found


def test_a_phenotype_step_right_behind_a_run_goes_by_the_field_that_the_run_left():
    sim = walking()
    with attached(sim) as link:
        sim.run(until=1.0)
        left = len(link.history)
        assert next_phenotype_step(sim) <= TOLERANCE
        assert len(link.history) == left


def moves(sim: pc.Simulation, link) -> None:
    sim.cells.position[3, 0] += 30.0


def takes_up_more(sim: pc.Simulation, link) -> None:
    sim.cells.uptake_rate[3, 0] += 0.1


def holds_less(sim: pc.Simulation, link) -> None:
    sim.microenvironment.dirichlet_val[0] -= 0.5


def decays_more(sim: pc.Simulation, link) -> None:
    sim.microenvironment._lambda[0] = sim.model.substrates[0].decay_rate = 0.3


def is_asked_more_closely(sim: pc.Simulation, link) -> None:
    link.backend("oxygen").reconfigure(tolerance=1e-6)


@pytest.mark.filterwarnings("ignore:Dirichlet nodes of oxygen changed")
@pytest.mark.parametrize("what", [moves, takes_up_more, holds_less, decays_more, is_asked_more_closely])
def test_it_does_not_where_anything_is_another(what):
    sim = walking()
    with attached(sim) as link:
        sim.run(until=1.0)
        left = len(link.history)
        what(sim, link)
        assert next_phenotype_step(sim) <= (1e-6 if what is is_asked_more_closely else TOLERANCE)
        assert len(link.history) > left
