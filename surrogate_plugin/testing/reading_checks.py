"""Checks of what cells read besides a fresh field: slopes, and the field between two solves, whoever touched it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surrogate_plugin.errors import PromiseWarning
from surrogate_plugin.testing.checking import Checks, between, nothing_told, untold
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["ReadingChecks"]


class ReadingChecks(Checks):
    """What cells read, at any time."""

    def test_gradients_are_those_of_the_exact_field(self) -> None:
        """After cells have moved, and in the first turn of another host."""
        scenario = self.scenario(80, (12, 17))
        host, cells = self.attached(scenario), scenario.cells
        host.advance()
        for seed in (81, 82):
            before, cells = cells, scenario.moved(seed, cells)
            host.put(cells)
            host.advance()
            self.check_slopes(host, scenario, cells, before=before)
        another = self.attached(scenario)
        another.advance()
        self.check_slopes(another, scenario, scenario.cells)

    def test_rates_changed_between_solves_are_felt_at_the_next_turn(self) -> None:
        """A rule changes rates after the field was solved for, and nothing else happens."""
        scenario = self.scenario(84, (12, 17))
        host, cells = self.attached(scenario), scenario.cells
        host.advance()
        change = getattr(host, "change", host.put)
        for eating, giving in ((6.0, 1.0), (0.3, 4.0), (1.0, 0.0)):
            before, cells = cells, scenario.cells.eating(eating).giving(giving)
            change(cells)
            between(host)
            self._check_what_is_read(host, scenario, cells)
            host.advance()
            self.check(host, scenario, cells, before=before)

    def test_cells_that_secrete_and_move_read_what_is_promised(self) -> None:
        """Short steps, most of them within a voxel; some cells secrete strongly."""
        scenario = self.scenario(85, (12, 17), cells=12, crowded=False)
        cells = scenario.cells.giving(20.0) if self.secretes else scenario.cells
        host, rng = self.attached(scenario), np.random.default_rng(86)
        host.put(cells)
        host.advance()
        for _ in range(8):
            step = rng.uniform(-0.4, 0.4, (len(cells), 2)) * scenario.spacing_um
            cells = self._stepped(scenario, cells, step)
            host.put(cells)
            between(host)
            self._check_what_is_read(host, scenario, cells)
        host.advance()
        self.check(host, scenario, cells)

    def test_what_others_write_into_the_field_is_told_and_mended(self) -> None:
        self.needs("writable")
        scenario = self.scenario(87, (12, 17))
        host = self.attached(scenario)
        host.advance()
        rng = np.random.default_rng(88)
        written = rng.uniform(0.0, scenario.scale("oxygen"), scenario.shape)
        host.write("oxygen", written)
        with pytest.warns(PromiseWarning, match="oxygen"):
            host.advance()
        self.check(host, scenario)
        one = np.asarray(host.field("oxygen")).copy()
        one[3, 5] += 0.01 * scenario.scale("oxygen")
        host.write("oxygen", one)
        with untold():
            host.advance()
        self.check(host, scenario)

    def test_vessels_that_change_are_felt_at_the_next_turn(self) -> None:
        self.needs("vessels_change")
        scenario = self.scenario(89, (12, 17), vessels=6)
        host = self.attached(scenario)
        host.advance()
        medium = scenario.medium("oxygen")
        rows, columns = np.nonzero(medium.fixed)
        moved, value = medium.fixed.copy(), 0.5 * medium.value
        moved[rows[0], columns[0]], value[rows[0], columns[0]] = False, 0.0  # one less, and all others hold half
        for fixed in (medium.fixed, moved):
            changed = replace(medium, fixed=fixed, value=np.where(fixed, value + 1.0, 0.0))
            host.hold(changed)
            with untold():
                host.advance()
            self.check(host, replace(scenario, media=(changed,)))

    def test_nothing_is_told_where_nothing_is_amiss(self) -> None:
        """Cells move, divide, die and change their rates: that is what cells do."""
        scenario = self.scenario(90, (12, 17))
        host = self.attached(scenario)
        with nothing_told("at the first turn"):
            host.advance()
        stories = {
            "while nothing changes": scenario.cells,
            "when cells have moved": scenario.moved(91, scenario.cells),
            "when cells have changed their rates": scenario.cells.eating(2.0),
            "when cells have died": scenario.cells.take(range(20)),
            "when cells were born": scenario.cells,
        }
        for when, cells in stories.items():
            host.put(cells)
            with nothing_told(when):
                host.advance()
                between(host)

    def _check_what_is_read(self, host: object, scenario: Scenario, cells: CellTable) -> None:
        allowed = max(self.promised(host, scenario), self.agreement * scenario.scale("oxygen"))
        self.check_seen(host, scenario, cells, "oxygen", allowed)

    def _stepped(self, scenario: Scenario, cells: CellTable, step_um: np.ndarray) -> CellTable:
        """Cells that took a step each, unless it leads onto a vessel, or where another cell is in a crowded host."""
        held, place = scenario.held("oxygen")[0], cells.position_um.copy()
        for k, step in enumerate(step_um):
            there = np.clip(place[k] + step, 0.05 * scenario.spacing_um, scenario.size_um - 0.05 * scenario.spacing_um)
            column, row = (int(index) for index in there // scenario.spacing_um)
            others = np.delete(place, k, axis=0) // scenario.spacing_um
            if not held[row, column] and not (others == (column, row)).all(axis=1).any():
                place[k] = there
        return cells.at(place)
