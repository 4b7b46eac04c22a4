"""The conformance kit on a double of CompuCell3D."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from surrogate_plugin.testing import AdapterSuite, Scenario
from surrogate_plugin.testing.checking import Checks
from surrogate_plugin.testing.lattice_checks import LatticeChecks
from tests.hosts.compucell3d.double.compucell3d_driving import double_on_the_path
from tests.hosts.compucell3d.driver import CANNOT, CompuCell3D
from tests.hosts.wider import EverythingSuite


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with double_on_the_path():
        yield


class OnTheDouble(Checks):
    outside = None
    several_cells_a_voxel = False
    detaches = False
    torus = saturates = produces = writable = vessels_change = True
    sides = "outside"
    discs = False
    lines = False  # the host's shared fields take two pixels at least along each axis

    def build(self, scenario: Scenario) -> CompuCell3D:
        return CompuCell3D(scenario)


class TestConformance(OnTheDouble, AdapterSuite):
    """All of it."""


class TestWider(OnTheDouble, EverythingSuite):
    """What types and cells conduct, hold back and let decay, what passes the sides, and fields in time."""

    cannot = CANNOT


class TestSidesAtTheEdge(OnTheDouble, LatticeChecks):
    """The rim once more, with its values in the edge pixels of the lattice."""

    sides = "nodes"
