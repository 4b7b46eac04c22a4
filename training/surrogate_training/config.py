"""Everything that defines a training run; the same file and seed repeat it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from surrogate_plugin.surrogate import sizes
from surrogate_training.losses.multiscale import MultiscaleLoss
from surrogate_training.losses.study import StudyLoss
from surrogate_training.problems.distributions import produces, teaches_wider
from surrogate_training.samples.dataset import DataConfig
from surrogate_training.toml_files import read_toml, with_changes

if TYPE_CHECKING:
    import torch

Loss = Annotated[MultiscaleLoss | StudyLoss, Field(discriminator="kind")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def check_file_name(name: str) -> str:
    """A name that files can have anywhere.

    Raises
    ------
    ValueError
        One sentence with what is allowed.
    """
    if not _FILE_NAME.fullmatch(name):
        raise ValueError(
            f"name is {name[:80]!r}; at most 100 letters, digits, dots, hyphens and underscores are allowed."
        )
    return name


_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
FileName = Annotated[str, AfterValidator(check_file_name)]


class NetworkConfig(_Section):
    """Which network, and its hyperparameters."""

    kind: Literal["compact", "paper"] = "compact"
    hyperparameters: dict[str, Any] = {}

    @model_validator(mode="after")
    def _can_be_built(self) -> NetworkConfig:
        sizes.check(self.kind, self.hyperparameters)
        return self


class OptimiserConfig(_Section):
    """Adam or AdamW under a cosine, by steps or by the clock."""

    kind: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = Field(default=2e-3, gt=0, le=1e3, description="at the peak")
    last_rate: float = Field(default=0.01, ge=0, le=1, description="the last learning rate over the peak")
    warmup_steps: int = Field(default=200, ge=0)
    weight_decay: float = Field(default=1e-4, ge=0, le=1e3)
    clip: float = Field(default=1.0, gt=0, le=1e6, description="largest norm of the gradient")
    average: float = Field(
        default=0.999, ge=0, lt=1, description="decay of the running average of the weights, which is kept"
    )
    roll_back: bool = Field(
        default=False, description="undo an epoch whose mean loss jumps, as the study of 2021 does; see rollback.py"
    )
    steps: int | None = Field(default=None, ge=1, description="length of the run; else minutes")
    minutes: float = Field(default=60.0, gt=0, le=1e9, description="length of the run where no steps are given")


class StopConfig(_Section):
    """What is measured on the validation split decides when to stop, and which weights are the run's."""

    monitor: Literal["validation_loss", "relative_l2", "max", "smooth_max"] = Field(
        default="relative_l2", description="mean loss, or the median of an error; the lower, the better"
    )
    patience: int | None = Field(
        default=None, ge=1, description="stop after so many validations in a row without a better one; none: never"
    )
    select: Literal["last", "best"] = Field(
        default="last", description="publish the weights at the end of the run, or those of its best validation"
    )


class LogConfig(_Section):
    """What is written down beside ``log.csv``."""

    tensorboard: bool = Field(default=False, description="events for TensorBoard; needs the package of this name")


class TrainConfig(_Section):
    """A training run."""

    name: FileName = "default"
    seed: int = Field(default=0, ge=0, lt=2**63, description="of the first weights and of a finite set's order")
    network: NetworkConfig = NetworkConfig()
    start: Path | None = Field(
        default=None,
        description="published weights to begin with, instead of random ones, or the name of those that ship: plain",
    )
    learn: Literal["all", "wider"] = Field(
        default="all",
        description="which layers; wider: those for the wider equation alone, so that other answers stay to the bit",
    )
    data: DataConfig = DataConfig()
    loss: Loss = MultiscaleLoss()
    optimiser: OptimiserConfig = OptimiserConfig()
    stop: StopConfig = StopConfig()
    log: LogConfig = LogConfig()
    precision: Literal["float32", "bfloat16"] = Field(default="float32", description="of the forward and backward pass")
    device: str = Field(default="cpu", pattern=r"^(cpu|mps|(cuda|xpu)(:\d{1,3})?)$")
    threads: int = Field(default=1, ge=1, le=1024, description="of torch on a CPU; compiled kernels have one")
    workers: int = Field(default=1, ge=0, le=1024, description="processes that make samples; 0: none but this one")
    samples_on: Literal["auto", "workers", "device"] = Field(
        default="auto",
        description="where exact fields are solved: one after the other by workers, or many together on the device; "
        "auto: on the device where that is a GPU",
    )
    checkpoint_seconds: float = Field(default=60.0, ge=0)
    validate_seconds: float = Field(default=240.0, ge=0)
    validate_steps: int | None = Field(default=None, ge=1, description="validate by steps instead of by the clock")
    steps_per_epoch: int = Field(
        default=1000, ge=1, description="of losses that change and of roll_back, where samples have no end"
    )
    validation_batches: int = Field(default=6, ge=1)
    test_batches: int = Field(default=25, ge=1)

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.optimiser.roll_back and self.loss.kind in ("toggle", "rand"):
            raise ValueError(
                f"optimiser.roll_back is true, but epochs of the loss {self.loss.kind!r} cannot be compared; "
                "with it only false is allowed."
            )
        if self.learn == "wider" and not (self.network.kind == "compact" and self.network.hyperparameters.get("wider")):
            raise ValueError(
                "learn is 'wider', but the network has no layers for the wider equation; hyperparameters with wider = "
                "16 give it some, and 'all' is allowed."
            )
        if self.learn == "wider" and not teaches_wider(self.data.distribution):
            raise ValueError(
                "learn is 'wider', but data.distribution has no problems of the wider equation, so that nothing would "
                "be learnt; with it 'all' is allowed."
            )
        if self.network.kind == "paper" and produces(self.data.distribution):
            raise ValueError(
                "data.distribution has problems with production or of the wider equation, which the network 'paper' "
                "cannot see; the reading 'imposed' is allowed, or the network 'compact'."
            )
        return self


def solves_together(config: TrainConfig, device: torch.device) -> bool:
    """Whether a run's exact fields are solved on its device, many together."""
    return config.samples_on == "device" or (config.samples_on == "auto" and device.type == "cuda")


def read_config(path: str | Path, **changes: Any) -> TrainConfig:
    """Read a TOML file, or a configuration that ships, by its name.

    Parameters
    ----------
    path : str or Path
    changes
        Replace what it says; dotted names, as ``"optimiser.minutes"``, are those of fields in sections.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is no TOML.
    pydantic.ValidationError
        Names the field and what is allowed.
    """
    return TrainConfig.model_validate(with_changes(read_toml(path), changes))
