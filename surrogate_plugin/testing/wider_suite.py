"""The conformance kit for what not every host has: cells that conduct in their own way, membranes, fields in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from surrogate_plugin.testing.checking import Checks, untold
from surrogate_plugin.testing.scenario import CellTable, Scenario

__all__ = ["WiderSuite"]


class WiderSuite(Checks):
    """Checks to be inherited besides `AdapterSuite`, by a class ``Test...`` of its own, for what the host has of them.

    Attributes
    ----------
    conducts : bool
        Whether cells can conduct in their own way: the driver sets ``cells.conducts(substrate)`` then.
    walls : bool
        Whether cells can have membranes: the driver sets ``cells.membranes(substrate)``.
    stepping : bool
        Whether fields can go on in time: the driver has ``attach_stepping(substrates, tolerance)``, which attaches
        with ``stepping="implicit-euler"``, and ``dt_min``, the minutes between two solves, one a turn of the host.

    Notes
    -----
    Attributes of `AdapterSuite` that its checks of scenarios need, ``deposit`` and the like, are said here too.
    """

    conducts: bool = False
    walls: bool = False
    stepping: bool = False

    def has(self, ability: str, what: str) -> None:
        """Skip a check of what the host does not have, and say so."""
        if not getattr(self, ability):
            pytest.skip(f"{what} of this host")

    @pytest.mark.parametrize("seed", range(2))
    def test_cells_conduct_in_their_own_way(self, seed: int) -> None:
        self.has("conducts", "no diffusivities of cells")
        self.check_as_cells_move(self.scenario(120 + seed, (11, 15), substrates=2, conducting=True))

    @pytest.mark.parametrize("seed", range(2))
    def test_membranes_hold_back(self, seed: int) -> None:
        self.has("walls", "no membranes of cells")
        self.check_as_cells_move(self.scenario(130 + seed, (11, 15), substrates=2, walled=True))

    def test_cells_conduct_and_hold_back_around_a_torus(self) -> None:
        self.has("conducts", "no diffusivities of cells")
        self.has("walls", "no membranes of cells")
        self.needs("torus")
        self.check_as_cells_move(self.scenario(140, (9, 12), conducting=True, walled=True, torus=True))

    def test_a_field_goes_on_in_time_by_implicit_steps(self) -> None:
        self.has("stepping", "no field in time")
        scenario = self.scenario(150, (11, 15))
        host = self.stepping_host(scenario)
        field = np.full(scenario.shape, scenario.medium("oxygen").initial)
        for turn in range(4):
            host.advance()
            field = scenario.step("oxygen", field, host.dt_min)
            self.check_field(host, scenario, field, f"after turn {turn + 1}")

    def test_a_field_in_time_follows_cells_that_come_move_and_go(self) -> None:
        self.has("stepping", "no field in time")
        scenario = self.scenario(151, (11, 15), crowded=False)
        host = self.stepping_host(scenario)
        field = np.full(scenario.shape, scenario.medium("oxygen").initial)
        for turn, cells in enumerate(self.stories(scenario)):
            host.put(cells)
            host.advance()
            field = scenario.step("oxygen", field, host.dt_min, cells)
            self.check_field(host, scenario, field, f"after turn {turn + 1}")

    def stories(self, scenario: Scenario) -> Sequence[CellTable]:
        """The cells of a scenario turn by turn: as they are, elsewhere, and fewer."""
        moved = scenario.moved(7, scenario.cells)
        return scenario.cells, moved, moved.take(range(len(moved) // 2))

    def check_as_cells_move(self, scenario: Scenario) -> None:
        """The fields of all substrates are the exact ones, of the cells as they are now."""
        host = self.attached(scenario)
        for cells in self.stories(scenario):
            host.put(cells)
            with untold():
                host.advance()
            for name in scenario.names:
                self.check(host, scenario, cells, name)

    def stepping_host(self, scenario: Scenario) -> Any:
        """A host with the adapter attached, whose fields go on in time."""
        host = self.build(scenario)
        with untold():
            host.attach_stepping(scenario.names, 0.01 * self.agreement * min(map(scenario.scale, scenario.names)))
        return host

    def check_field(self, host: Any, scenario: Scenario, expected: Any, when: str) -> None:
        """The host's field is that of exact implicit steps."""
        gap = float(np.abs(np.asarray(host.field("oxygen")) - expected).max())
        allowed = self.agreement * scenario.scale("oxygen")
        assert gap <= allowed, (
            f"{when} of {host.dt_min:g} min the host's oxygen is {gap:g} off what implicit steps from its initial "
            f"field make of it ({allowed:g} is allowed)."
        )
