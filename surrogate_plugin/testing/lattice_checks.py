"""Checks of the lattice's rim: sides with names and without, lattices that wrap around, and small ones."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.testing.checking import Checks, untold

__all__ = ["LatticeChecks"]


class LatticeChecks(Checks):
    """Sides, and lattices without any."""

    @pytest.mark.parametrize("side", ["left", "right", "bottom", "top"])
    def test_sides_that_are_not_named_are_the_hosts_own(self, side: str) -> None:
        """One is held, and named; nothing leaves over the others."""
        self.needs("sides")
        scenario = self.scenario(100, (10, 15), vessels=1, sides={side: 20.0}, sides_at=self.sides)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_sides_that_are_not_named_wrap_around_where_the_hosts_do(self) -> None:
        self.needs("sides")
        self.needs("torus")
        scenario = self.scenario(101, (10, 15), torus=True, sides={"left": 20.0, "right": "reflecting"})
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    @pytest.mark.parametrize("shape", [(12, 17), (16, 9)], ids=lambda shape: f"{shape[0]}x{shape[1]}")
    def test_a_torus_wraps_around(self, shape: tuple[int, int]) -> None:
        self.needs("torus")
        scenario = self.scenario(102, shape, torus=True)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)
        self.check_slopes(host, scenario, scenario.cells)

    @pytest.mark.parametrize(("rows", "columns"), [(5, 0), (0, 8), (7, 11)])
    def test_a_tissue_moved_around_a_torus_has_the_same_field_moved(self, rows: int, columns: int) -> None:
        """Round vessels, where the host has them, come to lie on the seam."""
        self.needs("torus")
        discs = [(0.55, 0.5), (0.3, 0.75)] if self.discs else []
        scenario = self.scenario(103, (12, 17), torus=True, discs=discs)
        fields = []
        for placed in (scenario, scenario.rolled(rows, columns)):
            host = self.attached(placed)
            host.advance()
            self.check(host, placed)
            fields.append(np.asarray(host.field("oxygen")))
        gap = float(np.abs(np.roll(fields[0], (rows, columns), (0, 1)) - fields[1]).max())
        allowed = self.agreement * scenario.scale("oxygen")
        assert gap <= allowed, f"moved by {rows} rows and {columns} columns, the field is {gap:g} off the one moved."

    def test_round_vessels_on_the_seam_of_a_torus_wrap_around(self) -> None:
        """On one side, on the other, and in the corner where four sides meet."""
        self.needs("torus")
        self.needs("discs")
        scenario = self.scenario(104, (12, 17), torus=True, vessels=1, discs=[(0.0, 0.4), (0.6, 0.99), (1.0, 0.0)])
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_round_vessels_at_the_rim_end_there(self) -> None:
        self.needs("discs")
        scenario = self.scenario(105, (12, 17), vessels=1, discs=[(0.01, 0.4), (0.5, 0.6)])
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    @pytest.mark.parametrize("shape", [(5, 5), (3, 4), (1, 30), (30, 1)], ids=lambda shape: f"{shape[0]}x{shape[1]}")
    def test_small_lattices_are_solved_too(self, shape: tuple[int, int]) -> None:
        if 1 in shape:
            self.needs("lines")
        scenario = self.scenario(106, shape, vessels=2, cells=6)
        host = self.attached(scenario)
        with untold():
            host.advance()
        self.check(host, scenario)
