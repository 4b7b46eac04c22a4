"""Checks of what cells do to a field: uptake that counts once, and cells that come, go and change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from surrogate_plugin.testing.checking import SHAPES, Checks
from surrogate_plugin.testing.scenario import CellTable

__all__ = ["CellChecks"]


class CellChecks(Checks):
    """Cells that take up, secrete, move, divide and die."""

    def test_uptake_counts_once_however_often_the_host_steps(self) -> None:
        scenario = self.scenario(50, (12, 17))
        host = self.attached(scenario)
        for _ in range(4):
            host.advance()
            self.check(host, scenario)

    @SHAPES
    def test_what_the_cells_take_up_is_what_the_vessels_give(self, shape: tuple[int, int]) -> None:
        scenario = self.scenario(51, shape)
        host = self.attached(scenario)
        host.advance()
        if hasattr(host, "taken_up"):
            taken = float(host.taken_up("oxygen"))
        else:
            cells = scenario.cells
            taken = float((cells.uptake_per_min["oxygen"] * cells.volume_um3 * host.seen("oxygen")).sum())
        given = scenario.inflow("oxygen", np.asarray(host.field("oxygen")))
        assert taken > 0, "the cells take up nothing by the host's own count."
        assert given == pytest.approx(taken, rel=1e-5), f"the vessels give {given / taken:.6g} times what is taken up."

    def test_the_field_follows_cells_that_move(self) -> None:
        scenario = self.scenario(60, (13, 18))
        host, cells = self.attached(scenario), scenario.cells
        host.advance()
        for seed in (61, 62):
            cells = scenario.moved(seed, cells)
            host.put(cells)
            host.advance()
            self.check(host, scenario, cells)

    def test_the_field_follows_cells_that_divide_and_die(self) -> None:
        scenario = self.scenario(63, (13, 18))
        host, everyone = self.attached(scenario), scenario.cells
        for count in (10, 25, 40, 7, 0, 15):
            host.put(everyone.take(range(count)))
            host.advance()
            self.check(host, scenario, everyone.take(range(count)))

    def test_the_field_follows_rates_and_volumes(self) -> None:
        scenario = self.scenario(64, (13, 18))
        host = self.attached(scenario)
        host.advance()
        for times in (3.0, 0.2):
            cells = scenario.cells.eating(times)
            host.put(cells)
            host.advance()
            self.check(host, scenario, cells)

    def test_cells_off_the_lattice_are_treated_as_the_adapter_says(self) -> None:
        self.needs("outside")
        scenario = self.scenario(65, (12, 17))
        host, cells = self.attached(scenario), scenario.cells
        height, width = (side * scenario.spacing_um for side in scenario.shape)
        place = cells.position_um.copy()
        place[:2] = (-1.7 * scenario.spacing_um, 0.5 * height), (0.5 * width, height + 2.2 * scenario.spacing_um)
        astray = cells.at(place)
        if self.outside == "error":
            with pytest.raises((InvalidProblemError, UnsupportedProblemError), match="off the domain"):
                _advance_with(host, astray)
            host.put(cells)
            host.advance()
            self.check(host, scenario)
            return
        _advance_with(host, astray)
        if self.outside == "clamp":
            inside = np.clip(place, 0.01 * scenario.spacing_um, np.array([width, height]) - 0.01 * scenario.spacing_um)
            counted = astray.at(inside)
        else:
            counted = astray.take(range(2, len(astray)))
        gap = float(np.abs(host.field("oxygen") - scenario.steady("oxygen", counted)).max())
        allowed = self.agreement * scenario.scale("oxygen")
        assert gap <= allowed, f"with cells off the lattice, to {self.outside}, the field is {gap:g} off."


def _advance_with(host: Any, cells: CellTable) -> None:
    host.put(cells)
    host.advance()
