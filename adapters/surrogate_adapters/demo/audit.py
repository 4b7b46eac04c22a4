"""What the demo measures beside the run: an exact solve of the same state, the other policy, the host's own solver."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import Attachment

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Audit:
    """The field that the cells decided on, against sparse direct on the same state; field units."""

    time_min: float
    error: FloatArray
    bound: float

    @property
    def largest_error(self) -> float:
        """Over all pixels."""
        return float(self.error.max())


@dataclass
class Observer:
    """Looks on at each phenotype step, right after its field was solved for.

    Parameters
    ----------
    simulation : pyphysicell.Simulation
    link : Attachment
    substrate : str
    audited : set of int
        The phenotype steps to solve exactly, from 0.
    """

    simulation: Any
    link: Attachment
    substrate: str
    audited: set[int]
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"surrogate-first": [], "fastest": []})
    audits: list[Audit] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        config = self.link.backend(self.substrate).config
        # Backends of their own see the same states one after the other, so that both policies are timed alike.
        self._others = {name: sp.Backend(config.model_copy(update={"policy": name})) for name in self.seconds}
        self.simulation.hook("phenotype")(lambda _context: self.look())

    def look(self) -> None:
        """Time both policies on the present state, and audit it if it is due."""
        state = self.link.state(self.substrate)
        for name, backend in self._others.items():
            self.seconds[name].append(backend.step(state).record.total_seconds)
        if self.steps in self.audited:
            held = self.link.result(self.substrate)
            exact = sp.solve(self.link.problem(self.substrate), method="sparse-direct").field
            index = self.simulation.microenvironment.index(self.substrate)
            seen = self.simulation.microenvironment.density[0, :, :, index]
            assert held is not None
            self.audits.append(Audit(float(self.simulation.t), np.abs(seen - exact), held.solution.error_bound))
        self.steps += 1

    def median_seconds(self, policy: str) -> float:
        """Per solve; the first, which compiles and loads, left out where there are others."""
        spent = self.seconds[policy]
        return statistics.median(spent[1:] or spent)


def host_seconds(simulation: Any, repeats: int = 9) -> float:
    """Median wall time of one diffusion step of the host's own solver, on a copy of its microenvironment."""
    import pyphysicell as pc

    twin = pc.Microenvironment(simulation.model)
    me = simulation.microenvironment
    twin.density[:] = me.density
    twin.dirichlet_idx, twin.dirichlet_val, twin.dirichlet_mask = me.dirichlet_idx, me.dirichlet_val, me.dirichlet_mask
    spent = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        twin.step(simulation.model.time.dt_diffusion)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent[1:])
