"""A substrate that goes on in time beside a steady one: against steps of an independent solve, and what is kept."""

from __future__ import annotations

import math

import numpy as np
import pyphysicell as pc
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import error, seen, stepped, still

DT = 0.05


def model(
    antigen: pc.Substrate | None = None, *, rates: pc.SecretionEntry | None = None, cells: int = 30, track: bool = False
) -> pc.Simulation:
    """Cells at rest that take oxygen up, and have to do with a slow substrate beside it."""
    slow = pc.Substrate("antigen", 30.0, 0.01, 1.0) if antigen is None else antigen
    eater = pc.CellType("eater", cycle=pc.Cycle(transition_rates={(0, 0): 0.0}))
    eater.secretion["oxygen"] = pc.SecretionEntry(uptake_rate=10.0)
    eater.secretion["antigen"] = pc.SecretionEntry(uptake_rate=0.3) if rates is None else rates
    oxygen = pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces={"xmin": (True, 38.0)})
    sim = pc.Simulation(
        pc.Model(
            domain=pc.Domain(x_min=-120.0, x_max=120.0, y_min=-100.0, y_max=100.0),
            time=pc.Time(dt_diffusion=DT, dt_mechanics=0.1, dt_phenotype=2.0),
            substrates=[oxygen, slow],
            cell_types=[eater],
            track_internalized_substrates=track,
        ),
        seed=4,
    )
    place = np.random.default_rng(3).uniform([-110.0, -90.0, 0.0], [110.0, 90.0, 0.0], (cells, 3))
    sim.add_cells(place, "eater")
    sim._mechanics = lambda dt: None  # they stay where they are
    return sim


def attached(sim: pc.Simulation, **options):
    options = {"stepping": {"antigen": "implicit-euler"}, "tolerance": {"oxygen": 0.05, "antigen": 1e-7}} | options
    return attach(sim, **options)


def finely(sim: pc.Simulation, minutes: float, do=lambda time, field: field, dt: float = 0.01) -> np.ndarray:
    """The antigen by many short steps of the independent solve; ``do`` may change the host or the field before each."""
    field = seen(sim, "antigen").copy()
    for k in range(round(minutes / dt)):
        field = stepped(sim, do(k * dt, field), dt, "antigen")
    return field


def apart(sim: pc.Simulation, exact: np.ndarray) -> float:
    """How far the host's antigen is off, relative to the largest value."""
    return float(np.abs(seen(sim, "antigen") - exact).max() / np.abs(exact).max())


def test_each_step_is_the_implicit_one_of_the_cells_as_they_are():
    """As long as the phenotype step, and right before it; in between the field stays as it is."""
    sim = model()
    field = seen(sim, "antigen").copy()
    with attached(sim) as link:
        sim.run(until=DT)
        field = stepped(sim, field, DT, "antigen")
        for _ in range(3):
            sim.cells.uptake_rate[:, 1] *= 1.3
            sim.run(until=sim.t + 2.0 - DT)
            np.testing.assert_allclose(seen(sim, "antigen"), field, atol=1e-6)
            sim.run(until=sim.t + DT)
            field = stepped(sim, field, 2.0, "antigen")
            np.testing.assert_allclose(seen(sim, "antigen"), field, atol=1e-6)
            assert error(sim) <= 0.05  # the oxygen beside it is steady all the time
        entries = [entry for entry in link.history if entry.substrate == "antigen"]
        assert [entry.reason for entry in entries] == ["phenotype"] * 4
        np.testing.assert_allclose([entry.record.dt_min for entry in entries], [DT, 2.0, 2.0, 2.0])
        assert sum(entry.held for entry in entries) + len(entries) == round(sim.t / DT)


@pytest.mark.parametrize("refresh", ["phenotype", "mechanics"])
def test_an_antigen_that_nothing_decays_is_as_a_fine_step_solution_has_it(refresh):
    """D = 1 um^2/min and decay 0, secreted and taken up by cells: it has no steady field that anybody would see."""
    still_there = pc.Substrate("antigen", 1.0, 0.0, 0.5)
    sim = model(still_there, rates=pc.SecretionEntry(secretion_rate=0.02, secretion_target=4.0, uptake_rate=0.01))
    exact = finely(sim, 12.0 + DT, dt=DT)
    with attached(sim, refresh=refresh):
        sim.run(until=12.0 + DT)
    assert apart(sim, exact) < {"phenotype": 2e-2, "mechanics": 2e-3}[refresh]


@pytest.fixture(scope="module")
def dosed():
    """The antigen of a dose at 3.3 min, and of one that came with the phenotype step after it."""

    def given(at):
        def dose(time, field):
            if abs(time - at) < 1e-6:
                field = field.copy()
                field[4, 5] += 20.0
            return field

        return finely(model(), 8.0 + DT, dose, dt=DT)

    return given(3.3), given(4.0)


