"""Exact samples, each named by (seed, split, index, row): a name is all that a sample depends on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_training.problems.distributions import Distribution, Mixture, Vessels, produces
from surrogate_training.problems.recordings import Recorded
from surrogate_training.problems.symmetry import Symmetry
from surrogate_training.samples.batch import Batch, assemble

Split = Literal["train", "validation", "test"]
_STREAM: dict[Split, int] = {"train": 0, "validation": 1, "test": 2}
#: Keeps the draw of a batch's part apart from that of its shape.
_PART = 1

#: The images of a training problem, itself first.
_MIRRORS = (Symmetry(), Symmetry(columns=True), Symmetry(rows=True), Symmetry(rows=True, columns=True))


#: What networks take and memory holds.
LatticeSide = Annotated[int, Field(ge=8, le=2**14)]
#: So many problems in a row that teach nothing mean that all are such.
_MOST_DRAWS = 1000


class DataConfig(BaseModel):
    """Where samples come from."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    distribution: Distribution = Vessels()
    seed: int = Field(default=0, ge=0)
    batch: int = Field(default=8, ge=1, le=2**16, description="problems a batch, all of one shape")
    samples: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="distinct training problems, seen anew each epoch; none: never one twice",
    )
    shards: Path | None = Field(default=None, description="folder of stored samples to train on instead of making them")
    mirrors: int = Field(default=4, ge=1, le=4, description="mirror images of each training problem, itself included")
    shape: tuple[LatticeSide, LatticeSide] = Field(default=(512, 512), description="rows and columns of most batches")
    other_shapes: float = Field(default=0.4, ge=0, le=1, description="share of batches with random sides")
    sides: tuple[LatticeSide, LatticeSide] = Field(
        default=(128, 576), description="of the other batches, log-uniform, rows and columns apart"
    )
    accuracy: float = Field(default=2e-4, ge=1e-9, le=1, description="of the targets, over the largest imposed value")

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if produces(self.distribution):
            raise ValueError(
                "distribution has the reading 'flux', but networks cannot see production; 'imposed' is allowed."
            )
        if self.sides[0] > self.sides[1]:
            raise ValueError(f"sides is {self.sides}; the shorter one comes first.")
        if self.finite and self.other_shapes:
            raise ValueError(
                f"other_shapes is {self.other_shapes:g}, but samples that are seen again must be of one shape; "
                "0 is allowed."
            )
        return self

    @property
    def finite(self) -> bool:
        """Whether training problems are seen again."""
        return self.samples is not None or self.shards is not None


def exact_field(problem: Problem, accuracy: float) -> FloatArray:
    """The field to ``accuracy`` of the largest imposed value, (H, W) float64."""
    from surrogate_plugin.solvers.multigrid.solver import Multigrid

    solver = Multigrid()
    tolerance = accuracy * problem.largest_imposed or None  # where nothing is imposed, to the solver's own
    return solver.solve(solver.prepare(problem), problem, tolerance=tolerance).field


def batch_shape(config: DataConfig, split: Split, index: int) -> tuple[int, int]:
    """The lattice of a batch, a function of its name alone.

    A batch of recorded states alone has their lattice, as hosts do not ask for parts of theirs; a side longer than any
    of this configuration is cut to it.
    """
    if isinstance(config.distribution, Mixture):
        drawn = batch_distribution(config, split, index)
        if isinstance(drawn, Recorded):
            longest = max(*config.shape, *config.sides)
            rows, columns = drawn.lattice()
            return min(rows, longest), min(columns, longest)
    rng = _rng(config, split, index, 0)
    if rng.random() >= config.other_shapes:
        return config.shape
    low, high = (math.log(side) for side in config.sides)
    return round(math.exp(rng.uniform(low, high))), round(math.exp(rng.uniform(low, high)))


def batch_distribution(config: DataConfig, split: Split, index: int) -> Distribution:
    """What the problems of a batch are drawn from: a part of a mixture that draws parts by batches, or all there is."""
    if not (isinstance(config.distribution, Mixture) and config.distribution.whole_batches):
        return config.distribution
    return config.distribution.draw(np.random.default_rng([config.seed, _STREAM[split], index, 0, _PART]))


def sample_problem(config: DataConfig, split: Split, index: int, row: int) -> Problem:
    """The problem named by (seed, split, batch ``index``, ``row``), anchored by at least one value above 0.

    Raises
    ------
    ValueError
        If the configuration has no such problems.
    """
    rng = _rng(config, split, index, row + 1)
    shape = batch_shape(config, split, index)
    distribution = batch_distribution(config, split, index)
    for _ in range(_MOST_DRAWS):
        problem = distribution.sample(rng, shape)
        if problem.largest_imposed > 0 and not problem.fixed.all():
            return problem
    raise ValueError(
        f"distribution: of {_MOST_DRAWS} problems of {shape[0]} x {shape[1]} pixels none has a value above 0 and a "
        "free pixel; smaller sources or a larger shape are needed."
    )


def make_sample(config: DataConfig, number: int) -> tuple[Problem, FloatArray]:
    """Training problem ``number`` of a finite set, with its exact field.

    Its name holds no batch, so that sets of other sizes, and batches of other sizes, begin with the same problems.
    """
    problem = sample_problem(config, "train", number, 0)
    return problem, exact_field(problem, config.accuracy)


def make_batch(config: DataConfig, split: Split, index: int) -> Batch:
    """Draw, solve and encode one batch."""
    problems = [sample_problem(config, split, index, row) for row in range(config.batch)]
    fields = [exact_field(problem, config.accuracy) for problem in problems]
    return with_mirrors(problems, fields, config.mirrors if split == "train" else 1)


def with_mirrors(problems: list[Problem], fields: list[FloatArray], mirrors: int) -> Batch:
    """The batch of problems and of their images; an image has the field's image, at the price of its encoding."""
    images = _MIRRORS[:mirrors]
    return assemble(
        [image.problem(problem) for problem in problems for image in images],
        [image.array(field) for field in fields for image in images],
    )


def _rng(config: DataConfig, split: Split, index: int, row: int) -> np.random.Generator:
    return np.random.default_rng([config.seed, _STREAM[split], index, row])
