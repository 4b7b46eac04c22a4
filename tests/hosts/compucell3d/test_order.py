"""What is solved when in a Monte Carlo step of CompuCell3D: whoever changes cells, the cells that move read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import UNITS, assert_same, expected, oxygen, steppable, tissue


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def after_ours(simulation: driving.Simulation, act: Callable[[int], None]) -> None:
    """Register a steppable that acts in each MCS after the one under test."""
    from cc3d.core.PySteppables import SteppableBasePy

    class Late(SteppableBasePy):
        def step(self, mcs: int) -> None:
            act(mcs)

    late = Late(frequency=1)
    simulation.registry.registerSteppable(late)


def die(simulation: Any) -> None:
    simulation.handles.delete_cell(simulation.handles.cell_field[5, 5, 0])


def divide(simulation: Any) -> None:
    simulation.place("Tumour", slice(7, 10), slice(3, 8))
    simulation.handles.cell_field[7, 3, 0].type = 2


def change_type(simulation: Any) -> None:
    simulation.handles.cell_field[15, 8, 0].type = 1


@pytest.mark.parametrize("happens", [die, divide, change_type])
def test_what_later_steppables_do_to_cells_is_in_the_field_that_the_next_step_moves_by(happens):
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    after_ours(simulation, lambda mcs: happens(simulation) if mcs == 1 else None)
    read = simulation.while_cells_move("oxygen")
    simulation.start()
    for _ in range(3):
        simulation.turn()
    assert len(read) == 2  # MCS 1 and 2; nothing moves in MCS 0
    assert np.abs(read[1] - read[0]).max() > 0.1
    assert_same(read[1], expected(simulation, {1: 20.0}, {3: 38.0}))
    assert [entry.time for entry in surrogate.history] == [-1, 1]


def test_a_rate_that_is_changed_late_is_in_the_field_that_the_next_step_moves_by():
    simulation = tissue(steppable({"oxygen": oxygen(uptake_per_min={"Tumour": "own"})}))
    cell = simulation.handles.cell_field[5, 5, 0]
    after_ours(simulation, lambda mcs: cell.dict.update(own=9.0))
    read = simulation.while_cells_move("oxygen")
    simulation.start()
    for _ in range(2):
        simulation.turn()
    assert_same(read[0], expected(simulation, {1: 9.0}, {3: 38.0}))


def test_cells_that_are_placed_after_our_start_are_in_the_field_before_the_first_step():
    from surrogate_adapters.compucell3d import SurrogateDiffusion

    options = UNITS | {"tolerance": 1e-6}
    surrogate = SurrogateDiffusion({"oxygen": oxygen(boundary={"left": 38.0})}, **options)
    simulation = driving.Simulation(driving.xml((28, 18, 1), ["Tumour", "Stroma", "Vessel"]), [surrogate])
    simulation.start()
    simulation.place("Tumour", slice(4, 10), slice(3, 8))
    simulation.turn()
    sides = {"left": 38.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {}, boundary=sides))


def test_after_a_restart_the_field_is_there_before_the_cells_move():
    """The host calls no `start` then."""
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    read = simulation.while_cells_move("oxygen")
    simulation.turn(100)
    assert_same(read[0], expected(simulation, {1: 20.0}, {3: 38.0}))
    assert [(entry.time, entry.held) for entry in surrogate.history] == [(99, 1)]


def test_a_frequency_skips_monte_carlo_steps():
    """Solved in MCS 0 and 2, and at once for what changes right after; what changes after MCS 1 waits for the next."""
    surrogate = steppable({"oxygen": oxygen()}, frequency=2)
    simulation = tissue(surrogate)
    cell = simulation.handles.cell_field[5, 5, 0]

    def turns() -> None:
        simulation.start()
        for _ in range(4):
            simulation.turn()
            cell.type = {1: 2, 2: 1}[cell.type]

    with pytest.warns(sp.PromiseWarning, match=r"until MCS 2 cells read up to .* solved for every 2 MCS; frequency=1"):
        turns()
    assert [entry.time for entry in surrogate.history] == [-1, 0, 2, 2]
    assert surrogate.notices.counts == {("cells read more than the bound", "oxygen"): 1}


def test_who_changes_cells_and_reads_in_the_same_step_can_have_it_solved_at_once():
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    change_type(simulation)
    surrogate.refresh()
    assert_same(simulation.field("oxygen"), expected(simulation, {1: 20.0}, {3: 38.0}))
    surrogate.refresh()
    assert [(entry.time, entry.held) for entry in surrogate.history] == [(-1, 0), (-1, 0)]


def test_the_excess_is_how_far_what_was_read_before_was_off():
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    before = simulation.field("oxygen").astype(float)
    change_type(simulation)
    simulation.turn()
    assert [entry.excess for entry in surrogate.history] == [
        0.0,
        pytest.approx(np.abs(simulation.field("oxygen") - before).max()),
    ]
