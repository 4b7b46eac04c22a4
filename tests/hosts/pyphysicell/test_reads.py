"""What pyphysicell's cells read stays within the tolerance, whatever their rates and wherever they go."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import pytest

from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import reference, seen

TOLERANCE = 1e-3


def signalling(rate: float, target: float = 1.0, speed: float = 0.0) -> pc.Simulation:
    """Cells that secrete a short-range signal, a few of them in one voxel, and move about."""
    motility = pc.Motility(speed=speed, persistence_time=0.3, enabled=speed > 0)
    sender = pc.CellType("sender", motility=motility)
    sender.secretion["signal"] = pc.SecretionEntry(secretion_rate=rate, secretion_target=target, uptake_rate=0.1)
    model = pc.Model(
        domain=pc.Domain(x_min=-200.0, x_max=200.0, y_min=-120.0, y_max=120.0),
        substrates=[pc.Substrate("signal", 2000.0, 2.0, 0.0)],
        cell_types=[sender],
    )
    sim = pc.Simulation(model, seed=3)
    place = np.random.default_rng(5).uniform([-190.0, -110.0, 0.0], [190.0, 110.0, 0.0], (20, 3))
    place[15:] = place[0]
    sim.add_cells(place, "sender")
    return sim


def off(sim: pc.Simulation) -> tuple[float, float]:
    """How far what cells read, and the host's field, are off the exact field of the cells as they are."""
    exact, cells = reference(sim, "signal"), sim.cells
    voxel = cells.voxel[: cells.n]
    there = float(np.abs(cells.sampled[: cells.n, 0] - exact.ravel()[voxel]).max())
    return there, float(np.abs(seen(sim, "signal") - exact).max())


@pytest.mark.parametrize("rate", [10.0, 1e3, 1e6])
def test_strong_secretion_is_read_as_it_is_solved(rate):
    """The host's own step would take the voxel nearly to the target, from whatever was written beforehand."""
    sim = signalling(rate)
    with attach(sim, tolerance=TOLERANCE):
        for _ in range(3):
            sim.microenvironment.step(0.01)
            sim._sample_fields()
            assert max(off(sim)) <= TOLERANCE


@pytest.mark.parametrize("rate", [10.0, 1e3])
def test_cells_that_secrete_and_move_are_read_where_they_are(rate):
    """At 30 um / min they cross a voxel of 20 um in 7 mechanics steps; phenotype steps are 60 of those apart."""
    sim = signalling(rate, speed=30.0)
    reads = []
    with attach(sim, tolerance=TOLERANCE) as link:
        step = sim.microenvironment.step

        def audited(dt: float) -> None:
            step(dt)
            sim._sample_fields()
            reads.append(max(off(sim)))

        sim.microenvironment.step = audited
        before = sim.cells.positions
        for _ in range(120):
            sim.step()
        sim.microenvironment.step = step
        assert np.abs(sim.cells.positions - before).max() > 20.0
        assert {entry.reason for entry in link.history} == {"first", "moved"}
    assert max(reads) <= TOLERANCE


def test_where_no_node_holds_anything_the_default_goes_by_the_field_itself():
    """1 % of the largest value that there was, up to twice as close."""
    sim = signalling(10.0)
    with attach(sim) as link:
        for factor in (1.0, 1.0, 0.25, 1.0, 8.0, 1.0):
            sim.cells.secretion_target[: sim.cells.n] *= factor
            sim.cells.uptake_rate[: sim.cells.n] *= 1.001
            before = link.result("signal")
            sim.microenvironment.step(0.01)
            sim._sample_fields()
            largest = reference(sim, "signal").max() if before is None else before.field.max()
            assert max(off(sim)) <= link.history[-1].bound <= 0.0101 * largest
        assert link.backend("signal").config.tolerance == pytest.approx(0.01 * before.field.max(), rel=0.5)


def test_rates_that_a_rule_changed_are_felt_in_the_next_diffusion_step():
    """Not only at the next phenotype step, 600 diffusion steps later; by a hook and in mechanics steps too."""
    sim = signalling(10.0)
    steps = []

    @sim.hook("custom_rule")
    def change(context):
        context.behaviors["signal secretion"] = 10.0 * (2 + len(steps) % 7)
        context.behaviors["signal uptake"] = 5.0 * (len(steps) % 3)

    with attach(sim, tolerance=TOLERANCE) as link:
        for _ in range(40):
            sim.microenvironment.step(0.01)
            sim._sample_fields()
            steps.append(max(off(sim)))
            sim._run_hooks("custom_rule", 0.1)
        assert {entry.reason for entry in link.history} == {"first", "rates"}
    assert max(steps) <= TOLERANCE


def test_cells_replaced_one_for_one_are_noticed():
    """As many born as died, in the same rows: their number tells nothing."""
    sim = signalling(10.0)
    with attach(sim, tolerance=TOLERANCE):
        sim.microenvironment.step(0.01)
        sim.cells.remove(np.arange(sim.cells.n) < 5)
        sim.add_cells(np.random.default_rng(6).uniform([-190.0, -110.0, 0.0], [190.0, 110.0, 0.0], (5, 3)), "sender")
        sim.microenvironment.step(0.01)
        sim._sample_fields()
        assert max(off(sim)) <= TOLERANCE
