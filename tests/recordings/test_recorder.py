"""The recorder: what is read back is what was posed, bit by bit, and it takes no more memory as it goes on."""

from __future__ import annotations

import gc
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.equation.solution import Flag, Reason
from surrogate_plugin.gallery import nasty_problems
from surrogate_plugin.recordings.reader import Header, Recording
from surrogate_plugin.recordings.writer import Recorder
from tests.recordings.posed import assert_holds, assert_same, problems, record, recorded


def test_every_kind_of_problem_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    by_shape: dict[tuple[int, int], list[sp.Problem]] = {}
    for problem in nasty_problems(seed=3, count=48, max_side=24, variable_diffusivity=True):
        by_shape.setdefault(problem.shape, []).append(problem)
    every = [problem for same in by_shape.values() for problem in same]
    kinds = {side.kind for problem in every for side in problem.boundary.sides}
    assert kinds == {"value", "reflecting", "periodic"}
    assert {type(problem.decay) for problem in every} == {float, np.ndarray}
    assert {type(problem.production) for problem in every} == {float, np.ndarray}
    assert {type(problem.diffusivity) for problem in every} == {float, np.ndarray}
    assert any(problem.uptake for problem in every)
    for shape, same in by_shape.items():
        path = recorded(tmp_path / f"{shape}.zarr", same)
        assert Recording(path).shape == shape
        assert_holds(path, same)


@given(st.floats(1e-90, 1e90), st.floats(0, math.inf), st.integers(0, 2**62))
def test_numbers_survive_their_header(decay: float, bound: float, step: int) -> None:
    side = sp.Problem(np.eye(8)).boundary.left
    numbers = {"diffusivity": None, "decay": decay, "production": 1 / decay, "vmax": 0.1 * decay, "km": None}
    numbers |= {"largest_imposed": 1.1 * decay, "largest_production": 0.7 / decay}
    rest = {"method": "x", "flags": (), "sides": (side,) * 4, "digest": "", "free_pixels": 3}
    header = Header(step=step, bound=bound, spacing=decay, **rest, **numbers)
    assert Header.model_validate_json(header.model_dump_json()) == header


def test_what_became_of_each_step_is_kept(tmp_path: Path) -> None:
    flags = (Flag(Reason.OUTSIDE_CARD, 'too "long", by 3 µm'), Flag(Reason.NOT_CERTIFIED, "no " * 900))
    recorder = Recorder(tmp_path / "run.zarr")
    for step, (problem, found) in enumerate(zip(problems(3), ((), flags, ()), strict=True)):
        recorder.append(problem, record(4 * step, bound=(0.1, math.inf, 0.3)[step], flags=found))
    recording = Recording(tmp_path / "run.zarr")
    assert recording.steps.tolist() == [0, 4, 8]
    assert recording.methods == ("multigrid",) * 3
    assert recording.bounds.tolist() == [0.1, math.inf, 0.3]
    assert recording.flags == ((), flags, ())
    with pytest.raises(IndexError):
        recording.problem(3)
    assert_same(recording.problem(-1), problems(3)[-1])


def test_a_second_run_appends(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", problems(3))
    recorded(path, problems(2, seed=7))
    assert_holds(path, problems(3) + problems(2, seed=7))
    assert Recording(path).steps.tolist() == [0, 1, 2, 0, 1]


def test_memory_does_not_grow_with_the_number_of_steps(tmp_path: Path) -> None:
    posed = problems(4, shape=(64, 64))
    recorder = Recorder(tmp_path / "run.zarr")

    def run(count: int) -> int:
        for step in range(count):
            recorder.append(posed[step % 4], record(step))
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        early = run(12)
        late = run(40)
    finally:
        tracemalloc.stop()
    assert late - early < 0.1 * 40 * 2 * posed[0].source.nbytes
