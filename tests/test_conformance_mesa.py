"""The conformance kit on a Mesa model with property layers."""

from __future__ import annotations

from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.hosts.mesa import MesaGrid


class TestConformance(AdapterSuite):
    outside = "drop"  # an agent of no cell is not in the tissue

    def build(self, scenario: Scenario) -> MesaGrid:
        return MesaGrid(scenario)
