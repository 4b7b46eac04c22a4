"""Many problems at once: on all cores, each problem by one thread from beginning to end, or on a GPU all together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.arguments import instance_of, one_of, shown
from surrogate_plugin.engine import pooling
from surrogate_plugin.engine import request as asked
from surrogate_plugin.engine.engine import Engine, shared_engine
from surrogate_plugin.engine.groups import Kind, group_size, kind_of
from surrogate_plugin.engine.many_worker import Ask, Manner, workers
from surrogate_plugin.engine.on_device import METHODS, OnDevice, device_for
from surrogate_plugin.engine.side_by_side import side_by_side
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.errors import InvalidProblemError

Tolerances = float | Sequence[float | None] | npt.NDArray[Any] | None
Progress = Callable[[int, int], None]
_ERRORS = ("raise", "return")
#: A thread finds at least so many tasks, if there are as many problems: so that none waits long for the last one.
_TASKS_A_THREAD = 4


@overload
def solve_many(
    problems: Iterable[Problem],
    method: str = ...,
    tolerance: Tolerances = ...,
    device: str = ...,
    policy: str = ...,
    *,
    previous: Sequence[FloatArray | None] | None = ...,
    errors: Literal["raise"] = ...,
    callback: Progress | None = ...,
    error_map: bool | Sequence[bool] | npt.NDArray[Any] = ...,
    engine: Engine | None = ...,
) -> list[Solution]: ...


@overload
def solve_many(
    problems: Iterable[Problem],
    method: str = ...,
    tolerance: Tolerances = ...,
    device: str = ...,
    policy: str = ...,
    *,
    previous: Sequence[FloatArray | None] | None = ...,
    errors: str,
    callback: Progress | None = ...,
    error_map: bool | Sequence[bool] | npt.NDArray[Any] = ...,
    engine: Engine | None = ...,
) -> list[Solution | Exception]: ...


def solve_many(
    problems: Iterable[Problem],
    method: str = "guarded",
    tolerance: Tolerances = None,
    device: str = "auto",
    policy: str = "fastest",
    *,
    previous: Sequence[FloatArray | None] | None = None,
    errors: str = "raise",
    callback: Progress | None = None,
    error_map: bool | Sequence[bool] | npt.NDArray[Any] = False,
    engine: Engine | None = None,
) -> Any:
    """Solve many problems, each as `solve` would, in the time that all cores, or a GPU, take together.

    Parameters
    ----------
    problems : iterable of Problem
        Of any shapes and kinds, in any order.
    method, policy : str
        As `Engine.solve` and `Engine` take them.
    device : str
        ``"cpu"``, ``"cuda"``, or ``"auto"``: on a GPU where torch finds one. There the whole solve runs on it, for the
        methods ``"guarded"``, ``"exact"`` and ``"multigrid"``.
    tolerance : float, or a sequence of one for each problem, field units, optional
        Largest pointwise error allowed; None, alone or in the sequence, is the default of `Engine.solve`.
    previous : sequence of (H, W) arrays of float or None, field units, optional
        One for each problem: a field to start from, or None.
    errors : str
        ``"raise"`` raises the error of the first problem that has one, with a note that says which it is;
        ``"return"`` puts each error in its problem's place and answers the others.
    callback : callable, optional
        Hears how many problems are done and how many there are, ``callback(done, among)``, on the calling thread; the
        last time when all are. What it raises ends the work.
    error_map : bool, or a sequence of one for each problem
        Bound the errors at each pixel too.
    engine : Engine, optional
        Whose model, device and policy are taken, in the place of ``device`` and ``policy``; each thread has one alike.

    Returns
    -------
    list of Solution
        In the order of the problems. With ``errors="return"`` an exception in the place of what has none.

    Raises
    ------
    InvalidProblemError
        For an argument that is not one of those, whatever ``errors`` is, and for a problem as `Engine.solve` does.
    UnsupportedProblemError
        As `Engine.solve` does.

    Notes
    -----
    A problem is solved by one thread from beginning to end, which takes less than several sharing it; there are as many
    threads as `use_threads` says. Fields and bounds are those of `solve`, to rounding. The same problems have the same
    answers, to the last bit, in any order, by however many threads and whatever was solved before, unless times that
    were measured by then speak for another route. After Ctrl-C the problems that have begun are finished, and no others
    begin.

    On a GPU problems of one shape and kind are solved in batches that its memory holds, each until it has settled, by
    float32 cycles inside float64 refinement, and certified in float64. Bounds hold as elsewhere; a field is another
    one within them. What does not settle, does not fit or makes the device fail is solved by the CPU, with a flag
    that says so; so is what coarse lattices do not follow.

    Examples
    --------
    >>> rates = (1 / 400, 1 / 100, 1 / 25)
    >>> source = np.zeros((48, 48)); source[20:24, 20:24] = 38.0
    >>> solutions = solve_many([Problem(source, decay=rate) for rate in rates], tolerance=0.38)
    >>> [solution.error_bound <= 0.38 for solution in solutions]
    [True, True, True]
    >>> [type(each).__name__ for each in solve_many([Problem(source), "no problem"], errors="return")]
    ['Solution', 'InvalidProblemError']
    """
    method, threads = asked.method_of(method), team.thread_count()
    one_of("errors", errors, _ERRORS)
    if callback is not None and not callable(callback):
        raise InvalidProblemError(f"callback is {shown(callback)}; None or a function of two numbers is allowed.")
    like = shared_engine(device, policy) if engine is None else _engine(engine)
    asks = _asks(_listed("problems", problems, "an iterable of Problem"), tolerance, previous, error_map)
    ledger = _Ledger(len(asks), errors == "raise", callback)
    pool = pooling.HERE.get()
    if pool is not None:
        ledger.take_all(pool.answer(like, [_handed_over(ask, method) for ask in asks]))
        return ledger.answers()
    manner = Manner(method, like.options, several=len(asks) > 1)
    there = device_for(like.device)
    if there is not None and method in METHODS:
        asks = OnDevice(there, like, method, ledger, ledger.tell).do(asks)
    side_by_side(_tasks(asks, threads), workers(manner, ledger), threads, ledger.tell)
    return ledger.answers()


def _handed_over(ask: Ask, method: str) -> pooling.Asked:
    """What a member of an ensemble asks its pool for."""
    return pooling.Asked(ask.problem, method, ask.tolerance, ask.previous, ask.error_map, is_of_many=True)


def _engine(given: Any) -> Engine:
    instance_of("engine", given, Engine, "None or an Engine")
    engine: Engine = given
    return engine


class _Ledger:
    """What has been answered, in the order of the problems, and who is told."""

    def __init__(self, among: int, raises: bool, callback: Progress | None) -> None:
        self._found: list[Solution | Exception | None] = [None] * among
        self._raises, self._callback = raises, callback
        self._lock = threading.Lock()
        self._first_bad, self._done, self._told = among, 0, -1

    def enter(self, place: int, answer: Solution | Exception) -> None:
        """Write an answer down."""
        with self._lock:
            self._found[place] = answer
            self._done += 1
            if self._raises and isinstance(answer, Exception):
                self._first_bad = min(self._first_bad, place)

    def take_all(self, answers: Sequence[Solution | Exception]) -> None:
        """Write all answers down, which came at once."""
        for place, answer in enumerate(answers):
            self.enter(place, answer)
        self.tell()

    def is_wanted(self, place: int) -> bool:
        """Whether a problem still has to be solved: not where the error of one before it will be raised."""
        return place < self._first_bad

    def tell(self) -> None:
        """Say how far it is, where that is news."""
        if self._callback is not None and self._done > self._told:
            self._told = self._done
            self._callback(self._told, len(self._found))

    def answers(self) -> list[Any]:
        """All answers; raises the first error if that was asked for."""
        if self._first_bad < len(self._found):
            error = self._found[self._first_bad]
            assert isinstance(error, Exception)
            error.add_note(f"It is problem {self._first_bad} of {len(self._found)}, counted from 0.")
            raise error
        return self._found


def _asks(problems: list[Any], tolerance: Any, previous: Any, error_map: Any) -> list[Ask]:
    """Each problem with what belongs to it; what is alone wrong with one is found where it is solved."""
    count = len(problems)
    if _are_several(tolerance):
        tolerances = _one_each("tolerance", tolerance, count)
    else:
        tolerances = [asked.tolerance_of(tolerance)] * count
    starts = [None] * count if previous is None else _one_each("previous", previous, count)
    maps = _one_each("error_map", error_map, count) if _are_several(error_map) else [bool(error_map)] * count
    return [Ask(*each) for each in zip(range(count), problems, tolerances, starts, maps, strict=True)]


def _are_several(given: Any) -> bool:
    """Whether there is one for each problem, and not one for all of them."""
    return isinstance(given, list | tuple) or (isinstance(given, np.ndarray) and given.ndim > 0)


def _listed(name: str, given: Any, allowed: str = "a sequence of one for each problem") -> list[Any]:
    try:
        return list(given)
    except TypeError:
        raise InvalidProblemError(f"{name} is {shown(given)}; {allowed} is allowed.") from None


def _one_each(name: str, given: Any, count: int) -> list[Any]:
    each = _listed(name, given)
    if len(each) != count:
        raise InvalidProblemError(f"{name} has {len(each)} entries; one for each of the {count} problems is allowed.")
    return each


def _kind(ask: Ask) -> Kind | None:
    return kind_of(ask.problem, started=ask.previous is not None) if isinstance(ask.problem, Problem) else None


def _tasks(asks: list[Ask], threads: int) -> list[list[Ask]]:
    """Problems of a kind together, as many as a thread takes at a time; whatever is alone of its kind by itself."""
    kinds: dict[Kind | None, list[Ask]] = {}
    for ask in asks:
        kinds.setdefault(_kind(ask), []).append(ask)
    tasks = []
    for kind, alike in kinds.items():
        fair = -(-len(alike) // (_TASKS_A_THREAD * threads))
        size = 1 if kind is None else min(group_size(kind[0]), fair)
        tasks += [alike[first : first + size] for first in range(0, len(alike), size)]
    return tasks
