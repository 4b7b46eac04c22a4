"""One substrate of a host: when its field is solved for anew, and how it is held in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters import steady_fields
from surrogate_adapters.pyphysicell import reading

FloatArray = npt.NDArray[np.float64]

#: When to solve anew: before each phenotype step and whenever cells changed or moved in between, or only the former.
Refresh = Literal["changes", "phenotype"]


@dataclass
class HistoryEntry(steady_fields.HistoryEntry):
    """One field, from the call that solved for it to the last one that held it; ``time`` is the host's, min.

    Attributes
    ----------
    reason : str
        Why it was solved for: ``first``, ``phenotype``, ``count``, ``rates``, ``moved``, ``dirichlet`` or
        ``coefficients``.
    """

    reason: str = ""

    @property
    def time_min(self) -> float:
        """The host's time at the solve, min."""
        return self.time


class Substrate:
    """The field of one substrate, solved for when due and held in between.

    Parameters
    ----------
    simulation : pyphysicell.Simulation
    name : str
    options : dict
        What `BackendConfig` takes beyond lattice, coefficients and boundary, which are the host's.
    engine : Engine
    refresh : "changes" or "phenotype"
    move_limit_um : float, um
    recorder : Recorder, optional
    """

    def __init__(
        self,
        simulation: Any,
        name: str,
        options: dict[str, Any],
        engine: sp.Engine,
        refresh: Refresh,
        move_limit_um: float,
        recorder: sp.Recorder | None = None,
    ) -> None:
        self.name = name
        self.index = reading.index_of(simulation.microenvironment, name)
        self.refresh = refresh
        self.move_limit_um = move_limit_um
        self._options = options
        self._coefficients = reading.coefficients_of(simulation.microenvironment, self.index)
        self.backend = sp.Backend(self._config(simulation.microenvironment), engine=engine, recorder=recorder)
        self.result: sp.StepResult | None = None
        self._clock = _PhenotypeClock(simulation)
        self._cells = np.empty((7, 0))
        self._dirichlet: tuple[npt.NDArray[Any], ...] = ()

    def advance(self, simulation: Any, dt: float) -> HistoryEntry | None:
        """Solve if due, and say so; hold otherwise."""
        phenotype = self._clock.due(dt)
        reason = self._due(simulation, phenotype)
        if reason is None:
            return None
        if reason == "coefficients":
            self._coefficients = reading.coefficients_of(simulation.microenvironment, self.index)
            last = self.backend
            config = self._config(simulation.microenvironment)
            self.backend = sp.Backend(config, engine=last.engine, recorder=last.recorder)
            self.backend.records = last.records
        state = self.state(simulation)
        self.result = self.backend.step(state)
        self._remember(simulation)
        return HistoryEntry(self.name, float(simulation.t), self.result.record, reason=reason)

    def state(self, simulation: Any) -> sp.TissueState:
        """The host's present state, as this substrate depends on it."""
        return reading.state_of(simulation, self.index, self.backend.config.domain)

    def write(self, density: FloatArray) -> None:
        """Put the held field into the host's (nz, ny, nx, substrates) density."""
        if self.result is not None:
            density[0, :, :, self.index] = self.result.field

    def restore(self, density: FloatArray, voxel: npt.NDArray[np.int64]) -> None:
        """Put the held field back into some voxels."""
        if self.result is not None:
            from surrogate_adapters.pyphysicell.kernels import restore

            restore(density.reshape(-1, density.shape[-1]), voxel, self.index, self.result.field.reshape(-1))

    def count(self, internalized: FloatArray, before: FloatArray, voxel: npt.NDArray[np.int64], *rest: Any) -> None:
        """Reckon what the cells took in, (n, substrates), from the held field, on top of ``before``."""
        if self.result is not None:
            from surrogate_adapters.pyphysicell.kernels import count

            field = self.result.field.reshape(-1)
            count(internalized, np.ascontiguousarray(before[:, self.index]), field, voxel, *rest, self.index)

    def _config(self, microenvironment: Any) -> sp.BackendConfig:
        diffusivity, decay = self._coefficients
        if diffusivity <= 0:
            raise sp.UnsupportedProblemError(
                f"substrate {self.name!r} has diffusion coefficient {diffusivity:g}, so it has no steady field; "
                "leave it to the host."
            )
        return sp.BackendConfig(
            domain=reading.domain_of(microenvironment),
            diffusivity_um2_per_min=diffusivity,
            decay_per_min=decay,
            boundary="reflecting",  # the host's outer faces let nothing through; its Dirichlet faces are voxels
            deposit="voxel",
            outside="clamp",
            **self._options,
        )

    def _due(self, simulation: Any, phenotype: bool) -> str | None:
        if self.result is None:
            return "first"
        if phenotype:
            return "phenotype"
        if self.refresh == "phenotype":
            return None
        me = simulation.microenvironment
        if reading.coefficients_of(me, self.index) != self._coefficients:
            return "coefficients"
        if not all(map(np.array_equal, self._dirichlet, _dirichlet_of(me))):
            return "dirichlet"
        return self._cells_differ(simulation.cells)

    def _cells_differ(self, cells: Any) -> str | None:
        if cells.n != self._cells.shape[1]:
            return "count"
        from surrogate_adapters.pyphysicell import kernels

        found = kernels.difference(
            self._cells,
            self.move_limit_um,
            cells.position,
            cells.volume_total,
            cells.uptake_rate,
            cells.secretion_rate,
            cells.secretion_target,
            cells.net_export_rate,
            self.index,
        )
        return {kernels.SAME: None, kernels.CHANGED: "rates", kernels.MOVED: "moved"}[found]

    def _remember(self, simulation: Any) -> None:
        """What the next steps are compared with."""
        cells, n, s = simulation.cells, simulation.cells.n, self.index
        rates = (cells.uptake_rate, cells.secretion_rate, cells.secretion_target, cells.net_export_rate)
        columns = [rate[:n, s] for rate in rates]
        self._cells = np.stack([cells.position[:n, 0], cells.position[:n, 1], cells.volume_total[:n], *columns])
        self._dirichlet = tuple(part.copy() for part in _dirichlet_of(simulation.microenvironment))


class _PhenotypeClock:
    """Tells the diffusion steps that the host's phenotype step follows, by the host's own reckoning.

    It counts the minutes it is told, so that steps of the microenvironment alone, which leave the host's time where it
    is, pass as time too.
    """

    def __init__(self, simulation: Any) -> None:
        self._period = float(simulation.model.time.dt_phenotype)
        self._now = float(simulation.t)
        self._next = float(simulation._next_phenotype)

    def due(self, dt: float) -> bool:
        """Whether the phenotype step follows this diffusion step of ``dt`` minutes."""
        due = self._now + 1e-12 >= self._next
        self._now += dt
        if due:
            self._next += self._period
        return due


def _dirichlet_of(microenvironment: Any) -> tuple[npt.NDArray[Any], ...]:
    return microenvironment.dirichlet_idx, microenvironment.dirichlet_val, microenvironment.dirichlet_mask
