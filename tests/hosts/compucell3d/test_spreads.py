"""Maps that are brought up to date where cells have changed: to the bit those of the whole lattice made anew."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.fields import Field
from surrogate_adapters.compucell3d.spreads import changed
from surrogate_adapters.compucell3d.substrate import Substrate
from surrogate_adapters.compucell3d.tissue import Tissue

SHAPE, TYPE_IDS = (40, 50), {"Medium": 0, "Tumour": 1, "Stroma": 2, "Vessel": 3}
FIELD = Field(
    diffusivity_um2_per_min=2e3,
    decay_per_min=0.1,
    uptake_per_min={"Tumour": "uptake", "Stroma": 3.0},
    production_per_min={"Stroma": 0.5, "Medium": 0.01},
    production_at_boundary_per_min={"Tumour": 0.2},
    production_on_contact_per_min={"Tumour": {"Stroma": 4.0}},
    secretion_per_min={"Tumour": "giving"},
    secretion_target={"Tumour": 2.0},
    diffusivity_by_type_um2_per_min={"Tumour": "conducts", "Stroma": 50.0},
    decay_by_type_per_min={"Stroma": 0.02},
    membrane_um_per_min={"Tumour": "leak"},
    fixed={"Vessel": 38.0},
    boundary={"top": 5.0},
    boundary_at="edge",
)
KEYS = ("uptake", "giving", "conducts", "leak")


def tissue(rng: np.random.Generator, cells: np.ndarray, kinds: np.ndarray, kept: dict[str, np.ndarray]) -> Tissue:
    types = np.where(cells == 0, 0, kinds[cells]).astype(np.uint8)
    tumour = [int(one) for one in np.flatnonzero(kinds == 1)]
    entries = {(1, key): [(one, float(kept[key][one])) for one in tumour] for key in KEYS}
    return Tissue(types, cells.astype(np.int32), entries, TYPE_IDS)


def story(seed: int) -> list[Tissue]:
    """Cells that grow, shrink, change their types and numbers, die and are born."""
    rng = np.random.default_rng(seed)
    cells = np.kron(np.arange(20).reshape(4, 5), np.ones((10, 10), dtype=np.int64))
    kinds = rng.integers(1, 4, 40)
    kept = {key: rng.uniform(0.1, 9.0, 40) for key in KEYS}
    told = [tissue(rng, cells, kinds, kept)]
    for turn in range(6):
        cells, kinds, kept = cells.copy(), kinds.copy(), {key: each.copy() for key, each in kept.items()}
        for _ in range(12):  # pixels that are taken over by a neighbour
            y, x = rng.integers(1, 39), 10 * rng.integers(1, 5) - 1
            cells[y, x] = cells[y, x + 1]
        if turn == 1:
            kept["uptake"][7] *= 2.0
        if turn == 2:
            kinds[3] = kinds[3] % 3 + 1
        if turn == 3:
            cells[cells == 12] = 0
        if turn == 4:
            cells[2:5, 2:5] = 25
        if turn == 5:
            told.append(told[-1])
        told.append(tissue(rng, cells, kinds, kept))
    return told


def substrate() -> Substrate:
    domain = sp.Domain.from_lattice(SHAPE, 5.0)
    return Substrate("oxygen", FIELD, domain, domain, (True, False))


def assert_same(one: Any, other: Any) -> None:
    for part in dataclasses.fields(one):
        mine, theirs = getattr(one, part.name), getattr(other, part.name)
        if isinstance(mine, sp.Membranes):
            assert np.array_equal(mine.x, theirs.x)
            assert np.array_equal(mine.y, theirs.y)
        else:
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_followed_is_to_the_bit_what_is_made_anew(seed: int) -> None:
    followed = substrate()
    states = [(followed.state(each), substrate().state(each)) for each in story(seed)]
    for mine, anew in states:  # at the end, so that a map which was written over would be seen
        assert_same(mine.voxels, anew.voxels)


def test_only_pixels_of_cells_that_have_changed_are_made_anew() -> None:
    first, second, *_ = story(5)
    where = changed(first, second)
    assert where is not None
    assert 0 < len(where[0]) <= 12
    other = {key: [(one, 2.0 * n if one == 7 else n) for one, n in each] for key, each in second.entries.items()}
    of_seven = changed(second, dataclasses.replace(second, entries=other))
    assert of_seven is not None
    wanted = second.ids == 7 if any(one == 7 for one, _ in second.entries[1, "uptake"]) else np.zeros(SHAPE, dtype=bool)
    assert np.array_equal(of_seven, np.nonzero(wanted))


def test_an_entry_that_is_not_allowed_is_refused_at_each_look() -> None:
    told, followed = story(6), substrate()
    followed.state(told[0])
    key, (cell, _) = (1, "uptake"), told[1].entries[1, "uptake"][0]
    wrong = dataclasses.replace(told[1], entries={**told[1].entries, key: [(cell, -1.0), *told[1].entries[key][1:]]})
    for _ in range(2):
        with pytest.raises(sp.InvalidProblemError, match=r"dict\['uptake'\] = -1.0"):
            followed.state(wrong)
    assert_same(followed.state(told[2]).voxels, substrate().state(told[2]).voxels)
