"""What a steady field cannot follow in pyphysicell is told, by name and number, once and with a count; nothing else."""

from __future__ import annotations

import warnings

import numpy as np
import pyphysicell as pc
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import TOLERANCE, add_vessels, error, past_the_first_phenotype_step, seen, tissue


def simulation(*substrates: pc.Substrate, eats: str | None = None, **model: object) -> pc.Simulation:
    eater = pc.CellType("eater")
    if eats is not None:
        eater.secretion[eats] = pc.SecretionEntry(uptake_rate=10.0)
    domain = pc.Domain(x_min=0.0, x_max=1000.0, y_min=0.0, y_max=400.0)
    sim = pc.Simulation(pc.Model(domain=domain, substrates=list(substrates), cell_types=[eater], **model))
    sim.add_cells([(500.0, 200.0, 0.0)], "eater")
    return sim


OXYGEN = pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces={"xmin": (True, 38.0)})


def test_slow_substrates_are_told_at_attach_by_name_and_number():
    """1 / (decay + pi^2 D / L^2), L = 1000 um, against phenotype steps of 6 min."""
    held = {"xmin": (True, 1.0)}
    slow = [pc.Substrate("antigen", 100.0, 0.0, 0.0, dirichlet_faces=held), pc.Substrate("signal", 1e3, 0.01, 0.0)]
    sim = simulation(OXYGEN, *slow)
    with pytest.warns(sp.PromiseWarning) as told:
        link = attach(sim)
    rest = 1.0 / (np.pi**2 * 100.0 / 1000.0**2)
    said = [str(one.message) for one in told]
    assert len(said) == 2
    assert said[0].startswith(f"antigen comes to rest in about {rest:.3g} min, and a step is 6 min")
    assert said[1].startswith("signal comes to rest in about 100 min, and a step is 6 min")
    assert set(link.notices.counts) == {("not quasi-steady", "antigen"), ("not quasi-steady", "signal")}
    link.detach()


@pytest.mark.parametrize(("place", "slow"), [(150.0, False), (900.0, True)])
def test_beside_a_node_a_field_comes_to_rest_sooner_than_far_away(place, slow):
    """A cell 130 um from the side that holds the antigen, or 880 um: strips of twice that width, at most the domain."""
    sim = simulation(pc.Substrate("antigen", 3e3, 0.0, 0.0, dirichlet_faces={"xmin": (True, 1.0)}))
    sim.cells.position[0, 0] = place
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        attach(sim).detach()
    assert [one.category for one in told] == [sp.PromiseWarning] * slow
    assert all("antigen comes to rest in about 33.8 min" in str(one.message) for one in told)


def test_what_does_not_diffuse_stays_with_the_host_and_that_is_told():
    substrates = OXYGEN, pc.Substrate("ecm", 0.0, 0.001, 1.0), pc.Substrate("debris", 1e-8, 0.0, 1.0)
    plain, sim = simulation(*substrates, eats="ecm"), simulation(*substrates, eats="ecm")
    with pytest.warns(sp.PromiseWarning) as told:
        link = attach(sim, tolerance={"oxygen": 0.1, "ecm": 0.1})
    assert [str(one.message).partition(" does not")[0] for one in told] == ["ecm", "debris"]
    with link:
        for _ in range(5):
            plain.step()
            sim.step()
        assert np.array_equal(seen(plain, "ecm"), seen(sim, "ecm"))
        assert [entry.substrate for entry in link.history] == ["oxygen"]
        with pytest.raises(sp.UnsupportedProblemError, match="substrate 'ecm' is left to the host"):
            link.backend("ecm")


def test_a_substrate_without_decay_and_nodes_is_told():
    sim = simulation(pc.Substrate("growth factor", 1e5, 0.0, 1.0), eats="growth factor")
    with pytest.warns(sp.PromiseWarning) as told:
        link = attach(sim)
    assert set(link.notices.counts) == {("not quasi-steady", "growth factor"), ("not anchored", "growth factor")}
    assert "no active Dirichlet node" in str(told[1].message)
    sim.cells.uptake_rate[:] = 0.0
    with pytest.raises(
        sp.UnsupportedProblemError, match="'growth factor': decay rate is 0, no Dirichlet node is active"
    ):
        sim.step()
    link.detach()


