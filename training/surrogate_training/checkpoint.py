"""A run on disk: one safetensors file of weights, their average and the optimiser's moments, with the rest as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from surrogate_training.config import TrainConfig

FILE = "checkpoint.safetensors"


@dataclass
class Progress:
    """How far a run is."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    finished: bool = False


def save(folder: Path, config: TrainConfig, progress: Progress, network: nn.Module, average: nn.Module,
         optimiser: torch.optim.AdamW) -> None:  # fmt: skip
    """Write the checkpoint in one move, so that a kill leaves the old one or the new one."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in (("network.", network), ("average.", average)):
        tensors |= {prefix + name: value for name, value in module.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    metadata = {"config": config.model_dump_json(), "progress": json.dumps(asdict(progress))}
    partial = folder / (FILE + ".partial")
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, partial, metadata)
    os.replace(partial, folder / FILE)


def load(folder: Path) -> tuple[TrainConfig, Progress, dict[str, Tensor]]:
    """The configuration, progress and tensors of a checkpoint.

    Raises
    ------
    FileNotFoundError
        If the folder holds none.
    """
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; train first, or name the folder of a run.")
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    return TrainConfig.model_validate_json(metadata["config"]), Progress(**json.loads(metadata["progress"])), tensors


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name begins with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def restore_optimiser(optimiser: torch.optim.AdamW, tensors: dict[str, Tensor]) -> None:
    """Give the optimiser its moments back."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in part(tensors, "optimiser.").items():
        index, _, field = name.partition(".")
        state.setdefault(int(index), {})[field] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
