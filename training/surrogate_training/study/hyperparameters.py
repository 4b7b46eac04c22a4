"""A base and what lies around it: one hyperparameter at a time takes other values, all else stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surrogate_training.config import TrainConfig
from surrogate_training.losses.study import StudyLoss
from surrogate_training.toml_files import with_changes


class Hyperparameter(BaseModel):
    """A field of the training's configuration, and the values that it takes.

    Examples
    --------
    >>> Hyperparameter(name="loss.w2", values=(40, 400), loss=StudyLoss(kind="step")).label
    'w2 of step'
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(description="dotted, as optimiser.learning_rate or network.hyperparameters.width")
    values: tuple[int | float, ...] = Field(min_length=2)
    loss: StudyLoss | None = Field(default=None, description="what is trained with; that of the base if none")

    @property
    def label(self) -> str:
        """How people call it."""
        last = self.name.rpartition(".")[2].replace("_", " ")
        return f"{last} of {loss_name(self.loss)}" if self.loss else last


@dataclass(frozen=True)
class Point:
    """One value of one hyperparameter.

    Attributes
    ----------
    variant : str
        Names the runs; points that agree in everything share them.
    label : str
        The hyperparameter's.
    value : int or float
    is_base : bool
        Whether this is the value that the base has.
    config : TrainConfig
    """

    variant: str
    label: str
    value: int | float
    is_base: bool
    config: TrainConfig


def design(base: TrainConfig, hyperparameters: Sequence[Hyperparameter]) -> list[Point]:
    """Every value of every hyperparameter.

    Another batch takes other numbers of steps, so that all runs see as many samples, and as many validation samples.

    Raises
    ------
    ValueError
        If a name is no field, or a value is not allowed there.
    """
    points: list[Point] = []
    for each in hyperparameters:
        around = base if each.loss is None else base.model_copy(update={"loss": each.loss})
        start = "base" if each.loss is None or each.loss == base.loss else loss_name(each.loss)
        held = _held(around, each.name)
        for value in each.values:
            is_base = value == held
            last = each.name.rpartition(".")[2]
            variant = start if is_base else f"{start} {last}={value:g}"
            points.append(Point(variant, each.label, value, is_base, _changed(around, each.name, value)))
    return points


def _held(config: TrainConfig, name: str) -> Any:
    """The value of a dotted field; of a network's hyperparameter that is not given, none."""
    value: Any = config.model_dump()
    for part in name.split("."):
        if not isinstance(value, dict) or (part not in value and not name.startswith("network.hyperparameters.")):
            raise ValueError(f"hyperparameters: {name!r} is no field of a training's configuration.")
        value = value.get(part)
    return value


def _changed(config: TrainConfig, name: str, value: int | float) -> TrainConfig:
    changes: dict[str, Any] = {name: value}
    steps = config.optimiser.steps
    if name == "data.batch":
        share = config.data.batch / value
        changes["validation_batches"] = max(1, round(config.validation_batches * share))
        if steps is not None:
            changes["optimiser.steps"] = max(1, round(steps * share))
        if config.validate_steps is not None:
            changes["validate_steps"] = max(1, round(config.validate_steps * share))
    return TrainConfig.model_validate(with_changes(config.model_dump(), changes))


def loss_name(loss: StudyLoss) -> str:
    """A loss by its kind and what it changes.

    Examples
    --------
    >>> loss_name(StudyLoss(kind="exp", w=0.5))
    'exp w=0.5'
    """
    changed = loss.model_dump(exclude_defaults=True, exclude={"kind"})
    return " ".join([loss.kind, *(f"{name}={value:g}" for name, value in changed.items())])
