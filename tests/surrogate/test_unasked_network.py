"""Torch takes a second and 200 MB: no solve loads it that would not ask the network."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: Pictures, recordings and networks: nothing that a step of a host needs.
HEAVY = {"torch", "safetensors", "pyvista", "vtk", "vtkmodules", "matplotlib", "zarr", "PIL", "pandas", "typer", "rich"}

STEPS = """
import numpy as np
import surrogate_plugin as sp
from surrogate_plugin.engine import network_cost

domain = sp.Domain.from_lattice({shape}, 20.0)
maps = np.linspace(0.5, 1.0, domain.shape[0] * domain.shape[1]).reshape(domain.shape)
network_cost._PATIENCE = {patience}
config = sp.BackendConfig(
    domain=domain, decay_per_min=0.1, tolerance=0.38, boundary="reflecting", **({options})
)
backend = sp.Backend(config)
for x in (300.0, 400.0):
    cells = sp.Cells([(x, 50.0)], 8.4, uptake_per_min=10.0, secretion_per_min={secretion}, secretion_target=5.0)
    backend.engine.solve(backend.problem(sp.TissueState(cells, sp.Vessels([(600.0, 90.0)], 30.0, 38.0))))
    backend.step(sp.TissueState(cells, sp.Vessels([(600.0, 90.0)], 30.0, 38.0))).sample([(1.0, 1.0)])
"""

STRAIGHT = "dict(diffusivity_um2_per_min=1e5)"
SATURATING = "dict(diffusivity_um2_per_min=1e5, michaelis_km=4.0)"
VARYING = "dict(diffusivity_um2_per_min=1e5 * maps)"
SURROGATE_FIRST = "dict(diffusivity_um2_per_min=1e5, policy='surrogate-first')"


def loaded(shape=(64, 64), patience=60.0, options=STRAIGHT, secretion=0.0) -> set[str]:
    """What a fresh process has imported after two steps of a backend."""
    code = STEPS.format(shape=shape, patience=patience, options=options, secretion=secretion)
    code += "import sys, json; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return set(json.loads(printed.splitlines()[-1]))


@pytest.mark.parametrize("options", [STRAIGHT, SATURATING, VARYING])
def test_the_fastest_policy_loads_no_network_before_it_wants_one(options: str) -> None:
    modules = loaded(options=options)
    assert "surrogate_plugin.engine.engine" in modules
    assert sorted(modules & HEAVY) == []


@pytest.mark.parametrize("options", [STRAIGHT, SATURATING, VARYING, SURROGATE_FIRST])
@pytest.mark.parametrize("outside", [{"shape": (8, 40)}, {"shape": (20, 700)}])
def test_what_the_card_does_not_cover_loads_no_network_whatever_time_went_by(options: str, outside: dict) -> None:
    assert sorted(loaded(options=options, patience=0.0, **outside) & HEAVY) == []


def test_a_network_that_is_wanted_is_loaded() -> None:
    assert "torch" in loaded(shape=(100, 100), options=SURROGATE_FIRST)
