"""`run`: every member of a sweep once, whatever stops it in between."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_plugin.arguments import shown
from surrogate_plugin.ensemble.growing import run_growing
from surrogate_plugin.ensemble.local import run_here, run_in_processes
from surrogate_plugin.ensemble.members import Member, members_of
from surrogate_plugin.ensemble.pool import Batches
from surrogate_plugin.ensemble.results import Results
from surrogate_plugin.ensemble.side_by_side import INSIDE, Function, Outcome, Task, name_of
from surrogate_plugin.ensemble.store import Store
from surrogate_plugin.ensemble.sweep import MOST_MEMBERS, checked
from surrogate_plugin.errors import InvalidProblemError

#: Seconds after which it is looked again whether members that somebody else runs are finished.
_PATIENCE = 0.5


def run(
    function: Function,
    sweep: Iterable[Mapping[str, Any]],
    out: str | Path,
    *,
    repeats: int = 1,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    together: int | None = None,
    limit: int | None = None,
    fresh: bool = False,
    progress: bool = False,
) -> Results:
    """Run a function once for each member of a sweep, on all cores or on a GPU.

    On a CPU members run one after the other in this process and, once what is left is worth their start, in others
    beside it, one a core. On a GPU they run as threads of this process: whatever engine they ask, through a host's
    adapter, a `Backend` or ``sp.solve``, hands its problem to a pool, which solves what waits as one batch. What a
    finished member gives is written into the store at once; called again with the same store, `run` goes on with the
    members that are not finished.

    Parameters
    ----------
    function : callable
        Takes the parameters of a member, a dict, and its `Link` (seed, random numbers, a folder for checkpoints); gives
        a dict of numbers, texts and arrays, which are kept. What it raises is kept too, and stops no other member.
        What else it leaves behind, in a list of this process for example, is lost where another one runs it.
    sweep : iterable of mapping
        The parameters of each member, as `grid`, `latin_hypercube` and `sobol` make them.
    out : str or Path
        The store, ``tumours.zarr``; members that are not finished have a folder beside it, ``tumours.begun``.
    repeats : int
        How many members have the same parameters, each with random numbers of its own.
    seed : int
        Of the ensemble.
    workers : int, optional
        So many other processes of this machine, each of which runs one member at a time; 0 for this process alone. By
        default this one and as many others as pay: no others for an ensemble of a few seconds, nor where ``together``
        or ``limit`` is given.
    scheduler : str, optional
        The address of a dask scheduler, whose workers run the members; they must see the folder of the store.
        ``"local"`` for workers of this machine, one a core. Needs the extra ``ensemble``.
    together : int, optional
        Members of a process that are begun at once, each on a thread; each needs the memory of a simulation. By
        default 1 on a CPU, and 8 a core on a GPU, 64 at most.
    limit : int, optional
        Solve what members ask for in batches, on a CPU too, and so many problems without waiting for more. By default
        batches are for GPUs, and half as many as members are begun, so that one half steps while the other one is
        solved for.
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
        If a scheduler is given and dask.distributed is not installed.

    Warns
    -----
    RuntimeWarning
        If other processes would pay, and the function cannot be sent there; and if members have failed.

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
    results = going.results()
    _tell_of_failures(results)
    return results


def _tell_of_failures(results: Results) -> None:
    """Members that failed are kept in silence, which whoever looks at no result would take for success."""
    for row, failure in results.failed.items():
        counted = f"{len(results.failed)} of {len(results)} members failed"
        message = f"{counted}, member {row} with {failure.error}; `failed` of the results has why."
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        return


def going_of(
    function: Function,
    sweep: Iterable[Mapping[str, Any]],
    out: str | Path,
    *,
    repeats: int = 1,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    together: int | None = None,
    limit: int | None = None,
    fresh: bool = False,
) -> Going:
    """An ensemble that is yet to be run; arguments and errors are those of `run`."""
    wanted = Wanted.read(function, sweep, out, repeats=repeats, seed=seed)
    most = None if limit is None else _whole("limit", limit, 1)
    begun = None if together is None else _whole("together", together, 1)
    if workers is not None:
        _whole("workers", workers, 0)
    task = Task(function, Store(wanted.out), together=begun, limit=most)
    return Going(wanted, task, workers=workers, scheduler=scheduler, fresh=fresh)


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
        subject = name_of(function)
        told = {"subject": subject, "sweep": parameters, "repeats": repeats, "seed": seed}
        # Workers may stand in another folder.
        return cls(Path(out).absolute(), members_of(parameters, subject, repeats=repeats, seed=seed), told)


class Going:
    """An ensemble that is run, or gone on with.

    Parameters
    ----------
    wanted : Wanted
    task : Task
    workers : int or None
    scheduler : str or None
    fresh : bool

    Attributes
    ----------
    finished : int
        Members that were finished before.
    batches : Batches
        What this command solved together.
    processes : int
        How many of this machine it took, the largest number at once.
    """

    def __init__(self, wanted: Wanted, task: Task, *, workers: int | None, scheduler: str | None, fresh: bool) -> None:
        if scheduler is not None and workers:
            raise InvalidProblemError("scheduler and workers are both given; one of them is allowed.")
        self.wanted, self.task = wanted, task
        self.batches, self.processes = Batches(), 1
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
            elsewhere = self._once(left, moved)
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

    def _once(self, left: Sequence[Member], moved: Callable[[], None]) -> list[Member]:
        """Run all that is left, but for those that somebody else is running; these are returned."""
        if self._scheduler is not None:
            from surrogate_plugin.ensemble.cluster import run_on_workers

            elsewhere, batches = run_on_workers(self.task, left, scheduler=self._scheduler, moved=moved)
            self.batches.join(batches)
            return elsewhere
        elsewhere = []

        def told(member: Member, outcome: Outcome) -> None:
            if outcome is Outcome.ELSEWHERE:
                elsewhere.append(member)
            else:
                moved()

        if self._grows:
            batches, processes = run_growing(self.task, left, told)
            self.processes = max(self.processes, processes)
        elif not self._workers:
            batches = run_here(self.task, left, told)
        else:
            self.processes = self._workers
            batches = run_in_processes(self.task, left, told, count=self._workers)
        self.batches.join(batches)
        return elsewhere

    @property
    def _grows(self) -> bool:
        """Whether as many processes as pay are to be taken.

        A member that runs members in its turn has the others of its own ensemble beside it. And whoever says how many
        share a process has them in one, as a GPU has.
        """
        task = self.task
        return self._workers is None and not INSIDE.get() and task.together in (None, 1) and not task.is_pooled


def _whole(name: str, given: Any, least: int) -> int:
    if type(given) is not int or given < least:
        raise InvalidProblemError(f"{name} is {shown(given)}; a whole number of at least {least} is allowed.")
    return given
