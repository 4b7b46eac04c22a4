"""The conformance kit on the C++ header, in the stand-in for PhysiCell."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from surrogate_plugin.testing import AdapterSuite, Scenario
from surrogate_plugin.testing.checking import Checks
from tests.hosts.physicell import fixtures as physicell_fixtures
from tests.hosts.physicell.driver import CANNOT, Driven
from tests.hosts.wider import EverythingSuite

pytestmark = physicell_fixtures.NEEDS_COMPILER
library = physicell_fixtures.library


class OnTheStandIn(Checks):
    outside = "drop"  # the host leaves agents off its domain alone
    lines = False  # the solver of its own for 2-D models needs two voxels along x and y
    sides = "nodes"  # the host's Dirichlet conditions of its boundaries
    produces = writable = vessels_change = True
    torus = discs = saturates = False

    @pytest.fixture(autouse=True)
    def _with(self, library: ctypes.CDLL, tmp_path: Path) -> Iterator[None]:
        self.library, self.folder, self.built = library, tmp_path, []
        yield
        for driven in self.built:
            driven.host.release()

    def build(self, scenario: Scenario) -> Driven:
        self.built.append(Driven(self.library, scenario, self.folder))
        return self.built[-1]


class TestConformance(OnTheStandIn, AdapterSuite):
    """All of it."""


class TestWider(OnTheStandIn, EverythingSuite):
    """What agents and voxels conduct, hold back and let decay, what passes the sides, and substrates in time."""

    cannot = CANNOT
