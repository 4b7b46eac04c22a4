"""A backend and states to step it with, for the tests of a session."""

from __future__ import annotations

import numpy as np

import surrogate_plugin as sp
from tests.exact import exact_field

DOMAIN = sp.Domain(origin_um=(-50.0, 20.0), size_um=(480.0, 320.0), shape=(16, 24))


def config(**changed) -> sp.BackendConfig:
    """Oxygen on a small lattice."""
    given = {"domain": DOMAIN, "diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.38}
    return sp.BackendConfig(**{**given, **changed})


def tissue(seed: int, *, cells: int = 40) -> sp.TissueState:
    """Cells that take up, and one vessel."""
    rng = np.random.default_rng(seed)
    places = rng.uniform([-50.0, 20.0], [430.0, 340.0], (cells, 2))
    return sp.TissueState(sp.Cells(places, 8.0, rng.uniform(0, 20, cells)), sp.Vessels([(200.0, 200.0)], 25.0, 38.0))


def exact_step(problem: sp.Problem, field: np.ndarray, dt: float) -> np.ndarray:
    """A step in time, by a solver that shares nothing with those that answer."""
    return exact_field(problem.replace(decay=problem.decay + 1 / dt, production=problem.production + field / dt))
