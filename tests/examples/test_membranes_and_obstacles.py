"""The tissue without each of its barriers: what its page says that they cost."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.examples.running import numbers, run
from tests.examples.saying import no_longer_said, page_of
from tests.examples.scripts import script


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    return run("membranes_and_obstacles.py", folder=tmp_path_factory.mktemp("membranes"))


@pytest.fixture(scope="module")
def held(said):
    """What cells and everything hold, and the bound, by variant."""
    names = ("as it is", "without membranes", "vessels hold their value", "neither scar nor bone")
    sentence = "cells hold # of the blood's, # everywhere; at most # off"
    return {name: numbers(f"{name}: {sentence}", said) for name in names}


def test_open_cells_hold_twice_as_much_and_drain_the_tissue(held):
    cells, around, _ = held["as it is"]
    cells_open, around_open, _ = held["without membranes"]
    assert cells_open > 1.9 * cells
    assert around_open < 0.85 * around


def test_the_walls_of_vessels_are_what_limits_the_drug(held):
    cells, around, _ = held["as it is"]
    cells_held, around_held, _ = held["vessels hold their value"]
    assert cells_held > 2.0 * cells
    assert around_held == pytest.approx(2.0 * around, rel=0.05)


def test_scar_and_bone_take_less_than_a_tenth_from_the_average(held):
    for less, more in zip(held["as it is"][:2], held["neither scar nor bone"][:2], strict=True):
        assert 0.9 * more < less < more


def test_every_bound_is_within_the_tolerance(held):
    assert all(bound <= 1e-3 for _, _, bound in held.values())


def test_behind_a_wall_that_nothing_passes_there_is_what_the_other_side_has():
    """The variants are posed as they are told: without scar and bone, diffusivity is one number."""
    example = script("membranes_and_obstacles")
    domain = sp.Domain.from_lattice((60, 80), example.SPACING_UM, thickness_um=example.THICKNESS_UM)
    state, scar, bone = example.tissue(domain, np.random.default_rng(3))
    conducts = state.voxels.diffusivity_um2_per_min
    assert (conducts[bone] == 0.0).all()
    np.testing.assert_allclose(conducts[scar & ~bone], example.DIFFUSIVITY / example.SCARRED)
    variants = example.variants(state)
    assert variants["neither scar nor bone"].voxels is None
    assert variants["without membranes"].cells.membrane_um_per_min is None


def test_the_page_shows_what_is_printed(said):
    assert no_longer_said(page_of("membranes_and_obstacles.py"), said) == []
