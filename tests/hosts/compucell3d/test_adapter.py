"""What is special to CompuCell3D, on a double of it: cells of many pixels, types, units, sides, several fields."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import LatticeField
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import TIGHT, assert_same, expected, oxygen, steppable, tissue


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def test_every_voxel_of_an_extended_cell_takes_up_at_the_rate_of_its_type():
    surrogate = steppable({"oxygen": oxygen(uptake_per_min={"Tumour": 20.0, "Stroma": 3.0, "Medium": 0.5})})
    simulation = tissue(surrogate)
    simulation.start()
    exact = expected(simulation, {0: 0.5, 1: 20.0, 2: 3.0}, {3: 38.0})
    assert_same(simulation.field("oxygen"), exact)
    assert np.abs(surrogate.result("oxygen").field - exact).max() <= TIGHT * 38.0  # in float64


def test_numbers_by_type_and_numbers_by_cell_go_together():
    fields = {"oxygen": oxygen(uptake_per_min={"Tumour": "own", "Stroma": 3.0}, fixed={"Vessel": "own"})}
    simulation = tissue(steppable(fields))
    simulation.place("Tumour", slice(10, 12), slice(13, 16), own=50.0)
    simulation.start()
    field, cells = simulation.field("oxygen"), simulation.handles.cell_field
    held = {cells[x, y, 0].dict["own"]: field[y, x] for x, y in ((23, 11), (1, 15))}
    assert held == {20.0: 20.0, 38.0: 38.0}
    # What each cell takes up by its own rate, and the decay, is what the vessels give.
    rate = {cell.id: {1: cell.dict["own"], 2: 3.0}.get(cell.type, 0.0) for cell in simulation.handles.cell_list}
    rates = np.array([[rate.get(getattr(cells[x, y, 0], "id", 0), 0.0) for x in range(28)] for y in range(18)])
    free = simulation.types() != 3
    field = np.asarray(field, dtype=np.float64)
    outward = [(np.diff(field, axis=axis) * np.diff(free.astype(int), axis=axis)).sum() for axis in (0, 1)]
    assert -sum(outward) * 2e3 / 25.0 == pytest.approx(((rates + 0.1) * field)[free].sum(), rel=1e-5)


def test_secretion_and_production_fill_the_field():
    """Everything secretes towards 10 at rate 2, nothing takes up: the field is 10, and production p adds p / 2."""
    secreting = {"Tumour": 2.0, "Stroma": 2.0, "Vessel": 2.0, "Medium": 2.0}
    field = oxygen(
        decay_per_min=0.0,
        uptake_per_min={},
        fixed={},
        secretion_per_min=secreting,
        secretion_target=dict.fromkeys(secreting, 10.0),
        production_per_min=dict.fromkeys(secreting, 1.0),
    )
    simulation = tissue(steppable({"oxygen": field}))
    simulation.start()
    assert np.allclose(simulation.field("oxygen"), 10.5, rtol=1e-6)


def test_the_field_follows_vessels_that_move_and_cells_that_change_type():
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    before = simulation.field("oxygen")
    simulation.turn()
    assert np.array_equal(simulation.field("oxygen"), before)
    assert [(entry.time, entry.held) for entry in surrogate.history] == [(-1, 1)]
    vessel = simulation.handles.cell_field[1, 15, 0]
    simulation.handles.cell_field[26, 2, 0] = vessel
    simulation.handles.cell_field[1, 15, 0] = None
    simulation.handles.cell_field[15, 8, 0].type = 1
    simulation.turn()
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {3: 38.0}))
    assert [(entry.time, entry.held) for entry in surrogate.history] == [(-1, 1), (0, 1)]  # solved before the step


def test_lattice_units_and_micrometres_give_the_same_field():
    in_um = oxygen(production_per_min={"Stroma": 4.0}, uptake_per_min={"Tumour": "own"})
    in_pixels = LatticeField(
        diffusivity_pixel2_per_mcs=2e3 * 2.0 / 25.0,
        decay_per_mcs=0.2,
        uptake_per_mcs={"Tumour": "own"},
        production_per_mcs={"Stroma": 8.0},
        fixed={"Vessel": 38.0},
    )
    fields = []
    for described, own in ((in_um, 5.0), (in_pixels, 10.0)):
        simulation = tissue(steppable({"oxygen": described}))
        simulation.handles.cell_field[5, 5, 0].dict["own"] = own
        simulation.start()
        fields.append(simulation.field("oxygen"))
    assert_same(*fields)


def test_several_fields_each_with_its_own_cells_and_tolerance():
    glucose = oxygen(uptake_per_min={"Stroma": 2.0}, fixed={"Vessel": 5.0})
    surrogate = steppable({"oxygen": oxygen(), "glucose": glucose}, tolerance={"oxygen": 1.0, "glucose": 1e-6})
    simulation = tissue(surrogate)
    simulation.start()
    assert_same(simulation.field("glucose"), expected(simulation, {2: 2.0}, {3: 5.0}))
    assert [entry.substrate for entry in surrogate.history] == ["oxygen", "glucose"]
    for entry, limit in zip(surrogate.history, (1.0, 1e-6), strict=True):
        assert entry.bound <= surrogate.backend(entry.substrate).config.tolerance == limit


def test_sides_are_the_lattices_unless_told_otherwise():
    simulation = tissue(steppable({"oxygen": oxygen()}), periodic="x")
    simulation.start()
    sides = {"left": "periodic", "right": "periodic", "bottom": "reflecting", "top": "reflecting"}
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {3: 38.0}, boundary=sides))
    simulation = tissue(steppable({"oxygen": oxygen(boundary={"top": 12.0})}), periodic="x")
    simulation.start()
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {3: 38.0}, boundary=sides | {"top": 12.0}))


def test_uptake_that_saturates_takes_up_less():
    exact = []
    for km in (None, 1.0):
        surrogate = steppable({"oxygen": oxygen(michaelis_km=km)})
        tissue(surrogate).start()
        exact.append(surrogate.result("oxygen").field)
        audit = sp.solve(surrogate.problem("oxygen"), method="multigrid").field
        assert np.abs(audit - exact[-1]).max() <= 2 * TIGHT * 38.0
    assert (exact[1] >= exact[0] - 1e-6).all()
    assert (exact[1] - exact[0]).max() > 1.0


def test_plugins_find_the_field_by_name_and_python_reads_it():
    simulation = tissue(steppable({"oxygen": oxygen()}), chemotaxis="oxygen")
    simulation.start()
    field = simulation.handles.field.oxygen
    assert field.max() == 38.0
    assert field[23, 11, 0] == 38.0  # (x, y, z)
    field.as_numpy()[:] = 0.0  # a copy
    assert field.max() == 38.0


def test_the_hosts_memory_is_let_go_when_it_finishes():
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    surrogate.on_stop()
    surrogate.finish()
    assert surrogate.result("oxygen").field.max() == 38.0


def test_before_the_host_starts_there_is_nothing_yet_and_afterwards_only_what_was_described():
    surrogate = steppable({"oxygen": oxygen()})
    assert surrogate.history == []
    assert surrogate.result("oxygen") is None
    with pytest.raises(RuntimeError, match="made when the host starts"):
        surrogate.backend("oxygen")
    tissue(surrogate).start()
    assert len(surrogate.history) == 1
    with pytest.raises(sp.UnsupportedProblemError, match="'glucose' is not answered for; those that are: oxygen"):
        surrogate.problem("glucose")


def test_a_second_core_init_makes_no_second_fields():
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    surrogate.core_init(reinitialize_cell_types=False)
    simulation.start()
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {3: 38.0}))


@pytest.mark.parametrize("coarsen", [None, 1])
def test_sides_hold_their_values_outside_the_lattice_or_in_its_edge_pixels(coarsen):
    """As the host's two kinds of solvers do."""
    sides = {"left": 10.0, "top": 4.0}
    fields = {}
    for at in ("outside", "edge"):
        surrogate = steppable({"oxygen": oxygen(boundary=sides, boundary_at=at)}, coarsen=coarsen)
        simulation = tissue(surrogate)
        simulation.start()
        fields[at] = simulation.field("oxygen")
    rest = {"right": "reflecting", "bottom": "reflecting"}
    assert_same(fields["outside"], expected(simulation, {1: 20.0}, {3: 38.0}, boundary=sides | rest))
    assert (fields["edge"][:-1, 0] == 10.0).all()
    assert (fields["edge"][-1] == 4.0).all()
    # Inside, it is the field of a lattice without those pixels whose sides hold the values one pixel outside.
    inner = expected(simulation, {1: 20.0}, {3: 38.0}, boundary=sides | rest, part=np.s_[:-1, 1:])
    assert_same(fields["edge"][:-1, 1:], inner)


def test_the_page_of_a_run_is_complete_when_the_host_ends(tmp_path):
    surrogate = steppable({"oxygen": oxygen()}, report=tmp_path / "run.html")
    simulation = tissue(surrogate)
    simulation.start()
    simulation.turn()
    surrogate.finish()
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "The run is over." in text
    assert "oxygen at step 0" in text
