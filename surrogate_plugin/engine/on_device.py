"""Many problems on a GPU: those of a kind together, in chunks that its memory holds; what does not settle is left."""

from __future__ import annotations

import ctypes.util
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.engine.many_worker import Ask, Ledger
from surrogate_plugin.engine.request import Request
from surrogate_plugin.engine.routes import described
from surrogate_plugin.engine.trace import Trace
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Flag, Reason, Solution
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.solvers.multigrid.solver import Multigrid

if TYPE_CHECKING:
    from torch import Tensor

    from surrogate_plugin.batched.solve import Answers
    from surrogate_plugin.batched.stack import Kind, Stack

#: What is answered by cycles, wherever these run.
METHODS = ("guarded", "exact", "multigrid")
#: What shows a driver of a GPU without loading torch, which takes seconds.
_DRIVERS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")


def device_for(device: str) -> str | None:
    """Where `surrogate_plugin.solve_many` solves for a ``device`` of an engine: on ``"cuda"``, or None for the CPU.

    Whether there is a GPU is told without torch where there is no driver of one.

    Examples
    --------
    >>> device_for("cpu") is None
    True
    """
    if device == "cpu" or not (device == "cuda" or "torch" in sys.modules or _has_driver()):
        return None
    if importlib.util.find_spec("torch") is None:
        return None
    try:
        import torch
    except (ImportError, OSError):  # the engine says so, where it matters
        return None
    return "cuda" if torch.cuda.is_available() else None


def _has_driver() -> bool:
    if sys.platform == "win32":
        return ctypes.util.find_library("nvcuda") is not None
    return any(Path(each).exists() for each in _DRIVERS)


@dataclass(frozen=True)
class _Read:
    """What is asked for, checked."""

    ask: Ask
    request: Request


#: What those have in common that are solved together: kind, supplied, started, to a share of the largest value where
#: there are no tolerances, mapped errors.
_Alike = tuple["Kind", bool, bool, float | None, bool]


class OnDevice:
    """What a device does of many problems.

    Parameters
    ----------
    device : str
        As torch calls it.
    engine : Engine
        Whose network is asked.
    method : str
        One of `METHODS`.
    ledger : Ledger
    after : callable
        Called after each chunk.
    """

    def __init__(self, device: str, engine: Engine, method: str, ledger: Ledger, after: Callable[[], None]) -> None:
        self._device, self._engine, self._method, self._ledger, self._after = device, engine, method, ledger, after

    def do(self, asks: list[Ask]) -> list[Ask]:
        """Answer what settles; the others are left, with flags that say why where they were tried."""
        left: list[Ask] = []
        groups: dict[_Alike, list[_Read]] = {}
        for ask in asks:
            read = self._read(ask)
            if read is None:
                left.append(ask)
            else:
                groups.setdefault(self._alike(read), []).append(read)
        for alike, group in groups.items():
            left += self._group(alike, group)
        return sorted(left, key=lambda ask: ask.place)

    def _read(self, ask: Ask) -> _Read | None:
        """Whatever cycles on coarse lattices may solve; what is to be refused is left to the engine, too."""
        if not isinstance(ask.problem, Problem):
            return None
        try:
            request = Request.read(ask.problem, ask.tolerance, ask.previous)
        except Exception:
            return None
        problem = request.problem
        if ceiling(problem) == 0.0 or Multigrid().refusal(problem) is not None:
            return None
        return _Read(ask, request.guarded() if self._method == "guarded" else request)

    def _alike(self, read: _Read) -> _Alike:
        from surrogate_plugin.batched.stack import kind_of

        request = read.request
        started, supplied = request.previous is not None, request.problem.largest_supply > 0.0
        share = request.share if request.tolerance is None else None
        return kind_of(request.problem), supplied, started, share, read.ask.error_map

    def _group(self, alike: _Alike, group: list[_Read]) -> list[Ask]:
        """Chunk by chunk; what is left of them."""
        left, done, kind = list[Ask](), 0, alike[0]
        for piece, found in self._chunks(alike, group):
            some, done = group[piece], piece.stop
            if isinstance(found, _Found):
                left += found.enter(self._ledger, self._device)
            elif found is None:
                what = f"The memory of {self._device} does not hold a problem of {kind.shape}."
                left += [_flagged(read.ask, Flag(Reason.DEVICE_MEMORY, what)) for read in some]
            else:
                what = f"{self._device} stopped with {described(found)}"
                left += [_flagged(read.ask, Flag(Reason.DEVICE_FAILED, what)) for read in some]
            self._after()
        assert done == len(group)
        return left

    def _chunks(self, alike: _Alike, group: list[_Read]) -> Iterator[tuple[slice, _Found | Exception | None]]:
        """What the device makes of each chunk, None where its memory holds none, or what it stopped with."""
        done = 0
        try:
            import torch

            from surrogate_plugin.batched.memory import chunk_of, in_chunks

            kind = alike[0]
            most = chunk_of(kind.shape, torch.device(self._device), mapped=not kind.plain, saturating=kind.saturating)
            for piece, found in in_chunks(len(group), most, lambda piece: self._solve(alike, group[piece])):
                done = piece.stop
                yield piece, found
        except Exception as error:  # Whatever a device does, the CPU has solvers of its own.
            yield slice(done, len(group)), error

    def _solve(self, alike: _Alike, group: list[_Read]) -> _Found:
        """The answers of problems that the device's memory holds."""
        from surrogate_plugin.batched.solve import solve
        from surrogate_plugin.batched.stack import Stack
        from surrogate_plugin.batched.transfers import brought

        _, _, started, share, mapped = alike
        began = time.perf_counter()
        problems = [read.request.problem for read in group]
        stack = Stack.of(problems, self._device)
        flags: list[tuple[Flag, ...]] = [()] * len(group)
        start, network = None, False
        if started:
            start = _tensor([read.request.previous for read in group], stack)
        elif self._asks_network():
            start, flags = self._engine.proposed(stack, problems)
            network = start is not None
        wanted = np.array([read.request.tolerance for read in group]) if share is None else None
        answers = solve(stack, tolerance=wanted, share=share, start=start, error_map=mapped)
        fields, maps = brought(answers.field), None if answers.map is None else brought(answers.map)
        seconds = (time.perf_counter() - began) / len(group)
        return _Found(group, answers, fields, maps, flags, network, seconds)

    def _asks_network(self) -> bool:
        """On a GPU the network costs less than the cycles that it saves; elsewhere the policy has to want it."""
        return self._method == "guarded" and (self._device != "cpu" or self._engine.policy == "surrogate-first")


