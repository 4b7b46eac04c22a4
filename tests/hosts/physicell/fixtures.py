"""The stand-in for PhysiCell as fixtures: compiled once a run, and set up with a tissue, step by step."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.stand_ins.physicell import driver
from surrogate_plugin.testing import CellTable, Scenario
from tests.hosts.physicell.driver import CORNER, put

NEEDS_COMPILER = pytest.mark.skipif(driver.missing() is not None, reason=f"compiling needs more: {driver.missing()}")

#: Steps of 0.1 min, in which oxygen does not quite come to rest, make for short tests; that much is told at attach.
SHORT_STEPS = pytest.mark.filterwarnings("ignore:[a-z]* comes to rest in about:surrogate_plugin.PromiseWarning")

MARKS = [NEEDS_COMPILER, SHORT_STEPS]


DT = 0.01


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    with _shared(tmp_path_factory) as folder:
        return driver.build_library(folder)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with _shared(tmp_path_factory) as folder:
        return driver.build_program(folder)


@contextmanager
def _shared(factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all workers of a run, who take turns: the second finds what the first has compiled."""
    import fcntl  # not on Windows, where nothing is compiled

    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "physicell-stand-in"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture
def tissue(library: ctypes.CDLL) -> Iterator[Callable[..., tuple[Any, Scenario]]]:
    """Makes a host with a scenario's vessels and cells, steps of 0.01, 0.05 and 0.1 min, not attached yet."""
    made = []

    def make(seed: int = 0, **options: Any) -> tuple[Any, Scenario]:
        times = options.pop("times_min", (DT, 5 * DT, 10 * DT))
        scenario = Scenario.random(seed, (12, 17), **{"crowded": False} | options)
        media = [(m.name, m.diffusivity_um2_per_min, m.decay_per_min, m.initial) for m in scenario.media]
        host = driver.StandIn(library, (17, 12), media, corner_um=CORNER, times_min=times)
        host.set_threads(1)
        for medium in scenario.media:
            for row, column in np.argwhere(medium.fixed):
                host.fix(int(row), int(column), medium.name, float(medium.value[row, column]))
        put(host, scenario.cells, scenario.names)
        made.append(host)
        return host, scenario

    yield make
    for host in made:
        host.release()


def off(host: Any, scenario: Scenario, cells: CellTable | None = None, name: str = "oxygen") -> float:
    """How far the host's density is off the steady field."""
    return float(np.abs(host.density(name) - scenario.steady(name, cells)).max())


def scenario_cells(n: int, *, at: Any, uptake: Any, secretion: float = 0.0, target: float = 0.0) -> CellTable:
    """Cells of PhysiCell's usual volume, all at one place or each at its own."""
    numbers = ({"oxygen": np.broadcast_to(float(value), n).copy()} for value in (uptake, secretion, target))
    return CellTable(np.broadcast_to(at, (n, 2)).astype(float), np.full(n, 2494.0), *numbers)
