"""Batches made ahead by a thread: in their order, with what went wrong, and no thread that outlives its use."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
import torch

from surrogate_training.samples.ahead import Ahead
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, make_batch
from surrogate_training.samples.made import Made

CPU = torch.device("cpu")
BATCH = make_batch(DataConfig(shape=(16, 16), other_shapes=0.0, batch=1, mirrors=1), "train", 0)


def numbered(count: int) -> Iterator[Made[Batch]]:
    for number in range(count):
        yield Made(BATCH, float(number))


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "batches ahead"]


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_batches_come_in_their_order_and_end(ahead: int) -> None:
    taken = Ahead(numbered(20), CPU, ahead)
    assert [made.seconds for made in taken] == [float(number) for number in range(20)]
    assert next(taken, None) is None
    assert not threads()


def test_the_thread_is_ahead_by_as_many_as_it_may_be() -> None:
    made, enough = [], threading.Event()

    def noted() -> Iterator[Made[Batch]]:
        for one in numbered(100):
            made.append(one)
            if len(made) == 5:
                enough.set()  # four that wait, and one for which there is no room
            yield one

    taken = Ahead(noted(), CPU, 4)
    assert enough.wait(60.0)
    assert len(made) == 5
    assert next(taken).seconds == 0.0
    taken.close()


def test_what_goes_wrong_is_raised_where_batches_are_taken_and_after_those_before_it() -> None:
    def broken() -> Iterator[Made[Batch]]:
        yield from numbered(2)
        raise ValueError("no more discs fit")

    taken = Ahead(broken(), CPU, 3)
    assert [next(taken).seconds for _ in range(2)] == [0.0, 1.0]
    with pytest.raises(ValueError, match="no more discs fit"):
        next(taken)
    assert next(taken, None) is None
    assert not threads()


def test_a_stream_that_is_closed_or_forgotten_ends_its_thread() -> None:
    closed = Ahead(numbered(100), CPU, 2)
    next(closed)
    closed.close()
    assert not threads()
    forgotten = Ahead(numbered(100), CPU, 2)
    next(forgotten)
    assert threads()
    del forgotten
    gc.collect()
    assert not threads()


def test_nothing_that_is_made_has_a_gradient() -> None:
    weight = torch.ones(1, requires_grad=True)

    def graded() -> Iterator[Made[Batch]]:
        for made in numbered(1):
            assert not (weight * 2.0).requires_grad
            yield made

    assert len(list(Ahead(graded(), CPU, 1))) == 1
