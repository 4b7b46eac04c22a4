"""The kit's checks of round vessels and of cells spread by area: they pass what is right, and notice what is not.

The host here is no simulator: it holds the exact field of the scenario it is given, or of one with a mistake in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from surrogate_plugin.testing import AdapterSuite, CellTable, Scenario
from surrogate_plugin.testing.reading import values

Change = Callable[[Scenario], Scenario]


class Oracle:
    """The exact field of its scenario, from the first turn on."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.cells = scenario, scenario.cells

    def attach(self, substrates: Sequence[str], tolerance: float) -> None:
        pass

    def advance(self) -> None:
        pass

    def put(self, cells: CellTable) -> None:
        self.cells = cells

    def field(self, substrate: str) -> np.ndarray:
        return self.scenario.steady(substrate, self.cells)

    def seen(self, substrate: str) -> np.ndarray:
        return values(self.scenario, self.field(substrate), self.cells)


def suite(change: Change, **attributes: object) -> AdapterSuite:
    """The kit on a host that has another scenario than the one it was given."""

    class Suite(AdapterSuite):
        torus = discs = True

        def build(self, scenario: Scenario) -> Oracle:
            return Oracle(change(scenario))

    made = Suite()
    vars(made).update(attributes)
    return made


def as_it_is(scenario: Scenario) -> Scenario:
    return scenario


def cut(scenario: Scenario) -> Scenario:
    """Vessels that end at the seam."""
    (medium,) = scenario.media
    fixed, value = replace(scenario, torus=False).held(medium.name)
    return replace(scenario, media=(replace(medium, fixed=fixed, value=value, discs=()),))


def wrapped(scenario: Scenario) -> Scenario:
    """Vessels that come in on the other side, where nothing wraps around."""
    (medium,) = scenario.media
    fixed, value = replace(scenario, torus=True).held(medium.name)
    return replace(scenario, media=(replace(medium, fixed=fixed, value=value, discs=()),))


def pointlike(scenario: Scenario) -> Scenario:
    """Cells that count in the voxel of their centre alone."""
    return replace(scenario, deposit="voxel")


def test_what_is_right_passes() -> None:
    for deposit in ("voxel", "area"):
        right = suite(as_it_is, deposit=deposit)
        right.test_round_vessels_on_the_seam_of_a_torus_wrap_around()
        right.test_round_vessels_at_the_rim_end_there()
        right.test_a_tissue_moved_around_a_torus_has_the_same_field_moved(7, 11)
        right.test_the_field_is_the_exact_one_on_any_lattice((11, 19), 0)
        right.test_the_field_follows_cells_that_move()


def test_vessels_cut_off_at_the_seam_are_noticed() -> None:
    with pytest.raises(AssertionError, match="cut off at the seam"):
        suite(cut).test_round_vessels_on_the_seam_of_a_torus_wrap_around()
    with pytest.raises(AssertionError, match="cut off at the seam"):
        suite(cut).test_a_tissue_moved_around_a_torus_has_the_same_field_moved(5, 8)


def test_vessels_that_come_in_on_the_other_side_are_noticed() -> None:
    with pytest.raises(AssertionError, match="off the steady field"):
        suite(wrapped).test_round_vessels_at_the_rim_end_there()


def test_cells_that_are_not_spread_are_noticed() -> None:
    with pytest.raises(AssertionError, match="count by deposit='voxel'"):
        suite(pointlike, deposit="area").test_the_field_is_the_exact_one_on_any_lattice((11, 19), 0)


def test_a_suite_is_told_what_it_does_not_say() -> None:
    silent = suite(as_it_is, torus=None)
    with pytest.raises(pytest.skip.Exception, match="set torus, see AdapterSuite"):
        silent.test_a_torus_wraps_around((12, 17))
    with pytest.raises(pytest.skip.Exception, match="never wrap around"):
        suite(as_it_is, torus=False).test_a_torus_wraps_around((12, 17))
