"""One tissue on the double, its steppable, and its exact field made pixel by pixel from the host's own cell field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.compucell3d import Field
from tests.hosts.compucell3d.double import compucell3d_driving as driving

#: Exact to here, relative to the largest value; the rest is the host's float32.
TIGHT = 1e-8
FLOAT32 = 1e-7
UNITS = {"um_per_pixel": 5.0, "minutes_per_mcs": 2.0}


def steppable(fields: dict[str, Any], **options: Any) -> Any:
    from surrogate_adapters.compucell3d import SurrogateDiffusion

    return SurrogateDiffusion(fields, **({"tolerance": TIGHT * 38.0} | UNITS | options))


def oxygen(**options: Any) -> Field:
    given = {"decay_per_min": 0.1, "uptake_per_min": {"Tumour": 20.0}, "fixed": {"Vessel": 38.0}}
    return Field(diffusivity_um2_per_min=2e3, **(given | options))


def tissue(surrogate: Any, size: Sequence[int] = (28, 18, 1), **options: Any) -> Any:
    """Two extended cells, one L-shaped, and two vessels of several pixels."""
    simulation = driving.Simulation(driving.xml(size, ["Tumour", "Stroma", "Vessel"], **options), [surrogate])
    simulation.place("Tumour", slice(4, 10), slice(3, 8), own=5.0)
    ell = simulation.place("Stroma", slice(14, 16), slice(5, 12), own=7.0)
    simulation.handles.cell_field[16:20, 5:7, 0] = ell
    simulation.place("Vessel", slice(22, 25), slice(10, 12), own=20.0)
    simulation.place("Vessel", 1, 15, own=38.0)
    return simulation


def expected(
    simulation: Any,
    uptake: dict[int, float],
    held: dict[int, float],
    part: Any = np.s_[:, :],
    background: float = 0.1,
    **options: Any,
) -> np.ndarray:
    """The exact field of numbers by cell type, pixel by pixel from the host's own cell field or a part of it."""
    types = simulation.types()[part]
    decay, source = np.full(types.shape, background), np.zeros(types.shape)
    for kind, rate in uptake.items():
        decay[types == kind] += rate
    for kind, value in held.items():
        source[types == kind] = value
    given = {"diffusivity": 2e3, "spacing": 5.0, "boundary": "reflecting"} | options
    problem = sp.Problem(source, fixed=np.isin(types, list(held)), decay=decay, **given)
    return sp.solve(problem, method="sparse-direct").field


def assert_same(field: np.ndarray, exact: np.ndarray) -> None:
    assert np.abs(field - exact).max() <= (TIGHT + FLOAT32) * 38.0
