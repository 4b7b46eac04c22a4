"""From a tissue state to the problem that is solved for it, and whose doing its rates are."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from surrogate_plugin.equation.balance import Shares
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.session.config import BackendConfig
from surrogate_plugin.tissue.raster import Raster
from surrogate_plugin.tissue.state import TissueState


@dataclass(frozen=True, eq=False)
class Posed:
    """A state as it was posed.

    Attributes
    ----------
    state : TissueState
    config : BackendConfig
    raster : Raster
    problem : Problem
    seconds : dict
        What it took, ``rasterise`` and ``pose``.
    """

    state: TissueState
    config: BackendConfig
    raster: Raster
    problem: Problem
    seconds: dict[str, float]

    @classmethod
    def of(cls, state: TissueState, config: BackendConfig, before: Posed | None = None) -> Posed:
        """The state posed; where it is that of ``before``, or the same on the pixels, with the very problem of it."""
        known = before if before is not None and before.config is config else None
        if known is not None and state.same_as(known.state):
            return replace(known, state=state, seconds=dict.fromkeys(known.seconds, 0.0))
        began = time.perf_counter()
        raster = raster_of(state, config)
        rasterised = time.perf_counter()
        problem = known.problem if known is not None and raster.same_as(known.raster) else problem_of(raster, config)
        return cls(
            state, config, raster, problem, {"rasterise": rasterised - began, "pose": time.perf_counter() - rasterised}
        )

    @property
    def shares(self) -> Shares:
        """Whose doing the rates of the problem are."""
        raster = self.raster
        first_order = raster.uptake_per_min if self.problem.uptake is None else 0.0
        return Shares(
            cells=raster.secretion_per_min + first_order,
            walls=raster.exchange_per_min,
            through_walls=raster.exchange_supply_per_min,
        )


def raster_of(state: TissueState, config: BackendConfig) -> Raster:
    """The state on the pixels of the configuration's domain."""
    return config.domain.rasterise(state, deposit=config.deposit, outside=config.outside, boundary=config.boundary)


def problem_of(raster: Raster, config: BackendConfig) -> Problem:
    """The discrete problem of a raster."""
    km = config.michaelis_km
    # What overflows here is refused as infinite by the problem.
    with np.errstate(over="ignore"):
        decay = raster.decay(config.decay_per_min, with_uptake=km is None)
        uptake = None if km is None else MichaelisMenten(raster.uptake_per_min * km, km)
    return Problem(
        raster.source,
        fixed=raster.fixed,
        diffusivity=raster.diffusivity(config.diffusivity_um2_per_min),
        decay=decay,
        production=raster.production_per_min,
        uptake=uptake,
        spacing=config.domain.spacings_um,
        boundary=config.boundary,
        membranes=raster.membranes,
    )
