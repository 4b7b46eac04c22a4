"""What the pyphysicell adapter refuses, each in one sentence that names it, and leaves the host as it was."""

from __future__ import annotations

import pyphysicell as pc
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach
from tests.hosts.pyphysicell.tissue import tissue


def thick(sim: pc.Simulation) -> pc.Simulation:
    model = sim.model.copy()
    model.domain.use_2D = False
    model.domain.z_min, model.domain.z_max = -40.0, 40.0
    model.initial_cells = []
    return pc.Simulation(model)


def solid(sim: pc.Simulation) -> pc.Simulation:
    model = sim.model.copy()
    model.substrates[0].diffusion_coefficient = 0.0
    return pc.Simulation(model)


def draining(sim: pc.Simulation) -> pc.Simulation:
    model = sim.model.copy()
    model.cell_types[1].secretion["oxygen"].net_export_rate = -3.0
    return pc.Simulation(model)


def growing(sim: pc.Simulation) -> pc.Simulation:
    model = sim.model.copy()
    model.substrates[0].decay_rate = -0.1
    return pc.Simulation(model)


def adrift(sim: pc.Simulation) -> pc.Simulation:
    """A closed box that nothing decays in, and that no cell type takes anything from."""
    model = sim.model.copy()
    model.substrates[0].decay_rate, model.substrates[0].dirichlet_faces, model.cell_types = 0.0, {}, []
    return pc.Simulation(model)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (thick, {}, "4 layers of voxels"),
        (solid, {}, "substrate 'oxygen' has diffusion coefficient 0"),
        (draining, {}, "substrate 'oxygen': cell type 'giving' has net export -3; values >= 0"),
        (growing, {}, "substrate 'oxygen' has decay rate -0.1; a finite number >= 0"),
        (adrift, {}, "'oxygen' has decay rate 0, no active Dirichlet node, and no cell type"),
        (None, {"model": "defualt"}, "'defualt'"),
        (None, {"substrates": ["glucose"]}, "no substrate 'glucose'; it has oxygen"),
        (None, {"substrates": "oxygen"}, r"a list of names is allowed, as \['oxygen'\]"),
        (None, {"substrates": []}, "at least one name"),
        (None, {"tolerance": -1.0}, "tolerance is -1.0"),
        (None, {"tolerance": {"oxigen": 1.0}}, "tolerance names 'oxigen'"),
        (None, {"refresh": "never"}, "refresh is 'never'"),
        (None, {"move_limit_um": -1.0}, "move_limit_um is -1.0"),
    ],
)
def test_what_cannot_be_attached_is_refused_in_one_sentence_and_left_alone(change, options, message):
    sim = tissue(15, cells=0)
    sim = change(sim) if change else sim
    with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError), match=message):
        attach(sim, **options)
    assert "step" not in vars(sim.microenvironment)


def test_a_cell_that_exports_a_negative_amount_is_named():
    sim = tissue(16)
    sim.cells.net_export_rate[3, 0] = -5.0
    with (
        attach(sim, substrates=["oxygen"]),
        pytest.raises(sp.UnsupportedProblemError, match="substrate 'oxygen': cell 3 has net export -5"),
    ):
        sim.microenvironment.step(0.01)


@pytest.mark.parametrize(
    ("rate", "value", "message"),
    [
        ("uptake_rate", -1.0, r"substrate 'oxygen': cells.uptake_per_min\[2\] is -1"),
        ("secretion_rate", float("nan"), r"substrate 'oxygen': cells.secretion_per_min\[2\] is NaN"),
    ],
)
def test_rates_that_are_not_allowed_are_refused_by_substrate_and_cell(rate, value, message):
    sim = tissue(17)
    getattr(sim.cells, rate)[2, 0] = value
    with attach(sim, substrates=["oxygen"]), pytest.raises(sp.InvalidProblemError, match=message):
        sim.microenvironment.step(0.01)
