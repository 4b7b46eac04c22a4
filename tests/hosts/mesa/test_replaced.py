"""A grid, a space or a layer that is replaced while attached: taken if the fields fit it, and refused if not."""

from __future__ import annotations

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid, OrthogonalVonNeumannGrid
from mesa.experimental.continuous_space import ContinuousSpace

import surrogate_plugin as sp
from tests.hosts.mesa.lake import WATER, Swimmer, lake
from tests.hosts.mesa.models import OXYGEN, Tumour, Vessel, attached, off, still


def rebuilt(model: mesa.Model, grid: object) -> None:
    """The same agents on another grid, one of them gone."""
    agents = [(type(agent), agent.cell.coordinate) for agent in model.agents]
    for agent in list(model.agents):
        agent.remove()
    model.grid = grid
    for kind, place in agents[:-1]:
        kind(model, model.grid[place])


@pytest.mark.parametrize("kind", [OrthogonalMooreGrid, OrthogonalVonNeumannGrid])
@pytest.mark.parametrize("given", [False, True])
def test_a_grid_of_the_same_size_is_gone_on_with(kind, given):
    model = still(cells=9, vessels=2)
    link = attached(model, space=model.grid) if given else attached(model)
    model.step()
    rebuilt(model, kind((17, 11), random=model.random))
    assert len(link.state("oxygen").cells) == 8
    model.step()
    assert off(model) <= 1e-5
    assert np.ptp(model.grid.oxygen.data) > 1.0
    assert link.notices.counts == {}


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (
            lambda model: OrthogonalMooreGrid((20, 11), random=model.random),
            "grid was replaced after attach, and its fields are those of 17 x 11 cells, not of 20 x 11 cells; detach",
        ),
        (
            lambda model: OrthogonalMooreGrid((17, 11), torus=True, random=model.random),
            "those of 17 x 11 cells, not of a torus of 17 x 11 cells",
        ),
        (lambda model: None, "grid was replaced after attach by nothing"),
        (lambda model: "a chessboard", "the model's space is a str"),
    ],
)
def test_another_grid_is_refused_in_one_sentence(grid, message):
    model = still(cells=2, vessels=1)
    attached(model)
    model.step()
    model.grid = grid(model)
    with pytest.raises(sp.UnsupportedProblemError, match=message):
        model.step()


def test_a_continuous_space_of_the_same_size_is_gone_on_with():
    model = lake()
    link = attached(model, WATER, spacing_um=10.0)
    model.step()
    model.space = ContinuousSpace([[-80.0, 240.0], [0.0, 200.0]], random=model.random)
    Swimmer(model, (0.0, 50.0))
    assert len(link.state("oxygen").cells) == 1
    model.space = ContinuousSpace([[0.0, 320.0], [0.0, 200.0]], random=model.random)
    with pytest.raises(
        sp.UnsupportedProblemError, match=r"32 x 20 pixels from \(-80, 0\), not of 32 x 20 pixels from \(0, 0\)"
    ):
        model.step()


def test_a_space_that_the_model_does_not_keep_cannot_be_replaced():
    model = still(cells=3, vessels=1)
    grid = model.grid
    del model.grid
    attached(model, space=grid)
    model.grid = OrthogonalMooreGrid((9, 9), random=model.random)
    model.step()
    assert np.ptp(grid.oxygen.data) > 1.0


def test_a_layer_that_is_made_anew_is_filled_and_one_of_another_kind_is_refused():
    model = still(cells=3, vessels=1)
    attached(model)
    model.step()
    model.grid.remove_property_layer("oxygen")
    model.grid.create_property_layer("oxygen", 0.0)
    model.step()
    assert off(model) <= 1e-5
    model.grid.remove_property_layer("oxygen")
    model.grid.create_property_layer("oxygen", 0, dtype=int)
    next(iter(model.agents_by_type[Tumour])).remove()
    with pytest.raises(sp.UnsupportedProblemError, match="'oxygen' has dtype int64; float64"):
        model.step()
    assert not model.grid.oxygen.data.any()


def test_a_layer_that_holds_the_field_may_change_and_be_replaced():
    model = still(cells=3)
    for change in (0, 5):
        if change:
            model.grid.remove_property_layer("artery")
        model.grid.create_property_layer("artery", False, dtype=bool)
        model.grid.artery.data[change, :] = True
        if not change:
            attached(model, OXYGEN.model_copy(update={"vessels": {"artery": 38.0, Vessel: 38.0}}))
        model.step()
        assert (model.grid.oxygen.data[change] == 38.0).all()
        assert (model.grid.oxygen.data == 38.0).sum() == 11
