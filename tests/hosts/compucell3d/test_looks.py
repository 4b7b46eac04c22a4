"""What a look at the cells costs the host: one pass for all fields, and no more where nothing has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.tissue import entries_of
from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import assert_same, expected, oxygen, steppable, tissue


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


class Asked:
    """A cell that counts how often it is asked for its dictionary."""

    def __init__(self, number: int, kind: int, **entries: float) -> None:
        self.id, self.type, self.entries, self.count = number, kind, entries, 0

    @property
    def dict(self) -> dict[str, float]:
        self.count += 1
        return self.entries


def test_each_cell_is_asked_once_for_all_fields_and_others_never():
    cells = [Asked(4, 1, own=1.0, eats=3.0), Asked(9, 1, eats=5.0), Asked(2, 2, own=7.0), Asked(3, 3, own=8.0)]
    fields = [
        oxygen(uptake_per_min={"Tumour": "eats", "Stroma": "own"}, production_per_min={"Tumour": "own"}),
        oxygen(uptake_per_min={"Tumour": "eats"}),
    ]
    found = entries_of(cells, fields, {"Medium": 0, "Tumour": 1, "Stroma": 2, "Vessel": 3})
    assert found == {(1, "eats"): [(4, 3.0), (9, 5.0)], (1, "own"): [(4, 1.0), (9, None)], (2, "own"): [(2, 7.0)]}
    assert [cell.count for cell in cells] == [1, 1, 1, 0]


@pytest.fixture
def spread(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often an option was spread over the lattice."""
    from surrogate_adapters.compucell3d.tissue import Tissue

    counts: Counter[str] = Counter()
    original = Tissue.spread

    def counting(self: Any, option: str, *args: Any) -> Any:
        counts[option] += 1
        return original(self, option, *args)

    monkeypatch.setattr(Tissue, "spread", counting)
    return counts


def test_where_no_cell_has_changed_nothing_is_spread_over_the_lattice(spread):
    surrogate = steppable({"oxygen": oxygen(), "glucose": oxygen(uptake_per_min={"Stroma": "own"})})
    simulation = tissue(surrogate)
    simulation.start()
    once = spread.total()
    for _ in range(3):
        simulation.turn()
    assert spread.total() == once
    assert [(entry.substrate, entry.held) for entry in surrogate.history] == [("oxygen", 3), ("glucose", 3)]
    simulation.handles.cell_field[15, 8, 0].dict["own"] = 9.0
    simulation.turn()
    assert spread.total() == 2 * once
    assert [(entry.substrate, entry.held) for entry in surrogate.history][2:] == [("glucose", 1)]
    # The types are the same, and so is oxygen, which was held through both looks.
    assert surrogate.history[0].held == 4


@pytest.mark.parametrize("change", ["type", "pixel", "entry", "option"])
def test_whatever_a_field_reads_is_seen(change):
    surrogate = steppable({"oxygen": oxygen(uptake_per_min={"Tumour": "own", "Stroma": 3.0})})
    simulation = tissue(surrogate)
    simulation.start()
    simulation.turn()
    cells, uptake, held = simulation.handles.cell_field, {1: 5.0, 2: 3.0}, {3: 38.0}
    if change == "type":
        cells[15, 8, 0].type = 1
        cells[15, 8, 0].dict["own"] = 5.0
    if change == "pixel":
        cells[10, 5, 0] = cells[9, 5, 0]
    if change == "entry":
        cells[5, 5, 0].dict["own"] = uptake[1] = 50.0
    if change == "option":
        surrogate.change("oxygen", fixed={"Vessel": 20.0})
        held[3] = 20.0
    simulation.turn()
    assert_same(simulation.field("oxygen"), expected(simulation, uptake, held))


def test_a_field_that_somebody_wrote_into_is_put_back_where_nothing_has_changed(spread):
    surrogate = steppable({"oxygen": oxygen()})
    simulation = tissue(surrogate)
    simulation.start()
    kept = np.array(simulation.field("oxygen"))
    simulation.handles.field.oxygen[4, 3, 0] = float(kept[3, 4]) + 1.0
    once = spread.total()
    with pytest.warns(sp.PromiseWarning, match="something has written into it"):
        simulation.turn()
    assert np.array_equal(simulation.field("oxygen"), kept)
    assert spread.total() == once
