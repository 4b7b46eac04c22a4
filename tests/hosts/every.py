"""Every host that has an adapter, to be set up with one scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.stand_ins.physicell import driver
from surrogate_plugin.testing import Scenario
from tests.hosts.compucell3d.double.compucell3d_driving import double_on_the_path

Build = Callable[[Scenario], Any]

NAMES = ("pyphysicell", "PhysiCell", "CompuCell3D", "vivarium-multibody", "process-bigraph", "Mesa")


@contextmanager
def host(name: str, folder: Path) -> Iterator[Build]:
    """What sets one host up; ``folder`` is for what has to be compiled or written."""
    if name == "pyphysicell":
        from tests.hosts.pyphysicell.driver import PyPhysiCell

        yield PyPhysiCell
    elif name == "PhysiCell":
        with _physicell(folder) as build:
            yield build
    elif name == "CompuCell3D":
        with double_on_the_path():
            from tests.hosts.compucell3d.driver import CompuCell3D

            yield CompuCell3D
    elif name == "vivarium-multibody":
        from tests.hosts.vivarium.driver import Vivarium

        yield Vivarium
    elif name == "process-bigraph":
        from process_bigraph import allocate_core

        from surrogate_adapters.process_bigraph import register
        from tests.hosts.process_bigraph.driver import Bigraph

        core = register(allocate_core())
        yield lambda scenario: Bigraph(scenario, core, "map")
    elif name == "Mesa":
        from tests.hosts.mesa.driver import MesaGrid

        yield MesaGrid
    else:
        raise LookupError(f"no host {name!r}; there are {', '.join(NAMES)}.")


@contextmanager
def _physicell(folder: Path) -> Iterator[Build]:
    from tests.hosts.physicell.driver import Driven

    library = driver.build_library(folder)
    built: list[Driven] = []

    def build(scenario: Scenario) -> Driven:
        built.append(Driven(library, scenario, folder))
        return built[-1]

    try:
        yield build
    finally:
        for driven in built:
            driven.host.release()
