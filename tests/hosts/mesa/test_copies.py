"""Copies, batches and simulators of an attached model of Mesa go on with fields of their own."""

from __future__ import annotations

import copy
import pickle

import mesa
import numpy as np
import pytest

from surrogate_adapters.mesa import attach
from tests.hosts.mesa.lake import WATER, Swimmer, lake
from tests.hosts.mesa.models import OXYGEN, VOLUME, H, Spheroid, attached, still


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_model_goes_on_with_fields_of_its_own(duplicate):
    model = Spheroid(rng=8)
    model.step()
    twin = duplicate(model)
    before = model.grid.oxygen.data.copy()
    for _ in range(3):
        twin.step()
        assert twin.off <= 1e-5
        assert all(twin.grid[agent.cell.coordinate] is agent.cell for agent in twin.agents)
        assert all(cell.connections for cell in twin.grid)
        assert {id(cell) for cell in twin.grid.all_cells} == {id(cell) for cell in twin.grid}
        seen = {agent.cell.oxygen for agent in twin.agents}
        assert seen <= set(twin.grid.oxygen.data.ravel())
    assert np.array_equal(model.grid.oxygen.data, before)
    assert (len(model.link.history), len(twin.link.history)) == (1, 4)
    assert not np.array_equal(twin.grid.oxygen.data, before)
    model.step()
    assert model.off <= 1e-5


def test_the_substrates_of_a_copy_share_an_engine_as_those_of_the_original_do():
    model = still(cells=5, vessels=1)
    substrates = dict.fromkeys(("oxygen", "glucose", "lactate"), OXYGEN)
    link = model.link = attach(model, substrates=substrates, spacing_um=H, volume_um3=VOLUME)
    twin = copy.deepcopy(model).link
    engines = [[each.backend(name).engine for name in substrates] for each in (link, twin)]
    assert [len(set(map(id, each))) for each in engines] == [1, 1]
    assert engines[0][0] is not engines[1][0]


def test_a_copied_continuous_space_goes_on_as_well():
    model = lake()
    model.link = attached(model, WATER, spacing_um=10.0)
    twin = copy.deepcopy(model)
    model.step()
    next(agent for agent in twin.agents if type(agent) is Swimmer).remove()
    twin.step()
    mine, its = model.link, twin.link
    assert len(its.state("oxygen").cells) == len(mine.state("oxygen").cells) - 1
    assert its.result("oxygen").field.min() > mine.result("oxygen").field.min()
    assert len(mine.history) == len(its.history) == 1


def test_batches_run():
    rows = mesa.batch_run(
        Spheroid,
        {"cells": [0, 30], "torus": [False, True], "capacity": [3, None]},
        max_steps=3,
        data_collection_period=1,
        display_progress=False,
        number_processes=1,
    )
    assert {row["RunId"] for row in rows} == set(range(8))
    assert max(row["off"] for row in rows) <= 1e-5
    assert min(row["least"] for row in rows if row["cells"] == 30) < 30.0
