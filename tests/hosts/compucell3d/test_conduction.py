"""What types and cells conduct, hold back and let decay, and what comes through sides, against a dense solve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import ConstantDerivative, Field, LatticeField
from surrogate_adapters.compucell3d.sides import fluxes, in_um_and_min
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import FLOAT32, oxygen, steppable, tissue

D, DECAY, H = 2e3, 0.1, 5.0


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def maps(simulation: Any) -> tuple[np.ndarray, np.ndarray]:
    """Types and ids, pixel by pixel."""
    dim, cells = simulation.handles.dim, simulation.handles.cell_field
    ids = [[getattr(cells[x, y, 0], "id", 0) for x in range(dim.x)] for y in range(dim.y)]
    return simulation.types(), np.array(ids)


def dense(
    types: np.ndarray,
    ids: np.ndarray,
    *,
    diffusivity: Any = D,
    decay: Any = DECAY,
    resistance: Any = 0.0,
    made: Any = 0.0,
    exchange: Any = 0.0,
    outside: float = 0.0,
    held: dict[int, float] | None = None,
    wraps: bool = False,
) -> np.ndarray:
    """The steady field, face by face; ``exchange`` is what passes to ``outside``, 1 / min, voxel by voxel."""
    rows, columns = types.shape
    diffusivity, decay, resistance, made, exchange = (
        np.broadcast_to(each, types.shape).astype(float) for each in (diffusivity, decay, resistance, made, exchange)
    )
    matrix, right = np.zeros((types.size,) * 2), (made + exchange * outside).ravel()
    for y, x in np.ndindex(types.shape):
        here = y * columns + x
        if types[y, x] in (held or {}):
            matrix[here], right[here] = 0.0, held[types[y, x]]
            matrix[here, here] = 1.0
            continue
        matrix[here, here] += decay[y, x] + exchange[y, x]
        for j, i in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            i = i % columns if wraps else i
            if not (0 <= j < rows and 0 <= i < columns):
                continue
            wall = resistance[y, x] + resistance[j, i] if ids[y, x] != ids[j, i] else 0.0
            both = diffusivity[y, x], diffusivity[j, i]
            if min(both) == 0 or wall == np.inf:
                continue
            through = 1.0 / (0.5 * H / both[0] + 0.5 * H / both[1] + wall) / H
            matrix[here, here] += through
            matrix[here, j * columns + i] -= through
    return np.linalg.solve(matrix, right).reshape(types.shape)


def solved(field: Field | LatticeField, **options: Any) -> tuple[Any, Any, np.ndarray]:
    """The steppable, its simulation with two tumour cells that touch, and the field."""
    periodic = options.pop("periodic", "")
    surrogate = steppable({"oxygen": field}, **options)
    simulation = tissue(surrogate, periodic=periodic)
    simulation.place("Tumour", slice(10, 13), slice(3, 9), own=9.0)
    simulation.place("Tumour", slice(26, 28), slice(2, 6), own=3.0)
    simulation.place("Tumour", slice(0, 2), slice(2, 5), own=4.0)
    simulation.start()
    return surrogate, simulation, np.asarray(simulation.field("oxygen"), dtype=np.float64)


def assert_near(field: np.ndarray, exact: np.ndarray) -> None:
    assert np.abs(field - exact).max() <= (1e-7 + FLOAT32) * 38.0


HELD = {3: 38.0}


def test_a_cell_of_a_type_with_membranes_may_have_none():
    field = oxygen(uptake_per_min={}, membrane_um_per_min={"Tumour": "leak"})
    surrogate = steppable({"oxygen": field})
    simulation = tissue(surrogate)
    for columns, leak in ((slice(10, 13), 2.0), (slice(26, 28), np.inf)):
        simulation.place("Tumour", columns, slice(3, 9), leak=leak)
    for cell in simulation.handles.cell_list:
        cell.dict.setdefault("leak", np.inf)
    simulation.start()
    types, ids = maps(simulation)
    walled = ids == ids[4, 11]
    assert_near(simulation.field("oxygen"), dense(types, ids, resistance=np.where(walled, 0.5, 0.0), held=HELD))
    next(cell for cell in simulation.handles.cell_list if cell.dict["leak"] == 2.0).dict["leak"] = -1.0
    with pytest.raises(sp.InvalidProblemError, match=r"dict\['leak'\] = -1.0; a number >= 0 or inf is allowed"):
        simulation.turn()


@pytest.mark.parametrize("tumour", [20.0, 2e5])
def test_types_conduct_in_their_own_ways(tumour):
    _, simulation, field = solved(
        oxygen(uptake_per_min={}, diffusivity_by_type_um2_per_min={"Tumour": tumour, "Stroma": 100.0})
    )
    types, ids = maps(simulation)
    conducted = np.where(types == 1, tumour, np.where(types == 2, 100.0, D))
    assert_near(field, dense(types, ids, diffusivity=conducted, held=HELD))


def test_nothing_passes_into_obstacles_and_a_cell_of_the_type_may_have_its_own():
    uptake = {"Stroma": 4.0}
    _, simulation, field = solved(
        oxygen(uptake_per_min=uptake, diffusivity_by_type_um2_per_min={"Stroma": 0.0, "Tumour": "own"})
    )
    types, ids = maps(simulation)
    own = {cell.id: cell.dict.get("own") for cell in simulation.handles.cell_list}
    conducted = np.where(types == 1, np.vectorize(lambda number: own.get(number) or 0.0)(ids), D)
    conducted[types == 2] = 0.0
    exact = dense(types, ids, diffusivity=conducted, decay=np.where(types == 2, DECAY + 4.0, DECAY), held=HELD)
    assert (exact[types == 2] == 0.0).all()
    assert_near(field, exact)


def test_decay_in_a_type_may_be_below_the_background():
    _, simulation, field = solved(
        oxygen(decay_per_min=2.0, uptake_per_min={"Tumour": 1.0}, decay_by_type_per_min={"Tumour": 0.5, "Stroma": 0.0})
    )
    types, ids = maps(simulation)
    decay = np.where(types == 1, 0.5 + 1.0, np.where(types == 2, 0.0, 2.0))
    assert_near(field, dense(types, ids, decay=decay, held=HELD))


def test_each_cell_may_decay_in_its_own_way():
    _, simulation, field = solved(oxygen(uptake_per_min={}, decay_by_type_per_min={"Tumour": "own"}))
    types, ids = maps(simulation)
    own = {cell.id: cell.dict.get("own") for cell in simulation.handles.cell_list}
    decay = np.where(types == 1, np.vectorize(lambda number: own.get(number) or 0.0)(ids), DECAY)
    assert_near(field, dense(types, ids, decay=decay, held=HELD))


@pytest.mark.parametrize("periodic", ["", "x"])
def test_membranes_are_around_each_cell_and_two_count_both(periodic):
    membranes = {"Tumour": 5.0, "Stroma": "leak"}
    surrogate = steppable({"oxygen": oxygen(membrane_um_per_min=membranes)})
    simulation = tissue(surrogate, periodic=periodic)
    simulation.place("Tumour", slice(10, 13), slice(3, 9))
    simulation.place("Stroma", slice(4, 12), slice(9, 11))
    simulation.place("Tumour", slice(26, 28), slice(2, 6))
    simulation.place("Tumour", slice(0, 2), slice(2, 5))
    leaks = iter((0.0, 20.0))
    for cell in simulation.handles.cell_list:
        if cell.type == 2:
            cell.dict["leak"] = next(leaks)
    simulation.start()
    types, ids = maps(simulation)
    leak = {cell.id: cell.dict["leak"] for cell in simulation.handles.cell_list if cell.type == 2}
    assert sorted(leak.values()) == [0.0, 20.0]
    with np.errstate(divide="ignore"):
        own = np.vectorize(lambda number: 1.0 / np.float64(leak.get(number, np.inf)))(ids)
    resistance = np.where(types == 1, 1.0 / 5.0, own)
    decay = np.where(types == 1, DECAY + 20.0, DECAY)
    exact = dense(types, ids, decay=decay, resistance=resistance, held=HELD, wraps=bool(periodic))
    assert_near(np.asarray(simulation.field("oxygen"), dtype=np.float64), exact)
    without = dense(types, ids, decay=decay, held=HELD, wraps=bool(periodic))
    assert np.abs(exact - without).max() > 1.0


def test_membranes_and_conduction_follow_the_cells_and_stay_on_the_hosts_lattice():
    surrogate, simulation, _ = solved(oxygen(membrane_um_per_min={"Tumour": 5.0}), coarsen=2)
    simulation.handles.cell_field[13:15, 3:5, 0] = simulation.handles.cell_field[11, 5, 0]
    simulation.turn()
    types, ids = maps(simulation)
    exact = dense(
        types,
        ids,
        decay=np.where(types == 1, DECAY + 20.0, DECAY),
        resistance=np.where(types == 1, 0.2, 0.0),
        held=HELD,
    )
    assert_near(np.asarray(simulation.field("oxygen"), dtype=np.float64), exact)
    assert surrogate.result("oxygen").field.shape == (18, 28)


def test_decay_by_type_is_averaged_on_another_lattice():
    _, simulation, field = solved(oxygen(uptake_per_min={}, decay_by_type_per_min={"Tumour": 5.0}), coarsen=2)
    types, ids = maps(simulation)
    exact = dense(types, ids, decay=np.where(types == 1, 5.0, DECAY), held=HELD)
    assert np.abs(field - exact).max() <= 4.0
    assert np.abs(exact - dense(types, ids, held=HELD)).max() > 10.0


SIDES: list[tuple[Any, dict[str, Any]]] = [
    ({"left": sp.Flux(60.0)}, {"left": 60.0}),
    ({"left": ConstantDerivative(-0.03), "top": ConstantDerivative(0.01)}, {"left": 60.0, "top": 20.0}),
    ({"right": ConstantDerivative(0.0), "bottom": sp.Flux(5.0)}, {"bottom": 5.0}),
]


@pytest.mark.parametrize(("boundary", "inward"), SIDES)
def test_what_comes_through_a_side_is_there(boundary, inward):
    _, simulation, field = solved(oxygen(boundary=boundary, fixed={}))
    types, ids = maps(simulation)
    edges = {"left": np.s_[:, 0], "right": np.s_[:, -1], "bottom": np.s_[0, :], "top": np.s_[-1, :]}
    made = np.zeros(types.shape)
    for side, flux in inward.items():
        made[edges[side]] += flux / H
    exact = dense(types, ids, decay=np.where(types == 1, DECAY + 20.0, DECAY), made=made)
    assert_near(field, exact)


def test_a_side_exchanges_with_what_is_outside():
    _, simulation, field = solved(oxygen(boundary={"right": sp.Exchange(40.0, 30.0)}, fixed={}))
    types, ids = maps(simulation)
    exchange = np.zeros(types.shape)
    exchange[:, -1] = 1.0 / (H / D + 1.0 / 40.0) / H
    exact = dense(types, ids, decay=np.where(types == 1, DECAY + 20.0, DECAY), exchange=exchange, outside=30.0)
    assert_near(field, exact)


def test_lattice_units_give_the_same_field():
    um, minutes = 5.0, 2.0
    flux = {"left": sp.Flux(60.0), "right": sp.Exchange(40.0, 30.0), "top": ConstantDerivative(0.01)}
    in_um = oxygen(
        membrane_um_per_min={"Tumour": "own"},
        diffusivity_by_type_um2_per_min={"Stroma": 100.0, "Tumour": "own"},
        decay_by_type_per_min={"Stroma": 0.01},
        boundary=flux,
    )
    in_pixels = LatticeField(
        diffusivity_pixel2_per_mcs=D * minutes / um**2,
        decay_per_mcs=DECAY * minutes,
        uptake_per_mcs={"Tumour": 20.0 * minutes},
        membrane_pixel_per_mcs={"Tumour": "leak"},
        diffusivity_by_type_pixel2_per_mcs={"Stroma": 100.0 * minutes / um**2, "Tumour": "conducts"},
        decay_by_type_per_mcs={"Stroma": 0.01 * minutes},
        fixed={"Vessel": 38.0},
        boundary={
            "left": sp.Flux(60.0 * minutes / um),
            "right": sp.Exchange(40.0 * minutes / um, 30.0),
            "top": ConstantDerivative(0.01 * um),
        },
    )
    fields = []
    for described in (in_um, in_pixels):
        surrogate = steppable({"oxygen": described})
        simulation = tissue(surrogate)
        cell = simulation.handles.cell_field[5, 5, 0]
        cell.dict |= {"own": 7.0, "leak": 7.0 * minutes / um, "conducts": 7.0 * minutes / um**2}
        simulation.start()
        fields.append(np.asarray(simulation.field("oxygen"), dtype=np.float64))
    assert_near(*fields)


def test_a_slope_that_takes_something_out_is_refused():
    with pytest.raises(sp.InvalidProblemError, match=r"the slope 0\.5 of side 'left' takes something out whatever"):
        tissue(steppable({"oxygen": oxygen(boundary={"left": ConstantDerivative(0.5)})}))
    with pytest.raises(sp.InvalidProblemError, match="ConstantDerivative is nan; finite numbers"):
        ConstantDerivative(float("nan"))
    assert fluxes(ConstantDerivative(0.0), 5.0) == dict.fromkeys(("left", "right", "bottom", "top"), "reflecting")
    assert in_um_and_min("periodic", 2.0, 3.0) == "periodic"


def test_a_flux_is_something_that_supplies_a_field():
    surrogate = steppable({"oxygen": oxygen(fixed={}, boundary={"left": sp.Flux(1.0)})})
    simulation = tissue(surrogate)
    simulation.start()
    assert simulation.field("oxygen").max() > 0.0
    assert surrogate.notices.counts == {}


def test_a_membrane_of_no_type_is_refused():
    with pytest.raises(sp.InvalidProblemError, match="membrane_um_per_min names 'Wall'"):
        tissue(steppable({"oxygen": oxygen(membrane_um_per_min={"Wall": 1.0})}))
