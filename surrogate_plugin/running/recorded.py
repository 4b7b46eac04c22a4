"""The recording of a run in time: each step is in it once, however often the run was stopped or killed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from surrogate_plugin.engine.advance import TimeStep
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.recordings.reader import Header, headers_from, named
from surrogate_plugin.recordings.store import RecordingError
from surrogate_plugin.recordings.writer import Recorder
from surrogate_plugin.session.steps import StepRecord


@dataclass(frozen=True)
class Reached:
    """How far a recording had come when its run was kept, or began.

    Attributes
    ----------
    steps : int
        In the store, those of earlier runs included.
    digest : str
        What the last of them is named by, if it is one of this run.
    """

    steps: int = 0
    digest: str = ""


class RunRecorder(Recorder):
    """Records the steps of one substrate under their numbers in the run.

    A run goes on from where it was kept last, and takes the steps once more that it had taken since. As the first of
    these comes again, they are cut off, if they are what follows in the store, and the last of it.

    Parameters
    ----------
    path : Path
    taken : int
        Steps that the run has taken where it goes on.
    reached : Reached or None
        How far the recording had come there; None where that is not known, and then nothing is cut off.
    """

    def __init__(self, path: Path, taken: int = 0, reached: Reached | None = None) -> None:
        super().__init__(path)
        self._taken, self._goes_on_from = taken, reached
        self._since: list[Header] = []
        self._last = ""

    @property
    def reached(self) -> Reached:
        """How far it has come."""
        return Reached(len(self) - len(self._since), self.digest or self._last)

    def open(self, shape: tuple[int, int]) -> None:
        """See `Recorder.open`."""
        super().open(shape)
        if self._goes_on_from is not None:
            self._since = self._recorded_since(self._goes_on_from)
            self._goes_on_from = None

    def take(self, problem: Problem, record: StepRecord, before: FloatArray | None = None) -> None:
        """See `Recorder.take`."""
        if (self._since or self._last) and not self.digest:
            name = named(problem.parts, None if before is None else TimeStep.read(problem, before, record.dt_min))
            if before is None and name == self._last:
                return  # a steady field, which a run that was not stopped would have held
            if self._since and name == self._since[0].digest:
                self.cut(len(self) - len(self._since))
            self._since = []
        super().take(problem, replace(record, step=self._taken + record.step), before)

    def _recorded_since(self, reached: Reached) -> list[Header]:
        """What the run may have recorded after it was kept; nothing where somebody else may have."""
        first = reached.steps - 1 if reached.digest else reached.steps
        try:
            found = headers_from(self.path, first)
        except RecordingError:
            return []
        if reached.digest:
            if not found or found[0].digest != reached.digest:
                return []  # it was recorded elsewhere
            self._last = reached.digest
            del found[0]
        numbers = [header.step for header in found]
        is_ours = all(number >= self._taken for number in numbers) and all(a < b for a, b in pairwise(numbers))
        return found if is_ours else []
