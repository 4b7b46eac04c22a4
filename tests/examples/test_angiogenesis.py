"""Sprouts: they climb the gradient, carry blood once they close a loop, and oxygen gets better by it."""

from __future__ import annotations

import numpy as np

import surrogate_plugin as sp
from tests.examples.scripts import script

angiogenesis = script("angiogenesis")
Sprout = angiogenesis.Sprout


def test_a_loop_carries_blood_down_to_the_old_vessel():
    mother = Sprout([np.array([30.0, 100.0]), np.array([60.0, 100.0])])
    tip = Sprout([np.array([60.0, 100.0]), np.array([90.0, 140.0])], mother=mother)
    other = Sprout([np.array([30.0, 150.0]), np.array([90.0, 150.0])])
    beside = Sprout([np.array([30.0, 300.0]), np.array([90.0, 300.0])])
    angiogenesis.meet(tip, [mother, tip, other, beside])
    assert [each.carries for each in (mother, tip, other, beside)] == [True, True, True, False]
    assert not tip.growing
    assert tip.points[-1].tolist() == [90.0, 150.0]
    assert len(angiogenesis.vessels([mother, tip, other, beside])) == 1 + 1 + 2 + 1


def test_a_sprout_makes_no_loop_with_its_own_family():
    mother = Sprout([np.array([30.0, 100.0]), np.array([60.0, 100.0])])
    one, two = (Sprout([np.array([60.0, 100.0]), np.array([70.0, y])], mother=mother) for y in (98.0, 102.0))
    angiogenesis.meet(one, [mother, one, two])
    assert one.growing
    assert [each.carries for each in (one, mother, two)] == [False] * 3


def test_tips_climb_the_factor(monkeypatch):
    monkeypatch.setattr(angiogenesis, "WANDER", 0.0)
    monkeypatch.setattr(angiogenesis, "BRANCH", 0.0)
    domain = sp.Domain.from_lattice((40, 60), 10.0)
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=600.0, decay_per_min=0.01, tolerance=1e-3, boundary="reflecting"
    )
    secreting = sp.Cells([(400.0, 300.0)], 40.0, production_per_min=1.0)
    factor = sp.Backend(config).step(sp.TissueState(secreting))
    sprouts = [Sprout([np.array([30.0, 50.0])]), Sprout([np.array([500.0, 50.0])])]
    for _ in range(20):
        angiogenesis.grow(sprouts, factor, domain, np.random.default_rng(0))
    for sprout in sprouts:
        assert np.all(np.diff(factor.sample(sprout.points)[:12]) > 0)


def test_oxygen_gets_better_as_sprouts_carry_blood_and_no_sooner():
    backends, moments = angiogenesis.run(60, np.random.default_rng(1))
    hypoxic = np.array([moment["hypoxic"] for moment in moments])
    carried = np.array([sum(carries for _, carries in moment["sprouts"]) for moment in moments])
    assert carried[0] == 0
    assert np.all(np.diff(carried) >= 0)
    assert np.all(np.diff(hypoxic) <= 0)
    assert np.all(hypoxic[carried == 0] == hypoxic[0])
    assert hypoxic[-1] < 0.5 * hypoxic[0]
    for backend in backends.values():
        assert backend.summary().largest_bound <= backend.config.tolerance
        # What grows in dead ends changes no field, and nobody solves for it again.
        assert backend.summary().answered["held"] >= (carried == 0).sum() - 1
