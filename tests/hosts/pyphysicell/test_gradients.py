"""What pyphysicell's cells climb is the slope of the field they are in, whoever asks and whenever."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import reference, seen, tissue


def slopes(field: np.ndarray, sim: pc.Simulation) -> np.ndarray:
    """(n, 2) at the cells, by numpy's differences, which are the host's: central, and one-sided on the rim."""
    cells = sim.cells
    by_row, by_column = np.gradient(field, sim.microenvironment.dx)
    voxel = cells.voxel[: cells.n]
    return np.column_stack([by_column.ravel()[voxel], by_row.ravel()[voxel]])


def test_rules_and_hooks_of_the_first_step_read_the_gradient_of_the_first_field():
    """The host alone has none before its first mechanics step, which comes after the first phenotype step."""
    sim = tissue(1)
    read = []

    @sim.hook("phenotype")
    def look(context):
        read.append((context.signals["oxygen gradient"], sim._gradients[:, 0, :2].copy(), reference(sim)))

    with attach(sim, substrates=["oxygen"], tolerance=1e-7):
        sim.step()
    ((signal, vector, exact),) = read
    expected = slopes(exact, sim)[: len(vector)]
    assert np.abs(vector - expected).max() <= 1e-8
    assert np.abs(signal - np.hypot(*expected.T)).max() <= 1e-8


def test_a_field_that_was_solved_for_comes_with_its_own_gradient():
    sim = tissue(2)
    with attach(sim, substrates=["oxygen"], tolerance=1e-7):
        for _ in range(3):
            sim.step()
        sim.cells.uptake_rate[: sim.cells.n, 0] *= 5.0
        before = sim.cells.n
        exact = reference(sim)
        sim.microenvironment.step(0.01)
        sim._sample_fields()
        assert sim.cells.n == before
        assert np.abs(sim._gradients[:, 0, :2] - slopes(exact, sim)).max() <= 1e-8


def test_chemotaxis_climbs_the_exact_field():
    """Every cell redraws its direction at each mechanics step, with no randomness in it: up the exact slope."""
    sim = climbers()
    with attach(sim, substrates=["oxygen"], tolerance=1e-7):
        sim.step()
        exact = reference(sim)
        sim._sample_fields()
    heading = sim.cells.motility_vector[: sim.cells.n, :2]
    expected = slopes(exact, sim)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    heading = heading / np.linalg.norm(heading, axis=1, keepdims=True)
    assert np.einsum("ka,ka->k", heading, expected).min() > 1 - 1e-8


def test_other_substrates_keep_the_gradients_that_the_host_makes_of_them():
    plain, attached = tissue(3, second=True), tissue(3, second=True)
    with attach(attached, substrates=["oxygen"], tolerance=1e-3):
        for _ in range(25):
            plain.step()
            attached.step()
            assert np.array_equal(
                plain.microenvironment.gradient[..., 0, :], attached.microenvironment.gradient[..., 0, :]
            )
    assert not np.array_equal(seen(plain), seen(attached))


@pytest.mark.parametrize("how", ["simple", "advanced", "rule", "signal"])
def test_a_substrate_that_is_climbed_is_solved_for_ten_times_as_closely_by_default(how):
    sim = climbers(how)
    with attach(sim, substrates=["oxygen"]) as link:
        sim.microenvironment.step(0.01)
        assert link.backend("oxygen").config.tolerance == pytest.approx(0.038)
        assert link.history[0].bound <= 0.038
        sim.microenvironment.dirichlet_val[:] = 3.8
        with pytest.warns(sp.PromiseWarning, match="Dirichlet nodes of oxygen changed"):
            sim.microenvironment.step(0.01)
        assert link.backend("oxygen").config.tolerance == pytest.approx(0.0038)
    with attach(climbers("nothing"), substrates=["oxygen"]) as link:
        assert link.backend("oxygen").config.tolerance == pytest.approx(0.38)
    with attach(climbers(how), substrates=["oxygen"], tolerance=0.5) as link:
        assert link.backend("oxygen").config.tolerance == 0.5


@pytest.mark.parametrize("tolerance", [2.0, 1e-3])
def test_the_gradient_comes_with_its_bound(tolerance):
    sim = tissue(5)
    with attach(sim, substrates=["oxygen"], tolerance=tolerance) as link:
        assert link.gradient("oxygen") is None
        assert link.gradient_bound("oxygen") == np.inf
        exact = reference(sim)
        sim.microenvironment.step(0.01)
        gradient = link.gradient("oxygen")
        by_row, by_column = np.gradient(seen(sim), sim.microenvironment.dx)
        np.testing.assert_allclose(gradient, [by_column, by_row], atol=1e-12)
        by_row, by_column = np.gradient(exact, sim.microenvironment.dx)
        off = float(np.abs(gradient - [by_column, by_row]).max())
        assert off <= link.gradient_bound("oxygen") <= 2.0 * link.history[0].bound / sim.microenvironment.dx


def climbers(how: str = "simple") -> pc.Simulation:
    """Cells that take oxygen up among faces that hold it, and move up its gradient by one way or another."""
    ways = {
        "simple": {"chemotaxis_enabled": True, "chemotaxis_substrate": "oxygen"},
        "advanced": {"advanced_chemotaxis": True, "sensitivities": {"oxygen": 1.0}},
    }
    rules = {
        "rule": [pc.Rule("climber", "pressure", "increases", "chemotactic response to oxygen", 1.0, 0.5, 4.0)],
        "signal": [pc.Rule("climber", "oxygen gradient", "increases", "migration speed", 1.0, 0.5, 4.0)],
    }
    motility = pc.Motility(speed=0.5, persistence_time=1e-3, migration_bias=1.0, enabled=True, **ways.get(how, {}))
    climber = pc.CellType("climber", motility=motility, secretion={"oxygen": pc.SecretionEntry(uptake_rate=10.0)})
    faces = {"xmin": (True, 38.0), "ymax": (True, 10.0)}
    model = pc.Model(
        domain=pc.Domain(x_min=0.0, x_max=400.0, y_min=0.0, y_max=240.0),
        substrates=[pc.Substrate("oxygen", 1e5, 0.1, 38.0, dirichlet_faces=faces)],
        cell_types=[climber],
        rules=rules.get(how, []),
    )
    sim = pc.Simulation(model, seed=0)
    place = np.random.default_rng(4).uniform([30.0, 10.0, 0.0], [390.0, 210.0, 0.0], (25, 3))
    sim.add_cells(place, "climber")
    return sim
