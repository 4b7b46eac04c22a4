"""Fields that go on in time beside steady ones, by the MCS that pass, from what the host's memory holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.sparse.linalg import expm_multiply

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import Field, LatticeField
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import assert_same, expected, oxygen, steppable, tissue

SHAPE, D, DECAY, H, DT = (18, 28), 5.0, 0.02, 5.0, 2.0
DRUG = Field(
    diffusivity_um2_per_min=D,
    decay_per_min=DECAY,
    uptake_per_min={"Tumour": 0.3},
    production_per_min={"Stroma": 0.5},
    fixed={"Vessel": 4.0},
)
#: What float32 leaves of values up to some 10, over a few steps.
CLOSE = 1e-5


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def system(types: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What `DRUG` is on the lattice: the operator, 1 / min, what is made, and where what is held."""
    rows, columns = types.shape
    matrix = np.zeros((types.size,) * 2)
    for y, x in np.ndindex(types.shape):
        here = y * columns + x
        matrix[here, here] -= DECAY + (0.3 if types[y, x] == 1 else 0.0)
        for j, i in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            if 0 <= j < rows and 0 <= i < columns:
                matrix[here, here] -= D / H**2
                matrix[here, j * columns + i] += D / H**2
    return matrix, np.where(types == 2, 0.5, 0.0), types == 3, np.where(types == 3, 4.0, 0.0)


def implicit(field: np.ndarray, types: np.ndarray, minutes: float = DT) -> np.ndarray:
    """One step of implicit Euler, densely."""
    matrix, made, fixed, value = system(types)
    left = np.eye(field.size) - minutes * matrix
    right = (field + minutes * made).ravel()
    held = fixed.ravel()
    left[held] = np.eye(field.size)[held]
    right[held] = value.ravel()[held]
    return np.linalg.solve(left, right).reshape(field.shape)


def in_time(fields: dict[str, Any], **options: Any) -> Any:
    given = {"stepping": {"drug": "implicit-euler"}, "tolerance": {"drug": 1e-9}} | options
    return steppable(fields, **given)


def test_each_mcs_is_a_step_with_the_cells_as_they_are_after_it():
    surrogate = in_time({"drug": DRUG})
    simulation = tissue(surrogate)
    simulation.start()
    field = np.zeros(SHAPE)
    assert np.array_equal(simulation.field("drug"), field)
    seen = simulation.while_cells_move("drug")
    for mcs in range(1, 7):
        if mcs == 4:
            simulation.handles.cell_field[15, 8, 0].type = 1
            simulation.handles.cell_field[20:22, 3:5, 0] = simulation.handles.cell_field[5, 5, 0]
        before, types = field, simulation.types()
        field = implicit(field, types)
        simulation.turn(mcs)
        assert np.abs(seen[-1] - before).max() <= CLOSE  # while the cells move it stays
        assert np.abs(simulation.field("drug") - field).max() <= CLOSE
    assert [entry.time for entry in surrogate.history] == list(range(1, 7))
    for entry in surrogate.history:
        assert entry.record.dt_min == DT
        assert abs(entry.record.balance.relative_defect) <= 1e-9
        assert entry.bound <= CLOSE
    assert np.abs(surrogate.result("drug").field - field).max() <= 1e-8  # in float64, whatever the host rounds
    assert surrogate.notices.counts == {}


def test_what_steppables_and_plugins_write_is_gone_on_from():
    surrogate = in_time({"drug": DRUG.changed(initial=1.0)})
    simulation = tissue(surrogate)
    simulation.start()
    field = np.ones(SHAPE)

    def secrete(memory: np.ndarray) -> None:  # as a plugin does while the cells move
        memory[2, 3] += 8.0

    simulation.while_cells_move("drug", secrete)
    simulation.turn()  # MCS 0: nothing moves, and no time passes
    assert np.array_equal(simulation.field("drug"), field)
    for mcs in range(1, 5):
        if mcs == 3:
            simulation.handles.field.drug[12, 9, 0] = 20.0
            field[9, 12] = 20.0
        field[2, 3] += 8.0
        field = implicit(field, simulation.types())
        simulation.turn()
        assert np.abs(simulation.field("drug") - field).max() <= CLOSE
    assert surrogate.notices.counts == {}


