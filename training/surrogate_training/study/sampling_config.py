"""What the study of sampling compares, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surrogate_training.config import TrainConfig
from surrogate_training.problems.discs import Discs

Strategy = Literal["uniform", "sobol", "errors"]


class SamplingConfig(BaseModel):
    """How training problems are chosen, at as many samples and steps.

    The set grows by as many samples in each round. ``uniform`` draws them at random. ``sobol`` takes them from a
    scrambled Sobol sequence in the unit cube of the space. ``errors`` draws a half at random and the other half around
    those of them that the network, as it stands, answers worst; no problem is solved that is not trained on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["sampling"] = "sampling"
    base: TrainConfig
    strategies: tuple[Strategy, ...] = ("uniform", "sobol", "errors")
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(default=(0, 1, 2), min_length=1)
    rounds: int = Field(default=8, ge=2, le=1000)
    moved: int = Field(default=3, ge=0, le=1000, description="pixels by which errors moves a disc at most")
    changed: float = Field(default=0.2, ge=0, lt=1, description="share by which errors changes a value at most")
    test_samples: int = Field(default=200, ge=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        distribution = self.base.data.distribution
        if not isinstance(distribution, Discs) or distribution.gap is not None:
            raise ValueError("base.data.distribution must be of the kind 'discs' without a gap, whose space is a cube.")
        if self.base.network.kind != "paper":
            raise ValueError(f"base.network.kind is {self.base.network.kind!r}; 'paper' is allowed.")
        for name, value in (("data.samples", self.base.data.samples), ("optimiser.steps", self.base.optimiser.steps)):
            if value is None or value % self.rounds:
                raise ValueError(f"base.{name} is {value}; a multiple of rounds, {self.rounds}, is needed.")
        if self.per_round < max(8, self.base.data.batch):
            raise ValueError(f"base.data.samples is {self.base.data.samples}; a round needs at least 8, and a batch.")
        for name in ("strategies", "seeds"):
            if len(set(getattr(self, name))) != len(getattr(self, name)) or not getattr(self, name):
                raise ValueError(f"{name} is {getattr(self, name)}; each may stand there once, and one must.")
        return self

    @property
    def space(self) -> Discs:
        """The problems."""
        assert isinstance(self.base.data.distribution, Discs)
        return self.base.data.distribution

    @property
    def per_round(self) -> int:
        """Samples that a round adds."""
        return (self.base.data.samples or 0) // self.rounds

    @property
    def steps_per_round(self) -> int:
        """Steps that a round takes."""
        return (self.base.optimiser.steps or 0) // self.rounds

    def training(self, seed: int) -> TrainConfig:
        """The training of one seed; strategies differ in the samples alone."""
        data = self.base.data.model_copy(update={"seed": self.base.data.seed + seed})
        return self.base.model_copy(update={"seed": seed, "data": data})


@dataclass(frozen=True)
class Measured:
    """A network at the end of a round, on the test split, over the largest imposed value.

    Attributes
    ----------
    samples : int
        That it was trained on so far.
    relative_l2, max, worst : float
        Mean relative L2 error, mean and largest of the largest pointwise errors.
    """

    samples: int
    relative_l2: float
    max: float
    worst: float


@dataclass(frozen=True)
class Course:
    """One training, round by round."""

    strategy: Strategy
    seed: int
    rounds: list[Measured]
