"""The conformance kit on the real pyphysicell."""

from __future__ import annotations

from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.hosts.pyphysicell.driver import PyPhysiCell
from tests.hosts.wider import EverythingSuite


class TestConformance(AdapterSuite):
    outside = "clamp"
    sides = "nodes"  # the host's Dirichlet faces
    produces = writable = vessels_change = True
    torus = discs = saturates = False

    def build(self, scenario: Scenario) -> PyPhysiCell:
        return PyPhysiCell(scenario)


class TestWider(EverythingSuite):
    """What cells and voxels conduct, hold back and let decay, what passes the sides, and substrates in time."""

    torus = False
    sides = "nodes"

    def build(self, scenario: Scenario) -> PyPhysiCell:
        return PyPhysiCell(scenario)
