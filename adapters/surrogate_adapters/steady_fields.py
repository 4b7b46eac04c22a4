"""The fields of several substrates on one lattice, steady or stepping, with who answered, and what was solved when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.options import recorders
from surrogate_plugin.session.together import solve_ahead

if TYPE_CHECKING:
    from surrogate_plugin.report.writing import Watch

__all__ = ["HistoryEntry", "SteadyFields"]


@dataclass
class HistoryEntry:
    """One field, from the step that solved for it to the last one that held it; each step in time has one.

    Attributes
    ----------
    substrate : str
    time : float
        The host's time at the solve, in its own unit.
    record : StepRecord
        Who answered, the bound, the time it took, the flags.
    held : int
        How many further steps it was held for, since nothing had changed.
    excess : float, field units
        How far what cells read just before this solve was off this field, because they had moved, divided or changed
        their rates since the one before; 0 in hosts that solve before anybody reads.
    reason : str
        Why it was solved for, in hosts that tell: in pyphysicell ``first``, ``phenotype``, ``count``, ``rates``,
        ``moved``, ``dirichlet`` or ``coefficients``.
    """

    substrate: str
    time: float
    record: sp.StepRecord
    held: int = 0
    excess: float = 0.0
    reason: str = ""

    @property
    def method(self) -> str:
        """Who answered."""
        return self.record.method

    @property
    def bound(self) -> float:
        """At least the largest pointwise error of the field that was solved for, field units.

        Of a field that goes on in time it covers what is left of the errors of all steps before.
        """
        return self.record.bound

    @property
    def time_min(self) -> float:
        """The host's time at the solve, in hosts that count in minutes."""
        return self.time


