"""However a model of Mesa comes to a step, its agents see the field of that moment."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import mesa
import pytest
from mesa.experimental.devs import ABMSimulator

import surrogate_plugin as sp
from tests.hosts.mesa.models import Spheroid, Stem, Tumour, attached, off, still

runs = pytest.mark.skipif(not hasattr(mesa.Model, "run_for"), reason="Mesa 3.5 brought run_for and run_until")


def step(model: Any, times: int) -> None:
    for _ in range(times):
        model.step()


def run_for(model: Any, times: int) -> None:
    model.run_for(times)


def run_until(model: Any, times: int) -> None:
    model.run_until(model.time + times)


WAYS = [step, pytest.param(run_for, marks=runs), pytest.param(run_until, marks=runs)]


class Watching(mesa.Model):
    """Keeps how far the field that its agents see is off, step by step."""

    def __init__(self) -> None:
        super().__init__(rng=0)
        self.seen: list[float] = []

    def step(self) -> None:
        self.seen.append(off(self))
        next(iter(self.agents_by_type[Tumour])).uptake += 5.0


class Deeper(Watching):
    """Steps of its own around those of its parent."""

    def step(self) -> None:
        super().step()
        next(iter(self.agents_by_type[Stem])).remove()


def watching(kind: type = Watching) -> Any:
    model = kind()
    other = still(cells=6, vessels=1)
    model.grid = other.grid
    for agent in list(other.agents):
        place, kind_of_agent = agent.cell, type(agent)
        agent.remove()
        kind_of_agent(model, place)
    for place in ((0, 0), (16, 10), (16, 0), (0, 10), (8, 0)):
        Stem(model, model.grid[place])
    return model


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_a_step_solves_first(way):
    model = Spheroid(rng=2)
    way(model, 3)
    assert model.off <= 1e-5
    way(model, 2)
    assert model.off <= 1e-5
    assert [entry.time for entry in model.link.history][-5:] == list(range(5))
    assert model.steps == 5


@pytest.mark.parametrize("kind", [Watching, Deeper])
@pytest.mark.parametrize("way", WAYS)
def test_a_model_can_be_attached_after_it_was_made_and_its_classes_may_step_as_they_like(way, kind):
    model = watching(kind)
    link = attached(model)
    way(model, 4)
    assert max(model.seen) <= 1e-5
    assert len(model.seen) == 4
    assert [entry.time for entry in link.history] == [0, 1, 2, 3]
    link.detach()
    way(model, 1)
    assert model.seen[-1] > 1e-3  # nobody solves any more
    assert len(link.history) == 4


class Eventful(Watching):
    """Its agents act in events, twice as often as the model steps."""

    def step(self) -> None:
        """Nothing."""

    def act(self) -> None:
        Watching.step(self)


@runs
@pytest.mark.parametrize("copied", [False, True])
def test_agents_that_act_in_events_see_the_field_of_an_update_that_is_scheduled_ahead_of_them(copied):
    from mesa.time import Priority, Schedule

    model = watching(Eventful)
    model.schedule_recurring(model.act, Schedule(interval=0.5, start=0.5))
    model.link = attached(model)
    model.schedule_recurring(model.link.update, Schedule(interval=0.5, start=0.5), priority=Priority.HIGH)
    model.run_for(1.5)
    if copied:
        model = pickle.loads(pickle.dumps(model))
    model.run_for(1.5)
    assert len(model.seen) == 6
    assert max(model.seen) <= 1e-5
    assert [entry.time for entry in model.link.history] == [0, 0, 1, 1, 2, 2]  # every second by a step


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_solve_first_too(way, duplicate):
    model = Spheroid(rng=8)
    way(model, 1)
    twin = duplicate(model)
    way(twin, 3)
    assert twin.off <= 1e-5
    assert (twin.steps, twin.link.history[-1].time) == (4, 3)
    assert (model.steps, model.link.history[-1].time) == (1, 0)


@pytest.mark.filterwarnings("ignore:.*Simulator is deprecated:FutureWarning")  # in Mesa 3.5
@pytest.mark.parametrize("late", [False, True])
def test_a_simulator_that_scheduled_the_models_step_solves_first_even_if_it_was_set_up_before(late):
    simulator = ABMSimulator()
    model = watching()
    if late:
        simulator.setup(model)
    link = attached(model)
    if not late:
        simulator.setup(model)
    simulator.run_for(4)
    assert len(model.seen) == model.steps >= 4
    assert max(model.seen) <= 1e-5
    assert [entry.time for entry in link.history] == list(range(model.steps))


def test_a_step_that_was_put_in_the_place_of_mesas_solves_first_and_once():
    model = watching()
    own = model.step
    calls: list[int] = []

    def counting() -> None:
        calls.append(len(model.link.history))
        own()

    model.step = counting
    model.link = attached(model)
    step(model, 3)
    assert max(model.seen) <= 1e-5
    assert (calls, len(model.link.history)) == ([1, 2, 3], 3)
    assert [entry.held for entry in model.link.history] == [1, 0, 0]  # solved for when it was attached
    model.link.detach()
    assert model.step is counting


def test_a_step_put_around_mesas_later_on_does_no_harm():
    model = watching()
    link = attached(model)
    own = model.step
    model.step = lambda: own()
    step(model, 3)
    assert max(model.seen) <= 1e-5
    link.detach()
    assert len(link.history) == 3


@pytest.mark.parametrize("way", WAYS)
def test_after_an_error_the_model_goes_on_once_what_was_wrong_is_put_right(way):
    model = watching()
    attached(model)
    way(model, 1)
    agent = next(iter(model.agents_by_type[Tumour]))
    agent.uptake = -1.0
    for _ in range(2):
        with pytest.raises(sp.InvalidProblemError, match=r"\(Tumour\) is -1"):
            way(model, 1)
    assert (model.steps, len(model.seen)) == (1, 1)
    agent.uptake = 7.0
    way(model, 2)
    assert (model.steps, len(model.seen)) == (3, 3)
    assert max(model.seen) <= 1e-5
