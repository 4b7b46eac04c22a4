"""The conformance kit on Mesa: a model with property layers, and one in a continuous space."""

from __future__ import annotations

from surrogate_plugin.testing import AdapterSuite, Scenario
from tests.hosts.mesa import driver, water
from tests.hosts.mesa.driver import MesaGrid
from tests.hosts.mesa.water import MesaWater
from tests.hosts.wider import EverythingSuite


class TestGrid(AdapterSuite):
    outside = "drop"  # an agent of no cell is not in the tissue
    torus = True
    sides = "outside"
    discs = False
    saturates = True
    produces = True
    writable = True
    vessels_change = True

    def build(self, scenario: Scenario) -> MesaGrid:
        return MesaGrid(scenario)


class TestWiderGrid(EverythingSuite):
    """What agents and layers make of the grid's cells, what passes the sides, and layers in time."""

    torus = True
    several_cells_a_voxel = False  # each agent says what the cell of the grid is, so that there is one
    cannot = driver.CANNOT

    def build(self, scenario: Scenario) -> MesaGrid:
        return MesaGrid(scenario)


class TestWiderContinuousSpace(EverythingSuite):
    deposit = "area"
    torus = True
    cannot = water.CANNOT

    def build(self, scenario: Scenario) -> MesaWater:
        return MesaWater(scenario)


class TestContinuousSpace(AdapterSuite):
    outside = None  # Mesa has nobody leave the space
    deposit = "area"
    torus = True
    sides = "outside"
    discs = True
    saturates = True
    produces = True
    writable = False  # the field is asked for, and nobody has it
    vessels_change = True

    def build(self, scenario: Scenario) -> MesaWater:
        return MesaWater(scenario)
