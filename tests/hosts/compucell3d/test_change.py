"""A field's options in mid run: one call gives it others, and nothing else does."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import Field, LatticeField
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import assert_same, expected, oxygen, steppable, tissue

SIDES = {"left": 7.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def in_pixels() -> LatticeField:
    """`oxygen` in the units of the XML: pixels of 5 um, MCS of 2 minutes."""
    return LatticeField(
        diffusivity_pixel2_per_mcs=2e3 * 2.0 / 25.0,
        decay_per_mcs=0.2,
        uptake_per_mcs={"Tumour": 40.0},
        fixed={"Vessel": 38.0},
    )


@pytest.mark.parametrize(
    ("described", "change"),
    [
        (oxygen, {"boundary": {"left": 7.0}, "uptake_per_min": {"Stroma": 3.0}, "diffusivity_um2_per_min": 1e3}),
        (in_pixels, {"boundary": {"left": 7.0}, "uptake_per_mcs": {"Stroma": 6.0}, "diffusivity_pixel2_per_mcs": 80.0}),
    ],
)
def test_sides_rates_and_diffusivity_change_in_mid_run(described, change):
    surrogate = steppable({"oxygen": described()})
    simulation = tissue(surrogate)
    simulation.start()
    simulation.turn()
    surrogate.change("oxygen", **change)
    simulation.turn()
    exact = expected(simulation, {2: 3.0}, {3: 38.0}, boundary=SIDES, diffusivity=1e3)
    assert_same(simulation.field("oxygen"), exact)
    assert [entry.time for entry in surrogate.history] == [-1, 0]  # before the cells of MCS 1 move
    assert [record.method == "held" for record in surrogate.backend("oxygen").records] == [False, False]


def test_a_change_does_not_wait_for_a_frequency():
    surrogate = steppable({"oxygen": oxygen()}, frequency=5)
    simulation = tissue(surrogate)
    read = simulation.while_cells_move("oxygen")
    simulation.start()
    for _ in range(3):
        simulation.turn()
    surrogate.change("oxygen", uptake_per_min={"Tumour": 2.0})
    simulation.turn()
    assert_same(read[-1], expected(simulation, {1: 2.0}, {3: 38.0}))


def test_a_rate_may_become_one_of_each_cell():
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    surrogate.change("oxygen", uptake_per_min={"Tumour": "own"})
    simulation.turn()
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 5.0}, {3: 38.0}))


def test_a_change_before_the_host_starts_is_the_description():
    surrogate = steppable({"oxygen": oxygen()})
    surrogate.change("oxygen", uptake_per_min={"Tumour": 2.0})
    simulation = tissue(surrogate)
    simulation.start()
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 2.0}, {3: 38.0}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"uptake": {}}, "Field has no setting 'uptake'"),
        ({"decay_per_min": -1.0}, r"decay_per_min is -1\.0"),
        ({"uptake_per_min": {"Tumor": 1.0}}, "uptake_per_min names 'Tumor'"),
        ({"boundary": {"left": -3.0}}, r"field 'oxygen': .*left.* is -3\.0"),
        ({"boundary": {"left": "periodic"}}, "field 'oxygen': .*periodic"),
    ],
)
def test_a_change_that_cannot_be_leaves_the_field_as_it_was(change, message):
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    before = simulation.field("oxygen")
    with pytest.raises(sp.InvalidProblemError, match=message):
        surrogate.change("oxygen", **change)
    simulation.turn()
    assert np.array_equal(simulation.field("oxygen"), before)
    assert len(surrogate.history) == 1
    surrogate.change("oxygen", decay_per_min=0.3)  # nothing of the other change is left
    simulation.turn()
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {3: 38.0}, background=0.3))


@pytest.mark.parametrize(("described", "uptake"), [(Field, "uptake_per_min"), (LatticeField, "uptake_per_mcs")])
def test_a_dictionary_that_was_handed_over_has_no_more_say(described, uptake):
    given = {"Tumour": 1.0}
    diffusivity = "diffusivity_um2_per_min" if described is Field else "diffusivity_pixel2_per_mcs"
    field = described(**{diffusivity: 1.0, uptake: given, "boundary": {"left": 3.0}})
    given["Tumour"] = 5.0
    assert getattr(field, uptake) == {"Tumour": 1.0}
    with pytest.raises(sp.InvalidProblemError, match=r"read once; in mid run SurrogateDiffusion\.change"):
        getattr(field, uptake)["Tumour"] = 5.0
    with pytest.raises(sp.InvalidProblemError, match="read once"):
        field.boundary.update(left=4.0)
    assert pickle.loads(pickle.dumps(field)) == copy.deepcopy(field) == field
