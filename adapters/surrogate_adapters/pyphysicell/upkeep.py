"""One substrate of a host: when its field is solved for anew, and how it is held in between."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters import biofvm
from surrogate_adapters.notices import Notices
from surrogate_adapters.pyphysicell import facts, gradients, reading
from surrogate_adapters.pyphysicell.asked import Asked
from surrogate_adapters.pyphysicell.clock import Clock
from surrogate_adapters.pyphysicell.loop import Since
from surrogate_adapters.pyphysicell.watch import Watch, written
from surrogate_adapters.steady_fields import SteadyFields

FloatArray = npt.NDArray[np.float64]

#: When to solve anew: before each phenotype step and whenever cells changed or moved in between, only the former, or
#: before each mechanics step as well.
Refresh = Literal["changes", "phenotype", "mechanics"]


class Upkeep:
    """Keeps the field of one substrate steady: solves for it when due, and holds it in between.

    Parameters
    ----------
    simulation : pyphysicell.Simulation
    asked : Asked
    fields : SteadyFields
        With a backend of its name.
    refresh : "changes", "phenotype" or "mechanics"
    move_limit_um : float, um, optional
        See `Watch`.
    notices : Notices
        Where to tell what a steady field cannot follow.
    """

    #: What the field was solved for with.
    _config: sp.BackendConfig | None = None
    #: Whether cells may have changed without anybody having looked.
    _put_off = False
    #: Whether cells have read the field in later diffusion steps than the one that it was solved for in.
    _read_later = False

    def __init__(
        self,
        simulation: Any,
        asked: Asked,
        fields: SteadyFields,
        refresh: Refresh,
        move_limit_um: float | None,
        notices: Notices,
    ) -> None:
        self.name = asked.name
        self.index = asked.index
        self.refresh = refresh
        self._asked, self._fields, self._notices = asked, fields, notices
        self._clocks = [Clock.of_phenotype_steps(simulation)]
        if refresh == "mechanics":
            self._clocks.append(Clock.of_mechanics_steps(simulation))
        self._watch = Watch(self.index, move_limit_um, every_cell=asked.medium.is_of_cells)
        self._watch.remember(simulation)
        self._concern(simulation)

    @property
    def backend(self) -> sp.Backend:
        """The backend, with its records."""
        return self._fields.backends[self.name]

    @property
    def result(self) -> sp.StepResult | None:
        """The field held, with its solution; None before the first step."""
        return self._fields.result(self.name)

    @property
    def field(self) -> FloatArray | None:
        """What the host's density holds, (H, W); None before the first step."""
        return None if self.result is None else self.result.field

    def advance(self, simulation: Any, dt: float, since: Since = Since.ANYTHING, unread: bool = False) -> bool:
        """Solve if due; hold otherwise.

        Parameters
        ----------
        simulation : pyphysicell.Simulation
        dt : float, min
            Of this diffusion step.
        since : Since
            What may have happened since the last one.
        unread : bool
            Whether nobody reads the field before a phenotype step is due, or `settle` is called: what cells change in
            between is put off until then.

        Returns
        -------
        bool
            Whether the host's density is not the field that is held, and has to be written.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            Naming the substrate, if its field cannot be solved for now.
        """
        step = self._step_that_follows(dt)
        if self._is_left(step, since, unread):
            self._hold(unread)
            return False
        written_over = since is Since.ANYTHING and self._notice(simulation)
        reason = self._due(simulation, step, since, unread)
        if reason is None:
            self._hold(unread)
            return written_over
        if reason == step and self._is_settled(simulation):
            self._put_off = False
            self._fields.hold(self.name)
            return written_over
        self._solve(simulation, reason)
        return True

    def ahead(self, simulation: Any, since: Since, unread: bool) -> sp.TissueState | None:
        """The state that `advance` is going to solve for; None where it is going to hold the field."""
        step = next((clock.name for clock in self._clocks if clock.follows), None)
        if self._is_left(step, since, unread):
            return None
        reason = self._due(simulation, step, since, unread)
        if reason is None or (reason == step and self._is_settled(simulation)):
            return None
        self._configure(simulation.microenvironment)
        return self.state(simulation)

    def settle(self, simulation: Any) -> bool:
        """Solve for what cells changed while that was put off; whether they did."""
        reason = self._put_off_for(simulation)
        self._put_off = False
        if reason is None:
            return False
        self._solve(simulation, reason)
        return True

    def ahead_of_settling(self, simulation: Any) -> sp.TissueState | None:
        """The state that `settle` is going to solve for; None where it is going to hold the field."""
        if self._put_off_for(simulation) is None:
            return None
        self._configure(simulation.microenvironment)
        return self.state(simulation)

    def _put_off_for(self, simulation: Any) -> str | None:
        """What cells changed while that was put off, if they did."""
        return self._watch.cells_differ(simulation) if self._put_off and self.refresh != "phenotype" else None

    def _is_left(self, step: str | None, since: Since, unread: bool) -> bool:
        """Whether there is nothing to look at: no step of the host follows, and nothing happened that anybody reads."""
        return step is None and self.result is not None and since <= (Since.MECHANICS if unread else Since.NOTHING)

    def _is_settled(self, simulation: Any) -> bool:
        """Whether the field is that of this very state, as where a run ended right before a phenotype step."""
        medium = self._asked.medium
        if medium.is_of_cells or medium.voxels is not None or self.backend.config is not self._config:
            return False
        # Where nodes hold nothing, the tolerance goes by the last field.
        held = reading.largest_held(simulation.microenvironment, self.index) > 0
        return held and self._watch.is_same(simulation)

    def _hold(self, unread: bool) -> None:
        self._put_off |= unread
        self._read_later |= not unread
        self._fields.hold(self.name)

    def _solve(self, simulation: Any, reason: str) -> None:
        last = self.result
        try:
            self._configure(simulation.microenvironment)
            self._refuse_what_drifts(simulation)
            result = self._fields.solve(self.name, self.state(simulation), float(simulation.t), reason)
        except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
            raise type(error)(f"substrate {self.name!r}: {error}") from None
        if last is not None and reason not in ("dirichlet", "coefficients"):
            # Those change the field for all, whatever cells did.
            self._fields.latest(self.name).excess = self._excess(simulation, result.field, last.field)
        self._watch.remember(simulation)
        self._config, self._put_off, self._read_later = self.backend.config, False, False
        if reason == "first":
            self._tell_concerns(simulation, "nothing supplies it")
        if simulation.needs_gradients:
            gradients.write(simulation.microenvironment, self.index, result.field)

    def state(self, simulation: Any) -> sp.TissueState:
        """The host's present state, as this substrate depends on it."""
        return reading.state_of(simulation, self.index, self.backend.config.domain, medium=self._asked.medium)

    def gradient_bound(self, simulation: Any) -> float:
        """The most that a slope of the field that was solved for last is off; infinite before the first step."""
        if self.result is None:
            return math.inf
        me = simulation.microenvironment
        return gradients.bound_of(me, reading.nodes_of(me, self.index).fixed, self.result.record.bound)

    def write(self, density: FloatArray) -> None:
        """Put the held field into the host's (nz, ny, nx, substrates) density."""
        if self.field is not None:
            density[0, :, :, self.index] = self.field

    def restore(self, density: FloatArray, voxel: npt.NDArray[np.int64]) -> None:
        """Put the held field back into some voxels."""
        if self.field is not None:
            from surrogate_adapters.pyphysicell.kernels import restore

            restore(density.reshape(-1, density.shape[-1]), voxel, self.index, self.field.reshape(-1))

    def count(self, internalized: FloatArray, before: FloatArray, voxel: npt.NDArray[np.int64], *rest: Any) -> None:
        """Reckon what the cells took in, (n, substrates), from the held field, on top of ``before``."""
        if self.result is not None:
            from surrogate_adapters.pyphysicell.kernels import count

            field = self.result.field.reshape(-1)
            count(internalized, np.ascontiguousarray(before[:, self.index]), field, voxel, *rest, self.index)

    def _configure(self, microenvironment: Any) -> None:
        """Take up coefficients, and a tolerance that goes by what nodes hold or by the last field, if they changed."""
        if self._watch.coefficients_differ(microenvironment) or self._watch.nodes_differ(microenvironment):
            self._fields.reconfigure(self.name, **self._asked.changing(microenvironment))
        elif self.result is not None and reading.largest_held(microenvironment, self.index) == 0:
            wanted = self._asked.by_field(float(self.result.field.max()), self.backend.config.tolerance)
            if wanted is not None:
                self._fields.reconfigure(self.name, tolerance=wanted)

    def _step_that_follows(self, dt: float) -> str | None:
        """``phenotype`` or ``mechanics``, if such a step of the host follows this one and is solved for."""
        due = [clock.name for clock in self._clocks if clock.due(dt)]
        return due[0] if due else None

    def _due(self, simulation: Any, step: str | None, since: Since, unread: bool) -> str | None:
        me = simulation.microenvironment
        if self.result is None:
            return "first"
        if since is Since.ANYTHING and self._watch.coefficients_differ(me):
            return "coefficients"
        if since is Since.ANYTHING and self._watch.nodes_differ(me):
            return "dirichlet"
        if step is not None:
            return step
        return None if unread or self.refresh == "phenotype" else self._watch.cells_differ(simulation)

    def _notice(self, simulation: Any) -> bool:
        """Say what others did since the last step that a steady field follows in its own way, or not at all.

        Returns
        -------
        bool
            Whether they wrote into the field.
        """
        if self.result is None:
            return False
        me = simulation.microenvironment
        if self._watch.nodes_differ(me):
            self._notices.tell(
                "nodes changed",
                self.name,
                f"Dirichlet nodes of {self.name} changed at {simulation.t:g} min: its field is the steady one of the "
                "new nodes from this diffusion step on, which the host's own would come to in the course of time.",
            )
        over = written(me, self.index, self.result.field)
        if over.voxels:
            self._notices.tell(
                "written from outside",
                self.name,
                f"{over.voxels} voxels of {self.name} were written over at {simulation.t:g} min, by up to "
                f"{over.most:g}: a pulse, what a dying cell releases, or somebody's code. A steady field keeps nothing "
                "of it and is put back; "
                f"leave {self.name} to the host if it should.",
            )
        return over.anywhere

    def _concern(self, simulation: Any) -> None:
        """Say at once what speaks against a steady field."""
        self._tell_concerns(simulation, "not quasi-steady", "not anchored")

    def _tell_concerns(self, simulation: Any, *kinds: str) -> None:
        size, step = facts.size_um(simulation, self.name), float(simulation.model.time.dt_phenotype)
        for concern in biofvm.concerns(facts.facts_of(simulation, self.name), size, step):
            if concern.kind in kinds:
                self._notices.tell(concern.kind, self.name, concern.sentence)

    def _refuse_what_drifts(self, simulation: Any) -> None:
        me, cells, n, s = simulation.microenvironment, simulation.cells, simulation.cells.n, self.index
        anchored = np.asarray(me.dirichlet_mask)[:, s].any() or bool(self._asked.medium.sides)
        if self.backend.config.decay_per_min > 0 or anchored:
            return
        if not ((cells.uptake_rate[:n, s] + cells.secretion_rate[:n, s]) * cells.volume_total[:n] > 0).any():
            raise sp.UnsupportedProblemError(
                "decay rate is 0, no Dirichlet node is active and no cell takes it up or secretes it now, so it has no "
                "steady field; leave it to the host."
            )

    def _excess(self, simulation: Any, field: FloatArray, last: FloatArray) -> float:
        """How far what cells read until now, of the last field, was off the one that is solved for only now."""
        cells = simulation.cells
        if cells.n == 0 or not self._late():
            return 0.0
        voxel = reading.voxel_of(simulation.microenvironment, cells.position[: cells.n])
        excess = float(np.abs(field.ravel()[voxel] - last.ravel()[voxel]).max())
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

    def _late(self) -> bool:
        """Whether cells may have read a field that no longer was theirs, since the options allow for it."""
        allowed = self.refresh == "phenotype" or self._watch.move_limit_um not in (None, 0.0)
        return allowed and self._read_later
