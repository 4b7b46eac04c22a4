"""A trained network ready to run: loaded once, checked against its card, asked many times."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from surrogate_plugin.arguments import shown
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.plain_files import read_plain
from surrogate_plugin.surrogate import features, sizes
from surrogate_plugin.surrogate.card import ModelCard
from surrogate_plugin.surrogate.failures import DamagedModelError as DamagedModelError
from surrogate_plugin.surrogate.failures import DeviceMissingError as DeviceMissingError
from surrogate_plugin.surrogate.failures import ModelNotFoundError as ModelNotFoundError
from surrogate_plugin.surrogate.failures import TorchMissingError as TorchMissingError
from surrogate_plugin.surrogate.failures import called
from surrogate_plugin.surrogate.weights import find as find

if TYPE_CHECKING:
    from torch import Tensor, nn

    from surrogate_plugin.surrogate.compiled.network import CompiledNetwork
    from surrogate_plugin.surrogate.networks import PaperNetwork

#: Weights are float32; what a file says beside them is a few thousand bytes.
_BYTES_A_NUMBER, _MOST_BYTES_BESIDE = 4, 2**24


@dataclass(frozen=True, eq=False)
class Model:
    """A network, its card, and where it runs."""

    card: ModelCard
    network: nn.Module
    device: str

    @property
    def typical_error(self) -> float:
        """What the cycles have to remove: the median over the test split of the largest mean error over 8x8 pixels.

        Over the largest imposed value; infinite where the card does not say.
        """
        return typical_error(self.card)

    def predict(self, problem: Problem) -> FloatArray:
        """The network's field.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        (H, W) float64, field units
            Fixed values imposed, the rest >= 0 and, where nothing is supplied, at most the largest imposed value. No
            bound on its error, and NaN where the network says NaN: the guard judges it.

        Raises
        ------
        UnsupportedProblemError
            If the problem is of the wider equation, and the network has no program for it.
        """
        import torch

        from surrogate_plugin.surrogate.operations import ask
        from surrogate_plugin.surrogate.precision import dense_layers

        if self.card.network.kind == "paper":
            multiple = cast("PaperNetwork", self.network).multiple
            image = torch.from_numpy(features.source_image(problem, multiple)[None]).to(self.device)
            with torch.inference_mode():
                answer = self.network(image)[0, 0].cpu().numpy()
            return features.impose(answer[: problem.shape[0], : problem.shape[1]], problem)
        if self._compiled is not None and self._compiled.knows(problem):
            return self._compiled.predict(problem)
        seen = features.see(problem)
        image, saturation = torch.from_numpy(seen.image[None]), torch.tensor([seen.saturation])
        with torch.inference_mode(), dense_layers(self.card.network.kind, self.device):
            given = image.to(self.device), saturation.to(self.device)
            answer = ask(self.network, *given, saturates=problem.uptake is not None)
        return features.decode(answer[0].cpu().numpy(), problem, seen)

    @cached_property
    def _compiled(self) -> CompiledNetwork | None:
        """The network compiled for one problem on a CPU; None where torch has to run it."""
        from surrogate_plugin.surrogate.compiled.network import compiled

        return compiled(self.network) if self.device == "cpu" else None


def typical_error(card: ModelCard) -> float:
    """`Model.typical_error` by the card alone, which needs no network."""
    return card.metrics.get("smooth_max", {}).get("median", math.inf)


def load(name_or_path: str | Path = "default", device: str = "auto") -> Model:
    """Load a model by the name it is registered under, or from its safetensors file.

    Parameters
    ----------
    name_or_path : str or Path
        A name of the ``surrogate_plugin.models`` entry points, a ``.safetensors`` file, or a folder that holds
        exactly one.
    device : str
        ``"auto"`` takes a CUDA device if there is one.

    Raises
    ------
    ModelNotFoundError
        If there is no such model.
    DamagedModelError
        If the weights or the card cannot be read, or do not belong together.
    DeviceMissingError
        If a CUDA device is asked for where torch finds none.
    TorchMissingError
        If the network library does not load.
    """
    weights = find(name_or_path)
    card = ModelCard.read(weights.with_suffix(".json"))
    if card.network.features not in features.READABLE:
        readable = " and ".join(str(version) for version in features.READABLE)
        raise DamagedModelError(
            f"model {shown(card.name)} reads features of version {card.network.features}, this package writes versions "
            f"{readable}; retrain the model or install the package it came with."
        )
    kind = card.network.kind
    if kind not in sizes.SIZES:
        raise DamagedModelError(
            f"the card of model {shown(card.name)} names a network {shown(kind)}; known are {', '.join(sizes.SIZES)}."
        )
    try:
        import torch
    except (ImportError, OSError) as error:
        raise TorchMissingError(f"torch does not load ({error}); install it to use the surrogate.") from None
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceMissingError(f"device is {device!r}, but torch finds no CUDA device here; use 'auto' or 'cpu'.")
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    content = _content(card, weights)
    return Model(card, _network(card, weights, content).to(chosen).eval().requires_grad_(False), chosen)


def _content(card: ModelCard, weights: Path) -> bytes:
    """What a weights file holds, which is what its card was written for.

    It is read once: who replaces the file while that is done, or later, changes nothing of what was checked.
    """
    from surrogate_plugin.surrogate.networks import numbers

    expected = numbers(card.network.kind, card.network.hyperparameters)
    try:
        content = read_plain(weights, _BYTES_A_NUMBER * expected + _MOST_BYTES_BESIDE)
    except OSError as error:
        raise DamagedModelError(
            f"the weights {called(weights)} cannot be read ({error.strerror}); reinstall the model."
        ) from None
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise DamagedModelError(
            f"the weights {called(weights)} do not have the checksum of their card; reinstall the model."
        )
    return content


def _network(card: ModelCard, weights: Path, content: bytes) -> nn.Module:
    """The network of the card with these weights."""
    from safetensors import SafetensorError
    from safetensors.torch import load as read

    from surrogate_plugin.surrogate.networks import build, numbers

    kind, hyperparameters = card.network.kind, card.network.hyperparameters
    try:
        found, expected = read(content), numbers(kind, hyperparameters)
        held = sum(tensor.numel() for tensor in found.values())
        if held != expected:  # before anything of this size is built
            raise ValueError(f"they are {held} numbers, {expected} are expected")
        network = build(kind, hyperparameters)
        _check(found, network.state_dict())
        network.load_state_dict(found)
    except KeyError as error:  # of a type that this release of safetensors knows and its reader for torch does not
        raise DamagedModelError(
            f"the weights {called(weights)} do not fit their card ({error} is no type of numbers); reinstall the model."
        ) from None
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DamagedModelError(
            f"the weights {called(weights)} do not fit their card ({line.rstrip('.')}); reinstall the model."
        ) from None
    return network


def _check(found: dict[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """See that the tensors of a file are those of the network, and finite."""
    for name in sorted(found.keys() | expected.keys()):
        if name not in found or name not in expected:
            raise ValueError(f"tensor {shown(name)} is {'missing' if name in expected else 'not one of the network'}")
        given, wanted = found[name], expected[name]
        if (given.dtype, given.shape) != (wanted.dtype, wanted.shape):
            raise ValueError(
                f"tensor {name!r} is {given.dtype} of {tuple(given.shape)}, "
                f"{wanted.dtype} of {tuple(wanted.shape)} is expected"
            )
        if not bool(given.isfinite().all()):
            raise ValueError(f"tensor {name!r} is not finite")
