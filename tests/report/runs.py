"""Runs of a few steps in a small tissue, for the tests of their pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp

DOMAIN = sp.Domain.from_lattice((12, 24), spacing_um=20.0)
VESSEL = sp.Vessels([(240.0, 120.0)], radius_um=25.0, value=38.0)


def config(**options: Any) -> sp.BackendConfig:
    given = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.38, "method": "exact"}
    return sp.BackendConfig(**{"domain": DOMAIN, **given, **options})


def state(step: int, cells: int = 3) -> sp.TissueState:
    """Cells that have moved on since the step before."""
    x = 40.0 + 7.0 * step + 50.0 * np.arange(cells)
    places = np.column_stack([x % 480.0, np.full(cells, 60.0)])
    return sp.TissueState(cells=sp.Cells(places, radius_um=8.0, uptake_per_min=10.0), vessels=VESSEL)


def run(steps: int, **options: Any) -> sp.Backend:
    backend = sp.Backend(config(**options))
    for step in range(steps):
        backend.step(state(step))
    return backend


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")
