"""The published study's losses: the error's power, weighted towards the sources, the field, or by turns either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

if TYPE_CHECKING:
    from surrogate_training.samples.batch import Batch

Kind = Literal[
    "exp", "step", "huber", "invhuber", "invhuber2", "toggle", "rand", "mae", "mse", "exp2021"
]  # fmt: skip


class StudyLoss(BaseModel):
    """The mean over the whole lattice of a weight times a power of the error, ``y`` the target and ``p`` predicted.

    ============  ==========================================  =====================================================
    ``kind``      weight                                      of the error ``d = p - y``
    ============  ==========================================  =====================================================
    exp           ``e^(-|1 - p| / w)``                        ``|d|^a``
    step          ``1 + w2 tanh(wtan y)``                     ``|d|^a``
    huber         as step                                     ``d^2 / 2`` up to ``delta``, then
                                                              ``delta (|d| - delta / 2)``
    invhuber      as exp                                      ``|d|`` up to ``c``, then ``(d^2 + c^2) / (2 c)``
    invhuber2     1                                           as invhuber
    toggle        step in even epochs, exp in odd ones        ``|d|^a``
    rand          step in an epoch with probability           ``|d|^a``
                  ``probability``, else exp
    mae, mse      1                                           ``|d|``, ``d^2``
    exp2021       ``e^(-(1 - y) / w)``                        ``|d|^power``
    ============  ==========================================  =====================================================

    Imposed pixels count like all others: the study scores its networks on the whole lattice, sources included. The
    weight of ``exp`` looks at the prediction, so it is differentiated too.

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786); ``exp2021``: Toledo-Marin et al., Front. Physiol. 12:667828, 2021.
    The former gives neither ``c`` nor ``probability``: 0.02, as for ``delta``, and 1/2 are ours.

    Examples
    --------
    >>> StudyLoss(kind="step").w2
    4000.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Kind
    w: float = Field(
        default=1.0, gt=0, le=1e6, description="how fast the weight of exp and exp2021 falls below the value 1"
    )
    a: float = Field(default=1.0, gt=0, le=1e6, description="power of the error in exp, step, toggle and rand")
    wtan: float = Field(default=10.0, gt=0, le=1e6, description="how fast the weight of step rises with the target")
    w2: float = Field(default=4000.0, ge=0, le=1e6, description="height of the weight of step")
    delta: float = Field(default=0.02, gt=0, le=1e6, description="where huber turns from square to straight")
    c: float = Field(default=0.02, gt=0, le=1e6, description="where invhuber turns from straight to square")
    probability: float = Field(default=0.5, ge=0, le=1, description="of step in an epoch of rand")
    seed: int = Field(default=0, ge=0, lt=2**63, description="of the epochs drawn by rand")
    power: Literal[2, 4] = Field(default=2, description="of the error in exp2021")

    def evaluate(self, predicted: Tensor, batch: Batch, epoch: int = 0) -> Tensor:
        """The loss of predicted fields.

        Parameters
        ----------
        predicted : (N, H, W) float32
            Over the largest imposed value, as ``batch.target``.
        batch : Batch
        epoch : int
            Passes over the training samples so far; only ``toggle`` and ``rand`` ask.

        Returns
        -------
        () float32
        """
        target = batch.target
        kind = self.kind_in(epoch)
        return (self._weight(kind, predicted, target) * self._size(kind, (predicted - target).abs())).mean()

    def kind_in(self, epoch: int) -> Kind:
        """What ``toggle`` or ``rand`` is in an epoch, a function of (seed, epoch) alone; the others are themselves."""
        if self.kind == "toggle":
            return "exp" if epoch % 2 else "step"
        if self.kind == "rand":
            drawn = np.random.default_rng([self.seed, epoch]).random()
            return "step" if drawn < self.probability else "exp"
        return self.kind

    def _weight(self, kind: Kind, predicted: Tensor, target: Tensor) -> Tensor:
        if kind in ("exp", "invhuber"):
            return (-(1.0 - predicted).abs() / self.w).exp()
        if kind in ("step", "huber"):
            return 1.0 + self.w2 * (self.wtan * target).tanh()
        if kind == "exp2021":
            return (-(1.0 - target) / self.w).exp()
        return torch.ones_like(target)

    def _size(self, kind: Kind, modulus: Tensor) -> Tensor:
        if kind == "huber":
            straight = self.delta * (modulus - 0.5 * self.delta)
            return torch.where(modulus <= self.delta, 0.5 * modulus.square(), straight)
        if kind in ("invhuber", "invhuber2"):
            square = (modulus.square() + self.c**2) / (2.0 * self.c)
            return torch.where(modulus < self.c, modulus, square)
        powers = {"mae": 1, "mse": 2, "exp2021": self.power}
        power = powers.get(kind, self.a)
        return modulus if power == 1 else modulus.pow(power)
