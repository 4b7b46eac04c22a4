"""What Triton's interpreter hides: programs of a launch that touch each other's memory, or memory that is nobody's.

It runs programs one after the other, each as if it were one thread, and reads whatever an address leads to. On a GPU
programs run in any order and at once, threads of one see each other's stores only after a barrier, and an address
beyond its array is an illegal access that ends the process' work. So every address that is read or written is noted
here by program, and programs run in another order than they are numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

Order = Callable[[int], Any]


class Race(AssertionError):
    """Programs of a launch that are not independent, or memory that none of its arguments holds."""


def backwards(count: int) -> Any:
    """The last program first."""
    return np.arange(count)[::-1]


def shuffled(count: int) -> Any:
    """No order at all."""
    return np.random.default_rng(count).permutation(count)


class _Launch:
    """The addresses of one launch, by program."""

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        held = sorted((each.data_ptr(), each.data_ptr() + each.numel() * each.element_size()) for each in tensors)
        self._begin, self._end = (np.array(side, np.uint64) for side in zip(*held, strict=True))
        self.program = -1
        self._known = -1
        self._reads: list[tuple[int, Any]] = []
        self._writes: list[tuple[int, Any]] = []
        self._written: set[int] = set()

    def note(self, pointers: Any, mask: Any, *, store: bool) -> None:
        at = np.unique(np.broadcast_to(pointers.data, np.shape(mask.data))[mask.data.astype(bool)])
        if not at.size:
            return
        among = np.maximum.accumulate(self._end)[np.maximum(np.searchsorted(self._begin, at, "right") - 1, 0)]
        if (at < self._begin[0]).any() or (at >= among).any():
            raise Race(f"program {self.program} {'writes to' if store else 'reads'} memory of no argument.")
        if self.program != self._known:
            self._known, self._written = self.program, set()
        if store:
            self._writes.append((self.program, at))
            self._written.update(at.tolist())
        else:
            if self._written and not self._written.isdisjoint(at.tolist()):
                raise Race(f"program {self.program} reads what it wrote, with no barrier between.")
            self._reads.append((self.program, at))

    def check(self) -> None:
        """No program may write where another does, or read what another writes."""
        owner: dict[int, int] = {}
        for program, at in self._writes:
            for each in at.tolist():
                if owner.setdefault(each, program) != program:
                    raise Race(f"programs {owner[each]} and {program} write to the same place.")
        for program, at in self._reads:
            other = next((owner[each] for each in at.tolist() if owner.get(each, program) != program), None)
            if other is not None:
                raise Race(f"program {program} reads what program {other} writes.")


@contextmanager
def watched(order: Order) -> Iterator[None]:
    """Kernels of the interpreter run their programs in an order, and each launch is checked."""
    from triton.runtime import interpreter

    builder, executor = interpreter.interpreter_builder, interpreter.GridExecutor
    load, store, place, run = (
        builder.create_masked_load, builder.create_masked_store, builder.set_grid_idx, executor.__call__
    )  # fmt: skip
    now: list[_Launch] = []

    def noted_load(pointers: Any, mask: Any, *more: Any) -> Any:
        now[-1].note(pointers, mask, store=False)
        return load(pointers, mask, *more)

    def noted_store(pointers: Any, value: Any, mask: Any, *more: Any) -> Any:
        now[-1].note(pointers, mask, store=True)
        return store(pointers, value, mask, *more)

    def placed(x: int, y: int, z: int) -> None:
        now[-1].program = int(order(builder.grid_dim[0])[x])
        place(now[-1].program, y, z)

    def launched(self: Any, *arguments: Any, **constants: Any) -> None:
        now.append(_Launch(list(_tensors(arguments))))
        try:
            run(self, *arguments, **constants)
            now[-1].check()
        except interpreter.InterpreterError as error:
            if isinstance(error.__cause__, Race):
                raise error.__cause__ from None
            raise
        finally:
            now.pop()

    builder.create_masked_load, builder.create_masked_store, builder.set_grid_idx = noted_load, noted_store, placed
    executor.__call__ = launched
    try:
        yield
    finally:
        del builder.create_masked_load, builder.create_masked_store, builder.set_grid_idx
        executor.__call__ = run


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    for each in values:
        if isinstance(each, torch.Tensor):
            yield each
        elif isinstance(each, tuple):
            yield from _tensors(each)
