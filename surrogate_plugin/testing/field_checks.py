"""Checks of one field: the lattice, its units, and what holds it."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.testing.checking import SHAPES, Checks, untold

__all__ = ["FieldChecks"]


class FieldChecks(Checks):
    """One field."""

    @SHAPES
    @pytest.mark.parametrize("seed", range(3))
    def test_the_field_is_the_exact_one_on_any_lattice(self, shape: tuple[int, int], seed: int) -> None:
        scenario = self.scenario(seed, shape)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_it_is_not_turned_or_mirrored(self) -> None:
        """One vessel and one cell in different corners of an oblong lattice."""
        scenario = self.scenario(10, (9, 16), cells=1, vessels=1, crowded=False)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    @pytest.mark.parametrize(("spacing_um", "thickness_um"), [(7.5, 7.5), (20.0, 30.0), (50.0, 10.0)])
    def test_lengths_volumes_and_rates_are_in_the_units_said(self, spacing_um: float, thickness_um: float) -> None:
        scenario = self.scenario(20, (10, 13), spacing_um=spacing_um, thickness_um=thickness_um)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_vessels_keep_their_values(self) -> None:
        scenario = self.scenario(30, (12, 17), vessels=12)
        host = self.attached(scenario)
        for _ in range(3):
            host.advance()
            medium = scenario.medium("oxygen")
            held, value = np.asarray(host.field("oxygen"))[medium.fixed], medium.value[medium.fixed]
            wrong = int((np.abs(held - value) > self.agreement * value).sum())
            assert not wrong, f"{wrong} of {len(value)} voxels do not hold what they should: {held} instead of {value}."

    def test_without_cells_the_field_is_that_of_the_vessels(self) -> None:
        scenario = self.scenario(40, (12, 17), cells=0)
        host = self.attached(scenario)
        host.advance()
        self.check(host, scenario)

    def test_without_cells_and_vessels_there_is_nothing(self) -> None:
        scenario = self.scenario(41, (12, 17), cells=0, vessels=0)
        host = self.attached(scenario)
        with untold():
            host.advance()
        self.check(host, scenario)

    def test_before_the_first_step_a_field_can_be_asked_for(self) -> None:
        """It is the one the host began with, or already the steady one; never a NaN, never an error."""
        scenario = self.scenario(42, (12, 17))
        host = self.attached(scenario)
        field, seen = np.asarray(host.field("oxygen")), np.asarray(host.seen("oxygen"))
        assert field.shape == scenario.shape, f"before the first step the field has shape {field.shape}."
        assert np.isfinite(field).all(), "before the first step the field is not finite everywhere."
        assert np.isfinite(seen).all(), "before the first step a cell reads what is no finite number."
        first, allowed = self.build(scenario).field("oxygen"), self.agreement * scenario.scale("oxygen")
        gaps = [float(np.abs(field - known).max()) for known in (first, scenario.steady("oxygen"))]
        assert min(gaps) <= allowed, "before the first step the field is neither the host's own nor the steady one."