class SteadyFields:
    """One backend a substrate, over one engine, and what was solved when.

    Some substrates may be steady at each state, and others go on in time, as their configurations say. They can be
    pickled and copied; a copy records nothing, and writes no page.

    Parameters
    ----------
    configs : mapping of substrate to BackendConfig
        With the same model, device and policy.
    record : str or Path, optional
        Where to record the states solved for, see `recorders`.
    noun : str or None
        What the host calls a substrate, for the errors; None leaves them to a caller who names it.
    keep : int, optional
        How many entries of the history and how many records of each backend are kept, the newest; by default the
        whole history, and of records as many as a `Backend` keeps by itself.
    report : str or Path, optional
        Where to write the page of the run, one for all substrates, see `RunReport`.
    host : str, optional
        The host's Python package, whose version belongs on the page.

    Attributes
    ----------
    backends : dict of substrate to Backend
    history : list of HistoryEntry
        One a field solved for.
    report : RunReport or None

    Examples
    --------
    >>> domain = sp.Domain.from_lattice((16, 32), spacing_um=20.0)
    >>> config = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, tolerance=0.38)
    >>> fields = SteadyFields({"oxygen": config})
    >>> vessel = sp.Vessels([(320.0, 160.0)], radius_um=30.0, value=38.0)
    >>> for time in range(3):
    ...     result = fields.solve("oxygen", sp.TissueState(vessels=vessel), time)
    >>> [(entry.substrate, entry.time, entry.held) for entry in fields.history]
    [('oxygen', 0, 2)]
    >>> fields.reconfigure("oxygen", decay_per_min=0.2)
    >>> fields.solve("oxygen", sp.TissueState(vessels=vessel), 3).record.method != "held"
    True

    A drug beside it that goes on in time, of which a dose is written into the host's array:

    >>> import numpy as np
    >>> drug = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=600.0, decay_per_min=0.01, boundary="reflecting",
    ...     stepping="implicit-euler", tolerance=1e-6)
    >>> fields = SteadyFields({"oxygen": config, "drug": drug})
    >>> host = np.zeros((16, 32)); host[:, 0] = 5.0
    >>> for time in (6, 12):
    ...     host = fields.step("drug", sp.TissueState(), time, dt_min=6.0, field=host).field
    >>> round(float(host.sum()), 4), round(80.0 / 1.06**2, 4)
    (71.1997, 71.1997)
    """

    def __init__(
        self,
        configs: Mapping[str, sp.BackendConfig],
        record: str | Path | None = None,
        noun: str | None = "substrate",
        *,
        keep: int | None = None,
        report: str | Path | None = None,
        host: str = "",
    ) -> None:
        stores = recorders(record, list(configs))
        engine = next((config.engine() for config in configs.values()), None)
        kept = {} if keep is None else {"keep": keep}
        self.report = None if report is None else sp.RunReport(report, hosts=[host] if host else [])
        self._watches: dict[str, Watch] = {}
        if self.report is not None:
            self.report.follow(self)
            self._watches = {name: self.report.watch(name, config) for name, config in configs.items()}
        self.backends = {
            name: sp.Backend(config, engine=engine, recorder=stores[name], watch=self._watches.get(name), **kept)
            for name, config in configs.items()
        }
        self.history: list[HistoryEntry] = []
        self._noun = noun
        self._keep = keep
        self._latest: dict[str, HistoryEntry] = {}
        self._results: dict[str, sp.StepResult] = {}

    def solve(self, name: str, state: sp.TissueState, time: float, reason: str = "") -> sp.StepResult:
        """The steady field of one substrate; the one held, if the state is that of the step before.

        Parameters
        ----------
        name : str
        state : TissueState
        time : float
            The host's, in its own unit.
        reason : str
            Why it is asked for, for the history.

        Raises
        ------
        InvalidProblemError
            Naming the substrate, if its state has no unique steady field.
        """
        with self._at(name, time):
            result = self.backends[name].step(state)
        return self._noted(name, result, time, reason)

    def solve_ahead(
        self, names: Iterable[str], state_of: Callable[[str], sp.TissueState | None]
    ) -> dict[str, sp.TissueState]:
        """Solve together for what the next `solve` of several substrates is going to be asked, where that is quicker.

        To be called before a host that asks for several fields at the same moment goes through them: each is then
        noted, recorded, held or refused by its own `solve`, in its turn and as ever, which finds its field there.

        Parameters
        ----------
        names : iterable of str
            Those that go on in time are left out.
        state_of : callable
            The state of a substrate with which `solve` is going to be called, or None where it is not. What it raises
            is left to the substrate's own turn.

        Returns
        -------
        dict of str to TissueState
            The states made so, to be handed to `solve`; none where nothing is solved for together.
        """
        return solve_ahead({name: self.backends[name] for name in names}, state_of)

    def step(
        self,
        name: str,
        state: sp.TissueState,
        time: float,
        dt_min: float,
        field: npt.ArrayLike | None = None,
        reason: str = "",
    ) -> sp.StepResult:
        """The field of one substrate after a step of time; that of a steady substrate is as `solve` gives it.

        Parameters
        ----------
        name : str
        state : TissueState
            What holds during the step.
        time : float
            The host's, at the end of the step, in its own unit.
        dt_min : float, min
            How long the step is.
        field : (H, W) array of float, field units, optional
            The host's own, as it is before the step, in rows and columns of the domain: whatever users have written
            there is gone on from, see `Backend.field`. If not given, the field goes on from the last step's. Steady
            substrates do not look at it.
        reason : str
            Why it is asked for, for the history.

        Raises
        ------
        InvalidProblemError
            Naming the substrate, if ``dt_min`` is not positive or ``field`` none of the lattice's.
        """
        if not self.is_stepping(name):
            return self.solve(name, state, time, reason)
        backend = self.backends[name]
        with self._at(name, time):
            if field is not None:
                backend.field = field
            result = backend.step(state, dt_min)
        return self._noted(name, result, time, reason)

    def is_stepping(self, name: str) -> bool:
        """Whether a substrate goes on in time, so that each step of the host is to be asked for by `step`."""
        return not self.backends[name].config.steady

    def _noted(self, name: str, result: sp.StepResult, time: float, reason: str) -> sp.StepResult:
        self._results[name] = result
        if result.record.method == "held":
            self._latest[name].held += 1
            return result
        self._latest[name] = HistoryEntry(name, time, result.record, reason=reason)
        self.history.append(self._latest[name])
        if self._keep is not None:
            del self.history[: -self._keep]
        return result

    def hold(self, name: str) -> None:
        """Count a step for which the field of a substrate stays, without looking at the state."""
        self._latest[name].held += 1
        if name in self._watches:
            self._watches[name].hold()

    def finish(self) -> None:
        """Write the page of the run for the last time, if there is one, as its host has come to its end."""
        if self.report is not None:
            self.report.close()

    def latest(self, name: str) -> HistoryEntry:
        """The entry of the field that a substrate has now."""
        return self._latest[name]

    def result(self, name: str) -> sp.StepResult | None:
        """The field that a substrate has now, with its solution; None before the first solve."""
        return self._results.get(name)

    def method(self, name: str) -> str:
        """Who solved for the field that a substrate has now."""
        return self._latest[name].method

    def reconfigure(self, name: str, **changes: Any) -> None:
        """Go on with some options of one substrate changed, see `Backend.reconfigure`.

        Raises
        ------
        InvalidProblemError
            Naming the substrate, if an option is not allowed.
        """
        with self._naming(name):
            self.backends[name].reconfigure(**changes)

    def change(self, name: str, config: sp.BackendConfig) -> None:
        """Go on with another description of one substrate; its records, its history and its last field stay."""
        self.reconfigure(name, **dict(config))

    @contextmanager
    def _at(self, name: str, time: float) -> Iterator[None]:
        """A step of one substrate at a time of the host's."""
        if name in self._watches:
            self._watches[name].time = float(time)
        with self._naming(name):
            yield

    @contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        """Say in an error which substrate it is of."""
        try:
            yield
        except sp.InvalidProblemError as error:
            if self._noun is None:
                raise
            raise sp.InvalidProblemError(f"{self._noun} {name!r}: {error}") from None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "report": None, "_watches": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # Each backend of a copy comes with an engine of its own; one network is enough.
        backends = list(self.backends.values())
        for backend in backends:
            backend.engine = backends[0].engine
