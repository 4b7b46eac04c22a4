"""`run`: every member of a sweep once, whatever stops it in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_plugin.arguments import shown
from surrogate_plugin.ensemble.members import Member, members_of
from surrogate_plugin.ensemble.pool import Batches
from surrogate_plugin.ensemble.results import Results
from surrogate_plugin.ensemble.side_by_side import Function, Outcome, Task, cores, run_side_by_side
from surrogate_plugin.ensemble.store import Store
from surrogate_plugin.ensemble.sweep import MOST_MEMBERS, checked
from surrogate_plugin.errors import InvalidProblemError

#: Members that are begun at once for each core, and in all: so many make batches that pay, and few are lost by a kill.
_PER_CORE, _MOST_TOGETHER = 8, 64
#: Seconds after which it is looked again whether members that somebody else runs are finished.
_PATIENCE = 0.5


def run(
    function: Function,
    sweep: Iterable[Mapping[str, Any]],
    out: str | Path,
    *,
    repeats: int = 1,
    seed: int = 0,
    workers: int = 0,
    scheduler: str | None = None,
    together: int | None = None,
    limit: int | None = None,
    fresh: bool = False,
    progress: bool = False,
) -> Results:
    """Run a function once for each member of a sweep, side by side, the fields of all of them solved in batches.

    Members run as threads. Whatever engine they ask, through a host's adapter, a `Backend` or ``sp.solve``, hands its
    problem to a pool, which solves what waits as one batch. What a finished member gives is written into the store at
    once; called again with the same store, `run` goes on with the members that are not finished.

    Parameters
    ----------
    function : callable
        Takes the parameters of a member, a dict, and its `Link` (seed, random numbers, a folder for checkpoints); gives
        a dict of numbers, texts and arrays, which are kept. What it raises is kept too, and stops no other member.
    sweep : iterable of mapping
        The parameters of each member, as `grid`, `latin_hypercube` and `sobol` make them.
    out : str or Path
        The store, ``tumours.zarr``; members that are not finished have a folder beside it, ``tumours.begun``.
    repeats : int
        How many members have the same parameters, each with random numbers of its own.
    seed : int
        Of the ensemble.
    workers : int
        So many processes of this machine, each of which runs members side by side; 0 for this process alone. Needs the
        extra ``ensemble``.
    scheduler : str, optional
        The address of a dask scheduler, whose workers run the members; they must see the folder of the store.
    together : int, optional
        Members of a process that are begun at once; each needs the memory of a simulation. By default 8 a core, 64 at
        most.
    limit : int, optional
        Problems that are solved without waiting for more; by default half as many as members are begun, so that one
        half steps while the other one is solved for.
    fresh : bool
        Leave behind what is in the store.
    progress : bool
        Show a bar on the error stream.

    Returns
    -------
    Results

    Raises
    ------
    InvalidProblemError
        If an argument is not allowed.
    EnsembleError
        If ``out`` holds something else.
    ModuleNotFoundError
        If workers are asked for and dask.distributed is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import surrogate_plugin as sp
    >>> from surrogate_plugin import ensemble
    >>> def vessel(given, link):
    ...     source = np.zeros((32, 32)); source[16, 16] = 38.0
    ...     solution = sp.solve(sp.Problem(source, decay=given["decay"]), method="exact")
    ...     return {"mean": solution.field.mean(), "oxygen": (("y", "x"), solution.field)}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = ensemble.run(vessel, ensemble.grid({"decay": [0.01, 0.1]}), Path(folder) / "vessel.zarr")
    ...     means, fields = results.number("mean"), results.stack("oxygen")
    >>> bool(means[0] > means[1]), fields.shape
    (True, (2, 32, 32))
    """
    going = going_of(
        function, sweep, out, repeats=repeats, seed=seed, workers=workers, scheduler=scheduler, together=together,
        limit=limit, fresh=fresh,
    )  # fmt: skip
    from surrogate_plugin.terminal import progress as bar_of

    with bar_of("members", len(going.wanted.members), quiet=not progress) as bar:
        bar.skip(going.finished)
        going.run(bar.advance)
    return going.results()


def going_of(
    function: Function,
    sweep: Iterable[Mapping[str, Any]],
    out: str | Path,
    *,
    repeats: int = 1,
    seed: int = 0,
    workers: int = 0,
    scheduler: str | None = None,
    together: int | None = None,
    limit: int | None = None,
    fresh: bool = False,
) -> Going:
    """An ensemble that is yet to be run; arguments and errors are those of `run`."""
    wanted = Wanted.read(function, sweep, out, repeats=repeats, seed=seed)
    most = None if limit is None else _whole("limit", limit, 1)
    begun = min(_PER_CORE * cores(), _MOST_TOGETHER) if together is None else _whole("together", together, 1)
    task = Task(function, Store(wanted.out), together=begun, limit=most)
    return Going(wanted, task, workers=_whole("workers", workers, 0), scheduler=scheduler, fresh=fresh)


@dataclass(frozen=True)
class Wanted:
    """The members of an ensemble, and where they are kept.

    Attributes
    ----------
    out : Path
    members : sequence of Member
    told : dict
        What the store says it is of.
    """

    out: Path
    members: Sequence[Member]
    told: dict[str, Any]

    @classmethod
    def read(cls, function: Any, sweep: Iterable[Mapping[str, Any]], out: Any, *, repeats: int, seed: int) -> Wanted:
        """What somebody hands over, checked."""
        if not callable(function):
            raise InvalidProblemError(f"function is {shown(function)}; a function of parameters and a link is allowed.")
        if not isinstance(out, str | Path) or not Path(out).name:
            raise InvalidProblemError(f"out is {shown(out)}; the path of a store, such as 'sweep.zarr', is allowed.")
        _whole("repeats", repeats, 1)
        _whole("seed", seed, 0)
        parameters = checked(sweep)
        if repeats * len(parameters) > MOST_MEMBERS:
            raise InvalidProblemError(
                f"{len(parameters):,} sets of parameters, {repeats:,} times each, are more than {MOST_MEMBERS:,}."
            )
        subject = str(getattr(function, "subject", getattr(function, "__qualname__", type(function).__qualname__)))
        told = {"subject": subject, "sweep": parameters, "repeats": repeats, "seed": seed}
        # Workers may stand in another folder.
        return cls(Path(out).absolute(), members_of(parameters, subject, repeats=repeats, seed=seed), told)


class Going:
    """An ensemble that is run, or gone on with.

    Parameters
    ----------
    wanted : Wanted
    task : Task
    workers : int
    scheduler : str or None
    fresh : bool

    Attributes
    ----------
    finished : int
        Members that were finished before.
    batches : Batches
        What this command solved together.
    """

    def __init__(self, wanted: Wanted, task: Task, *, workers: int, scheduler: str | None, fresh: bool) -> None:
        if scheduler is not None and workers:
            raise InvalidProblemError("scheduler and workers are both given; one of them is allowed.")
        self.wanted, self.task = wanted, task
        self.batches = Batches()
        self._workers, self._scheduler = workers, scheduler
        task.store.create(wanted.told, fresh=fresh)
        self._left = [member for member in wanted.members if not task.store.is_finished(member)]
        self.finished = len(wanted.members) - len(self._left)

    def run(self, moved: Callable[[], None] = lambda: None) -> None:
        """Run all that is left, and wait for what somebody else runs.

        Parameters
        ----------
        moved : callable
            Called after each member that is finished or has failed.
        """
        left = self._left
        while left:
            elsewhere = self._over_workers(left, moved) if self._is_distributed else self._here(left, moved)
            left = [member for member in elsewhere if not self.task.store.is_finished(member)]
            for _ in range(len(elsewhere) - len(left)):
                moved()
            if left:
                time.sleep(_PATIENCE)

    def results(self) -> Results:
        """What there is, with its table written; what is no longer needed beside the store is removed."""
        self.task.store.tell(self.wanted.told)
        results = Results(self.wanted.out, told=self.wanted.told)
        results.write_table()
        self.task.store.tidy(self.wanted.members)
        return results

    @property
    def _is_distributed(self) -> bool:
        return self._scheduler is not None or self._workers > 0

    def _here(self, left: Sequence[Member], moved: Callable[[], None]) -> list[Member]:
        elsewhere: list[Member] = []

        def told(member: Member, outcome: Outcome) -> None:
            if outcome is Outcome.ELSEWHERE:
                elsewhere.append(member)
            else:
                moved()

        self.batches.join(run_side_by_side(self.task, left, told))
        return elsewhere

    def _over_workers(self, left: Sequence[Member], moved: Callable[[], None]) -> list[Member]:
        from surrogate_plugin.ensemble.cluster import run_on_workers

        elsewhere, batches = run_on_workers(
            self.task, left, workers=self._workers, scheduler=self._scheduler, moved=moved
        )
        self.batches.join(batches)
        return elsewhere


def _whole(name: str, given: Any, least: int) -> int:
    if type(given) is not int or given < least:
        raise InvalidProblemError(f"{name} is {shown(given)}; a whole number of at least {least} is allowed.")
    return given
