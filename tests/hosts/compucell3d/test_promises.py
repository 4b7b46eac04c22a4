"""What the CompuCell3D steppable tells of what a steady field cannot follow, each kind once and counted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import Field
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import assert_same, expected, oxygen, steppable, tissue


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def add_ten(field: np.ndarray) -> None:
    field += 10.0


def test_what_a_plugin_writes_while_cells_move_is_told_and_put_back(capsys):
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    before = simulation.field("oxygen")
    simulation.while_cells_move("oxygen", write=add_ten)
    simulation.turn()  # nothing moves in MCS 0
    with pytest.warns(sp.PromiseWarning, match=r"field 'oxygen': .* MCS 1, by up to 10; .*<Secretion> is production"):
        simulation.turn()
    simulation.turn()  # told once
    assert np.array_equal(simulation.field("oxygen"), before)
    assert surrogate.notices.counts == {("written from outside", "oxygen"): 2}
    surrogate.finish()
    assert capsys.readouterr().out == "SurrogateDiffusion: oxygen: written from outside, 2 times.\n"


def test_what_a_steppable_writes_is_told_and_put_back_before_the_cells_move():
    simulation = tissue(steppable({"oxygen": oxygen()}))
    read = simulation.while_cells_move("oxygen")
    simulation.start()
    simulation.turn()
    simulation.handles.field.oxygen[:, :, :] = float("nan")
    with pytest.warns(sp.PromiseWarning, match="written into it before or in MCS 0, by up to nan"):
        simulation.turn()
    assert_same(read[0], expected(simulation, {1: 20.0}, {3: 38.0}))


def test_a_field_that_is_slower_than_a_step_is_told_by_name_and_number():
    slow = Field(diffusivity_um2_per_min=10.0, decay_per_min=1e-3, fixed={"Vessel": 38.0})
    simulation = tissue(steppable({"antigen": slow}))
    with pytest.warns(sp.PromiseWarning, match=r"field 'antigen' comes to rest in about 166 min, and a step is 2 min"):
        simulation.start()


@pytest.mark.parametrize("at", ["outside", "edge"])
def test_a_side_that_holds_a_value_lets_a_field_come_to_rest_by_diffusion(at):
    field = oxygen(decay_per_min=0.0, fixed={}, uptake_per_min={}, boundary={"left": 38.0}, boundary_at=at)
    surrogate = steppable({"oxygen": field})
    tissue(surrogate).start()
    assert surrogate.notices.counts == {}


def test_what_cells_take_up_lets_a_field_come_to_rest_in_time():
    """By decay and diffusion alone it would take for ever, since nothing holds a value."""
    field = oxygen(decay_per_min=0.0, fixed={}, uptake_per_min={"Tumour": 10.0}, production_per_min={"Medium": 1.0})
    surrogate = steppable({"oxygen": field})
    tissue(surrogate).start()
    assert surrogate.notices.counts == {}


@pytest.mark.parametrize(
    ("options", "supplied"),
    [
        ({"fixed": {}}, False),
        ({"fixed": {"Vessel": 0.0}, "boundary": "absorbing"}, False),
        ({"fixed": {}, "boundary": {"left": 3.0}}, True),
        ({"fixed": {}, "boundary": {"left": 3.0}, "boundary_at": "edge"}, True),
        ({"fixed": {}, "production_per_min": {"Stroma": "made"}}, True),  # cells may make it later
    ],
)
def test_a_field_that_nothing_can_supply_is_told(options, supplied):
    surrogate = steppable({"oxygen": oxygen(**options)})
    simulation = tissue(surrogate)
    for cell in simulation.handles.cell_list:
        cell.dict["made"] = 0.0
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        simulation.start()
    said = ["field 'oxygen' is 0 for good" in str(warning.message) for warning in told]
    assert said == ([] if supplied else [True])


def test_where_cells_climb_a_field_the_default_tolerance_is_a_tenth():
    for chemotaxis, share in (("oxygen", 1e-3), ("", None)):
        surrogate = steppable({"oxygen": oxygen()}, tolerance=None)
        tissue(surrogate, chemotaxis=chemotaxis).start()
        tolerance = surrogate.backend("oxygen").config.tolerance
        assert tolerance == (None if share is None else pytest.approx(38.0 * share))
        assert [entry.time for entry in surrogate.history] == [-1]
    surrogate = steppable({"oxygen": oxygen()}, tolerance=1.0)
    tissue(surrogate, chemotaxis="oxygen").start()
    assert surrogate.backend("oxygen").config.tolerance == 1.0


def test_where_cells_climb_what_cells_make_the_tolerance_goes_by_the_field():
    made = oxygen(fixed={}, production_per_min={"Stroma": 4.0})
    surrogate = steppable({"oxygen": made}, tolerance=None)
    simulation = tissue(surrogate, chemotaxis="oxygen")
    simulation.start()
    largest = simulation.field("oxygen").max()
    assert surrogate.backend("oxygen").config.tolerance == pytest.approx(1e-3 * largest, rel=1e-2)


def test_uptake_that_saturates_alone_takes_what_is_produced_or_says_that_it_cannot():
    """Neither decay nor anything that holds a value: the field is steady if all cells together can take it up."""
    options = {"decay_per_min": 0.0, "fixed": {}, "michaelis_km": 2.0, "uptake_per_min": {"Medium": 0.5}}
    surrogate = steppable({"signal": oxygen(production_per_min={"Stroma": 4.0}, **options)}, minutes_per_mcs=100.0)
    simulation = tissue(surrogate)
    simulation.start()
    field, types = simulation.field("signal").astype(float), simulation.types()
    taken = (0.5 * field * 2.0 / (2.0 + field))[types == 0].sum()
    assert taken == pytest.approx(4.0 * (types == 2).sum(), rel=1e-5)
    simulation = tissue(steppable({"signal": oxygen(production_per_min={"Stroma": 400.0}, **options)}))
    with pytest.raises(sp.InvalidProblemError, match=r"field 'signal': .*production"):
        simulation.start()
