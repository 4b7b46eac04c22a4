"""What a study repeats: one training run for every variant and seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surrogate_training.config import TrainConfig
from surrogate_training.losses.study import StudyLoss
from surrogate_training.problems.distributions import Paper
from surrogate_training.toml_files import read_toml

StudyKind = Literal["training-set-size", "losses", "seeds"]


@dataclass(frozen=True)
class StudyRun:
    """One training run of a study.

    Attributes
    ----------
    variant : str
        What is compared: a training-set size, a loss, or ``"all"`` where only seeds differ.
    seed : int
        Repeats the experiment: other first weights, other training and validation samples, another order.
    """

    variant: str
    seed: int
    config: TrainConfig

    @property
    def folder(self) -> str:
        """Name of the run's folder within the study's."""
        return f"{self.variant.replace(' ', '-')}-seed-{self.seed}"


class StudyConfig(BaseModel):
    """One of the three studies of the paper, at the scale that ``base`` sets.

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786): training-set size, loss and random seed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: StudyKind
    base: TrainConfig
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), description="distinct training samples, for training-set-size"
    )
    losses: tuple[StudyLoss, ...] = Field(default=(), description="for losses")
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(default=(0, 1, 2), min_length=1)
    test_per_count: int = Field(default=20, ge=1, description="test samples for each number of sources")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not isinstance(self.base.data.distribution, Paper):
            raise ValueError(f"base.data.distribution is {self.base.data.distribution.kind!r}; 'paper' is allowed.")
        if self.base.optimiser.steps is None:
            raise ValueError("base.optimiser.steps is missing; all runs of a study take the same number of steps.")
        if self.base.validate_steps is None:
            raise ValueError("base.validate_steps is missing; the validation split picks each run's weights.")
        for name, values in (("sizes", self.sizes), ("losses", self.losses), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} is {values}; each may stand there once.")
        if self.kind == "training-set-size" and (len(self.sizes) < 2 or min(self.sizes) < self.base.data.batch):
            raise ValueError(f"sizes is {self.sizes}; at least two are needed, none below base.data.batch.")
        if self.kind == "losses" and not self.losses:
            raise ValueError("losses is empty; at least one is needed.")
        return self

    @property
    def distribution(self) -> Paper:
        """The problems."""
        assert isinstance(self.base.data.distribution, Paper)
        return self.base.data.distribution

    def runs(self) -> list[StudyRun]:
        """All runs, seed by seed, so that a part of a study compares all variants; a seed draws alike for all."""
        changes: dict[str, dict[str, Any]] = {"all": {}}
        if self.kind == "training-set-size":
            changes = {str(size): {"samples": size} for size in self.sizes}
        elif self.kind == "losses":
            changes = {loss_name(loss): {"loss": loss} for loss in self.losses}
        return [
            StudyRun(variant, seed, self._variant(seed, **change))
            for seed in self.seeds
            for variant, change in changes.items()
        ]

    def _variant(self, seed: int, samples: int | None = None, loss: StudyLoss | None = None) -> TrainConfig:
        data: dict[str, Any] = {"seed": self.base.data.seed + seed}
        if samples is not None:
            data["samples"] = samples
        changes: dict[str, Any] = {"seed": seed, "data": self.base.data.model_copy(update=data)}
        if loss is not None:
            changes["loss"] = loss
        return self.base.model_copy(update=changes)


def loss_name(loss: StudyLoss) -> str:
    """A loss by its kind and what it changes.

    Examples
    --------
    >>> loss_name(StudyLoss(kind="exp", w=0.5))
    'exp w=0.5'
    """
    changed = loss.model_dump(exclude_defaults=True, exclude={"kind"})
    return " ".join([loss.kind, *(f"{name}={value:g}" for name, value in changed.items())])


def read_study(path: str | Path, **changes: Any) -> StudyConfig:
    """Read a TOML file, or a study that ships, by its name; ``changes`` replace fields of the study, such as ``seeds``.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is no TOML.
    pydantic.ValidationError
        Names the field and what is allowed.
    """
    return StudyConfig.model_validate(read_toml(path) | changes)
