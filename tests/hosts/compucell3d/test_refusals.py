"""What the CompuCell3D steppable refuses, each in one sentence in the host's words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import Field, LatticeField
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import UNITS, oxygen, steppable, tissue


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


@pytest.mark.parametrize(
    ("field", "options", "message"),
    [
        ({}, {"substrates": ["ambrosia"]}, "no substrate 'ambrosia'; it has oxygen"),
        ({}, {"frequency": 0}, "frequency is 0"),
        ({}, {"um_per_pixel": -1.0}, "um_per_pixel is -1.0"),
        ({}, {"tolerance": {"oxigen": 1.0}}, "tolerance names 'oxigen'"),
        ({"uptake_per_min": {"Tumor": 1.0}}, {}, "uptake_per_min names 'Tumor'; the cell types are Medium, Tumour"),
        ({"uptake_per_min": {"Medium": "own"}}, {}, "what is no cell has no dict"),
        (
            {"uptake_per_min": {"Tumour": "none"}},
            {},
            r"uptake_per_min: cell 1 \(Tumour\) has no dict\['none'\]",
        ),
        (
            {"michaelis_km": 1.0, "secretion_per_min": {"Tumour": 1.0}, "secretion_target": {"Tumour": 1.0}},
            {},
            "only one of the two",
        ),
        ({"boundary": {"left": 3.0}}, {"periodic": "x"}, "periodic sides come in opposite pairs"),
        ({}, {"size": (28, 18, 2)}, "28 x 18 x 2 pixels; one layer along z"),
        ({}, {"size": (28, 1, 1)}, "28 x 1 x 1 pixels"),
        ({}, {"lattice": "Hexagonal"}, "lattice is hexagonal"),
        ({}, {"solved": [("oxygen", 0.1, 0.0, 0.0)]}, "the host has a field 'oxygen' already"),
        ({}, {"coarsen": 5}, "coarsen is 5; a whole number >= 1 that divides 28 and 18"),
        ({}, {"coarsen": 2, "shape": (9, 14)}, "one of the two is allowed"),
        ({}, {"shape": (9, 9)}, "square ones are allowed"),
        (
            {"fixed": {}, "decay_per_min": 0.0, "uptake_per_min": {}, "production_per_min": {"Stroma": 1.0}},
            {},
            "field 'oxygen' has no unique steady state: it does not decay, .* register SurrogateDiffusion after",
        ),
        ({"fixed": {"Vessel": 1e39}}, {"tolerance": None}, r"field 'oxygen' reaches 1e\+39, .* float32, which ends"),
        ({}, {"model": "defualt"}, "model is 'defualt'"),
        ({}, {"tolerance": -1.0}, r"tolerance is -1\.0; a positive finite number"),
        ({"boundary": {"lfet": 3.0}}, {}, "field 'oxygen': .*lfet"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_sentence(field, options, message):
    of_the_host = {key: options.pop(key) for key in ("size", "lattice", "solved", "periodic") if key in options}
    with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError), match=message):
        tissue(steppable({"oxygen": oxygen(**field)}, **options), **of_the_host).start()


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "much", [1.0]])
def test_a_cell_whose_entry_is_no_rate_is_named(value):
    simulation = tissue(steppable({"oxygen": oxygen(uptake_per_min={"Stroma": "own"})}))
    simulation.handles.cell_field[15, 8, 0].dict["own"] = value
    with pytest.raises(sp.InvalidProblemError, match=r"uptake_per_min: cell 2 \(Stroma\) has dict\['own'\] = "):
        simulation.start()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diffusivity_um2_per_min": 0.0}, "diffusivity_um2_per_min is 0.0"),
        ({"diffusivity_um2_per_min": 1.0, "uptake": {}}, "Field has no setting 'uptake'"),
        (
            {"diffusivity_um2_per_min": 1.0, "uptake_per_min": {"Tumour": -3.0}},
            "uptake_per_min.Tumour is -3.0; a finite number >= 0, or the name of an entry",
        ),
        ({"diffusivity_um2_per_min": 1.0, "fixed": {"Vessel": float("nan")}}, "fixed.Vessel is nan"),
        ({}, "diffusivity_um2_per_min is missing"),
        ({"diffusivity_um2_per_min": 1.0, "boundary_at": "inside"}, "boundary_at is 'inside'; .* 'outside' or 'edge'"),
        (
            {"diffusivity_um2_per_min": 1.0, "boundary": "reflecting", "boundary_at": "edge"},
            "boundary_at is 'edge', but no side of boundary holds a value",
        ),
    ],
)
def test_a_field_that_cannot_be_is_refused_in_one_sentence(options, message):
    with pytest.raises(sp.InvalidProblemError, match=message):
        Field(**options)


def test_a_resized_lattice_is_told():
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    simulation.handles.cell_field._cells = np.full((30, 18, 1), None, dtype=object)
    with pytest.raises(sp.UnsupportedProblemError, match=r"resized to \(30, 18, 1\)"):
        simulation.turn()
    with pytest.raises(sp.UnsupportedProblemError, match="was resized"):
        surrogate.__init__(surrogate.frequency)  # what the host does with every steppable


def test_two_steppables_cannot_answer_for_one_field():
    from surrogate_adapters.compucell3d import SurrogateDiffusion

    twice = [SurrogateDiffusion({"oxygen": oxygen()}, **UNITS) for _ in range(2)]
    with pytest.raises(sp.UnsupportedProblemError, match="answer for it once"):
        driving.Simulation(driving.xml((8, 6, 1), ["Tumour", "Vessel"]), twice)


@pytest.mark.parametrize(
    ("description", "options"),
    [
        (Field, {"diffusivity_um2_per_min": 1.0, "secretion_per_min": {"Tumour": 1.0}}),
        (Field, {"diffusivity_um2_per_min": 1.0, "secretion_target": {"Tumour": 1.0}}),
        (
            LatticeField,
            {
                "diffusivity_pixel2_per_mcs": 1.0,
                "secretion_per_mcs": {"Tumour": 1.0},
                "secretion_target": {"Stroma": 1.0},
            },
        ),
    ],
)
def test_secretion_without_its_target_is_refused_and_the_hosts_own_is_named(description, options):
    """A rate alone would be a sink towards 0, a target alone nothing."""
    match = r"secretion.*has not; .* the host's <Secretion>, so much each MCS, is production_per_(min|mcs)"
    with pytest.raises(sp.InvalidProblemError, match=match):
        description(**options)


@pytest.mark.parametrize(
    ("uptake", "message"),
    [
        ({"Tumor": 1.0}, "uptake_per_mcs names 'Tumor'"),
        ({"Tumour": "none"}, r"uptake_per_mcs: cell 1 \(Tumour\) has no dict\['none'\]"),
    ],
)
def test_what_was_given_per_mcs_is_refused_per_mcs(uptake, message):
    field = LatticeField(diffusivity_pixel2_per_mcs=100.0, decay_per_mcs=0.1, uptake_per_mcs=uptake)
    with pytest.raises(sp.InvalidProblemError, match=message):
        tissue(steppable({"oxygen": field})).start()
