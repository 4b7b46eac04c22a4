"""What is made at a constant rate: in molecules by agents however large, and by places, as pheromone models have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from vivarium.library.units import units

import surrogate_plugin as sp
from surrogate_adapters.vivarium.agents import COUNTS_PER_MMOLAR_FL
from tests.exact import exact_field
from tests.hosts.vivarium.test_adapter import N_BINS, agent, field_alone
from tests.hosts.vivarium.test_following import agents_at, check, composite

BIN_FL = 8.0  # 2 x 2 x 2 um


def steady(decay: np.ndarray, made: np.ndarray) -> np.ndarray:
    """The exact field, (x, y), of maps in the host's seconds; the left side holds 5 mmol/L."""
    sides = {"left": 5.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(
        np.zeros(N_BINS[::-1]), decay=decay.T, production=made.T, diffusivity=100.0, spacing=2.0, boundary=sides
    )
    return exact_field(problem).T


def field_of(agents: dict[str, Any], **parameters: Any) -> np.ndarray:
    alone = field_alone(tolerance=1e-9, **parameters)
    zero = {"glc": np.zeros(N_BINS)}
    return alone.next_update(1.0, {"fields": zero, "agents": agents})["fields"]["glc"]


@pytest.mark.parametrize("volume", [1.0, 70.0])
def test_molecules_released_count_whatever_the_agents_volume(volume: float) -> None:
    agents = agents_at((10.0, 5.0), (10.5, 5.5), (31.0, 15.0), release_per_s=3e6)
    for one in agents.values():
        one["boundary"] |= {"volume": volume * units.fL, "uptake_per_s": {"glc": 0.0}}
    made = np.zeros(N_BINS)
    made[5, 2], made[15, 7] = 2 * 3e6 / COUNTS_PER_MMOLAR_FL / BIN_FL, 3e6 / COUNTS_PER_MMOLAR_FL / BIN_FL
    assert np.abs(field_of(agents) - steady(np.full(N_BINS, 0.1), made)).max() <= 1e-8


def test_an_agent_without_volume_cannot_release() -> None:
    one = agent(volume=0.0)
    one["boundary"]["release_per_s"] = {"glc": 1.0}
    with pytest.raises(sp.InvalidProblemError, match="agent 'a' has release_per_s of 'glc' and volume 0 fL"):
        field_of({"a": one})


@pytest.mark.parametrize("given", ["array", "number", "quantity"])
def test_bins_make_what_the_parameter_says(given: str) -> None:
    made = np.arange(200.0).reshape(N_BINS) / 50.0 if given == "array" else np.full(N_BINS, 0.5)
    sources: Any = {"array": {"glc": made}, "number": 0.5, "quantity": {"glc": 30.0 * units.mmol / units.L / units.min}}
    assert np.abs(field_of({}, sources=sources[given]) - steady(np.full(N_BINS, 0.1), made)).max() <= 1e-7


def test_sources_of_another_shape_are_refused() -> None:
    with pytest.raises(
        sp.InvalidProblemError, match=r"sources\['glc'\] has shape \(10, 20\); that of the bins \(x, y\)"
    ):
        field_alone(sources={"glc": np.ones(N_BINS[::-1])})


def test_what_another_process_sets_counts_at_once() -> None:
    """In a composite, followed: `check` poses the rates that stand in the stores, but for those in molecules."""

    def more(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        return {"agents": {"1": {"boundary": {"release_per_s": {"glc": 4e7}}}}} if seconds == 2 else {}

    engine, field = composite(more, agents_at((10.0, 5.0), (30.0, 15.0), uptake_per_s=0.0))
    check(engine, field)
    before = engine.state.get_value()["fields"]["glc"]
    engine.update(3.0)
    made = np.zeros(N_BINS)
    made[15, 7] = 4e7 / COUNTS_PER_MMOLAR_FL / BIN_FL
    after = engine.state.get_value()["fields"]["glc"]
    expected = steady(np.full(N_BINS, 0.1), made) - steady(np.full(N_BINS, 0.1), 0.0 * made)
    assert np.abs(after - before - expected).max() <= 2.1e-3
    assert expected[15, 7] > 0.1
