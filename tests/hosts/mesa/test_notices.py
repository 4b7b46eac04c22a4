"""What a user of the Mesa adapter is told: once a kind, with counts, and nothing where nothing is amiss."""

from __future__ import annotations

import copy
from typing import Any

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from tests.hosts.mesa.models import DECAY, OXYGEN, D, H, Tumour, Vessel, attached, off, still


class Depositing(mesa.Model):
    """Its agents write into the layer, as they would without a solver."""

    def __init__(self) -> None:
        super().__init__(rng=0)
        self.grid = OrthogonalMooreGrid((17, 11), random=self.random)
        Vessel(self, self.grid[3, 3])
        for place in ((5, 5), (9, 2), (16, 10)):
            Tumour(self, self.grid[place])
        self.seen: list[float] = []

    def step(self) -> None:
        self.seen.append(off(self))
        for agent in self.agents_by_type[Tumour]:
            agent.cell.oxygen += 0.5


def test_writing_into_the_layer_is_told_once_and_counted_and_the_field_is_put_back():
    model = Depositing()
    link = attached(model)
    model.step()
    with pytest.warns(sp.PromiseWarning, match=r"property layer 'oxygen', by up to 0.5 in 3 of 187 cells"):
        model.step()
    for _ in range(2):  # where a second warning would be an error
        model.step()
    assert max(model.seen) <= 1e-5
    assert link.notices.counts == {("written from outside", "oxygen"): 3}
    assert link.notices.summary() == ["oxygen: written from outside, 3 times."]
    twin = copy.deepcopy(model)
    twin.step()
    assert max(twin.seen) <= 1e-5
    with pytest.warns(sp.PromiseWarning, match="until it was detached: oxygen: written from outside, 3 times."):
        link.detach()
    link.detach()


@pytest.mark.parametrize("value", [np.nan, np.inf, -3.0])
def test_whatever_was_written_is_put_back(value):
    model = still(cells=4, vessels=1)
    attached(model)
    model.grid.oxygen.data[2, 3] = value
    with pytest.warns(sp.PromiseWarning, match="in 1 of 187 cells"):
        model.step()
    assert off(model) <= 1e-5


def test_a_layer_that_nobody_writes_into_is_no_news():
    model = still(cells=4, vessels=1)
    model.grid.create_property_layer("oxygen", 7.0)
    link = attached(model)
    model.step()
    copy.deepcopy(model).step()
    model.grid.remove_property_layer("oxygen")
    model.grid.create_property_layer("oxygen", 5.0)
    model.step()
    assert off(model) <= 1e-5
    assert link.notices.counts == {}


def told(substrate: Substrate, **options: Any) -> list[str]:
    model = still(cells=2, vessels=1)
    given = {"spacing_um": H, "volume_um3": 1000.0} | options
    return [f"{kind}" for (kind, name) in attach(model, substrates={"drug": substrate}, **given).notices.counts]


@pytest.mark.parametrize(
    ("diffusivity", "decay", "step_min", "relaxes"),
    [(10.0, 1e-3, 6.0, "539"), (1e-6, 1e-3, 900.0, "1e+03"), (1e5, 0.0, 0.1, "0.117")],
)
def test_a_substrate_that_is_slower_than_a_step_is_told_by_name_and_number(diffusivity, decay, step_min, relaxes):
    slow = OXYGEN.model_copy(update={"diffusivity_um2_per_min": diffusivity, "decay_per_min": decay})
    with pytest.warns(sp.PromiseWarning) as caught:
        assert told(slow, step_min=step_min) == ["not quasi-steady"]
    (one,) = caught
    assert f"drug comes to rest in about {relaxes} min, and a step is {step_min:g} min" in str(one.message)


def test_without_a_vessel_or_a_side_that_holds_it_a_substrate_comes_to_rest_by_decay_alone():
    made = Substrate(diffusivity_um2_per_min=D, decay_per_min=1e-3, production_per_min={Tumour: 1.0})
    with pytest.warns(sp.PromiseWarning, match="drug comes to rest in about 1e\\+03 min, and a step is 60 min"):
        assert told(made, step_min=60.0) == ["not quasi-steady"]
    assert told(made.model_copy(update={"boundary": {"top": 0.0}}), step_min=60.0) == []


def test_a_substrate_is_no_news_if_it_is_quick_or_nobody_says_how_long_a_step_is():
    slow = OXYGEN.model_copy(update={"diffusivity_um2_per_min": 1e-3, "decay_per_min": 1e-6})
    assert told(slow) == []
    assert told(OXYGEN, step_min=6.0) == []
    with pytest.raises(sp.InvalidProblemError, match="step_min is -1"):
        told(OXYGEN, step_min=-1.0)


@pytest.mark.parametrize(
    "giving",
    [
        {"uptake_per_min": {Tumour: 1.0}},
        {"vessels": {Vessel: 0.0}},
        {"secretion_per_min": {Tumour: 1.0}, "secretion_target": {Tumour: 0.0}},
        {"boundary": "absorbing"},
        {"boundary": {"left": 0.0}},
    ],
)
def test_a_substrate_that_nothing_can_ever_supply_is_told(giving):
    with pytest.warns(sp.PromiseWarning, match="nothing supplies drug: its Substrate names no vessels"):
        assert told(Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, **giving)) == ["nothing supplies it"]


class Later(Tumour):
    """Of whom there is nobody yet."""


@pytest.mark.parametrize(
    "giving",
    [
        {"secretion_per_min": {Later: 1.0}, "secretion_target": {Later: 1.0}},
        {"production_per_min": {Later: "rate"}},
        {"production_per_min": {"nest": 1.0}},
        {"release_per_min": {Later: 1.0}},
        {"vessels": {Later: 1.0}},
        {"vessels": {"artery": lambda agent: 0.0}},
        {"boundary": {"left": 1.0}},
    ],
)
def test_a_substrate_that_agents_make_later_is_no_news(giving):
    assert told(Substrate(diffusivity_um2_per_min=D, decay_per_min=DECAY, **giving)) == []


def test_a_substrate_that_can_have_no_steady_field_is_refused_when_it_is_attached():
    nobody = Substrate(diffusivity_um2_per_min=D, production_per_min={Tumour: 1.0})
    with pytest.raises(sp.InvalidProblemError, match="'drug' has no unique steady field: decay_per_min is 0"):
        told(nobody)
    anchored = [{"uptake_per_min": {Tumour: 1.0}}, {"boundary": {"left": 1.0}}, {"decay_per_min": 1e-3}]
    for anchor in anchored:
        assert told(nobody.model_copy(update=anchor)) == []
