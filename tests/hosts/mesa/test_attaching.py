"""Attaching to a model of Mesa: steps, layers and records stay the model's own, and detaching leaves no trace."""

from __future__ import annotations

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters.mesa import attach
from tests.hosts.mesa.models import OXYGEN, VOLUME, H, Tumour, attached, off, still


def test_detaching_gives_the_model_its_own_step_back():
    model = still()
    before = model.step, model._user_step
    link = attached(model)
    model.step()
    link.detach()
    link.detach()
    assert (model.step, model._user_step) == before
    Tumour(model, model.grid[0, 0])
    model.step()
    assert (model.steps, len(link.history)) == (2, 1)


@pytest.mark.skipif(hasattr(mesa.Model, "run_for"), reason="since 3.5 no step of Mesa takes arguments")
def test_steps_take_what_the_models_own_step_takes():
    class Asking(mesa.Model):
        def step(self, twice: int, *, thrice: int) -> None:
            self.said = twice, thrice

    model = Asking(rng=0)
    model.grid = OrthogonalMooreGrid((9, 8), random=model.random)
    attached(model).step(2, thrice=3)
    assert (model.said, model.steps) == ((2, 3), 1)


def test_two_attachments_leave_in_the_order_in_which_they_came():
    model = still(cells=5, vessels=1)
    oxygen = attached(model)
    glucose = attach(model, substrates={"glucose": OXYGEN}, spacing_um=H, volume_um3=VOLUME, tolerance=1e-5)
    with pytest.raises(sp.InvalidProblemError, match="'oxygen' is attached already"):
        attached(model)
    model.step()
    assert model.grid.glucose.data == pytest.approx(model.grid.oxygen.data, abs=2e-5)
    with pytest.raises(RuntimeError, match="detach what was attached last first"):
        oxygen.detach()
    glucose.detach()
    oxygen.detach()
    assert model._user_step == mesa.Model.step.__get__(model)


def test_a_layer_that_is_there_is_taken_and_one_that_is_not_is_made():
    model = still(cells=5, vessels=1)
    mine = model.grid.create_property_layer("oxygen", 7.0)
    attached(model)
    glucose = OXYGEN.model_copy(update={"initial": 5.0})
    attach(model, substrates={"glucose": glucose}, spacing_um=H, volume_um3=VOLUME)
    assert model.grid.oxygen is mine
    assert (mine.data == 7.0).all()
    assert (model.grid.glucose.data == 5.0).all()
    model.step()
    assert off(model) <= 1e-5


def test_a_layer_that_is_made_holds_the_field_before_the_first_step():
    model = still(cells=5, vessels=1)
    link = attached(model)
    assert off(model) <= 1e-5
    assert np.ptp(model.grid.oxygen.data) > 1.0
    model.step()
    assert [(entry.time, entry.held) for entry in link.history] == [(0, 1)]


@pytest.mark.parametrize("reading", ["uptake", lambda agent: {"hungry": 10.0}[agent.mood] if agent.uptake else 0.0])
def test_without_agents_or_with_agents_that_are_not_ready_the_field_waits_for_the_first_step(reading):
    model = still()
    link = attached(model)
    assert (link.history, model.grid.oxygen.data.any()) == ([], False)
    unready = still(vessels=1)
    agent = Tumour(unready, unready.grid[3, 3])
    del agent.uptake
    link = attached(unready, OXYGEN.model_copy(update={"uptake_per_min": {Tumour: reading}}))
    assert (link.history, unready.grid.oxygen.data.any()) == ([], False)
    agent.uptake, agent.mood = 10.0, "hungry"
    unready.step()
    assert off(unready) <= 1e-5


def test_the_states_solved_for_can_be_recorded(tmp_path):
    model = still(cells=5, vessels=1)
    attached(model, record=tmp_path / "run.zarr")
    model.step()
    model.step()
    assert len(sp.Recording(tmp_path / "run.zarr")) == 1


def test_the_page_of_a_run_is_complete_when_the_host_is_given_back(tmp_path):
    model = still(cells=5, vessels=1)
    link = attached(model, report=tmp_path / "run.html")
    model.step()
    link.detach()
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "The run is over." in text
    assert "oxygen at step" in text
