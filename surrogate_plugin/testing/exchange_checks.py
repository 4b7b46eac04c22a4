"""Checks of what cells exchange with the field beyond first-order uptake."""

from __future__ import annotations

import pytest

from surrogate_plugin.testing.checking import SHAPES, Checks

__all__ = ["ExchangeChecks"]


class ExchangeChecks(Checks):
    """Uptake that saturates, production, and strong secretion."""

    @SHAPES
    def test_uptake_saturates(self, shape: tuple[int, int]) -> None:
        self.needs("saturates")
        scenario = self.scenario(110, shape, saturating=True, secreting=False)
        host = self.attached(scenario)
        for _ in range(2):
            host.advance()
            self.check(host, scenario)

    @SHAPES
    def test_what_cells_make_is_there(self, shape: tuple[int, int]) -> None:
        """Whatever the field is already, beside cells that take up and secrete."""
        self.needs("produces")
        scenario = self.scenario(111, shape, producing=True)
        host = self.attached(scenario)
        for _ in range(2):
            host.advance()
            self.check(host, scenario)
        less = scenario.cells.making(0.5)
        host.put(less)
        host.advance()
        self.check(host, scenario, less, before=scenario.cells)

    @pytest.mark.parametrize("times", [30.0, 1e3, 1e5])
    def test_strong_secretion_is_read_as_it_is_solved(self, times: float) -> None:
        """Cells read the steady field where secretion is fast beside diffusion and the host's own step."""
        if not self.secretes:
            pytest.skip("cells of this host secrete nothing")
        scenario = self.scenario(112, (12, 17))
        cells = scenario.cells.giving(times)
        host = self.attached(scenario)
        host.put(cells)
        for _ in range(3):
            host.advance()
            self.check(host, scenario, cells)
