"""What worker processes send in one piece of memory is what was packed, to the bit."""

from __future__ import annotations

import pickle

import numpy as np
import torch

from surrogate_training.problems.distributions import Wider
from surrogate_training.samples.dataset import DataConfig, sample_problem
from surrogate_training.samples.on_device import Drawn
from surrogate_training.samples.packed import Packed

CONFIG = DataConfig(distribution=Wider(), shape=(64, 48), other_shapes=0.0)


def test_what_is_unpacked_is_what_was_packed() -> None:
    problems = [sample_problem(CONFIG, "train", 0, row) for row in range(6)]
    drawn = Drawn.of(problems, 4)
    found = Packed(drawn).unpack()
    for problem, again in zip(problems, found.problems, strict=True):
        assert problem.fingerprint == again.fingerprint
        np.testing.assert_array_equal(problem.source, again.source)
    for name, value in vars(drawn.posed).items():
        again = getattr(found.posed, name)
        assert torch.equal(again, value) if isinstance(value, torch.Tensor) else again == value


def test_arrays_of_any_kind_stand_where_they_are_aligned() -> None:
    given = [np.arange(5, dtype=np.int8), np.arange(3.0), torch.arange(7, dtype=torch.int16), np.zeros((0, 4)), "text"]
    *arrays, text = Packed(given).unpack()
    assert text == "text"
    for one, other in zip(given, arrays, strict=False):
        values, again = np.asarray(one), np.asarray(other)
        assert (values.dtype, values.shape) == (again.dtype, again.shape)
        np.testing.assert_array_equal(values, again)
        assert again.ctypes.data % 8 == 0


def test_next_to_nothing_is_left_for_the_pipe() -> None:
    drawn = Drawn.of([sample_problem(CONFIG, "train", 0, row) for row in range(6)], 4)
    packed = Packed(drawn)
    memory, packed._memory = packed._memory, torch.empty(0, dtype=torch.uint8)
    assert len(pickle.dumps(packed)) < 0.02 * memory.numel()
