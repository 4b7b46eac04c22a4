"""From a tissue state to the problem that is solved for it, and whose doing its rates are."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from surrogate_plugin.equation.balance import Shares
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.errors import InvalidProblemError
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
    """The state on the pixels of the configuration's domain.

    Raises
    ------
    InvalidProblemError
        If cells say what they take up at most, and uptake does not saturate; or something is off the domain.
    """
    raster = config.domain.rasterise(state, deposit=config.deposit, outside=config.outside, boundary=config.boundary)
    if state.cells.max_uptake_per_min is not None and config.michaelis_km is None:
        raise _needs_km("cells.max_uptake_per_min")
    return raster


def problem_of(raster: Raster, config: BackendConfig) -> Problem:
    """The discrete problem of a raster."""
    km = config.michaelis_km
    if km is None and isinstance(raster.max_uptake_per_min, np.ndarray):
        raise _needs_km("raster.max_uptake_per_min")
    # What overflows here is refused as infinite by the problem.
    with np.errstate(over="ignore"):
        decay = raster.decay(config.decay_per_min, with_uptake=km is None)
        uptake = None if km is None else MichaelisMenten(raster.uptake_per_min * km + raster.max_uptake_per_min, km)
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


def _needs_km(name: str) -> InvalidProblemError:
    return InvalidProblemError(
        f"{name} is given, but BackendConfig.michaelis_km is None, so that uptake has no largest value; a "
        "michaelis_km, or cells.uptake_per_min in its place, is allowed."
    )
