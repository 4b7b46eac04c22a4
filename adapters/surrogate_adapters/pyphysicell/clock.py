"""Which of the host's other steps follow a diffusion step."""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["Clock"]


class Clock:
    """Tells the diffusion steps that the host's phenotype or mechanics step follows, by the host's own reckoning.

    It counts the minutes it is told, so that steps of the microenvironment alone, which leave the host's time where it
    is, pass as time too.

    Parameters
    ----------
    name : "phenotype" or "mechanics"
    period, now, following : float, min
        Between two of these steps; the host's time; when the next one is due.
    """

    def __init__(self, name: Literal["phenotype", "mechanics"], period: float, now: float, following: float) -> None:
        self.name = name
        self.period = period
        self._now = now
        self._next = following

    @classmethod
    def of_phenotype_steps(cls, simulation: Any) -> Clock:
        """The host's phenotype steps from now on."""
        period = float(simulation.model.time.dt_phenotype)
        return cls("phenotype", period, float(simulation.t), float(simulation._next_phenotype))

    @classmethod
    def of_mechanics_steps(cls, simulation: Any) -> Clock:
        """The host's mechanics steps from now on."""
        period = float(simulation.model.time.dt_mechanics)
        return cls("mechanics", period, float(simulation.t), float(simulation._next_mechanics))

    @property
    def follows(self) -> bool:
        """Whether such a step follows the diffusion step that comes next."""
        return self._now + 1e-12 >= self._next

    def due(self, dt: float) -> bool:
        """Whether such a step follows this diffusion step of ``dt`` minutes."""
        due = self.follows
        self._now += dt
        if due:
            self._next += self.period
        return due
