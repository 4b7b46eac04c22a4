"""The kit for cells that conduct, membranes and fields in time: a host that has them passes, a broken one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.testing import CellTable, Scenario, WiderSuite

Spoiling = Callable[[dict], dict]


class PlainHost:
    """Arrays and a backend a substrate, without a simulator around them; ``spoil`` breaks what it hands over."""

    dt_min = 0.01

    def __init__(self, scenario: Scenario, spoil: Spoiling = dict) -> None:
        self.scenario, self.cells, self.spoil = scenario, scenario.cells, spoil
        self.fields = {medium.name: np.full(scenario.shape, medium.initial) for medium in scenario.media}

    def attach(self, substrates: Sequence[str], tolerance: float, **options: object) -> None:
        self.backends = {}
        for name in substrates:
            medium = self.scenario.medium(name)
            config = sp.BackendConfig(
                domain=sp.Domain.from_lattice(
                    self.scenario.shape, self.scenario.spacing_um, thickness_um=self.scenario.thickness_um
                ),
                diffusivity_um2_per_min=medium.diffusivity_um2_per_min, decay_per_min=medium.decay_per_min,
                tolerance=tolerance, boundary="periodic" if self.scenario.torus else "reflecting",
                deposit=self.scenario.deposit, initial=medium.initial, method="exact", **options,
            )  # fmt: skip
            self.backends[name] = sp.Backend(config)

    def attach_stepping(self, substrates: Sequence[str], tolerance: float) -> None:
        self.attach(substrates, tolerance, stepping="implicit-euler")

    def advance(self) -> None:
        for name, backend in self.backends.items():
            medium, cells = self.scenario.medium(name), self.cells
            told = {
                "position_um": cells.position_um, "volume_um3": cells.volume_um3,
                "uptake_per_min": cells.uptake_per_min[name], "secretion_per_min": cells.secretion_per_min[name],
                "secretion_target": cells.secretion_target[name],
                "diffusivity_um2_per_min": cells.conducts(name), "membrane_um_per_min": cells.membranes(name),
            }  # fmt: skip
            state = sp.TissueState(sp.Cells(**self.spoil(told)), voxels=sp.Voxels(medium.fixed, medium.value))
            self.results = {**getattr(self, "results", {}), name: backend.step(state, self.dt_min)}

    def field(self, substrate: str) -> np.ndarray:
        return self.results[substrate].field

    def seen(self, substrate: str) -> np.ndarray:
        row, column = self.scenario.voxels(self.cells)
        if self.scenario.deposit == "voxel":
            return self.field(substrate)[row, column]
        return self.results[substrate].sample(self.cells.position_um)

    def put(self, cells: CellTable) -> None:
        self.cells = cells


class TestPlainHost(WiderSuite):
    conducts = walls = stepping = torus = True

    def build(self, scenario: Scenario) -> PlainHost:
        return PlainHost(scenario)


class TestPlainHostByArea(TestPlainHost):
    deposit = "area"


MISTAKES: dict[str, tuple[str, Spoiling]] = {
    "forgets what cells conduct": (
        "test_cells_conduct_in_their_own_way",
        lambda told: {**told, "diffusivity_um2_per_min": None},
    ),
    "takes none for nothing": (
        "test_cells_conduct_in_their_own_way",
        lambda told: {**told, "diffusivity_um2_per_min": np.nan_to_num(told["diffusivity_um2_per_min"])},
    ),
    "per hour": (
        "test_membranes_hold_back",
        lambda told: {**told, "membrane_um_per_min": 60.0 * told["membrane_um_per_min"]},
    ),
    "cells in another order": (
        "test_cells_conduct_and_hold_back_around_a_torus",
        lambda told: {**told, "membrane_um_per_min": told["membrane_um_per_min"][::-1]},
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_handed_over_wrong_is_noticed(name: str) -> None:
    check, spoil = MISTAKES[name]
    suite = TestPlainHost()
    suite.build = lambda scenario: PlainHost(scenario, spoil)  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match=r"(oxygen|glucose) is"):
        getattr(suite, check)(*([0] if "torus" not in check else []))


def test_steps_that_begin_with_nothing_are_noticed() -> None:
    class Forgetful(PlainHost):
        def attach(self, substrates: Sequence[str], tolerance: float, **options: object) -> None:
            media = tuple(replace(medium, initial=0.0) for medium in self.scenario.media)
            self.scenario = replace(self.scenario, media=media)
            super().attach(substrates, tolerance, **options)

    suite = TestPlainHost()
    suite.build = Forgetful  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="implicit steps from its initial field"):
        suite.test_a_field_goes_on_in_time_by_implicit_steps()


def test_a_suite_that_says_nothing_is_skipped_with_a_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="no membranes of cells of this host"):
        WiderSuite().test_membranes_hold_back(0)
