"""What a study repeats: one training run for every variant and seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surrogate_training.config import TrainConfig
from surrogate_training.losses.study import StudyLoss
from surrogate_training.problems.distributions import Paper
from surrogate_training.study.hyperparameters import Hyperparameter, Point, design, loss_name
from surrogate_training.toml_files import read_toml

StudyKind = Literal["training-set-size", "losses", "seeds", "hyperparameters"]


@dataclass(frozen=True)
class StudyRun:
    """One training run of a study.

    Attributes
    ----------
    variant : str
        What is compared: a training-set size, a loss, a hyperparameter's value, or ``"all"`` where only seeds differ.
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
    """One of the paper's studies of what an error depends on, at the scale that ``base`` sets.

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786): training-set size, loss, random seed and hyperparameters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: StudyKind
    base: TrainConfig
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), description="distinct training samples, for training-set-size"
    )
    losses: tuple[StudyLoss, ...] = Field(default=(), description="for losses")
    hyperparameters: tuple[Hyperparameter, ...] = Field(default=(), description="for hyperparameters, one at a time")
    epochs: int | None = Field(
        default=None, ge=1, description="passes of every run over its samples, in the place of base.optimiser.steps"
    )
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(default=(0, 1, 2), min_length=1)
    test_per_count: int = Field(default=20, ge=1, description="test samples for each number of sources")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not isinstance(self.base.data.distribution, Paper):
            raise ValueError(f"base.data.distribution is {self.base.data.distribution.kind!r}; 'paper' is allowed.")
        if self.base.optimiser.steps is None and self.epochs is None:
            raise ValueError(
                "base.optimiser.steps is missing; all runs of a study take the same number of steps, or of epochs."
            )
        if self.epochs is not None and self.kind != "training-set-size" and self.base.data.samples is None:
            raise ValueError("base.data.samples is missing; epochs are passes over a finite set.")
        if self.base.validate_steps is None:
            raise ValueError("base.validate_steps is missing; the validation split picks each run's weights.")
        for name, values in (("sizes", self.sizes), ("losses", self.losses), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} is {values}; each may stand there once.")
        if self.kind == "training-set-size" and (len(self.sizes) < 2 or min(self.sizes) < self.base.data.batch):
            raise ValueError(f"sizes is {self.sizes}; at least two are needed, none below base.data.batch.")
        if self.kind == "losses" and not self.losses:
            raise ValueError("losses is empty; at least one is needed.")
        if self.kind == "hyperparameters":
            if not self.hyperparameters:
                raise ValueError("hyperparameters is empty; at least one is needed.")
            self.design()  # which names what cannot be set
        return self

    @property
    def distribution(self) -> Paper:
        """The problems."""
        assert isinstance(self.base.data.distribution, Paper)
        return self.base.data.distribution

    def design(self) -> list[Point]:
        """The points of the space of hyperparameters, the base first; a point that two of them share is there twice."""
        return design(self.base, self.hyperparameters)

    def runs(self) -> list[StudyRun]:
        """All runs, seed by seed, so that a part of a study compares all variants; a seed draws alike for all."""
        variants = self._variants()
        return [
            StudyRun(variant, seed, self._seeded(config, seed))
            for seed in self.seeds
            for variant, config in variants.items()
        ]

    def _variants(self) -> dict[str, TrainConfig]:
        """What is compared, by name."""
        base, data = self.base, self.base.data
        if self.kind == "training-set-size":
            sized = {size: data.model_copy(update={"samples": size}) for size in self.sizes}
            return {str(size): base.model_copy(update={"data": changed}) for size, changed in sized.items()}
        if self.kind == "losses":
            return {loss_name(loss): base.model_copy(update={"loss": loss}) for loss in self.losses}
        if self.kind == "hyperparameters":
            return {point.variant: point.config for point in self.design()}
        return {"all": base}

    def _seeded(self, config: TrainConfig, seed: int) -> TrainConfig:
        data = config.data.model_copy(update={"seed": config.data.seed + seed})
        changes: dict[str, Any] = {"seed": seed, "data": data}
        if self.epochs is not None:
            assert data.samples is not None
            steps = math.ceil(self.epochs * data.samples / data.batch)
            changes["optimiser"] = config.optimiser.model_copy(update={"steps": steps})
        return config.model_copy(update=changes)


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
