"""Bins that are wider than high, or higher than wide: the equation of each axis with its own spacing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.equation.assembled import solved
from tests.hosts.vivarium.test_adapter import N_BINS, agent, field_alone


@pytest.mark.parametrize("bounds", [(40.0, 40.0), (80.0, 20.0)])
def test_fields_and_slopes_are_those_of_the_uneven_lattice(bounds: tuple[float, float]) -> None:
    dx, dy = bounds[0] / N_BINS[0], bounds[1] / N_BINS[1]
    place = [11.5 * dx, 3.2 * dy]
    parameters: dict[str, Any] = {"bounds": list(bounds), "tolerance": 1e-9, "time_step": 60.0, "gradients": ["glc"]}
    alone = field_alone(**parameters)
    update = alone.next_update(1.0, {"fields": {"glc": np.zeros(N_BINS)}, "agents": {"a": agent(place)}})
    decay = np.full(N_BINS, 0.1)
    decay[11, 3] += 50.0 / (dx * dy * 2.0) * 3.0
    sides = {"left": 5.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(np.zeros(N_BINS[::-1]), diffusivity=100.0, decay=decay.T, spacing=(dy, dx), boundary=sides)
    exact = solved(problem).T
    assert np.abs(update["fields"]["glc"] - exact).max() <= 1e-8
    boundary = update["agents"]["a"]["boundary"]
    assert boundary["external"]["glc"]["_value"] == pytest.approx(exact[11, 3], abs=1e-8)
    slope = [(exact[12, 3] - exact[10, 3]) / (2 * dx), (exact[11, 4] - exact[11, 2]) / (2 * dy)]
    assert boundary["gradient"]["glc"] == pytest.approx(slope, abs=1e-8)


def test_molecules_that_are_left_to_the_host_go_on_there() -> None:
    alone = field_alone(bounds=[40.0, 40.0], molecules=["glc", "lac"], substrates=["glc"], time_step=60.0)
    pulse = np.zeros(N_BINS)
    pulse[10, 5] = 8.0
    _, new = alone.diffuse({"glc": np.ones(N_BINS), "lac": pulse}, 0.02)
    assert new["lac"].sum() == pytest.approx(8.0, rel=1e-9)
    assert new["lac"][10, 5] < 8.0
