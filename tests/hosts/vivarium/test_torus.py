"""Sides of a Vivarium field: those that are not named reflect, periodic ones make a torus, held ones hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_adapters.vivarium import SurrogateDiffusionField
from tests.exact import exact_field
from tests.hosts.vivarium.test_adapter import agent

N_BINS, BIN_UM, VALUE, DECAY, DIFFUSION = (12, 9), 2.0, 38.0, 0.3, 100.0
SIZE = np.array(N_BINS) * BIN_UM
TOLERANCE = 1e-7 * VALUE


def field_of(boundary: Any, vessels: sp.Vessels | None = None, agents: Any = ()) -> tuple[np.ndarray, list[float]]:
    """The field, (x, y), and what each agent reads."""
    process = SurrogateDiffusionField(
        {
            "molecules": ["oxygen"],
            "n_bins": list(N_BINS),
            "bounds": SIZE.tolist(),
            "depth": 2.0,
            "diffusion": DIFFUSION,
            "time_step": 10.0,
            "decay_per_s": DECAY,
            "boundary": {"oxygen": boundary},
            "vessels": vessels,
            "tolerance": TOLERANCE,
        }
    )
    states = {str(k): agent(place) for k, place in enumerate(agents)}
    for one in states.values():
        one["boundary"] |= {"uptake_per_s": {"oxygen": 3.0}, "secretion_per_s": {"oxygen": 0.0}}
        one["boundary"] |= {"secretion_target": {"oxygen": 0.0}}
    update = process.next_update(10.0, {"fields": {"oxygen": np.zeros(N_BINS)}, "agents": states})
    read = [one["boundary"]["external"]["oxygen"]["_value"] for one in update["agents"].values()]
    return update["steady"]["oxygen"], read


def exact(boundary: Any) -> np.ndarray:
    source = np.zeros(N_BINS[::-1])
    problem = sp.Problem(source, diffusivity=DIFFUSION, decay=DECAY, spacing=BIN_UM, boundary=boundary)
    return exact_field(problem).T


REFLECTING = dict.fromkeys(("left", "right", "bottom", "top"), "reflecting")


@pytest.mark.parametrize("named", [{"left": 5.0}, {"top": 2.0, "right": "absorbing"}, {"bottom": 3.0, "top": 3.0}])
def test_sides_that_are_not_named_reflect_as_the_hosts_do(named: dict[str, Any]) -> None:
    field, _ = field_of(named)
    np.testing.assert_allclose(field, exact({**REFLECTING, **named}), atol=2 * TOLERANCE)
    assert np.abs(field - exact(named)).max() > 1.0  # absorbing, which they were


def test_one_axis_may_be_a_ring_and_the_other_one_not() -> None:
    field, _ = field_of({"left": "periodic", "right": "periodic", "bottom": 4.0})
    assert np.ptp(field, axis=0).max() <= 2 * TOLERANCE
    np.testing.assert_allclose(field, exact({**REFLECTING, "bottom": 4.0}), atol=2 * TOLERANCE)


SITES = np.array([(1.0, 1.0), (13.0, 7.0), (13.0, 7.5), (21.0, 15.0)])
VESSELS = np.array([(11.0, 9.0), (5.0, 3.0)])


@pytest.mark.parametrize("turn", [(0, 1), (5, 0), (7, 4), (11, 8)])
def test_the_same_tissue_moved_around_a_torus_has_the_same_field_moved(turn: tuple[int, int]) -> None:
    """Vessels come to lie on the seam, which half of them used to be cut off at."""
    shift = np.array(turn) * BIN_UM
    radii = [3.1, 1.2]
    field, read = field_of("periodic", sp.Vessels(VESSELS, radii, VALUE), SITES)
    moved, elsewhere = field_of("periodic", sp.Vessels((VESSELS + shift) % SIZE, radii, VALUE), (SITES + shift) % SIZE)
    np.testing.assert_allclose(moved, np.roll(field, turn, axis=(0, 1)), atol=2 * TOLERANCE)
    np.testing.assert_allclose(elsewhere, read, atol=2 * TOLERANCE)
    beyond, outside = field_of("periodic", sp.Vessels(VESSELS + shift, radii, VALUE), SITES + shift - 3 * SIZE)
    np.testing.assert_array_equal(beyond, moved)
    assert outside == elsewhere


def test_agents_beyond_a_side_that_reflects_count_in_the_nearest_bin() -> None:
    _, read = field_of({"left": 5.0}, agents=[(-3.0, 5.0), (30.0, 5.0)])
    _, nearest = field_of({"left": 5.0}, agents=[(0.5, 5.0), (23.5, 5.0)])
    assert read == nearest
