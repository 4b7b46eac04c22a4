"""Slopes that agents climb, in ``boundary.gradient``: those of the exact field where they are, within their bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.hosts.vivarium.test_adapter import N_BINS, field_alone
from tests.hosts.vivarium.test_following import agents_at, composite, present


def slopes(field: np.ndarray) -> np.ndarray:
    """Centred differences; 5 mmol/L lie beyond the left side, and beside the others the edge itself."""
    padded = np.pad(field, 1, mode="edge")
    padded[0] = 5.0
    return np.stack([padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]]) / 4.0


@pytest.mark.parametrize("followed", [True, False])
@pytest.mark.filterwarnings("ignore:an agent read:surrogate_plugin.PromiseWarning")
def test_agents_read_the_slopes_where_they_are(followed):
    def moved(seconds: float, states: dict[str, Any]) -> dict[str, Any]:
        return {"agents": {"1": {"boundary": {"location": [14.0, 3.0]}}}} if seconds == 1 else {}

    engine, field = composite(moved, agents_at((10.0, 5.0), (30.0, 15.0)), followed, gradients=["glc"])
    engine.update(4.0)
    exact, boundaries = present(engine, field)
    told = engine.state.get_value()["certificate"]["glc"]
    assert told["gradient_bound"] == pytest.approx(told["bound"] / 2.0, rel=1e-6)
    for one in boundaries.values():
        x, y = np.floor(np.array(one["location"]) / 2.0).astype(int)
        there = slopes(exact)[:, x, y]
        assert np.abs(np.array(one["gradient"]["glc"]) - there).max() <= told["gradient_bound"] + 1e-9
        assert one["gradient"]["glc"][0] < 0.0  # it falls to the right


def test_without_being_asked_nobody_is_told_of_slopes():
    update = field_alone().next_update(1.0, {"fields": {"glc": np.ones(N_BINS)}, "agents": agents_at((10.0, 5.0))})
    assert "gradient" not in update["agents"]["0"]["boundary"]
    assert "gradient_bound" not in update["certificate"]["glc"]
    with pytest.raises(sp.UnsupportedProblemError, match="no substrate 'lac'"):
        field_alone(gradients=["lac"])
