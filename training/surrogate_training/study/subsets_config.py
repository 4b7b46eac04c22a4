"""What the study of subsets trains and tests, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surrogate_training.config import FileName, TrainConfig
from surrogate_training.problems.discs import Discs

MEASURES = ("relative_l2", "mae", "max")


class Subset(BaseModel):
    """A part of the space."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: FileName
    distribution: Discs


class SubsetsConfig(BaseModel):
    """Which parts, and how networks are trained on each: ``base`` with its distribution replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["subsets"] = "subsets"
    base: TrainConfig
    subsets: tuple[Subset, ...] = Field(min_length=2)
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(default=(0, 1, 2), min_length=1)
    test_samples: int = Field(default=100, ge=1, description="test problems of each part")
    models: tuple[str, ...] = Field(default=(), description="models that are tested beside them, such as default")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [subset.name for subset in self.subsets] + list(self.models)
        if len(set(names)) != len(names):
            raise ValueError(f"subsets and models are called {names}; each name may stand there once.")
        if self.base.network.kind != "paper":
            raise ValueError(f"base.network.kind is {self.base.network.kind!r}; 'paper' is allowed.")
        for name in ("steps", "validate_steps"):
            if getattr(self.base if name == "validate_steps" else self.base.optimiser, name) is None:
                raise ValueError(f"{name} is missing; all networks of a study train for the same number of steps.")
        return self

    def trained_on(self, subset: Subset, seed: int) -> TrainConfig:
        """The training of one network."""
        changes = {"seed": self.base.data.seed + seed, "distribution": subset.distribution}
        return self.base.model_copy(update={"seed": seed, "data": self.base.data.model_copy(update=changes)})


@dataclass(frozen=True)
class SubsetResult:
    """One network on every part.

    Attributes
    ----------
    network : str
        The part that it was trained on, or a model's name.
    seed : int or None
        None for a model.
    errors : dict of dict of float
        Of each part the means of `MEASURES` over its test problems, over the largest imposed value.
    """

    network: str
    seed: int | None
    errors: dict[str, dict[str, float]]
