"""The kit for cells that conduct, membranes and fields in time: a host that has them passes, a broken one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.testing import CellTable, Medium, Scenario, WiderSuite

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
                    self.scenario.shape, self.scenario.spacings_um, thickness_um=self.scenario.thickness_um
                ),
                diffusivity_um2_per_min=medium.diffusivity_um2_per_min, decay_per_min=medium.decay_per_min,
                tolerance=tolerance, boundary=self.sides(),
                deposit=self.scenario.deposit, initial=medium.initial, method="exact", **options,
            )  # fmt: skip
            self.backends[name] = sp.Backend(config)

    def sides(self) -> sp.Boundary:
        own = "periodic" if self.scenario.torus else "reflecting"
        return sp.Boundary.parse(dict(self.scenario.sides), unnamed=own)

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
                "decay_change_per_min": cells.decays(name), "production_per_min": cells.made(name) / cells.volume_um3,
            }  # fmt: skip
            state = sp.TissueState(sp.Cells(**self.spoil(told)), voxels=self.voxels(medium))
            self.results = {**getattr(self, "results", {}), name: backend.step(state, self.dt_min)}

    def voxels(self, medium: Medium) -> sp.Voxels:
        walls = None
        if medium.regions is not None:
            walls = sp.Membranes.between(medium.regions, medium.permeability_um_per_min, rings=self.sides().rings)
        return sp.Voxels(
            medium.fixed,
            medium.value,
            diffusivity_um2_per_min=medium.diffusivity_map,
            decay_per_min=medium.decay_map,
            membranes=walls,
        )

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
    conducts = walls = decays = places = regions = fluxes = uneven = produces = stepping = torus = True

    def build(self, scenario: Scenario) -> PlainHost:
        return PlainHost(scenario)


class TestPlainHostByArea(TestPlainHost):
    deposit = "area"


OF_SEEDS = {"test_cells_conduct_in_their_own_way", "test_membranes_hold_back"}

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
    "forgets that less decays in cells": (
        "test_decay_is_above_and_below_the_background_where_cells_are",
        lambda told: {**told, "decay_change_per_min": np.maximum(told["decay_change_per_min"], 0.0)},
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
        getattr(suite, check)(*([0] if check in OF_SEEDS else []))


FORGOTTEN: dict[str, tuple[str, dict[str, object]]] = {
    "test_places_conduct_and_decay_in_their_own_way": ("voxels", {"decay_per_min": None}),
    "test_membranes_lie_between_regions": ("voxels", {"membranes": None}),
    "test_what_comes_in_through_a_side_is_there": ("sides", {"left": "reflecting"}),
    "test_a_side_exchanges_with_what_is_outside": ("sides", {"left": 25.0}),
}


@pytest.mark.parametrize("check", FORGOTTEN)
def test_what_is_forgotten_of_places_and_sides_is_noticed(check: str) -> None:
    where, changes = FORGOTTEN[check]

    class Forgetful(PlainHost):
        def voxels(self, medium: Medium) -> sp.Voxels:
            found = super().voxels(medium)
            return replace(found, **changes) if where == "voxels" else found

        def sides(self) -> sp.Boundary:
            found = super().sides()
            return sp.Boundary.parse(changes, unnamed=found) if where == "sides" else found

    suite = TestPlainHost()
    suite.build = Forgetful  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match=r"oxygen is"):
        getattr(suite, check)(*(["left"] if where == "sides" else []))


class Unable(PlainHost):
    """Cannot be told of membranes, and says so; or says something else."""

    SAYS = "Cells of this host have no membranes."

    def attach(self, substrates: Sequence[str], tolerance: float, **options: object) -> None:
        if "walls" in self.scenario.poses:
            raise sp.UnsupportedProblemError(self.SAYS)
        super().attach(substrates, tolerance, **options)


def test_a_host_that_cannot_be_told_is_held_to_the_sentence_that_says_so() -> None:
    suite = TestPlainHost()
    suite.build, suite.cannot = Unable, {"walls": Unable.SAYS}  # type: ignore[method-assign]
    suite.test_membranes_hold_back(0)
    suite.cannot = {"walls": "Cells of this host have no skin."}
    with pytest.raises(
        AssertionError, match=r"told walls, the host says Cells of this host have no membranes\., and not"
    ):
        suite.test_membranes_hold_back(0)
    suite.cannot = {"walls": "No membranes. None at all."}
    with pytest.raises(AssertionError, match="is not one sentence"):
        suite.test_membranes_hold_back(0)


def test_a_field_in_the_place_of_the_sentence_is_noticed() -> None:
    suite = TestPlainHost()
    suite.build, suite.cannot = PlainHost, {"walls": Unable.SAYS}  # type: ignore[method-assign]
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        suite.test_membranes_hold_back(0)


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
