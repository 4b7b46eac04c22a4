"""Keeps the fields of one simulation: looks at what has changed, solves, writes, and tells what it found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.promises import require_rest, tell_at_start
from surrogate_adapters.compucell3d.slopes import gradient
from surrogate_adapters.compucell3d.substrate import Substrate
from surrogate_adapters.compucell3d.tissue import Tissue
from surrogate_adapters.compucell3d.written import Written
from surrogate_adapters.notices import Notices
from surrogate_adapters.steady_fields import SteadyFields

__all__ = ["Upkeep"]

#: What float32 is off by at most, of a value.
_ROUNDING = 2.0**-24
#: The default tolerance of a field that cells climb, of its largest value: at 1 % slopes are some 10 % off.
_SHARE_CLIMBED = 1e-3


class Upkeep:
    """The fields of one simulation.

    Parameters
    ----------
    substrates : mapping of name to Substrate
    memory : callable
        Of a name: the host's field as an array, (H, W) float32.
    settings : mapping of name to Settings
    climbed : collection of str
        Fields that the host's cells climb.
    minutes_per_mcs : float, min
    every : int, MCS
        How often there is a `step`.
    first : int, MCS
        The first one that takes time: the host moves no cells and runs no solver in MCS 0 unless it is told to.
    notices : Notices
    record, report : str or Path, optional

    Attributes
    ----------
    substrates : dict of str to Substrate
    steady : SteadyFields
    results : dict of str to StepResult
        The last of each field.
    looked : int or None
        The MCS of the last `step`; -1 for the start, None before it.
    """

    def __init__(
        self,
        substrates: Mapping[str, Substrate],
        memory: Callable[[str], Any],
        *,
        settings: Mapping[str, sp.Settings],
        climbed: Collection[str],
        minutes_per_mcs: float,
        every: int,
        first: int = 1,
        notices: Notices,
        record: str | Path | None = None,
        report: str | Path | None = None,
    ) -> None:
        self.substrates = dict(substrates)
        self.results: dict[str, sp.StepResult] = {}
        self.looked: int | None = None
        self._settings, self._minutes, self._every, self._notices = dict(settings), minutes_per_mcs, every, notices
        self._climbed = set(climbed)
        self.steady = SteadyFields(
            {name: self._config(each) for name, each in substrates.items()}, record, noun="field", report=report
        )
        self._written = {name: Written(memory(name), substrate) for name, substrate in substrates.items()}
        self._states: dict[str, sp.TissueState] = {}
        self._tissue: Tissue | None = None
        #: The MCS that fields in time have behind them; None where the host has gone on without us.
        self._stepped: int | None = None
        self._first = first
        self._in_time = [name for name in self.substrates if self.steady.is_stepping(name)]
        for name in self._in_time:
            self._written[name].begin()

    def step(self, tissue: Tissue, mcs: int) -> None:
        """Bring every field to the steady state of these cells, or hold it if it is there; or go on in time."""
        self._look(tissue, mcs, hold=True)
        self._go_on(tissue, mcs)
        self.looked = mcs

    def catch_up(self, tissue: Callable[[], Tissue], mcs: int) -> None:
        """Before MCS ``mcs``: solve for what has changed since `step`, if that was in the MCS before or on request."""
        requested = len(self._states) < len(self.substrates) - len(self._in_time)
        if self.looked == mcs - 1 or requested:
            self._look(tissue(), mcs - 1, hold=False)
            self.looked = mcs - 1

    def refresh(self, tissue: Tissue) -> None:
        """Solve at once for what has changed since the last look."""
        self._look(tissue, -1 if self.looked is None else self.looked, hold=False)

    def change(self, name: str, substrate: Substrate) -> None:
        """Go on with another description of a field; it is solved for at the next look."""
        self.steady.change(name, self._config(substrate))
        self.substrates[name] = substrate
        self._written[name].describe(substrate)
        self._states.pop(name, None)

    def gradient(self, name: str) -> npt.NDArray[np.float64]:
        """Slopes of what is in the host's memory, (2, H, W), field units / um, along x and along y."""
        substrate = self.substrates[name]
        if name not in self._written:
            raise RuntimeError("the simulation is over, and its fields with it; ask for their slopes before.")
        return gradient(self._written[name].held(), substrate.boundary, substrate.lattice.spacing_um)

    def let_go(self) -> None:
        """Of the host's memory."""
        self._written.clear()

    def _look(self, tissue: Tissue, mcs: int, *, hold: bool) -> None:
        same, self._tissue = tissue.same_as(self._tissue), None  # seen once every field is that of it
        self._solve_ahead(tissue, same)
        for name, substrate in self.substrates.items():
            if name in self._in_time:
                continue
            last = self._states.get(name)
            state = last if same and last is not None else substrate.state(tissue)
            self._watch(name, mcs)
            if last is None:
                self._begin(name, state, mcs)
            elif not state.same_as(last):
                self._solve(name, state, mcs)
                if hold:
                    self._age(name, mcs)
            elif hold:
                self.steady.hold(name)
        self._tissue = tissue

    def _solve_ahead(self, tissue: Tissue, same: bool) -> None:
        """Solve together for the fields whose cells have changed, where that is quicker than in their turns."""
        due = [name for name in self.substrates if not ((same and name in self._states) or self._seeks_tolerance(name))]
        self.steady.solve_ahead(due, lambda name: self._solved_on(name, tissue))

    def _solved_on(self, name: str, tissue: Tissue) -> sp.TissueState:
        substrate = self.substrates[name]
        return substrate.solved_on(substrate.state(tissue))

    def _go_on(self, tissue: Tissue, mcs: int) -> None:
        """Take the fields in time on to the end of this MCS."""
        before, self._stepped = self._stepped, max(mcs, self._first - 1)
        passed = 0 if mcs < self._first else self._every if before is None else mcs - before
        if passed <= 0:
            return
        for name in self._in_time:
            state, written = self.substrates[name].state(tissue), self._written[name]
            result = self.steady.step(name, state, mcs, passed * self._minutes, field=written.held())
            entry = self.steady.latest(name)
            entry.record = dataclasses.replace(entry.record, bound=written.put(result, state))
            self.results[name] = result

    def _solve(self, name: str, state: sp.TissueState, mcs: int) -> None:
        substrate, written = self.substrates[name], self._written[name]
        require_rest(substrate, state)
        result = self.steady.solve(name, substrate.solved_on(state), mcs)
        before = written.left
        bound = written.put(result, state)
        tighter = self._tighter(name, result, bound, state)
        if tighter is not None:
            result = dataclasses.replace(result, solution=tighter)
            bound = written.put(result, state)
        entry = self.steady.latest(name)
        if result.record.method == "held":  # what has changed is finer than the lattice solved on
            bound = max(bound, entry.bound)
        entry.record = dataclasses.replace(entry.record, bound=bound)
        if before is not None and written.left is not None:
            entry.excess = max(entry.excess, float(np.abs(written.left - before).max()))
        self.results[name], self._states[name] = result, state

    def _tighter(self, name: str, result: sp.StepResult, bound: float, state: sp.TissueState) -> sp.Solution | None:
        """The field anew where rounding to the host's float32 takes its bound beyond the tolerance, if that helps."""
        tolerance, backend = self._settings[name].tolerance, self.steady.backends[name]
        if self.substrates[name].elsewhere or tolerance is None or not result.solution.error_bound <= tolerance < bound:
            return None
        left = tolerance - _ROUNDING * float(result.field.max())
        if left <= 0.0:
            return None
        problem, method = backend.problem(state), backend.config.method
        tighter = backend.engine.solve(problem, method=method, tolerance=left, previous=result.field)
        tighter.field.flags.writeable = False  # as of every step's field, which is handed out again
        return tighter

    def _age(self, name: str, mcs: int) -> None:
        """Within one MCS a field stays in any host; over several it is old for the sake of time."""
        entry = self.steady.latest(name)
        if self._every > 1 and entry.excess > entry.bound:
            self._notices.tell(
                "cells read more than the bound",
                name,
                f"field {name!r}: until MCS {mcs} cells read up to {entry.excess:.3g} beside its steady field, whose "
                f"bound is {entry.bound:.3g}, since it is solved for every {self._every} MCS; frequency=1 follows "
                "them.",
            )

    def _watch(self, name: str, mcs: int) -> None:
        changed = self._written[name].restore()
        if changed != 0.0:
            self._notices.tell(
                "written from outside",
                name,
                f"field {name!r}: something has written into it before or in MCS {max(mcs, 0)}, by up to "
                f"{changed:.3g}; the steady field is put back. Say what cells secrete in its description: the "
                "host's <Secretion> is production.",
            )

    def _begin(self, name: str, state: sp.TissueState, mcs: int) -> None:
        """The first solve of a description, and what is known of it once its cells are there."""
        if self._seeks_tolerance(name):
            self._require_slopes(name, state)
        self._solve(name, state, mcs)
        tell_at_start(self._notices, self.substrates[name], state, self._minutes)

    def _seeks_tolerance(self, name: str) -> bool:
        """Whether a field that cells climb has none yet, since nobody chose one."""
        return name in self._climbed and self._settings[name].tolerance is None

    def _require_slopes(self, name: str, state: sp.TissueState) -> None:
        require_rest(self.substrates[name], state)
        problem = self.steady.backends[name].problem(self.substrates[name].solved_on(state))
        largest = problem.largest_imposed or float(sp.solve(problem, method="exact").field.max())
        if largest > 0:
            self._settings[name] = self._settings[name].replace(tolerance=_SHARE_CLIMBED * largest)
            self.steady.reconfigure(name, tolerance=self._settings[name].tolerance)

    def _config(self, substrate: Substrate) -> sp.BackendConfig:
        try:
            return substrate.config(self._settings[substrate.name])
        except sp.InvalidProblemError as error:
            raise sp.InvalidProblemError(
                f"field {substrate.name!r}: {str(error).removeprefix('BackendConfig.')}"
            ) from None
