"""What cells make on their surface alone: in boundary pixels, and on contact with other types, as the host secretes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import Field, LatticeField
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import assert_same, expected, oxygen, steppable, tissue


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def beside(simulation, kind, met, periodic="") -> np.ndarray:
    """Pixel by pixel: where a cell of a type is beside another cell whose type is in ``met``."""
    dim, cells = simulation.handles.dim, simulation.handles.cell_field
    found = np.zeros((dim.y, dim.x), dtype=bool)
    for y, x in np.ndindex(found.shape):
        own = cells[x, y, 0]
        for i, j in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            i = i % dim.x if "x" in periodic else i
            j = j % dim.y if "y" in periodic else j
            if 0 <= i < dim.x and 0 <= j < dim.y:
                other = cells[i, j, 0]
                differs = getattr(other, "id", 0) != getattr(own, "id", 0)
                found[y, x] |= differs and getattr(other, "type", 0) in met
        found[y, x] &= getattr(own, "type", 0) == kind
    return found


def crowded(surrogate, **options):
    """The tissue, with a second tumour cell beside the first, one across the edge, and stroma beside both."""
    simulation = tissue(surrogate, **options)
    simulation.place("Tumour", slice(10, 13), slice(3, 9))
    simulation.place("Stroma", slice(5, 12), slice(9, 11))
    simulation.place("Tumour", slice(26, 28), slice(2, 6))
    simulation.place("Stroma", slice(0, 2), slice(2, 5))
    return simulation


@pytest.mark.parametrize("periodic", ["", "x", "xy"])
def test_boundary_pixels_make_what_their_type_says(periodic):
    surrogate = steppable({"oxygen": oxygen(production_at_boundary_per_min={"Tumour": 30.0, "Stroma": "rim"})})
    simulation = crowded(surrogate, periodic=periodic)
    for cell in simulation.handles.cell_list:
        cell.dict["rim"] = 7.0
    simulation.start()
    everything = (0, 1, 2, 3)
    made = 30.0 * beside(simulation, 1, everything, periodic) + 7.0 * beside(simulation, 2, everything, periodic)
    along = {axis: "periodic" if axis in periodic else "reflecting" for axis in "xy"}
    sides = {"left": along["x"], "right": along["x"], "bottom": along["y"], "top": along["y"]}
    exact = expected(simulation, {1: 20.0}, {3: 38.0}, production=made, boundary=sides)
    assert_same(simulation.field("oxygen"), exact)
    assert 0 < (made == 30.0).sum() < (simulation.types() == 1).sum()


@pytest.mark.parametrize("periodic", ["", "x"])
def test_on_contact_counts_the_type_that_is_touched_and_the_largest_of_several(periodic):
    contacts = {"Tumour": {"Stroma": 50.0, "Tumour": 20.0, "Medium": 5.0}, "Medium": {"Vessel": 11.0}}
    surrogate = steppable({"oxygen": oxygen(production_on_contact_per_min=contacts)})
    simulation = crowded(surrogate, periodic=periodic)
    simulation.start()
    made = np.zeros((18, 28))
    for kind, met, amount in ((1, 0, 5.0), (1, 1, 20.0), (1, 2, 50.0), (0, 3, 11.0)):
        made[beside(simulation, kind, {met}, periodic)] = amount
    sides = {"bottom": "reflecting", "top": "reflecting"}
    sides |= dict.fromkeys(("left", "right"), "periodic" if periodic else "reflecting")
    exact = expected(simulation, {1: 20.0}, {3: 38.0}, production=made, boundary=sides)
    assert_same(simulation.field("oxygen"), exact)
    assert set(np.unique(made)) == {0.0, 5.0, 11.0, 20.0, 50.0}


def test_what_is_made_follows_the_surface():
    surrogate = steppable({"oxygen": oxygen(production_on_contact_per_min={"Tumour": {"Stroma": 50.0}})})
    simulation = crowded(surrogate)
    simulation.start()
    wall = simulation.handles.cell_field[5, 9, 0]
    simulation.handles.cell_field[5:12, 9:11, 0] = None
    simulation.handles.delete_cell(wall)
    simulation.turn()
    made = 50.0 * beside(simulation, 1, {2})
    assert made.sum() == 0.0
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {3: 38.0}))


def test_mcs_and_minutes_give_the_same_field():
    rim, contact = {"Tumour": 6.0}, {"Tumour": {"Medium": 8.0}}
    given = {"uptake_per_min": {}, "production_at_boundary_per_min": rim, "production_on_contact_per_min": contact}
    in_um = oxygen(**given)
    in_pixels = LatticeField(
        diffusivity_pixel2_per_mcs=2e3 * 2.0 / 25.0,
        decay_per_mcs=0.2,
        production_at_boundary_per_mcs={"Tumour": 12.0},
        production_on_contact_per_mcs={"Tumour": {"Medium": 16.0}},
        fixed={"Vessel": 38.0},
    )
    fields = []
    for described in (in_um, in_pixels):
        simulation = crowded(steppable({"oxygen": described}))
        simulation.start()
        fields.append(simulation.field("oxygen"))
    assert_same(*fields)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"production_on_contact_per_min": {"Tumour": {"Wall": 1.0}}}, "production_on_contact_per_min names 'Wall'"),
        ({"production_on_contact_per_min": {"Wall": {"Tumour": 1.0}}}, "production_on_contact_per_min names 'Wall'"),
        ({"production_at_boundary_per_min": {"Wall": 1.0}}, "production_at_boundary_per_min names 'Wall'"),
        ({"production_at_boundary_per_min": {"Medium": "rim"}}, "what is no cell has no dict"),
    ],
)
def test_types_that_are_not_there_are_refused(options, words):
    with pytest.raises(sp.InvalidProblemError, match=words):
        tissue(steppable({"oxygen": oxygen(**options)}))


@pytest.mark.parametrize("amount", [-1.0, float("nan"), "own"])
def test_amounts_on_contact_are_numbers(amount):
    with pytest.raises(sp.InvalidProblemError, match=r"production_on_contact_per_min\.Tumour\.Stroma is"):
        Field(diffusivity_um2_per_min=1.0, production_on_contact_per_min={"Tumour": {"Stroma": amount}})
