"""A trained network's fields for a stack of problems, on the stack's device."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor, nn

from surrogate_plugin.batched import compact, features, graphs
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.surrogate.operations import ask
from surrogate_plugin.surrogate.precision import dense_layers

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.model import Model
    from surrogate_plugin.surrogate.networks import CompactNetwork, PaperNetwork


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
        self.model = model
        self._asked = _Asked(model.card.network.kind, _on(self.device, model.network), self.device, precision)

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
        prediction = Prediction(self._asked, stack)
        graphs.run(prediction, "make", stack.source)
        assert prediction.fields is not None
        return prediction.fields


class _Asked:
    """A network on a device: the same for all predictions, so that a graph of one does not copy its weights."""

    __slots__ = ("device", "kind", "network", "precision")

    def __init__(self, kind: str, network: nn.Module, device: torch.device, precision: torch.dtype | None) -> None:
        self.kind, self.network, self.device, self.precision = kind, network, device, precision

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __call__(self, stack: Stack) -> Tensor:
        with torch.no_grad(), dense_layers(self.kind, self.device, self.precision):
            if self.kind == "paper":
                multiple = cast("PaperNetwork", self.network).multiple
                return features.impose(self.network(features.source_image(stack, multiple))[:, 0].float(), stack)
            seen = features.see(stack)
            saturates = stack.kind.saturating
            if self.precision is None and compact.takes(self.network, seen.image, seen.saturation):
                network = cast("CompactNetwork", self.network)
                answer = compact.answer(network, seen.image, seen.saturation, saturates=saturates)
            else:
                answer = ask(self.network, seen.image, seen.saturation, saturates=saturates)
            return features.decode(answer, stack, seen)


class Prediction:
    """One question to a network, as what a graph records: ``fields`` is None, and the answer once it is made."""

    def __init__(self, asked: _Asked, stack: Stack) -> None:
        self.asked, self.stack = asked, stack
        self.fields: Tensor | None = None

    def make(self) -> None:
        """Ask."""
        self.fields = self.asked(self.stack)


def _on(device: torch.device, network: nn.Module) -> nn.Module:
    """The network on a device; the one that is given keeps its own."""
    parameter = next(network.parameters())
    if parameter.device.type == device.type and device.index in (None, parameter.device.index):
        return network
    return copy.deepcopy(network).to(device)
