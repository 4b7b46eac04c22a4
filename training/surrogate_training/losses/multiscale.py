"""The training loss: what of the error survives the multigrid cycles that follow."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.nn import functional

from surrogate_training.losses.cycle import after_cycle
from surrogate_training.samples.batch import Batch


class MultiscaleLoss(BaseModel):
    """The error at several scales and after a cycle; every term is an error over the largest imposed value.

    ``scales`` are the sides of the squares the error is averaged over before it is measured, each with its weight: a
    cycle removes pixel-scale error, so its smooth part counts more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["multiscale"] = "multiscale"
    scales: dict[Annotated[int, Field(ge=1, le=2**14)], Annotated[float, Field(ge=0, le=1e6)]] = Field(
        default={1: 1.0, 2: 0.5, 4: 0.5, 8: 1.0, 32: 1.0}
    )
    mean_square: float = Field(
        default=1.0, ge=0, le=1e6, description="weight of the root mean square beside the mean modulus"
    )
    relative: float = Field(
        default=0.3, ge=0, le=1e6, description="weight of the error's over the field's root mean square"
    )
    peak: float = Field(default=0.5, ge=0, le=1e6, description="weight of the fourth-power mean of the pixels' error")
    gradient: float = Field(default=0.5, ge=0, le=1e6, description="weight of the modulus of the error's differences")
    cycle: float = Field(
        default=0.0, ge=0, le=1e6, description="weight of the fourth-power mean of what one multigrid cycle leaves"
    )

    @model_validator(mode="after")
    def _measures_something(self) -> MultiscaleLoss:
        if not any((*self.scales.values(), self.relative, self.peak, self.gradient, self.cycle)):
            raise ValueError("all weights are 0; at least one above 0 is needed.")
        return self

    def evaluate(self, predicted: Tensor, batch: Batch, epoch: int = 0) -> Tensor:
        """The loss of predicted fields, (N, H, W) in the unit of the targets; imposed pixels do not count."""
        del epoch
        scale = batch.size[:, None, None]
        error = (predicted - batch.target) * batch.free / scale
        loss = multiscale(error, self)
        if self.relative:
            size = (batch.target / scale).square().mean(dim=(1, 2)).sqrt()
            loss = loss + self.relative * (_root_mean_square(error) / (size + 1e-3)).mean()
        if self.cycle:
            loss = loss + self.cycle * _peak(after_cycle(error, batch)).mean()
        return loss


def multiscale(error: Tensor, config: MultiscaleLoss) -> Tensor:
    """``sum_s w_s (mean |e_s| + a rms(e_s)) + b (mean e^4)^(1/4) + g mean |grad e|``, e_s averaged over s x s pixels.

    Root and fourth-power mean are taken sample by sample, so that a hard sample does not hide the others. The fourth
    power is for the largest error, which decides how many cycles follow.

    Parameters
    ----------
    error : (N, H, W) float32
    config : MultiscaleLoss

    Returns
    -------
    () float32

    Examples
    --------
    >>> config = MultiscaleLoss(scales={1: 1.0, 2: 1.0}, mean_square=0.0, peak=0.0, gradient=0.0)
    >>> float(multiscale(torch.tensor([[[1.0, -1.0], [1.0, -1.0]]]), config))
    1.0
    """
    image = error[:, None]
    total = torch.zeros((), device=error.device)
    for scale, weight in config.scales.items():
        if scale > min(error.shape[1:]):
            continue
        pooled = functional.avg_pool2d(image, scale) if scale > 1 else image
        term = pooled.abs().mean()
        if config.mean_square:
            term = term + config.mean_square * _root_mean_square(pooled[:, 0]).mean()
        total = total + weight * term
    if config.peak:
        total = total + config.peak * _peak(error).mean()
    if config.gradient:
        across, up = error.diff(dim=2), error.diff(dim=1)
        total = total + config.gradient * (across.abs().mean() + up.abs().mean())
    return total


def _root_mean_square(error: Tensor) -> Tensor:
    return (error.square().mean(dim=(1, 2)) + 1e-12).sqrt()


def _peak(error: Tensor) -> Tensor:
    return (error.square().square().mean(dim=(1, 2)) + 1e-16).pow(0.25)