def test_what_nobody_supplies_is_told_at_the_first_solve_unless_somebody_may():
    def supplied(rules: list[pc.Rule] | None = None, **secretion: float) -> pc.Simulation:
        eater = pc.CellType("eater", secretion={"interferon": pc.SecretionEntry(**secretion)})
        interferon = pc.Substrate("interferon", 1e5, 1.0, 0.0)
        return pc.Simulation(pc.Model(substrates=[interferon], cell_types=[eater], rules=rules or []))

    sim = supplied(uptake_rate=1.0)
    with attach(sim), pytest.warns(sp.PromiseWarning, match="nothing supplies interferon"):
        sim.step()
    rule = pc.Rule("eater", "pressure", "increases", "interferon secretion", 1.0, 0.5, 4.0)
    ruled, hooked = supplied([rule]), supplied(uptake_rate=1.0)
    hooked.hook("phenotype")(lambda context: None)  # which may make cells do anything
    for sim in (supplied(secretion_rate=1.0), supplied(net_export_rate=1.0), ruled, hooked):
        with attach(sim) as link:
            sim.step()
            assert not link.notices.counts


def test_writes_are_told_once_and_counted_and_the_field_is_put_back():
    sim = past_the_first_phenotype_step(tissue(5))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        sim.step()
        assert not link.notices.counts
        me = sim.microenvironment
        me.density[0, 4, 4:6, 0] += 500.0
        with pytest.warns(sp.PromiseWarning, match="2 voxels of oxygen were written over .* by up to 500"):
            sim.step()
        for _ in range(2):
            me.density[0, 4, 4:6, 0] += 500.0
            sim.step()  # a second warning would be an error
        assert link.notices.summary() == ["oxygen: written from outside, 3 times."]
        assert error(sim) <= TOLERANCE


def test_what_a_dying_cell_releases_is_told():
    sim = past_the_first_phenotype_step(tissue(6, track=True))
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        sim.step()
        sim.cells.internalized[3, 0], sim.cells.fraction_released_at_death[3, 0] = 8e4, 1.0
        sim.release_internalized([3])
        with pytest.warns(sp.PromiseWarning, match="1 voxels of oxygen .* by up to 10"):
            sim.step()
        assert link.notices.counts == {("written from outside", "oxygen"): 1}


@pytest.mark.parametrize("refresh", ["changes", "phenotype"])
def test_nodes_that_change_between_phenotype_steps_are_told_and_solved_for_at_once(refresh):
    sim = past_the_first_phenotype_step(tissue(7))
    me = sim.microenvironment
    with attach(sim, substrates=["oxygen"], tolerance=TOLERANCE, refresh=refresh) as link:
        me.step(0.01)
        add_vessels(sim, np.array([105, 47]), 30.0)
        me.apply_dirichlet()  # which writes them into the field
        with pytest.warns(sp.PromiseWarning, match="Dirichlet nodes of oxygen changed"):
            me.step(0.01)
        assert error(sim) <= TOLERANCE
        me.dirichlet_val[-1] = 5.0
        me.step(0.01)
        assert error(sim) <= TOLERANCE
        me.dirichlet_mask[0] = 0
        me.step(0.01)
        assert link.notices.counts == {("nodes changed", "oxygen"): 3}
        assert error(sim) <= TOLERANCE


def test_a_tissue_that_only_lives_is_told_nothing():
    """Cells move, grow, divide, die and change their rates by a hook over several phenotype steps."""
    sim = tissue(8, cells=60, dt=0.1)
    sim.cells.apoptosis_rate[: sim.cells.n] = 1e-2

    @sim.hook("phenotype")
    def change(context):
        context.behaviors["oxygen uptake"] = context.rng.uniform(1.0, 20.0, context.n)

    with warnings.catch_warnings(), attach(sim, substrates=["oxygen"], tolerance=TOLERANCE) as link:
        warnings.simplefilter("error")
        sim.run(until=30.0)
    assert sim.scalars.births[-1] > 0
    assert sim.scalars.deaths[-1] > 0
    assert not link.notices.counts
