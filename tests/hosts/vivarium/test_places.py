"""What bins are by place: conducting, decaying, walled off, and what passes the sides, in the host's seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.equation.assembled import solved
from tests.hosts.vivarium.test_adapter import N_BINS, agent, field_alone

SIDES = {"left": 5.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
REGIONS = np.add.outer(np.arange(20) // 7, 3 * (np.arange(10) // 4))
CONDUCTED = np.where(REGIONS % 2 == 0, 100.0, 3.0)
CONDUCTED[4:6, 2:8] = 0.0


def field_of(**parameters: Any) -> np.ndarray:
    """The field of one agent that takes up, (x, y)."""
    alone = field_alone(tolerance=1e-9, time_step=60.0, **parameters)
    zero = {"glc": np.zeros(N_BINS)}
    return alone.next_update(1.0, {"fields": zero, "agents": {"a": agent()}})["fields"]["glc"]


def reference(boundary: Any = SIDES, **options: Any) -> np.ndarray:
    """The same by the second, (x, y) too: its matrix assembled and solved by code of its own."""
    given = {"diffusivity": 100.0, "decay": np.full(N_BINS, 0.1)} | options
    decay = np.broadcast_to(given["decay"], N_BINS).copy()
    decay[5, 2] += 50.0 / 8.0 * 3.0
    given = {key: value.T if np.ndim(value) else value for key, value in {**given, "decay": decay}.items()}
    return solved(sp.Problem(np.zeros(N_BINS[::-1]), spacing=2.0, boundary=boundary, **given)).T


def test_bins_conduct_in_their_own_ways():
    assert np.abs(field_of(diffusivity_um2_per_s={"glc": CONDUCTED}) - reference(diffusivity=CONDUCTED)).max() <= 1e-8


def test_bins_decay_in_their_own_ways():
    decay = np.linspace(0.0, 0.5, 200).reshape(N_BINS)
    assert np.abs(field_of(decay_per_s={"glc": decay}) - reference(decay=decay)).max() <= 1e-8


@pytest.mark.parametrize("permeability", [0.5, {(0, 1): 0.2, (3, 0): 0.0}])
@pytest.mark.parametrize("torus", [False, True])
def test_membranes_are_between_regions(permeability, torus):
    boundary = "periodic" if torus else SIDES
    held = {"fixed": {"glc": np.eye(*N_BINS, dtype=bool)}, "fixed_value": 5.0}
    walls = sp.Membranes.between(REGIONS.T, permeability, rings=(torus, torus))
    field = field_of(boundary={"glc": boundary}, membranes={"glc": (REGIONS, permeability)}, **held)
    decay = np.full(N_BINS, 0.1)
    decay[5, 2] += 50.0 / 8.0 * 3.0
    problem = sp.Problem(
        5.0 * np.eye(*N_BINS).T,
        fixed=np.eye(*N_BINS, dtype=bool).T,
        diffusivity=100.0,
        decay=decay.T,
        spacing=2.0,
        boundary=boundary,
        membranes=walls,
    )
    assert np.abs(field - solved(problem).T).max() <= 1e-8


@pytest.mark.parametrize("side", [sp.Flux(3.0), sp.Exchange(2.0, 7.0)])
def test_what_passes_a_side_counts_by_the_second(side):
    boundary = {**SIDES, "left": "reflecting", "top": side}
    assert np.abs(field_of(boundary={"glc": {"top": side}}) - reference(boundary)).max() <= 1e-8


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"diffusivity_um2_per_s": {"glc": CONDUCTED.T}}, r"diffusivity_um2_per_s\['glc'\] has shape \(10, 20\)"),
        ({"decay_per_s": {"glc": np.full(N_BINS, -1.0)}}, "decay_per_min"),
        ({"membranes": {"glc": REGIONS}}, r"membranes.*two things are allowed: whole numbers of"),
        ({"membranes": {"glc": (0, 1.0)}}, r"membranes\['glc'\] has 0 for regions"),
        ({"membranes": {"lac": (REGIONS, 1.0)}}, "membranes names 'lac'"),
    ],
)
def test_maps_that_are_none_are_refused(parameters, words):
    with pytest.raises(sp.InvalidProblemError, match=words):
        field_alone(**parameters)
