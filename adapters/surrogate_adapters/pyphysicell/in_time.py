"""One substrate of a host that goes on in time: a step as long as the host's phenotype or mechanics step.

The step is taken right before the host's own, backwards in time: the field at its end is the one that the cells and the
Dirichlet nodes as they are then, and the field before, come to (implicit Euler). In between the field is held. What
others do meanwhile is not lost:

- What somebody adds to the density is added, and where somebody takes away, the same share goes: to the field at that
  time, so it is first brought up to it, with the nodes as they were.
- So it is when nodes or coefficients change. Where such changes come faster than the host's mechanics steps, a step is
  taken at each of those, with the nodes as they are at its end.
- What cells take in is counted when the field loses it, in the step, for all its minutes at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.nodes import Nodes
from surrogate_adapters.pyphysicell import gradients, reading
from surrogate_adapters.pyphysicell.loop import Since
from surrogate_adapters.pyphysicell.upkeep import Upkeep

FloatArray = npt.NDArray[np.float64]

__all__ = ["InTime"]


class InTime(Upkeep):
    """Steps the field of one substrate when due, and holds it in between; see the module.

    Parameters
    ----------
    As of `Upkeep`. ``refresh="changes"`` is ``"phenotype"`` here, since a step of time is no answer to a cell that
    moves.
    """

    _field: FloatArray | None = None
    #: Minutes of diffusion steps that the field has not gone through yet.
    _behind = 0.0
    #: Whether others have written, or changed nodes or coefficients, since the last step of time.
    _changed = False
    _nodes: Nodes
    #: What the cells took in during this diffusion step: at which field, for how many minutes.
    _taken: list[tuple[FloatArray, float]]

    @property
    def field(self) -> FloatArray | None:
        """What the host's density holds, (H, W); None before the first diffusion step."""
        return self._field

    def advance(self, simulation: Any, dt: float, since: Since = Since.ANYTHING, unread: bool = False) -> bool:
        """Take a step of time if one is due; hold otherwise. See `Upkeep.advance`."""
        step = self._step_that_follows(dt)
        self._taken = []
        if since is Since.NOTHING and step is None and self._field is not None:
            return self._stay(dt)
        me, short, over = simulation.microenvironment, float(simulation.model.time.dt_mechanics), False
        if self._field is None:
            self._begin(me)
        elif since is Since.ANYTHING:
            over = self._follow(simulation, short)
        self._behind += dt
        if step is None and self._changed and self._behind > short - 0.5 * dt:
            step = "changes"
        if step is None:
            return self._stay(0.0) or self._changed or over
        self._nodes = reading.nodes_of(me, self.index)
        self._reconfigure(me)
        self._step(simulation, step)
        return True

    def count(self, internalized: FloatArray, before: FloatArray, voxel: npt.NDArray[np.int64], *rest: Any) -> None:
        """Reckon what the cells took in, (n, substrates), in the steps of time that were just taken."""
        from surrogate_adapters.pyphysicell.kernels import count

        *rates, _ = rest
        total = np.ascontiguousarray(before[:, self.index])
        internalized[:, self.index] = total
        for field, minutes in self._taken:
            count(internalized, total, field.reshape(-1), voxel, *rates, minutes, self.index)
            total = np.ascontiguousarray(internalized[:, self.index])

    def _concern(self, simulation: Any) -> None:
        """None of what speaks against a steady field speaks against this one."""
        self._taken = []

    def _begin(self, microenvironment: Any) -> None:
        """The host's initial condition, with what its nodes hold."""
        self._nodes = reading.nodes_of(microenvironment, self.index)
        self._field = self._density(microenvironment)
        self._field[self._nodes.fixed] = self._nodes.value[self._nodes.fixed]
        self._changed = True  # so that the first step goes on from here
        self._coefficients = reading.coefficients_of(microenvironment, self.index)

    def _stay(self, minutes: float) -> bool:
        self._behind += minutes
        if self.result is not None:
            self._fields.hold(self.name)
        return False

    def _follow(self, simulation: Any, short: float) -> bool:
        """Take over what others have done since the last diffusion step; whether they wrote into the density."""
        me, held = simulation.microenvironment, self._field
        assert held is not None
        now, nodes = self._density(me), reading.nodes_of(me, self.index)
        written = now != held
        over = bool(written.any())
        written[nodes.fixed | self._nodes.fixed] = False
        coefficients = reading.coefficients_of(me, self.index)
        other_nodes = not nodes.same_as(self._nodes)
        if not (written.any() or other_nodes or coefficients != self._coefficients):
            return over
        if self._behind > short * (1.0 + 1e-9):
            self._step(simulation, "changes")
            now = _written_later(self._own(), held, now)
        field = self._own()
        field[written] = now[written]
        field[nodes.fixed] = nodes.value[nodes.fixed]
        self._nodes, self._changed = nodes, True
        self._reconfigure(me)
        return over

    def _reconfigure(self, microenvironment: Any) -> None:
        self._coefficients = reading.coefficients_of(microenvironment, self.index)
        self._fields.reconfigure(self.name, **self._asked.changing(microenvironment))

    def _step(self, simulation: Any, reason: str) -> None:
        """Go through all minutes that the field is behind, with the nodes that are known and the cells as they are."""
        minutes, self._behind = self._behind, 0.0
        cells = reading.state_of(simulation, self.index, self.backend.config.domain, self._nodes, self._asked.medium)
        given = self._field if self._changed else None
        try:
            result = self._fields.step(self.name, cells, float(simulation.t), minutes, given, reason)
        except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
            raise type(error)(f"substrate {self.name!r}: {error}") from None
        self._field, self._changed = result.field, False
        self._taken.append((result.field, minutes))
        if simulation.needs_gradients:
            gradients.write(simulation.microenvironment, self.index, result.field)

    def _own(self) -> FloatArray:
        """The field, to write into."""
        assert self._field is not None
        if not self._field.flags.writeable:
            self._field = self._field.copy()
        return self._field

    def _density(self, microenvironment: Any) -> FloatArray:
        return np.array(microenvironment.density[0, :, :, self.index])


def _written_later(field: FloatArray, before: FloatArray, written: FloatArray) -> FloatArray:
    """What was written over a field ``before``, done to another one: what was added, and what share was left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(written >= before, field + (written - before), field * (written / before))
