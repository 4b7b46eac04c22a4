"""A trained network's fields for a stack of problems, on the stack's device."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from surrogate_plugin.batched import features
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.surrogate.operations import ask
from surrogate_plugin.surrogate.precision import dense_layers

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.model import Model
    from surrogate_plugin.surrogate.networks import PaperNetwork


class Predictor:
    """A model that answers stacks, without reading anything back.

    It takes up to 220 bytes a pixel beside the stack, measured on CPU tensors, which is less than a solve takes.

    Parameters
    ----------
    model : Model
        Its network is used as it is where it is on the device already, else a copy.
    device : torch.device or str
    precision : torch.dtype, optional
        What dense layers compute in; the device's own if it is not given, see `surrogate_plugin.surrogate.precision`.

    Examples
    --------
    >>> import numpy as np
    >>> from surrogate_plugin import Problem
    >>> from surrogate_plugin.surrogate.model import load
    >>> problem = Problem(np.eye(16)); model = load(device="cpu")
    >>> fields = Predictor(model, "cpu").predict(Stack.of([problem, problem], "cpu"))
    >>> tuple(fields.shape), bool(np.abs(fields[1].numpy() - model.predict(problem)).max() < 1e-5)
    ((2, 16, 16), True)
    """

    def __init__(self, model: Model, device: torch.device | str, precision: torch.dtype | None = None) -> None:
        self.device = torch.device(device)
        self.precision = precision
        self.model = model
        self._network = _on(self.device, model.network)

    def predict(self, stack: Stack) -> Tensor:
        """The network's fields.

        Parameters
        ----------
        stack : Stack
            On the predictor's device.

        Returns
        -------
        (B, H, W) float64, field units
            As `surrogate_plugin.surrogate.model.Model.predict`: fixed values imposed, the rest >= 0 and, where nothing
            is supplied, at most the largest imposed value. No bound on its error, and NaN where the network says NaN.

        Raises
        ------
        UnsupportedProblemError
            If the problems are of the wider equation, and the network has no program for it.
        """
        kind = self.model.card.network.kind
        with torch.inference_mode(), dense_layers(kind, self.device, self.precision):
            if kind == "paper":
                multiple = cast("PaperNetwork", self._network).multiple
                return features.impose(self._network(features.source_image(stack, multiple))[:, 0].float(), stack)
            seen = features.see(stack)
            answer = ask(self._network, seen.image, seen.saturation, saturates=stack.kind.saturating)
            return features.decode(answer, stack, seen)


def _on(device: torch.device, network: nn.Module) -> nn.Module:
    """The network on a device; the one that is given keeps its own."""
    parameter = next(network.parameters())
    if parameter.device.type == device.type and device.index in (None, parameter.device.index):
        return network
    return copy.deepcopy(network).to(device)
