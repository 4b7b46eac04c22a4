"""Exact samples made on the fly in worker processes: each named by (seed, split, batch, row), none seen twice."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from surrogate_plugin.boundary import Boundary
from surrogate_plugin.problem import FloatArray, Problem
from surrogate_training.batch import Batch, assemble
from surrogate_training.distributions import Distribution, Vessels

Split = Literal["train", "validation", "test"]
_STREAM: dict[Split, int] = {"train": 0, "validation": 1, "test": 2}


class DataConfig(BaseModel):
    """Where samples come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    distribution: Distribution = Vessels()
    seed: int = Field(default=0, ge=0)
    batch: int = Field(default=8, ge=1, description="problems a batch, all of one shape")
    mirrors: int = Field(default=4, ge=1, le=4, description="mirror images of each training problem, itself included")
    shape: tuple[int, int] = Field(default=(512, 512), description="rows and columns of most batches")
    other_shapes: float = Field(default=0.4, ge=0, le=1, description="share of batches with random sides")
    sides: tuple[int, int] = Field(
        default=(128, 576), description="of the other batches, log-uniform, rows and columns apart"
    )
    accuracy: float = Field(default=2e-4, gt=0, description="of the targets, over the largest imposed value")


def exact_field(problem: Problem, accuracy: float) -> FloatArray:
    """The field to ``accuracy`` of the largest imposed value, (H, W) float64."""
    from surrogate_plugin.solvers.multigrid import Multigrid

    solver = Multigrid()
    return solver.solve(solver.prepare(problem), problem, tolerance=accuracy * problem.largest_imposed).field


def batch_shape(config: DataConfig, split: Split, index: int) -> tuple[int, int]:
    """The lattice of a batch, a function of its name alone."""
    rng = _rng(config, split, index, 0)
    if rng.random() >= config.other_shapes:
        return config.shape
    low, high = (math.log(side) for side in config.sides)
    return round(math.exp(rng.uniform(low, high))), round(math.exp(rng.uniform(low, high)))


def sample_problem(config: DataConfig, split: Split, index: int, row: int) -> Problem:
    """The problem named by (seed, split, batch ``index``, ``row``), anchored by at least one value above 0."""
    rng = _rng(config, split, index, row + 1)
    shape = batch_shape(config, split, index)
    while True:
        problem = config.distribution.sample(rng, shape)
        if problem.largest_imposed > 0 and not problem.fixed.all():
            return problem


def make_batch(config: DataConfig, split: Split, index: int) -> Batch:
    """Draw, solve and encode one batch; a mirrored problem has the mirrored field, at the price of its encoding."""
    mirrors = _MIRRORS[: config.mirrors if split == "train" else 1]
    problems, fields = [], []
    for row in range(config.batch):
        problem = sample_problem(config, split, index, row)
        field = exact_field(problem, config.accuracy)
        for mirror in mirrors:
            problems.append(mirrored(problem, *mirror))
            fields.append(_flip(field, *mirror))
    return assemble(problems, fields)


#: Whether rows and columns are turned around.
_MIRRORS = ((False, False), (False, True), (True, False), (True, True))


def mirrored(problem: Problem, rows: bool, columns: bool) -> Problem:
    """The problem with its rows, its columns or both in reverse order; without production and saturating uptake."""
    if not (rows or columns):
        return problem
    left, right, bottom, top = problem.boundary.sides
    if columns:
        left, right = right, left
    if rows:
        bottom, top = top, bottom
    decay = _flip(problem.decay, rows, columns) if isinstance(problem.decay, np.ndarray) else problem.decay
    return Problem(
        _flip(problem.source, rows, columns),
        fixed=_flip(problem.fixed, rows, columns),
        diffusivity=problem.diffusivity,
        decay=decay,
        spacing=problem.spacing,
        boundary=Boundary(left, right, bottom, top),
    )


def _flip(image: npt.NDArray[Any], rows: bool, columns: bool) -> npt.NDArray[Any]:
    return image[:: -1 if rows else 1, :: -1 if columns else 1]


class ExactSamples(IterableDataset[Batch]):
    """The batches of a split from ``first`` on, without end; workers take turns, so their number changes nothing."""

    def __init__(self, config: DataConfig, split: Split = "train", first: int = 0) -> None:
        self.config, self.split, self.first = config, split, first

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        index, stride = self.first, 1
        if worker is not None:
            index, stride = self.first + worker.id, worker.num_workers
        while True:
            yield make_batch(self.config, self.split, index)
            index += stride


def stream(config: DataConfig, first: int, workers: int, *, ahead: int = 6) -> Iterator[Batch]:
    """Training batches from ``first`` on, made by ``workers`` processes of one thread each (0: in this process)."""
    samples = ExactSamples(config, "train", first)
    if workers == 0:
        return iter(samples)
    options: dict[str, Any] = {"multiprocessing_context": "spawn", "prefetch_factor": ahead}
    loader = DataLoader(samples, batch_size=None, num_workers=workers, worker_init_fn=_one_thread, **options)
    kept = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # read when a worker imports numba, before its first task
    try:
        return iter(loader)
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


def _one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)


def _rng(config: DataConfig, split: Split, index: int, row: int) -> np.random.Generator:
    return np.random.default_rng([config.seed, _STREAM[split], index, row])
