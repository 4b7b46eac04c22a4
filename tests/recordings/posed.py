"""Problems of every kind to be recorded, and whether a recording holds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.equation.solution import Flag
from surrogate_plugin.gallery import random_problem
from surrogate_plugin.recordings.reader import Recording
from surrogate_plugin.recordings.writer import Recorder
from tests.equation.parts import assert_same

SHAPE = (9, 13)


def record(step: int, *, bound: float = 0.25, flags: tuple[Flag, ...] = ()) -> sp.StepRecord:
    return sp.StepRecord(step, "surrogate" if step % 2 else "multigrid", bound, flags=flags)


def problems(count: int, shape: tuple[int, int] = SHAPE, seed: int = 0) -> list[sp.Problem]:
    return [
        random_problem(
            np.random.default_rng([seed, index]),
            shape=shape,
            variable_decay=bool(index % 2),
            michaelis_menten=index % 3 == 0,
            variable_diffusivity=index % 4 == 3,
        )
        for index in range(count)
    ]


def assert_holds(path: Path, posed: list[sp.Problem]) -> None:
    recording = Recording(path)
    assert len(recording) == len(posed)
    for index, problem in enumerate(posed):
        assert_same(recording.problem(index), problem)


def recorded(path: Path, posed: list[sp.Problem]) -> Path:
    recorder = Recorder(path)
    for step, problem in enumerate(posed):
        recorder.append(problem, record(step))
    return path
