"""What a difference from the steady field is: an error of the run, a field not yet steady, or not to be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.audit.in_time import Between, Brackets
from surrogate_plugin.audit.tables import Verdict

#: At least so much of a difference is explained where a sentence says that it is.
_MOST = 0.9


@dataclass(frozen=True)
class Judgement:
    """A verdict, and what it rests on.

    Attributes
    ----------
    verdict : Verdict
    error_at_least : float, field units
    sentence : str
    """

    verdict: Verdict
    error_at_least: float
    sentence: str


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one substrate at one moment.

    Attributes
    ----------
    saved, steady : (H, W) float64, field units
    tolerance : float, field units
    between : Between or None
    brackets : Brackets or None
    by_host : Brackets or None
        What the host's own steps come to, if rates and places of cells held for as long as ``brackets`` has it.
    predicted : (H, W) float64, field units, or None
        The host's own scheme at rest.
    first : bool
        Whether no step was taken before.
    """

    saved: FloatArray
    steady: FloatArray
    tolerance: float
    between: Between | None
    brackets: Brackets | None
    by_host: Brackets | None
    predicted: FloatArray | None
    first: bool

    @property
    def difference(self) -> float:
        """The largest from the steady field."""
        return float(np.abs(self.saved - self.steady).max())

    @property
    def error(self) -> float:
        """How far the saved field is from any that certified steps come to, at the worst voxel.

        Nothing is known where the host's own steps do not come there either, since cells have changed meanwhile.
        """
        if self.changed > self.tolerance:
            return 0.0
        found = [each.outside(self.saved) for each in (self.between, self.brackets) if each is not None]
        return max(max((float(each.max()) for each in found), default=0.0) - self.changed, 0.0)

    @property
    def changed(self) -> float:
        """How far the saved field is from any that the host's own steps come to, if cells had held."""
        return 0.0 if self.by_host is None else float(self.by_host.outside(self.saved).max())

    @property
    def unsteady(self) -> float | None:
        """How far the stepped field is from the steady one, beyond doubt; None where nothing was stepped."""
        if self.between is None:
            return None
        apart = [np.abs(each.field - self.steady) for each in (self.between.by_now, self.between.by_before)]
        return float(max(np.minimum(*apart).max() - self.between.by_now.off - self.between.by_before.off, 0.0))

    @property
    def by_time_step(self) -> float | None:
        """How far the host's scheme is from the steady field at rest; None where it is not known."""
        return None if self.predicted is None else float(np.abs(self.predicted - self.steady).max())

    @property
    def explained(self) -> bool:
        """Whether the host's scheme, at rest with its time step, comes to nearly the saved field."""
        if self.predicted is None:
            return False
        left = float(np.abs(self.saved - self.predicted).max())
        return left <= max((1.0 - _MOST) * self.difference, min(self.tolerance, 0.5 * self.difference))


def judge(evidence: Evidence, relaxation_min: float, units: str = "") -> Judgement:
    """The verdict of one substrate at one moment; ``relaxation_min`` is how long what is slowest takes."""
    telling = _Telling(evidence, relaxation_min, units)
    difference, tolerance, error = evidence.difference, evidence.tolerance, evidence.error
    if evidence.first:
        return Judgement(Verdict.INITIAL, 0.0, "The initial condition, which the run had not stepped yet: no error.")
    if difference <= tolerance:
        return Judgement(Verdict.STEADY, error, telling.steady())
    unsteady = evidence.unsteady or 0.0
    if error > tolerance:
        if unsteady > tolerance:
            return Judgement(Verdict.BOTH, error, f"{telling.error()} {telling.also_unsteady()}")
        return Judgement(Verdict.ERROR, error, telling.error())
    if unsteady > tolerance and not evidence.explained:
        return Judgement(Verdict.NOT_YET_STEADY, error, telling.unsteady())
    by_step = evidence.by_time_step
    if by_step is not None and by_step <= (1.0 - _MOST) * difference:
        return Judgement(Verdict.NOT_YET_STEADY, error, telling.slow(by_step))
    return Judgement(Verdict.UNTOLD, error, telling.untold())


@dataclass(frozen=True, eq=False)
class _Telling:
    """The sentences."""

    known: Evidence
    relaxation_min: float
    units: str

    def say(self, number: float) -> str:
        """A number with its unit."""
        return f"{number:.3g}{' ' + self.units if self.units else ''}"

    def steady(self) -> str:
        if not self.known.saved.any() and not self.known.steady.any():
            return "0 everywhere, and so is the steady field."
        return f"Within {self.say(self.known.tolerance)} of the steady field everywhere."

    def error(self) -> str:
        if self.known.between is not None:
            whatever = "whether the cells saved before or those saved now are held in between"
        else:
            whatever = "whatever the field was before, if the rates of cells had held since the last phenotype step"
        so = f"Certified time steps come no nearer to the saved field than {self.say(self.known.error)}, {whatever}"
        return f"{so}: that much is error.{self._by_step()}"

    def also_unsteady(self) -> str:
        return f"The field was not yet steady either, by {self.say(self.known.unsteady or 0.0)}."

    def unsteady(self) -> str:
        return (
            "Certified time steps from the moment before come as near to the saved field as the files can tell; it was "
            f"not yet steady, by {self.say(self.known.unsteady or 0.0)}."
        )

    def slow(self, by_step: float) -> str:
        return (
            f"At rest the run's own time step would put it off by {self.say(by_step)} alone, and what is slowest takes "
            f"{self.relaxation_min:.3g} min to come to rest: most of the difference is a field that is not yet steady."
        )

    def untold(self) -> str:
        if self.known.changed > self.known.tolerance:
            return (
                "The run's own time steps do not come to the saved field either, by "
                f"{self.say(self.known.changed)}, so that rates or places of cells changed since the last phenotype "
                "step: an error cannot be told from that."
            )
        return (
            "Certified time steps do not tell an error from a field that is not yet steady, as too little is known of "
            f"the cells in between: save more often.{self._by_step('a step that is too long would explain it.')}"
        )

    def _by_step(self, therefore: str = "the step was too long.") -> str:
        if not self.known.explained:
            return ""
        return f" The run's own scheme, at rest with its time step, comes to the saved field: {therefore}"
