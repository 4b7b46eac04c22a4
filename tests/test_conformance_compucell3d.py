"""The conformance kit on a double of CompuCell3D."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.compucell3d_double.compucell3d_driving import double_on_the_path
from tests.hosts.compucell3d import CompuCell3D


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with double_on_the_path():
        yield


class TestConformance(AdapterSuite):
    outside = None
    several_cells_a_voxel = False
    detaches = False

    def build(self, scenario: Scenario) -> CompuCell3D:
        return CompuCell3D(scenario)
