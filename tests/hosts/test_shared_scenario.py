"""One tissue through every host: each has the field of the engine called directly, and so all have the same."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from surrogate_plugin.testing import Scenario, reading
from tests.hosts import every

AGREEMENT = 1e-6
SHAPES = ((24, 24), (17, 30), (31, 18))


def shared(shape: tuple[int, int]) -> Scenario:
    """What every host can be set up with: a cell a voxel, some of which secrete and make, and two substrates."""
    return Scenario.random(7, shape, substrates=2, cells=60, vessels=5, crowded=False, producing=True)


@pytest.mark.parametrize("name", every.NAMES)
def test_every_host_has_the_field_of_the_engine(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if name == "PhysiCell" and driver.missing() is not None:
        pytest.skip(f"compiling needs more: {driver.missing()}")
    with every.host(name, tmp_path_factory.mktemp("host")) as build:
        for shape in SHAPES:
            scenario = shared(shape)
            host = build(scenario)
            host.attach(scenario.names, 0.1 * AGREEMENT * min(map(scenario.scale, scenario.names)))
            host.advance()
            for substrate in scenario.names:
                allowed = AGREEMENT * scenario.scale(substrate)
                direct = sp.solve(scenario.problem(substrate), tolerance=0.1 * allowed).field
                row, column = scenario.voxels(scenario.cells)
                assert np.abs(host.field(substrate) - direct).max() <= allowed
                assert np.abs(host.seen(substrate) - direct[row, column]).max() <= allowed
                if hasattr(host, "gradient"):
                    slopes = reading.slopes(scenario, direct)[:, row, column].T
                    assert np.abs(host.gradient(substrate) - slopes).max() <= 2.0 * allowed / scenario.spacing_um
