"""The conformance kit on the real pyphysicell."""

from __future__ import annotations

from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.hosts.pyphysicell import PyPhysiCell


class TestConformance(AdapterSuite):
    outside = "clamp"

    def build(self, scenario: Scenario) -> PyPhysiCell:
        return PyPhysiCell(scenario)
