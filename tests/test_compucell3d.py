"""What is special to CompuCell3D, on a double of it: cells of many pixels, types, units, other lattices, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import Field, LatticeField
from tests.compucell3d_double import compucell3d_driving as driving

#: Exact to here, relative to the largest value; the rest is the host's float32.
TIGHT = 1e-8
FLOAT32 = 1e-7
UNITS = {"um_per_pixel": 5.0, "minutes_per_mcs": 2.0}


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def steppable(fields: dict[str, Any], **options: Any) -> Any:
    from surrogate_adapters.compucell3d import SurrogateDiffusion

    return SurrogateDiffusion(fields, **({"tolerance": TIGHT * 38.0} | UNITS | options))


def oxygen(**options: Any) -> Field:
    given = {"decay_per_min": 0.1, "uptake_per_min": {"Tumour": 20.0}, "fixed": {"Vessel": 38.0}}
    return Field(diffusivity_um2_per_min=2e3, **(given | options))


def tissue(surrogate: Any, size: Sequence[int] = (28, 18, 1), **options: Any) -> Any:
    """Two extended cells, one L-shaped, and two vessels of several pixels."""
    simulation = driving.Simulation(driving.xml(size, ["Tumour", "Stroma", "Vessel"], **options), [surrogate])
    simulation.place("Tumour", slice(4, 10), slice(3, 8), own=5.0)
    ell = simulation.place("Stroma", slice(14, 16), slice(5, 12), own=7.0)
    simulation.handles.cell_field[16:20, 5:7, 0] = ell
    simulation.place("Vessel", slice(22, 25), slice(10, 12), own=20.0)
    simulation.place("Vessel", 1, 15, own=38.0)
    return simulation


def expected(simulation: Any, uptake: dict[int, float], held: dict[int, float], **options: Any) -> np.ndarray:
    """The exact field of numbers by cell type, pixel by pixel from the host's own cell field."""
    types = simulation.types()
    decay, source = np.full(types.shape, 0.1), np.zeros(types.shape)
    for kind, rate in uptake.items():
        decay[types == kind] += rate
    for kind, value in held.items():
        source[types == kind] = value
    given = {"diffusivity": 2e3, "spacing": 5.0, "boundary": "reflecting"} | options
    problem = sp.Problem(source, fixed=np.isin(types, list(held)), decay=decay, **given)
    return sp.solve(problem, method="sparse-direct").field


def assert_same(field: np.ndarray, exact: np.ndarray) -> None:
    assert np.abs(field - exact).max() <= (TIGHT + FLOAT32) * 38.0


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
    assert [(entry.time, entry.held) for entry in surrogate.history] == [(-1, 1), (1, 0)]


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


def test_the_field_is_written_anew_when_something_else_has_added_to_it():
    simulation = tissue(steppable({"oxygen": oxygen()}))
    simulation.start()
    before = simulation.field("oxygen")
    simulation.handles.field.oxygen[:, :, :] = 1.0
    simulation.turn()
    assert np.array_equal(simulation.field("oxygen"), before)


def test_plugins_find_the_field_by_name_and_python_reads_it():
    simulation = tissue(steppable({"oxygen": oxygen()}), chemotaxis="oxygen")
    simulation.start()
    field = simulation.handles.field.oxygen
    assert field.max() == 38.0
    assert field[23, 11, 0] == 38.0  # (x, y, z)
    field.as_numpy()[:] = 0.0  # a copy
    assert field.max() == 38.0


def test_a_frequency_skips_monte_carlo_steps():
    surrogate = steppable({"oxygen": oxygen()}, frequency=2)
    simulation = tissue(surrogate)
    for _ in range(4):
        simulation.handles.cell_field[5, 5, 0].type = 3 - simulation.handles.cell_field[5, 5, 0].type
        simulation.turn()
    assert [entry.time for entry in surrogate.history] == [0]  # at 0 and 2 the type is the same


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


# --- another lattice than the host's ---


@pytest.mark.parametrize("options", [{"coarsen": 2}, {"shape": (9, 14)}, {"shape": (36, 56)}, {"shape": (27, 42)}])
def test_on_another_lattice_what_the_cells_take_up_is_what_the_field_gives(options):
    surrogate = steppable({"oxygen": oxygen()}, **options)
    simulation = tissue(surrogate)
    simulation.start()
    result, problem = surrogate.result("oxygen"), surrogate.problem("oxygen")
    assert result.field.shape == problem.shape != (18, 28)
    field = np.asarray(simulation.field("oxygen"), dtype=np.float64)
    assert (field[simulation.types() == 3] == 38.0).all()
    by_the_host = 20.0 * field[simulation.types() == 1].sum() * 25.0
    uptake = np.asarray(problem.decay) - 0.1
    by_the_field = float((uptake * result.field).sum()) * surrogate.backend("oxygen").config.domain.spacing_um ** 2
    assert by_the_host == pytest.approx(by_the_field, rel=1e-5)


def test_a_finer_lattice_comes_nearer_to_the_limit_of_all_lattices():
    exact = {}
    for times in (1, 2, 4):
        surrogate = steppable({"oxygen": oxygen()}, shape=(18 * times, 28 * times))
        simulation = tissue(surrogate)
        simulation.start()
        exact[times] = np.asarray(simulation.field("oxygen"), dtype=np.float64)
    assert np.abs(exact[4] - exact[2]).max() < np.abs(exact[2] - exact[1]).max()


def test_an_even_field_is_even_on_any_lattice():
    field = oxygen(decay_per_min=0.0, uptake_per_min={})
    simulation = tissue(steppable({"oxygen": field}, coarsen=2))
    simulation.start()
    assert np.allclose(simulation.field("oxygen"), 38.0, rtol=1e-6)


# --- what is refused ---


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
        ({"michaelis_km": 1.0, "secretion_per_min": {"Tumour": 1.0}}, {}, "only one of the two"),
        ({"boundary": {"left": 3.0}}, {"periodic": "x"}, "periodic sides come in opposite pairs"),
        ({}, {"size": (28, 18, 2)}, "28 x 18 x 2 pixels; one layer along z"),
        ({}, {"size": (28, 1, 1)}, "28 x 1 x 1 pixels"),
        ({}, {"lattice": "Hexagonal"}, "lattice is hexagonal"),
        ({}, {"solved": [("oxygen", 0.1, 0.0, 0.0)]}, "the host has a field 'oxygen' already"),
        ({}, {"coarsen": 5}, "coarsen is 5; a whole number >= 1 that divides 28 and 18"),
        ({}, {"coarsen": 2, "shape": (9, 14)}, "one of the two is allowed"),
        ({}, {"shape": (9, 9)}, "square ones are allowed"),
        ({"fixed": {}, "decay_per_min": 0.0, "uptake_per_min": {}}, {}, "substrate 'oxygen'"),
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
