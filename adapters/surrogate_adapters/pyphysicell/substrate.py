"""One substrate of a host: when its field is solved for anew, and how it is held in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters import steady_fields
from surrogate_adapters.notices import Notices
from surrogate_adapters.physicell import suitability
from surrogate_adapters.pyphysicell import facts, gradients, reading
from surrogate_adapters.pyphysicell.watch import Watch, written

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
    move_limit_um : float, um, optional
        See `Watch`.
    notices : Notices
        Where to tell what a steady field cannot follow.
    recorder : Recorder, optional
    """

    def __init__(
        self,
        simulation: Any,
        name: str,
        options: dict[str, Any],
        engine: sp.Engine,
        refresh: Refresh,
        move_limit_um: float | None,
        notices: Notices,
        recorder: sp.Recorder | None = None,
    ) -> None:
        me = simulation.microenvironment
        self.name = name
        self.index = reading.index_of(me, name)
        self.refresh = refresh
        self._notices = notices
        self._options = options
        climbed = facts.is_climbed(simulation, self.index)
        self._share = suitability.SHARE_CLIMBED if climbed else suitability.SHARE
        suitability.require_allowed(facts.facts_of(simulation, name))
        facts.refuse_what_types_export(simulation, name)
        self.backend = sp.Backend(self._config(me), engine=engine, recorder=recorder)
        self.result: sp.StepResult | None = None
        self._clock = _PhenotypeClock(simulation)
        self._watch = Watch(self.index, move_limit_um)
        self._tell_concerns(simulation, "not quasi-steady", "not anchored")

    def advance(self, simulation: Any, dt: float) -> HistoryEntry | None:
        """Solve if due, and say so; hold otherwise.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            Naming the substrate, if its field cannot be solved for now.
        """
        me, phenotype = simulation.microenvironment, self._clock.due(dt)
        self._notice(simulation)
        reason = self._due(simulation, phenotype)
        if reason is None:
            return None
        try:
            self._configure(me)
            self._refuse_what_drifts(simulation)
            result = self.backend.step(self.state(simulation))
        except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
            raise type(error)(f"substrate {self.name!r}: {error}") from None
        entry = HistoryEntry(self.name, float(simulation.t), result.record, reason=reason)
        if reason not in ("dirichlet", "coefficients"):  # these change the field for all, whatever cells did
            entry.excess = self._excess(simulation, result.field)
        self.result = result
        self._watch.remember(simulation)
        if reason == "first":
            self._tell_concerns(simulation, "nothing supplies it")
        if simulation.needs_gradients:
            gradients.write(me, self.index, result.field)
        return entry

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
        diffusivity, decay = reading.coefficients_of(microenvironment, self.index)
        tolerance = self._options["tolerance"]
        if tolerance is None:
            # Where no node holds anything, the engine solves exactly first, and `_configure` goes by that field.
            tolerance = self._share * reading.largest_held(microenvironment, self.index) or None
        return sp.BackendConfig(
            domain=reading.domain_of(microenvironment),
            diffusivity_um2_per_min=diffusivity,
            decay_per_min=decay,
            boundary="reflecting",  # the host's outer faces let nothing through; its Dirichlet faces are voxels
            deposit="voxel",
            outside="clamp",
            **self._options | {"tolerance": tolerance},
        )

    def _configure(self, microenvironment: Any) -> None:
        """Take up coefficients, and a tolerance that goes by what nodes hold or by the last field, if they changed."""
        if self.result is None:
            return
        if not (self._watch.coefficients_differ(microenvironment) or self._watch.nodes_differ(microenvironment)):
            self._go_by_the_last_field(microenvironment)
            return
        config, last = self._config(microenvironment), self.backend
        if (config.diffusivity_um2_per_min, config.decay_per_min, config.tolerance) != (
            last.config.diffusivity_um2_per_min,
            last.config.decay_per_min,
            last.config.tolerance,
        ):
            self.backend = sp.Backend(config, engine=last.engine, recorder=last.recorder)
            self.backend.records = last.records

    def _go_by_the_last_field(self, microenvironment: Any) -> None:
        """The default tolerance where no node holds anything: a share of the largest value there was."""
        if self._options["tolerance"] is not None or reading.largest_held(microenvironment, self.index) > 0:
            return
        assert self.result is not None
        wanted, config = self._share * float(self.result.field.max()), self.backend.config
        if wanted > 0 and not (config.tolerance is not None and 0.5 * wanted <= config.tolerance <= wanted):
            # The backend's own, so that its next solve still starts from the last field.
            self.backend.config = config.model_copy(update={"tolerance": wanted})

    def _due(self, simulation: Any, phenotype: bool) -> str | None:
        me = simulation.microenvironment
        if self.result is None:
            return "first"
        if self._watch.coefficients_differ(me):
            return "coefficients"
        if self._watch.nodes_differ(me):
            return "dirichlet"
        if phenotype:
            return "phenotype"
        return None if self.refresh == "phenotype" else self._watch.cells_differ(simulation)

    def _notice(self, simulation: Any) -> None:
        """Say what others did since the last step that a steady field follows in its own way, or not at all."""
        if self.result is None:
            return
        me = simulation.microenvironment
        if self._watch.nodes_differ(me):
            self._notices.tell(
                "nodes changed",
                self.name,
                f"Dirichlet nodes of {self.name} changed at {simulation.t:g} min: its field is the steady one of the "
                "new nodes from this diffusion step on, which the host's own would come to in the course of time.",
            )
        count, most = written(me, self.index, self.result.field)
        if count:
            self._notices.tell(
                "written from outside",
                self.name,
                f"{count} voxels of {self.name} were written over at {simulation.t:g} min, by up to {most:g}: a pulse, "
                "what a dying cell releases, or somebody's code. A steady field keeps nothing of it and is put back; "
                f"leave {self.name} to the host if it should.",
            )

    def _tell_concerns(self, simulation: Any, *kinds: str) -> None:
        size, step = facts.size_um(simulation, self.name), float(simulation.model.time.dt_phenotype)
        for concern in suitability.concerns(facts.facts_of(simulation, self.name), size, step):
            if concern.kind in kinds:
                self._notices.tell(concern.kind, self.name, concern.sentence)

    def _refuse_what_drifts(self, simulation: Any) -> None:
        me, cells, n, s = simulation.microenvironment, simulation.cells, simulation.cells.n, self.index
        if self.backend.config.decay_per_min > 0 or np.asarray(me.dirichlet_mask)[:, s].any():
            return
        if not ((cells.uptake_rate[:n, s] + cells.secretion_rate[:n, s]) * cells.volume_total[:n] > 0).any():
            raise sp.UnsupportedProblemError(
                "decay rate is 0, no Dirichlet node is active and no cell takes it up or secretes it now, so it has no "
                "steady field; leave it to the host."
            )

    def _excess(self, simulation: Any, field: FloatArray) -> float:
        """How far what cells read until now was off the field that is solved for only now."""
        cells = simulation.cells
        if self.result is None or cells.n == 0 or not self._late(simulation):
            return 0.0
        voxel = reading.voxel_of(simulation.microenvironment, cells.position[: cells.n])
        excess = float(np.abs(field.ravel()[voxel] - self.result.field.ravel()[voxel]).max())
        allowed = self.backend.config.tolerance
        if allowed is not None and excess > allowed:
            self._notices.tell(
                "cells read more than the bound",
                self.name,
                f"cells read {self.name} up to {excess:g} off its steady field before {simulation.t:g} min, since they "
                "moved or changed while it was held: the bound covers the state that was solved for. Leave "
                "move_limit_um out, with refresh='changes', and it is solved for whenever a cell changes.",
            )
        return excess

    def _late(self, simulation: Any) -> bool:
        """Whether cells may have read a field that no longer was theirs, since the options allow for it."""
        return self.refresh == "phenotype" or self._watch.move_limit_um not in (None, 0.0)


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
