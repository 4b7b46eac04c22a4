"""What a run begins with: a device that is there, weights, what of them is learnt, and how many samples there are."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from surrogate_plugin.plain_files import check_plain
from surrogate_plugin.surrogate.networks import CompactNetwork
from surrogate_training.config import TrainConfig, solves_together
from surrogate_training.samples.shards import Index
from surrogate_training.toml_files import FOLDER


def usable_device(name: str) -> torch.device:
    """A device that is there.

    Raises
    ------
    ValueError
        If it cannot be used.
    """
    device = torch.device(name)
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"device is {name!r}, which cannot be used here ({line.rstrip('.')}); try 'cpu'.") from None
    return device


def solving_device(config: TrainConfig) -> torch.device | None:
    """Where the exact fields of a finite set are solved, many together; None: by workers, one after the other.

    Raises
    ------
    ValueError
        If a device is asked for that cannot be used; where it is only preferred, workers do.
    """
    if not solves_together(config, torch.device(config.device)):
        return None
    try:
        return usable_device(config.device)
    except ValueError:
        if config.samples_on == "device":
            raise
        return None


def begin_with(network: nn.Module, weights: Path) -> None:
    """Load published weights, or those that ship; see `CompactNetwork.begun` for layers that these lack.

    Raises
    ------
    ValueError
        If these are not the weights of such a network.
    """
    shipped = FOLDER / f"{weights}.safetensors"
    try:
        check_plain(weights)
        tensors = load_file(shipped if shipped.is_file() and not weights.exists() else weights)
        network.load_state_dict(CompactNetwork.begun(tensors, network.state_dict()))
    except (OSError, RuntimeError, SafetensorError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"start is {weights}, whose weights are not those of the configured network ({line})."
        ) from None


def choose_learning(network: nn.Module, config: TrainConfig) -> None:
    """Hold what is not to be learnt as it is."""
    if config.learn == "wider":
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith(CompactNetwork.WIDER))


def distinct_samples(config: TrainConfig) -> int | None:
    """How many samples a finite set has."""
    if config.data.samples is not None or config.data.shards is None:
        return config.data.samples
    return Index.read(config.data.shards).samples