@dataclass(frozen=True, eq=False)
class _Found:
    """What a device found for some problems; ``network``: whether they started from one's fields."""

    group: list[_Read]
    answers: Answers
    fields: list[FloatArray]
    maps: list[FloatArray] | None
    flags: list[tuple[Flag, ...]]
    network: bool
    seconds: float

    def enter(self, ledger: Ledger, device: str) -> list[Ask]:
        """Write down what has settled, and return the others."""
        left = []
        for k, read in enumerate(self.group):
            flags = self.flags[k] + self._of_start(k)
            if self.answers.settled[k]:
                ledger.enter(read.ask.place, self._solution(k, flags))
            else:
                what = f"On {device} the bound is {self.answers.bound[k]:.3g}, above what was asked for."
                left.append(_flagged(read.ask, *flags, Flag(Reason.DEVICE_STALLED, what)))
        return left

    def _solution(self, k: int, flags: tuple[Flag, ...]) -> Solution:
        from surrogate_plugin.batched.solve import Start

        request, kept = self.group[k].request, self.answers.start[k] == Start.KEPT
        start = "nothing" if not kept else ("network" if self.network else "previous")
        trace = Trace(list(flags), {"solve": self.seconds})
        solution = trace.solution(
            request.problem,
            self.fields[k],
            float(self.answers.bound[k]),
            "surrogate" if start == "network" else "multigrid",
            {"cycles": int(self.answers.cycles[k])},
            start,
        )
        if self.maps is None:
            return solution
        return replace(solution, error_map=np.minimum(self.maps[k], solution.error_bound))

    def _of_start(self, k: int) -> tuple[Flag, ...]:
        """Why a network's field was no start."""
        from surrogate_plugin.batched.solve import Start

        said = {
            Start.NOT_FINITE: (Reason.NETWORK_FAILED, "The residual of the network's field is not finite."),
            Start.WORSE: (Reason.NOT_CERTIFIED, "One cycle shows the network's field to be worse than nothing."),
            Start.NOT_CERTIFIED: (Reason.NOT_CERTIFIED, "From the network's field the tolerance was not reached."),
        }
        became = Start(int(self.answers.start[k]))
        # Where the card does not cover a problem the network said nothing, and that has its flag.
        if not self.network or self.flags[k] or became not in said:
            return ()
        return (Flag(*said[became]),)


def _tensor(fields: list[Any], stack: Stack) -> Tensor:
    import torch

    from surrogate_plugin.batched.transfers import sent_maps

    return sent_maps(fields, stack.shape, torch.float64, stack.device)


def _flagged(ask: Ask, *flags: Flag) -> Ask:
    return replace(ask, flags=ask.flags + flags)
