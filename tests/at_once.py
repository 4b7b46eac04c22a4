"""Steady fields of several backends solved for together: on all cores, on tensors as a GPU would, or in their turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args

import pytest

from surrogate_plugin.session import questions

Where = Literal["in turns", "on cores", "on tensors"]
TOGETHER = get_args(Where)[1:]


@contextmanager
def solved(where: Where) -> Iterator[list[int]]:
    """Have those who can go together do so there; how many fields were solved for together, a number each time."""
    counts: list[int] = []
    solve = questions._solved

    def counting(group: Sequence[questions.Question]) -> list[questions.Answer]:
        counts.append(len(group))
        return solve(group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "_solved", counting)
        patch.setattr(questions, "LEAST_ON_CPU", 2 if where == "on cores" else None)
        patch.setattr(questions, "_on_device", lambda device: where == "on tensors")
        there = _on_tensors(patch) if where == "on tensors" else counts
        yield counts
        assert bool(there) == bool(counts)


def _on_tensors(patch: pytest.MonkeyPatch) -> list[int]:
    """The device engine on the CPU's tensors; how many problems each of its batches has."""
    pytest.importorskip("torch")
    from surrogate_plugin.batched import solve as batched

    sizes: list[int] = []
    solve = batched.solve

    def counting(stack: Any, **options: Any) -> Any:
        sizes.append(stack.count)
        return solve(stack, **options)

    patch.setattr(batched, "solve", counting)
    patch.setattr("surrogate_plugin.engine.many.device_for", lambda device: "cpu")
    return sizes
