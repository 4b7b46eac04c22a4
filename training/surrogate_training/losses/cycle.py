"""What a multigrid cycle leaves of an error, as a layer: the loss sees what the guard will measure."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor
from torch.autograd import Function

from surrogate_training.samples.batch import Batch, inside


class Cycle(Protocol):
    """The cycles ``B`` and operators ``A`` of a batch's problems, each linearised at its exact field."""

    def left(self, error: Tensor) -> Tensor:
        """``(I - B A) e`` of each problem, (N, H, W) float32; what ``e`` holds on fixed pixels does not count."""

    def left_transposed(self, gradient: Tensor) -> Tensor:
        """``(I - A B) g``."""


def after_cycle(error: Tensor, batch: Batch) -> Tensor:
    """``(I - B A) e``: the error after one V(2, 2) cycle of the solver that polishes the network's fields.

    On a CPU the compiled cycle of the solver itself does it, problem by problem; elsewhere all problems at once are
    cycled where they are.

    Parameters
    ----------
    error : (N, H, W) float32
        0 on fixed pixels.
    batch : Batch
        ``A`` is the operator of each problem, linearised at its exact field; ``B`` is the cycle.

    Returns
    -------
    (N, H, W) float32
        With its exact gradient ``(I - A B) g``: both matrices are symmetric.
    """
    result: Tensor = _Cycle.apply(error, _cycle_of(batch))  # type: ignore[no-untyped-call]
    return result


def tangent(batch: Batch) -> Tensor:
    """The decay of each problem linearised at its exact field, (N, H, W) float32, dimensionless."""
    slope = 1.0 + batch.saturation[:, None, None] * batch.target
    first_order, rate = (inside(batch.image[:, channel], batch.shape) for channel in (2, 3))
    return first_order + rate / (slope * slope)


def _cycle_of(batch: Batch) -> Cycle:
    if batch.image.device.type == "cpu":
        from surrogate_training.losses.compiled_cycle import CompiledCycle

        return CompiledCycle(batch, tangent(batch))
    from surrogate_training.losses.batched_cycle import BatchedCycle

    return BatchedCycle(batch, tangent(batch))


class _Cycle(Function):
    @staticmethod
    def forward(ctx: Any, error: Tensor, cycle: Cycle) -> Tensor:
        ctx.cycle = cycle
        return cycle.left(error.detach().float())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.cycle.left_transposed(gradients[0].float()), None
