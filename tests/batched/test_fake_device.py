"""The whole step on a GPU that is not there: nothing mixes devices, and nothing is read back but verdicts.

Fake tensors know shapes, types and devices and compute nothing; whatever would have to look at a number on the device
raises, see `tests.fake_device`. What the host reads is made up here, so that every way through the policy is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from surrogate_plugin.batched import certificate, course, proposals, reading
from surrogate_plugin.batched.solve import Answers, solve
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.engine.request import EXACT_SHARE
from surrogate_plugin.equation.problem import FloatArray, MichaelisMenten, Problem
from tests import fake_device

SHAPE, COUNT = (10, 9), 4
#: Both of everything, in as few solves as that takes.
KINDS = [
    {"mapped": False, "saturating": False, "periodic": False},
    {"mapped": False, "saturating": True, "periodic": True},
    {"mapped": True, "saturating": False, "periodic": False},
]


def problems(*, mapped: bool, saturating: bool, periodic: bool) -> list[Problem]:
    """Some of one kind."""
    found = []
    for seed in range(COUNT):
        rng = np.random.default_rng(seed)
        found.append(
            Problem(
                np.where(rng.random(SHAPE) < 0.05, 38.0, 0.0),
                decay=rng.random(SHAPE),
                diffusivity=1.0 + rng.random(SHAPE) if mapped else 1.0,
                production=0.1,
                uptake=MichaelisMenten(rng.random(SHAPE), 2.0) if saturating else None,
                boundary={"left": "periodic", "right": "periodic"} if periodic else "reflecting",
            )
        )
    return found


@contextmanager
def told(say: Callable[[tuple[int, ...]], FloatArray]) -> Iterator[list[int]]:
    """The host reads what ``say`` makes up for a shape; the list has how many numbers were read each time."""
    usual, sizes = (reading.read, reading.index, reading.upload), []

    def made_up(numbers: Tensor) -> FloatArray:
        assert numbers.device.type == fake_device.DEVICE
        sizes.append(numbers.numel())
        return say(tuple(numbers.shape))

    def somewhere(where: npt.NDArray[np.bool_] | npt.NDArray[np.int64], device: torch.device) -> Tensor:
        count = int(where.sum()) if where.dtype == np.bool_ else where.size
        return torch.empty(count, dtype=torch.int64, device=device)

    def anything(numbers: FloatArray, device: torch.device) -> Tensor:
        return torch.empty(numbers.shape, dtype=torch.float64, device=device)

    # What goes up is made there, since a single number that the host knows counts as a constant, which is worked with.
    reading.read, reading.index, reading.upload = made_up, somewhere, anything
    try:
        yield sizes
    finally:
        reading.read, reading.index, reading.upload = usual


def walk(kind: dict[str, bool]) -> Answers:
    """A guarded solve from a start, with maps, and an exact one."""
    stack = Stack.of(problems(**kind), fake_device.DEVICE)
    start = torch.zeros((COUNT, *SHAPE), dtype=torch.float64, device=fake_device.DEVICE)
    answers = solve(stack, tolerance=0.1, start=start, error_map=True)
    for each in (answers.field, answers.map, solve(stack, share=EXACT_SHARE).field):
        assert each is not None
        assert each.device.type == fake_device.DEVICE
        assert each.shape == (COUNT, *SHAPE)
        assert each.dtype == torch.float64
    return answers


def settles_at_once() -> None:
    """Everything that is read is 0: nothing lacks anything."""
    for kind in KINDS:
        with told(lambda shape: np.zeros(shape)) as sizes:
            assert walk(kind).settled.all()
        assert max(sizes) <= 4 * COUNT


def goes_every_way() -> None:
    """Any numbers at all: problems leave one by one, proposals are poor, barriers are computed, little settles.

    Fewer of everything than in earnest, since a fake operation takes longer than a real one on so small a lattice.
    """
    course._MAX_TRIES, course._MAX_CYCLES, course._PATIENCE = 2, 3, 2
    certificate._LOOK, certificate._PATIENCE, certificate._MAX_CYCLES, proposals._MOST_STEPS = 2, 3, 4, 2
    rng = np.random.default_rng(0)
    for kind in KINDS:
        with told(lambda shape: 10.0 ** rng.uniform(-6, 2, shape)) as sizes:
            walk(kind)
        assert max(sizes) <= 4 * COUNT


def looks_at_a_number() -> None:
    """A program that reads what it may not."""
    usual = certificate.usual_height

    def curious(stack: Stack) -> Tensor:
        return usual(stack) * float(stack.km.max())

    certificate.usual_height = curious
    with told(lambda shape: np.zeros(shape)), pytest.raises(Exception, match="_local_scalar_dense"):
        walk(KINDS[0])


@pytest.mark.parametrize("check", [settles_at_once, goes_every_way, looks_at_a_number])
def test_a_step_stays_on_its_device(check: Callable[[], None]) -> None:
    fake_device.run(check)
