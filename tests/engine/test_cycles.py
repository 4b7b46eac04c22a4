"""How many cycles a field took is told, whoever answered."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp


def vessels(side: int = 64) -> sp.Problem:
    source = np.zeros((side, side))
    source[10:13, 20:23] = source[40:44, 50:53] = 38.0
    return sp.Problem(source, decay=1 / 25)


@pytest.mark.parametrize("method", ["multigrid", "algebraic"])
def test_a_closer_field_takes_more_cycles(method: str) -> None:
    rough, close = (sp.solve(vessels(), method=method, tolerance=38.0 * share).stats for share in (1e-1, 1e-9))
    assert 0 < rough.cycles < close.cycles
    assert close.cycles == close.counts["cycles"]


@pytest.mark.parametrize("method", ["spectral", "sparse-direct"])
def test_a_method_without_cycles_takes_none(method: str) -> None:
    solution = sp.solve(vessels(), method=method)
    assert solution.error_bound < 1e-6
    assert solution.stats.cycles == 0


def test_a_step_in_parts_counts_those_of_all() -> None:
    domain = sp.Domain((0.0, 0.0), (64.0, 64.0), (64, 64))
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=1.0, decay_per_min=1 / 25, boundary=38.0, method="multigrid",
        stepping="implicit-euler", time_tolerance=0.5, tolerance=1e-3,
    )  # fmt: skip
    result = sp.Backend(config).step(sp.TissueState(), dt_min=100.0)
    assert result.record.parts > 1
    assert result.solution.stats.cycles >= result.record.parts
