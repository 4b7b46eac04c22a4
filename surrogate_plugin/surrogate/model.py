"""A trained network ready to run: loaded once, checked against its card, asked many times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.surrogate import features, sizes
from surrogate_plugin.surrogate.card import ModelCard, checksum
from surrogate_plugin.surrogate.failures import DamagedModelError as DamagedModelError
from surrogate_plugin.surrogate.failures import DeviceMissingError as DeviceMissingError
from surrogate_plugin.surrogate.failures import ModelNotFoundError as ModelNotFoundError
from surrogate_plugin.surrogate.failures import TorchMissingError as TorchMissingError
from surrogate_plugin.surrogate.weights import find as find

if TYPE_CHECKING:
    from torch import Tensor, nn

    from surrogate_plugin.surrogate.compiled.network import CompiledNetwork
    from surrogate_plugin.surrogate.networks import PaperNetwork


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
            f"model {card.name!r} reads features of version {card.network.features}, this package writes versions "
            f"{readable}; retrain the model or install the package it came with."
        )
    try:
        found = checksum(weights)
    except OSError as error:
        raise DamagedModelError(
            f"the weights {weights.name} cannot be read ({error.strerror}); reinstall the model."
        ) from None
    if found != card.sha256:
        raise DamagedModelError(
            f"the weights {weights.name} do not have the checksum of their card; reinstall the model."
        )
    try:
        import torch
    except (ImportError, OSError) as error:
        raise TorchMissingError(f"torch does not load ({error}); install it to use the surrogate.") from None
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceMissingError(f"device is {device!r}, but torch finds no CUDA device here; use 'auto' or 'cpu'.")
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    return Model(card, _network(card, weights).to(chosen).eval().requires_grad_(False), chosen)


def _network(card: ModelCard, weights: Path) -> nn.Module:
    """The network of the card with these weights."""
    from safetensors import SafetensorError

    from surrogate_plugin.surrogate.networks import build, numbers

    kind, hyperparameters = card.network.kind, card.network.hyperparameters
    if kind not in sizes.SIZES:
        raise DamagedModelError(
            f"the card of model {card.name!r} names a network {kind!r}; known are {', '.join(sizes.SIZES)}."
        )
    try:
        _check_count(weights, numbers(kind, hyperparameters))  # before anything of this size is built
        network = build(kind, hyperparameters)
        network.load_state_dict(_tensors(weights, network))
    except (SafetensorError, RuntimeError, TypeError, ValueError, OSError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DamagedModelError(
            f"the weights {weights.name} do not fit their card ({line.rstrip('.')}); reinstall the model."
        ) from None
    return network


def _check_count(weights: Path, expected: int) -> None:
    """See how many numbers a weights file says it holds, without reading them."""
    from safetensors import safe_open

    with safe_open(weights, "pt") as file:
        held = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - not a mapping
    if held != expected:
        raise ValueError(f"they are {held} numbers, {expected} are expected")


def _tensors(weights: Path, network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a file, which are those of the network, and finite."""
    from safetensors.torch import load_file

    found, expected = load_file(weights), network.state_dict()
    for name in sorted(found.keys() | expected.keys()):
        if name not in found or name not in expected:
            raise ValueError(f"tensor {name!r} is {'missing' if name in expected else 'not one of the network'}")
        given, wanted = found[name], expected[name]
        if (given.dtype, given.shape) != (wanted.dtype, wanted.shape):
            raise ValueError(
                f"tensor {name!r} is {given.dtype} of {tuple(given.shape)}, "
                f"{wanted.dtype} of {tuple(wanted.shape)} is expected"
            )
        if not bool(given.isfinite().all()):
            raise ValueError(f"tensor {name!r} is not finite")
    return found