def test_oxygen_is_at_rest_while_a_drug_goes_on_and_a_coarse_lattice_is_oxygens_alone():
    surrogate = in_time({"oxygen": oxygen(), "drug": DRUG}, tolerance=1e-8, coarsen=2)
    simulation = tissue(surrogate)
    simulation.start()
    field = np.zeros(SHAPE)
    for mcs in range(1, 4):
        simulation.turn(mcs)
        field = implicit(field, simulation.types())
    assert np.abs(simulation.field("drug") - field).max() <= CLOSE
    entries = [(entry.substrate, entry.time, entry.held) for entry in surrogate.history]
    assert entries == [("oxygen", -1, 3), ("drug", 1, 0), ("drug", 2, 0), ("drug", 3, 0)]
    assert surrogate.result("oxygen").field.shape == (9, 14)
    off = np.abs(simulation.field("oxygen") - expected(simulation, {1: 20.0}, {3: 38.0})).max()
    assert off <= surrogate.history[0].bound


def test_a_step_is_as_long_as_the_mcs_that_have_passed():
    surrogate = in_time({"drug": DRUG}, frequency=3)
    simulation = tissue(surrogate)
    simulation.start()
    field = np.zeros(SHAPE)
    for mcs in range(7):
        if mcs % 3 == 0 and mcs:
            field = implicit(field, simulation.types(), 3 * DT)
        simulation.turn()
        assert np.abs(simulation.field("drug") - field).max() <= CLOSE
    assert [entry.record.dt_min for entry in surrogate.history] == [3 * DT, 3 * DT]


def test_after_a_restart_it_goes_on_by_one_step():
    surrogate = in_time({"drug": DRUG})
    simulation = tissue(surrogate)
    simulation.turn(40)  # the host calls no start
    assert np.abs(simulation.field("drug") - implicit(np.zeros(SHAPE), simulation.types())).max() <= CLOSE


def test_within_a_time_tolerance_it_is_the_field_of_continuous_time():
    surrogate = in_time({"drug": DRUG.changed(fixed={})}, time_tolerance=0.01, tolerance=1e-6)
    simulation = tissue(surrogate)
    simulation.start()
    for mcs in range(5):
        simulation.turn(mcs)
    types = np.where(simulation.types() == 3, 0, simulation.types())
    matrix, made, _, _ = system(types)
    rest = np.linalg.solve(matrix, -made.ravel())
    exact = (rest - expm_multiply(4 * DT * matrix, rest)).reshape(SHAPE)
    records = [entry.record for entry in surrogate.history]
    off = np.abs(simulation.field("drug") - exact).max()
    assert off <= 1.1 * sum(record.time_error for record in records) + CLOSE <= 0.045


def test_lattice_units_and_a_change_in_mid_run():
    in_pixels = LatticeField(
        diffusivity_pixel2_per_mcs=D * DT / H**2,
        decay_per_mcs=DECAY * DT,
        uptake_per_mcs={"Tumour": 0.3 * DT},
        production_per_mcs={"Stroma": 0.5 * DT},
        fixed={"Vessel": 4.0},
        initial=2.0,
    )
    surrogate = in_time({"drug": in_pixels})
    simulation = tissue(surrogate)
    simulation.start()
    field = np.full(SHAPE, 2.0)
    for mcs in range(1, 5):
        if mcs == 3:
            surrogate.change("drug", uptake_per_mcs={})
        types = simulation.types()
        field = implicit(field, np.where(types == 1, 0, types) if mcs >= 3 else types)
        simulation.turn(mcs)
        assert np.abs(simulation.field("drug") - field).max() <= CLOSE


def test_at_rest_it_is_the_steady_field():
    surrogate = in_time({"drug": DRUG}, minutes_per_mcs=1e12)
    simulation = tissue(surrogate)
    simulation.start()
    simulation.turn(1)
    steady = steppable({"drug": DRUG}, minutes_per_mcs=1e12)
    other = tissue(steady)
    other.start()
    assert_same(simulation.field("drug"), np.asarray(other.field("drug"), dtype=np.float64))


def test_what_is_no_word_and_no_field_is_refused():
    with pytest.raises(sp.InvalidProblemError, match="stepping names 'antigen'"):
        in_time({"drug": DRUG}, stepping={"antigen": "implicit-euler"})
    with pytest.raises(sp.InvalidProblemError, match="stepping is 'fast'"):
        in_time({"drug": DRUG}, stepping="fast")


def test_a_host_that_is_told_to_runs_its_solvers_in_the_first_mcs_too():
    from cc3d import CompuCellSetup

    surrogate = in_time({"drug": DRUG})
    told = CompuCellSetup.persistent_globals.__class__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(told, "execute_step_at_mcs_0", property(lambda _: True, lambda *_: None), raising=False)
        simulation = tissue(surrogate)
        simulation.start()
        simulation.turn(0)
        assert np.abs(simulation.field("drug") - implicit(np.zeros(SHAPE), simulation.types())).max() <= CLOSE
