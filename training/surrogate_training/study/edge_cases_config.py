"""What the study of edge cases trains and searches, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surrogate_training.config import TrainConfig
from surrogate_training.problems.discs import Discs, Listed
from surrogate_training.problems.distributions import Mixture, Part
from surrogate_training.study.search import Round

#: Of a network's folder: the worst problem, its exact field and the network's.
PICTURE = "worst.npz"


class EdgeCasesConfig(BaseModel):
    """Networks of several training-set sizes, and how long the worst problem of each is looked for.

    All problems that a search tries lie in the space that ``base.data.distribution`` spans.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["edge-cases"] = "edge-cases"
    base: TrainConfig
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, description="distinct training samples")
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(default=(0, 1, 2), min_length=1)
    models: tuple[str, ...] = Field(default=(), description="models that are searched beside them, such as default")
    rounds: int = Field(default=4, ge=1, le=1000, description="of random search, and as many of evolution")
    evaluations: int = Field(default=5000, ge=2, le=10**7, description="problems of a round")
    population: int = Field(default=40, ge=4, le=10**5, description="problems tried at once")
    kept: int = Field(default=25, ge=1, le=10**4, description="worst problems of a round that are kept")
    test_samples: int = Field(default=400, ge=1, description="problems of the test split, for comparison")
    tolerance: float = Field(default=0.01, gt=0, lt=1, description="of the guard, over the largest imposed value")
    taught: float = Field(
        default=0.25, gt=0, lt=1, description="share of the problems around the worst in the training that knows them"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        distribution = self.base.data.distribution
        if not isinstance(distribution, Discs) or distribution.gap is not None:
            raise ValueError("base.data.distribution must be of the kind 'discs' without a gap, whose space is a cube.")
        if self.base.network.kind != "paper":
            raise ValueError(f"base.network.kind is {self.base.network.kind!r}; 'paper' is allowed.")
        if self.base.optimiser.steps is None or self.base.validate_steps is None:
            raise ValueError("base.optimiser.steps or base.validate_steps is missing; all networks train alike.")
        for name in ("sizes", "seeds", "models"):
            if len(set(getattr(self, name))) != len(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)}; each may stand there once.")
        if self.evaluations < self.population:
            raise ValueError(f"evaluations is {self.evaluations}; at least population, {self.population}, are needed.")
        return self

    @property
    def space(self) -> Discs:
        """The problems that may be found."""
        assert isinstance(self.base.data.distribution, Discs)
        return self.base.data.distribution

    def trained_on(self, size: int, seed: int, worst: Listed | None = None) -> TrainConfig:
        """The training of one network; with ``worst`` it also meets the problems around those that were found."""
        data = self.base.data.model_copy(update={"seed": self.base.data.seed + seed, "samples": size})
        if worst is not None:
            parts = (
                Part(weight=1 - self.taught, distribution=self.space),
                Part(weight=self.taught, distribution=worst),
            )
            data = data.model_copy(update={"distribution": Mixture(parts=parts)})
        return self.base.model_copy(update={"seed": seed, "data": data})


@dataclass(frozen=True)
class Guarded:
    """What the guard made of problems, errors and bounds over the largest imposed value.

    Attributes
    ----------
    problems : int
    certified : int
        Answers from the network's field whose bound is within the tolerance.
    caught : int
        Answers of exact solvers, since the network's field was not certified.
    over : int
        Answers whose error or bound is over the tolerance: none, if the guard does what it says.
    largest_error, largest_bound : float
        Of all answers.
    raw_within : int
        Networks' fields that were within the tolerance as they came.
    cycles : dict of int to int
        How many certified answers took how many cycles.
    """

    problems: int
    certified: int
    caught: int
    over: int
    largest_error: float
    largest_bound: float
    raw_within: int
    cycles: dict[int, int]

    @property
    def mean_cycles(self) -> float:
        """Of certified answers; nan where there are none."""
        count = sum(self.cycles.values())
        return sum(cycles * times for cycles, times in self.cycles.items()) / count if count else float("nan")


@dataclass(frozen=True)
class Searched:
    """What came of one network.

    Attributes
    ----------
    network : str
        A training-set size, a model's name, or a size with ``" taught"``, whose training knew the worst cases.
    seed : int or None
        None for a model.
    test_mean, test_largest : float
        Mean and largest of the largest pointwise errors on the test split, over the largest imposed value.
    random, evolution : list of Round
    worst_guarded, test_guarded : Guarded
        The worst problems found, and the test split, through the guard.
    worst_again : float or None
        Of a training that knew the worst cases: the mean error that it leaves on these.
    """

    network: str
    seed: int | None
    test_mean: float
    test_largest: float
    random: list[Round]
    evolution: list[Round]
    worst_guarded: Guarded
    test_guarded: Guarded
    worst_again: float | None = None

    @property
    def folder(self) -> str:
        """Name of the network's folder within the study's."""
        return folder_name(self.network, self.seed)

    @property
    def largest_random(self) -> float:
        """The largest error of the random search."""
        return max(each.errors[0] for each in self.random)

    @property
    def largest(self) -> float:
        """The largest error of both searches."""
        return max(each.errors[0] for each in (*self.random, *self.evolution))

    @property
    def evaluations(self) -> int:
        """Problems tried in all."""
        return sum(each.evaluations for each in (*self.random, *self.evolution))

    def course(self) -> list[float]:
        """The largest error so far, after every hundredth problem."""
        so_far, course = 0.0, []
        for each in (*self.random, *self.evolution):
            for error in each.course:
                so_far = max(so_far, error)
                course.append(so_far)
        return course


def folder_name(network: str, seed: int | None) -> str:
    """Where a network's files are."""
    return f"model-{network}" if seed is None else f"{network.replace(' ', '-')}-seed-{seed}"
