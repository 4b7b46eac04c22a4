"""When Mesa's field is solved for: at a change and when agents ask, and held otherwise."""

from __future__ import annotations

import pytest

import surrogate_plugin as sp
from tests.hosts.mesa.models import Stem, Tumour, Vessel, attached, off, still


def test_a_field_is_held_while_nothing_changes_and_solved_for_when_something_does():
    model = still(cells=12, vessels=2)
    link = attached(model)
    eater = next(iter(model.agents_by_type[Tumour]))

    def step() -> str:
        model.step()
        assert off(model) <= 1e-5
        return "held" if link.history[-1].held else "solved"

    said = [step(), step()]
    eater.uptake = 30.0
    said += [step(), step()]
    eater.cell = model.grid[0, 0]
    said += [step()]
    model.grid.oxygen.data[3, 4] = 99.0  # somebody wrote into the layer; holding the field means putting it back
    with pytest.warns(sp.PromiseWarning, match="somebody wrote"):
        said += [step()]
    Stem(model, model.grid[5, 5])
    said += [step()]
    eater.remove()
    said += [step()]
    next(iter(model.agents_by_type[Vessel])).remove()
    said += [step(), step()]
    for agent in list(model.agents_by_type[Vessel]):
        agent.remove()
    model.step()
    assert said == ["held", "held", "solved", "held", "solved", "held", "solved", "solved", "solved", "held"]
    assert model.grid.oxygen.data == pytest.approx(0.0, abs=1e-5)
    assert [(entry.time, entry.held) for entry in link.history] == [
        (0, 2), (2, 1), (4, 1), (6, 0), (7, 0), (8, 1), (10, 0)
    ]  # fmt: skip


def test_agents_can_ask_for_a_new_field_within_a_step():
    model = still(cells=3, vessels=1)
    link = attached(model)
    model.step()
    for agent in list(model.agents_by_type[Tumour])[1:]:
        agent.remove()
    link.update()
    assert off(model) <= 1e-5
    assert [entry.time for entry in link.history] == [0, 1]
