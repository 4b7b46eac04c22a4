"""Exact samples, each named by (seed, split, index, row): a name is all that a sample depends on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.solvers.protocol import Solver
from surrogate_plugin.surrogate.scale import value_scale
from surrogate_training.problems.distributions import Distribution, LatticeSide, Mixture, Part, Vessels
from surrogate_training.problems.recordings import Recorded
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.posed import MIRRORS, Posed, fields_of_images

Split = Literal["train", "validation", "test"]
_STREAM: dict[Split, int] = {"train": 0, "validation": 1, "test": 2}
#: Keeps the draw of a batch's part apart from that of its shape.
_PART = 1

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
    remade: bool = Field(
        default=False, description="make samples anew each time, for more of them than memory holds; workers help"
    )
    shards: Path | None = Field(default=None, description="folder of stored samples to train on instead of making them")
    mirrors: int = Field(default=4, ge=1, le=4, description="mirror images of each training problem, itself included")
    shape: tuple[LatticeSide, LatticeSide] = Field(default=(512, 512), description="rows and columns of most batches")
    other_shapes: float = Field(default=0.4, ge=0, le=1, description="share of batches with random sides")
    sides: tuple[LatticeSide, LatticeSide] = Field(
        default=(128, 576), description="of the other batches, log-uniform, rows and columns apart"
    )
    accuracy: float = Field(default=2e-4, ge=1e-9, le=1, description="of the targets, over about the largest value")

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if self.sides[0] > self.sides[1]:
            raise ValueError(f"sides is {self.sides}; the shorter one comes first.")
        if self.remade and (self.samples is None or self.shards is not None):
            raise ValueError("remade is true, but only a number of samples without shards can be made anew.")
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
    """The field to ``accuracy`` of about its largest value, (H, W) float64."""
    from surrogate_plugin.solvers.algebraic.solver import Algebraic
    from surrogate_plugin.solvers.direct.solver import SparseDirect
    from surrogate_plugin.solvers.multigrid.solver import Multigrid

    tolerance = accuracy * value_scale(problem)
    solvers: tuple[Solver[Any], ...] = (Multigrid(), Algebraic(), SparseDirect())
    solver = next(each for each in solvers if each.refusal(problem) is None)
    return solver.solve(solver.prepare(problem), problem, tolerance=tolerance).field


def batch_shape(config: DataConfig, split: Split, index: int) -> tuple[int, int]:
    """The lattice of a batch, a function of its name alone.

    A batch of recorded states alone has their lattice, as hosts do not ask for parts of theirs; a side longer than any
    of this configuration is cut to it. A part of a mixture may have sides of its own.
    """
    sides, others = config.sides, config.other_shapes
    part = _batch_part(config, split, index)
    if part is not None and isinstance(part.distribution, Recorded):
        longest = max(*config.shape, *config.sides)
        rows, columns = part.distribution.lattice()
        return min(rows, longest), min(columns, longest)
    if part is not None and part.sides is not None:
        sides, others = part.sides, 1.0
    rng = _rng(config, split, index, 0)
    if rng.random() >= others:
        return config.shape
    low, high = (math.log(side) for side in sides)
    return round(math.exp(rng.uniform(low, high))), round(math.exp(rng.uniform(low, high)))


def batch_distribution(config: DataConfig, split: Split, index: int) -> Distribution:
    """What the problems of a batch are drawn from: a part of a mixture that draws parts by batches, or all there is."""
    part = _batch_part(config, split, index)
    return config.distribution if part is None else part.distribution


def _batch_part(config: DataConfig, split: Split, index: int) -> Part | None:
    if not (isinstance(config.distribution, Mixture) and config.distribution.whole_batches):
        return None
    rng = np.random.default_rng([config.seed, _STREAM[split], index, 0, _PART])
    return config.distribution.draw(rng, to_teach=split == "train")


def sample_problem(config: DataConfig, split: Split, index: int, row: int) -> Problem:
    """The problem named by (seed, split, batch ``index``, ``row``), fed by at least one value or supply above 0.

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
        if feeds(problem) and not problem.fixed.all() and _is_steady(problem):
            return problem
    raise ValueError(
        f"distribution: of {_MOST_DRAWS} problems of {shape[0]} x {shape[1]} pixels none has a value or a supply above "
        "0 and a free pixel; smaller sources or a larger shape are needed."
    )


def feeds(problem: Problem) -> bool:
    """Whether anything above 0 is imposed or supplied, so that the field is not 0 everywhere."""
    return problem.largest_imposed > 0 or problem.largest_supply > 0


def _is_steady(problem: Problem) -> bool:
    """Whether there is a field; a window of a recorded state need not hold what anchors it."""
    try:
        problem.check_steady()
    except InvalidProblemError:
        return False
    return True


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
    """The batch of problems and of their images; an image has the field's image."""
    images = [image.problem(problem) for problem in problems for image in MIRRORS[:mirrors]]
    return Posed.of(images).solved(fields_of_images(torch.from_numpy(np.stack(fields)), mirrors))


def _rng(config: DataConfig, split: Split, index: int, row: int) -> np.random.Generator:
    return np.random.default_rng([config.seed, _STREAM[split], index, row])
