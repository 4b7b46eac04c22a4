"""When pyphysicell's field is solved for: at changes that it feels and at phenotype steps, and held otherwise."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import (
    TOLERANCE,
    add_vessels,
    error,
    past_the_first_phenotype_step,
    seen,
    still,
    tissue,
)


def test_the_field_is_held_until_something_changes():
    sim = past_the_first_phenotype_step(tissue(1))
    me = sim.microenvironment
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        reasons = []

        def step(told: str | None = None) -> None:
            with nullcontext() if told is None else pytest.warns(sp.PromiseWarning, match=told):
                me.step(0.01)
            reasons.append(link.history[-1].reason if link.history[-1].held == 0 else "held")
            assert error(sim) <= TOLERANCE

        step()
        step()
        me.density[0, 3, 4, 0] = 99.0  # somebody wrote into the field; holding it means putting it back
        step("1 voxels of oxygen were written over")
        sim.cells.uptake_rate[0, 0] = 12.0
        step()
        step()
        sim.cells.position[2, 0] += 20.0
        step()
        sim.add_cells([(0.0, 100.0, 0.0)], "greedy")
        step()
        add_vessels(sim, np.array([105]), 30.0)
        step("Dirichlet nodes of oxygen changed at 0 min")
        me.dirichlet_val[-1] = 20.0
        step()
        step()
        assert reasons == ["first", "held", "held", "rates", "held", "moved", "count", "dirichlet", "dirichlet", "held"]
        assert link.history[0].held == 2


@pytest.mark.parametrize(
    "rate", ["uptake_rate", "secretion_rate", "secretion_target", "net_export_rate", "volume_total"]
)
def test_any_change_of_a_cell_that_the_field_feels_asks_for_a_new_one(rate):
    sim = past_the_first_phenotype_step(tissue(1))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        sim.microenvironment.step(0.01)
        getattr(sim.cells, rate)[sim.cells.n - 1] *= 1.5
        sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "rates"]
        assert error(sim) <= TOLERANCE


def test_cells_ask_for_a_new_field_when_they_come_into_another_voxel():
    """Within a voxel nothing changes; and a cell without any rate of the substrate may go where it likes."""
    sim = past_the_first_phenotype_step(tissue(1))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        idle, eater = 3, 7
        sim.cells.uptake_rate[idle, 0] = 0.0
        sim.cells.position[eater, :2] = -130.0 + 21.0, 40.0 + 21.0
        sim.microenvironment.step(0.01)
        sim.cells.position[eater, :2] += 18.5
        sim.cells.position[idle, 0] += 65.0
        sim.microenvironment.step(0.01)
        assert len(link.history) == 1
        assert error(sim) <= TOLERANCE
        sim.cells.position[eater, 0] += 1.0
        sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "moved"]
        assert error(sim) <= TOLERANCE


def test_cells_that_move_less_than_a_limit_do_not_ask_for_a_new_field():
    sim = past_the_first_phenotype_step(tissue(1))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, move_limit_um=5.0) as link:
        sim.microenvironment.step(0.01)
        sim.cells.position[:, 1] += 4.9
        sim.microenvironment.step(0.01)
        assert len(link.history) == 1
        sim.cells.position[0, 1] += 0.2
        with pytest.warns(sp.PromiseWarning, match="cells read oxygen up to .* off its steady field"):
            sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "moved"]
        assert link.history[1].excess > TOLERANCE


def test_cells_decide_on_a_field_solved_for_right_before_their_phenotype_step():
    sim = tissue(2)
    sim.model.time.dt_phenotype = 1.0
    errors = []
    sim.hook("phenotype")(lambda context: errors.append(error(sim)))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, refresh="phenotype") as link:
        with pytest.warns(sp.PromiseWarning, match="with refresh='changes'"):
            sim.run(until=3.01)
        assert [entry.reason for entry in link.history] == ["first", "phenotype", "phenotype", "phenotype"]
        assert [round(entry.time_min, 6) for entry in link.history] == [0.0, 1.0, 2.0, 3.0]
    assert len(errors) == 4
    assert max(errors) <= TOLERANCE


def test_minutes_pass_for_steps_of_the_microenvironment_alone():
    sim = tissue(2, cells=0)
    sim.model.time.dt_phenotype = 1.0
    with attach(sim, substrates=["oxygen"]) as link:
        for _ in range(300):
            sim.microenvironment.step(0.01)
        # At each phenotype step the cells were looked at; nothing had changed, so there was nothing to solve.
        assert len(link.backend("oxygen").records) == 1
        assert [(entry.reason, entry.held) for entry in link.history] == [("first", 299)]


def test_solving_only_once_per_phenotype_step_is_there_for_the_asking():
    sim = tissue(2)
    sim.model.time.dt_phenotype = 0.5
    with attach(sim, substrates=["oxygen"], refresh="phenotype") as link:
        for _ in range(50):
            sim.cells.uptake_rate[: sim.cells.n, 0] *= 1.01
            sim.microenvironment.step(0.01)
        with pytest.warns(sp.PromiseWarning, match="cells read oxygen up to"):
            sim.microenvironment.step(0.01)
        assert [entry.reason for entry in link.history] == ["first", "phenotype"]


def test_coefficients_changed_in_mid_run_are_taken_up():
    sim = tissue(14)
    me = sim.microenvironment
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        me.step(0.01)
        me._lambda[0] = sim.model.substrates[0].decay_rate = 3.0
        me.step(0.01)
        assert error(sim) <= TOLERANCE
        assert [entry.reason for entry in link.history] == ["first", "coefficients"]
        assert len(link.backend("oxygen").records) == 2


@pytest.mark.parametrize("stepping", ["steady", "implicit-euler"])
def test_what_changes_between_attaching_and_the_first_step_is_taken_up(stepping):
    sim, other = tissue(2), tissue(2)
    for each in (sim, other):
        still(each)
    link = attach(sim, substrates=["oxygen"], stepping=stepping)
    for each in (sim, other):
        substrate = each.model.substrates[0]
        substrate.diffusion_coefficient, substrate.decay_rate = 4e4, 0.7
        each.microenvironment._setup_thomas()
        each.microenvironment.dirichlet_val[:] *= 0.5
    told = attach(other, substrates=["oxygen"], stepping=stepping)
    for each in (sim, other):
        each.step()
        each.microenvironment.step(each.model.time.dt_mechanics)
    assert link.backend("oxygen").config == told.backend("oxygen").config
    assert np.array_equal(seen(sim), seen(other))
    if stepping == "steady":
        assert error(sim) <= link.history[-1].bound