@pytest.mark.parametrize("refresh", ["phenotype", "mechanics"])
def test_a_dose_that_user_code_writes_spreads_from_when_it_was_written(dosed, refresh):
    sim, (exact, late) = model(), dosed
    with attached(sim, refresh=refresh) as link:
        sim.run(until=3.3)
        sim.microenvironment.density[0, 4, 5, 1] += 20.0
        sim.run(until=8.0 + DT)
        entries = [entry for entry in link.history if entry.substrate == "antigen"]
    if refresh == "phenotype":  # up to the dose with what was there before, one short step, and on with the host's own
        steps = [(entry.reason, round(entry.record.dt_min, 6)) for entry in entries]
        assert steps[:4] == [("phenotype", 0.05), ("phenotype", 2.0), ("changes", 1.25), ("changes", 0.1)]
        assert [reason for reason, _ in steps[4:]] == ["phenotype"] * 3
    assert apart(sim, exact) < {"phenotype": 0.25, "mechanics": 0.02}[refresh]
    assert np.abs(late - exact).max() / exact.max() > 0.1


@pytest.mark.parametrize("diffusivity", [1e4, 30.0])
def test_a_node_that_changes_in_each_step_is_followed(diffusivity):
    slow = pc.Substrate("antigen", diffusivity, 0.01, 5.0, dirichlet_faces={"xmin": (True, 5.0)})
    sim, twin = model(slow), model(slow)

    def follow(host, time):
        host.microenvironment.dirichlet_val[:, 1] = 5.0 * math.exp(-time / 10.0)

    exact = finely(twin, 8.0 + DT, lambda time, field: (follow(twin, time), field)[1], dt=DT)
    with attached(sim):
        while sim.t < 8.0 + DT / 2:
            follow(sim, sim.t)
            sim.step()
    assert apart(sim, exact) < 0.02
    assert np.array_equal(seen(sim, "antigen")[:, 0], np.full(10, 5.0 * math.exp(-(sim.t - DT) / 10.0)))


def test_a_node_that_is_switched_holds_from_then_on_and_not_before():
    slow = pc.Substrate("antigen", 300.0, 0.01, 5.0, dirichlet_faces={"xmin": (True, 5.0)})
    sim, twin = model(slow), model(slow)

    def switch(host):
        host.microenvironment.dirichlet_val[:, 1] = 0.0

    def switched(time, field):
        if time > 3.299:
            switch(twin)
        return field

    exact = finely(twin, 4.0 + DT, switched, dt=DT)
    with attached(sim):
        sim.run(until=3.3)
        switch(sim)
        sim.run(until=4.0 + DT)
    assert apart(sim, exact) < 0.07


@pytest.mark.parametrize("refresh", ["phenotype", "mechanics"])
def test_what_cells_take_in_is_what_the_field_loses(refresh):
    """Written doses and what cells release come on top; nothing decays and nothing leaves."""
    sim = model(pc.Substrate("antigen", 30.0, 0.0, 1.0), track=True)
    volume = sim.microenvironment.voxel_volume

    def amount():
        return volume * seen(sim, "antigen").sum() + sim.cells.internalized[: sim.cells.n, 1].sum()

    sim.cells.internalized[: sim.cells.n] = 0.0
    with attached(sim, refresh=refresh):
        before = amount()
        sim.run(until=4.0 + DT)
        assert sim.cells.internalized[: sim.cells.n, 1].sum() > 0.05 * before
        assert amount() == pytest.approx(before, rel=1e-6)
        sim.run(until=5.3)
        sim.microenvironment.density[0, 4, 5, 1] += 3.0
        before = amount()
        sim.run(until=8.0 + DT)
        assert amount() == pytest.approx(before, rel=1e-6)


def test_coefficients_that_change_hold_from_then_on():
    sim, twin = model(), model()

    def faster(time, field):
        twin.model.substrates[1].decay_rate = 0.5 if time > 2.999 else 0.01
        return field

    exact = finely(twin, 4.0 + DT, faster, dt=DT)
    with attached(sim, refresh="mechanics"):
        sim.run(until=3.0)
        sim.microenvironment._lambda[1] = 0.5
        sim.run(until=4.0 + DT)
    assert apart(sim, exact) < 0.02


def test_a_copy_goes_on_as_the_original():
    sim = model()
    with attached(sim):
        sim.run(until=3.0)
        copy = sim.branch()
        for each in (sim, copy):
            each.run(until=6.0)
        np.testing.assert_array_equal(seen(sim, "antigen"), seen(copy, "antigen"))
        assert not np.array_equal(seen(sim, "antigen"), np.ones((10, 12)))


def test_gradients_are_those_of_the_field_after_the_step():
    sim = model()
    sim.needs_gradients = True
    with attached(sim):
        still(sim)
        sim._next_phenotype = 0.0
        sim.microenvironment.density[0, :, 6:, 1] = 3.0
        sim.microenvironment.step(DT)
        slope = sim.microenvironment.gradient[0, :, 1:-1, 1, 0]
        field = seen(sim, "antigen")
        np.testing.assert_allclose(slope, (field[:, 2:] - field[:, :-2]) / 40.0, atol=1e-12)


def test_a_word_that_is_not_allowed_is_refused():
    with pytest.raises(sp.InvalidProblemError, match="stepping of 'antigen' is 'explicit'"):
        attached(model(), stepping={"antigen": "explicit"})
    with pytest.raises(sp.InvalidProblemError, match="'changes', 'phenotype' or 'mechanics' is allowed"):
        attached(model(), refresh="never")


def test_what_is_no_field_is_refused_by_name():
    sim = model()
    with attached(sim):
        sim.run(until=1.0)
        sim.microenvironment.density[0, 4, 5, 1] = -1.0
        with pytest.raises(sp.InvalidProblemError, match="substrate 'antigen': "):
            sim.run(until=2.1)
