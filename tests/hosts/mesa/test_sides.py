"""Sides of a Mesa space: those a substrate does not name are the space's own, and around a torus everything goes on."""

from __future__ import annotations

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid
from mesa.experimental.continuous_space import ContinuousSpace

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate
from tests.exact import exact_field
from tests.hosts.mesa.lake import WATER, Lung, Swimmer
from tests.hosts.mesa.models import DECAY, OXYGEN, VOLUME, D, H, Tumour, Vessel, attached, still

RING = {"bottom": "periodic", "top": "periodic"}


def grid(torus: bool) -> mesa.Model:
    return still(cells=8, grid=lambda model: OrthogonalMooreGrid((17, 11), torus=torus, random=model.random))


@pytest.mark.parametrize(
    ("torus", "named", "meant"),
    [
        (False, {"left": 5.0}, {"left": 5.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}),
        (False, {"top": 5.0, "left": 0.0}, {"left": 0.0, "right": "reflecting", "bottom": "reflecting", "top": 5.0}),
        (True, {"left": 5.0, "right": "reflecting"}, {"left": 5.0, "right": "reflecting"} | RING),
        (False, sp.Boundary.parse({"left": 5.0}), {"left": 5.0}),  # whose sides all have been said
        (False, 5.0, 5.0),
        (False, {}, "reflecting"),
        (True, {}, "periodic"),
    ],
)  # fmt: skip
def test_sides_that_are_not_named_are_the_grids_own(torus, named, meant):
    model = grid(torus)
    Vessel(model, model.grid[12, 4], 3.0)
    attached(model, OXYGEN.model_copy(update={"boundary": named}), tolerance=1e-8)
    model.step()
    decay, fixed, value = np.full((11, 17), DECAY), np.zeros((11, 17), dtype=bool), np.zeros((11, 17))
    for agent in model.agents:
        x, y = agent.cell.coordinate
        if isinstance(agent, Vessel):
            fixed[y, x], value[y, x] = True, 3.0
        else:
            decay[y, x] += 10.0 * VOLUME / H**3
    problem = sp.Problem(value, fixed=fixed, diffusivity=D, decay=decay, spacing=H, boundary=meant)
    expected = exact_field(problem)
    assert np.abs(model.grid.oxygen.data.T - expected).max() <= 2e-8


@pytest.mark.parametrize(
    ("torus", "named", "message"),
    [
        (True, {"left": 5.0}, "substrate 'oxygen': boundary names 'left', which is periodic unless it is named"),
        (False, {"lefft": 5.0}, "substrate 'oxygen': boundary names an unknown side 'lefft'"),
        (False, {"left": "closed"}, r"substrate 'oxygen': boundary \(left\) is 'closed'; allowed are"),
        (False, "closed", "substrate 'oxygen': .* is 'closed'"),
    ],
)
def test_sides_that_cannot_be_are_refused_with_the_substrates_name(torus, named, message):
    model = grid(torus)
    with pytest.raises(sp.InvalidProblemError, match=message):
        attached(model, OXYGEN.model_copy(update={"boundary": named}))


def test_without_decay_one_side_that_is_named_holds_the_field_alone():
    model = still()
    attached(model, Substrate(diffusivity_um2_per_min=D, boundary={"left": 5.0}), tolerance=1e-8)
    model.step()
    assert model.grid.oxygen.data == pytest.approx(5.0, abs=2e-8)


SWIMMERS = [(-60.0, 30.0), (10.0, 195.0), (236.0, 20.0), (155.0, 25.0)]


def swimming(shift: tuple[float, float], torus: bool = True) -> mesa.Model:
    """A lake around which everybody is moved."""
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[-80.0, 240.0], [0.0, 200.0]], torus=torus, random=model.random)

    def moved(place: tuple[float, float]) -> tuple[float, float]:
        return (place[0] + 80.0 + shift[0]) % 320.0 - 80.0, (place[1] + shift[1]) % 200.0

    Lung(model, moved((100.0, 100.0)))
    for place in SWIMMERS:
        Swimmer(model, moved(place))
    return model


@pytest.mark.parametrize("shift", [(140.0, 0.0), (0.0, 100.0), (150.0, -110.0), (320.0, 200.0)])
def test_a_tissue_moved_around_a_torus_has_the_same_field_moved(shift):
    fields, seen = [], []
    for by in ((0.0, 0.0), shift):
        model = swimming(by)
        link = attached(model, WATER, spacing_um=10.0, vessel_radius_um=25.0, volume_um3=60000.0, tolerance=1e-8)
        model.step()
        fields.append(link.result("oxygen").field)
        seen.append([link.sample("oxygen", agent.position)[0] for agent in model.agents])
    columns, rows = (int(side / 10.0) for side in shift)
    assert np.abs(np.roll(fields[0], (rows, columns), axis=(0, 1)) - fields[1]).max() <= 1e-7
    assert seen[0] == pytest.approx(seen[1], abs=1e-7)
    assert (fields[0] == 38.0).sum() == (fields[1] == 38.0).sum() > 12


def test_agents_may_look_across_the_seam_of_a_torus():
    model = swimming((0.0, 0.0))
    link = attached(model, WATER, spacing_um=10.0, tolerance=1e-8)
    here, beyond = [(-75.0, 3.0), (238.0, 199.0)], [(245.0, 203.0), (-82.0, -1.0)]
    assert link.sample("oxygen", here) == pytest.approx(link.sample("oxygen", beyond), abs=1e-12)


def test_a_vessel_on_the_seam_of_a_torus_feeds_both_sides():
    model = mesa.Model(rng=0)
    model.grid = OrthogonalMooreGrid((17, 11), torus=True, random=model.random)
    Vessel(model, model.grid[0, 0])
    Tumour(model, model.grid[16, 10])
    attached(model)
    model.step()
    assert model.grid[16, 0].oxygen == pytest.approx(model.grid[0, 10].oxygen, rel=0.02)
    assert model.grid[16, 0].oxygen > model.grid[8, 5].oxygen
