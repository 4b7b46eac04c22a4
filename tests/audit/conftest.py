"""A finished run that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Two moments of two substrates, as PhysiCell saves them."""
    # Here, since tests of commands are run where no host is installed too.
    from tests.audit.files import write_run
    from tests.hosts.pyphysicell.tissue import tissue

    sim = tissue(1, vessels=0, second=True)
    sim.run(0.5)
    earlier = sim.branch()
    sim.run(1.0)
    return write_run(tmp_path, [earlier, sim])
