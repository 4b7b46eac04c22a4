"""Steps of an iteration, and predictions, as CUDA graphs: recorded once for a shape, then launched as one.

A prediction for few problems is some 140 launches of a few microseconds each, a step where uptake saturates or faces
conduct differently as many, and as many calls from python, which take longer. A graph has them all. It works on tensors
of its own: what a step reads is copied there, and what it makes is copied out, which for many problems costs more than
it saves; so only small batches are recorded, and only where the variable SURROGATE_PLUGIN_GRAPHS is ``1``. What comes
of a graph is certified as everything is. A step that cannot be recorded is made as it always was, and is not tried
again.

Not measured on a GPU yet: whether a graph pays, and up to which size.
"""

from __future__ import annotations

import copy
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["Recorder", "advance", "run", "tensors_of"]

#: Batches of more pixels than this keep a GPU busy without.
_FEW = 2**22
#: Graphs that are kept, each with the memory of a batch.
_MOST = 8


def advance(iteration: Any) -> None:
    """`Iteration.advance`, from a graph where there may be one, and where it is more launches than a graph's copies."""
    if iteration.is_short:
        iteration.advance()
    else:
        run(iteration, "advance", iteration.field)


def run(subject: Any, method: str, field: Tensor) -> None:
    """``subject.method()``, from a graph where there may be one for a batch of fields like ``field``."""
    if os.environ.get("SURROGATE_PLUGIN_GRAPHS", "0") == "1" and _is_small(field):
        with torch.cuda.device_of(field):  # type: ignore[no-untyped-call]
            _recorder().run(subject, method)
    else:
        getattr(subject, method)()


def _is_small(field: Tensor) -> bool:
    return field.is_cuda and field.numel() <= _FEW


_here = threading.local()


def _recorder() -> Recorder:
    """This thread's own, since a graph's tensors serve one step at a time."""
    if not hasattr(_here, "recorder"):
        _here.recorder = Recorder(capture)
    found: Recorder = _here.recorder
    return found


def capture(work: Callable[[], None]) -> Callable[[], None]:
    """Record ``work`` as a graph and return what replays it; it has run once before, on a stream of its own."""
    before, stream = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(before)
    with torch.cuda.stream(stream):
        work()  # kernels are compiled and libraries loaded
    before.wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        # Others may allocate on threads of their own meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            work()
    finally:
        # Where recording fails, its stream would stay the current one.
        torch.cuda.set_stream(before)
    return graph.replay


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A step on tensors of its own: those it reads, the parts it leaves that are new, and what replays it."""

    given: list[Tensor]
    changed: dict[str, Any]
    made: list[Tensor]
    replay: Callable[[], None]


class Recorder:
    """Replays a method of an object whose state is tensors, for each structure of it that it has seen.

    Parameters
    ----------
    capture : callable
        From a piece of work to what repeats it on the same tensors.
    """

    def __init__(self, capture: Callable[[Callable[[], None]], Callable[[], None]]) -> None:
        self._capture = capture
        self._recorded: OrderedDict[Hashable, _Recorded | None] = OrderedDict()

    def run(self, subject: Any, method: str) -> None:
        """``subject.method()``, which takes and returns nothing; ``subject`` then holds tensors of its own again."""
        own = list(tensors_of(subject))
        key = method, _structure(subject, {id(tensor): at for at, tensor in enumerate(own)})
        if key not in self._recorded:
            self._recorded[key] = self._record(subject, own, method)
            if len(self._recorded) > _MOST:
                self._recorded.popitem(last=False)
        self._recorded.move_to_end(key)
        step = self._recorded[key]
        if step is None:
            getattr(subject, method)()
            return
        _copy(step.given, own)
        step.replay()
        # What the step only reads is still the subject's own; what it made will be overwritten by the next.
        memo: dict[int, Any] = {id(mine): theirs for mine, theirs in zip(step.given, own, strict=True)}
        kept = [torch.empty_like(each) for each in step.made]
        _copy(kept, step.made)
        memo |= {id(each): mine for each, mine in zip(step.made, kept, strict=True)}
        vars(subject).update(copy.deepcopy(step.changed, memo))

    def _record(self, subject: Any, own: list[Tensor], method: str) -> _Recorded | None:
        """The step on copies of all tensors; None where it cannot be recorded."""
        given = [each.clone() for each in own]
        before = copy.deepcopy(subject, {id(theirs): mine for theirs, mine in zip(own, given, strict=True)})
        same = {id(mine): mine for mine in given}
        holder: list[Any] = []

        def work() -> None:
            left = copy.deepcopy(before, dict(same))
            getattr(left, method)()
            holder[:] = [left]

        try:
            replay = self._capture(work)
        except RuntimeError:  # of CUDA: something in the step cannot be part of a graph
            return None
        left, known = vars(holder[0]), {id(each) for each in given}
        parts = {name: value for name, value in left.items() if not _is_as_before(value, vars(before).get(name))}
        return _Recorded(given, parts, [each for each in tensors_of(parts) if id(each) not in known], replay)


def _copy(to: list[Tensor], values: list[Tensor]) -> None:
    """All values at once: a launch for each kind of number, not for each tensor."""
    kinds: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for mine, theirs in zip(to, values, strict=True):
        pair = kinds.setdefault(mine.dtype, ([], []))
        pair[0].append(mine)
        pair[1].append(theirs)
    for mine_all, theirs_all in kinds.values():
        torch._foreach_copy_(mine_all, theirs_all)


def _is_as_before(value: Any, before: Any) -> bool:
    """Whether a part of an object has the tensors that it had, and some: then it is the subject's own still."""
    tensors = [id(each) for each in tensors_of(value)]
    return bool(tensors) and tensors == [id(each) for each in tensors_of(before)]


def tensors_of(value: Any) -> Iterator[Tensor]:
    """All tensors that an object holds, however deep, each once, in an order that its structure alone decides."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Tensor):
            if id(each) not in seen:
                seen.add(id(each))
                yield each
        else:
            waiting.extend(part for _, part in reversed(_parts(each)))


def _parts(value: Any) -> list[tuple[Hashable, Any]]:
    """What an object consists of, by name."""
    if isinstance(value, tuple | list):
        return list(enumerate(value))
    if isinstance(value, dict):
        return list(value.items())
    return list(vars(value).items()) if hasattr(value, "__dict__") and not isinstance(value, type) else []


def _structure(value: Any, places: dict[int, int]) -> Hashable:
    """What two objects have in common that one graph serves: all but the numbers in their tensors."""
    if isinstance(value, Tensor):
        return places[id(value)], value.shape, value.dtype, value.device
    parts = _parts(value)
    if parts:
        return type(value), tuple((name, _structure(part, places)) for name, part in parts)
    return type(value), repr(value)
