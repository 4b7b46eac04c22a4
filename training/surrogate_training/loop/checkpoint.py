"""A run on disk: safetensors files of weights, their average and the optimiser's moments, with the rest as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, TypeAdapter
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from surrogate_plugin.whole_files import replacing
from surrogate_training.config import TrainConfig
from surrogate_training.damage import reading

FILE = "checkpoint.safetensors"
#: The averaged weights of the best validation, without what a resumed run needs besides.
BEST = "best.safetensors"


_REMEDY = "put back a copy of it, or train anew in another folder"
_Count = Annotated[int, Field(ge=0)]
_Measured = Annotated[float, Field(allow_inf_nan=False)]


@dataclass
class Progress:
    """How far a run is.

    Attributes
    ----------
    step, batches, samples : int
        Steps taken; batches drawn, of all processes together; samples seen, mirror images included.
    seconds : float
        By the clock, validation included.
    finished : bool
    loss : float or None
        Running mean of the training loss.
    validated : int
        The step of the last validation.
    best : float or None
        The lowest value of what is monitored.
    stale : int
        Validations since.
    """

    step: _Count = 0
    batches: _Count = 0
    samples: _Count = 0
    seconds: _Measured = 0.0
    finished: bool = False
    loss: _Measured | None = None
    validated: _Count = 0
    best: _Measured | None = None
    stale: _Count = 0


_PROGRESS = TypeAdapter(Progress)


def state(network: nn.Module, average: nn.Module, optimiser: torch.optim.Adam) -> dict[str, Tensor]:
    """What has been learned, by name: weights, their running average and the optimiser's moments; not copies."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in (("network.", network), ("average.", average)):
        tensors |= {prefix + name: value for name, value in module.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
    return tensors


def restore(
    tensors: dict[str, Tensor], network: nn.Module, average: nn.Module, optimiser: torch.optim.Adam
) -> None:  # fmt: skip
    """Copy back what `state` named."""
    network.load_state_dict(part(tensors, "network."))
    average.load_state_dict(part(tensors, "average."))
    _restore_moments(optimiser, part(tensors, "optimiser."))


def save(folder: Path, config: TrainConfig, progress: Progress, tensors: dict[str, Tensor]) -> None:
    """Write the checkpoint in one move, so that a kill leaves the old one or the new one."""
    # Samples and their order are functions of their names; this is for a network or a loss that draws.
    _write(folder / FILE, config, progress, tensors | {"random": torch.get_rng_state()})


def save_best(folder: Path, config: TrainConfig, progress: Progress, average: nn.Module) -> None:
    """Keep the averaged weights as the best so far."""
    tensors = {"average." + name: value for name, value in average.state_dict().items()}
    _write(folder / BEST, config, progress, tensors)


def load(folder: Path, file: str = FILE) -> tuple[TrainConfig, Progress, dict[str, Tensor]]:
    """The configuration, progress and tensors of a checkpoint.

    Raises
    ------
    FileNotFoundError
        If the folder holds none.
    DamagedFileError
        If it is not what was written.
    """
    path = folder / file
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; train first, or name the folder of a run.")
    with damage(path):
        with safe_open(path, "pt") as opened:
            metadata = opened.metadata()
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
        config = TrainConfig.model_validate_json(metadata["config"])
        progress = _PROGRESS.validate_json(metadata["progress"], strict=True)
        # Checkpoints from before they carried one have no digest.
        if metadata.get("digest", digest := _digest(metadata, tensors)) != digest:
            raise ValueError("its digest is not that of what it holds")
    return config, progress, tensors


def damage(path: Path) -> AbstractContextManager[None]:
    """Turn whatever is raised by going on from a checkpoint into a `DamagedFileError`."""
    return reading(path, _REMEDY)


def load_selected(folder: Path) -> tuple[TrainConfig, Progress, dict[str, Tensor]]:
    """What a run has come to: its last averaged weights or its best, as its configuration says.

    Raises
    ------
    FileNotFoundError
        If the folder holds no run.
    """
    last = load(folder)
    if last[0].stop.select == "best" and (folder / BEST).is_file():
        return load(folder, BEST)
    return last


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name begins with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _restore_moments(optimiser: torch.optim.Adam, tensors: dict[str, Tensor]) -> None:
    """Give the optimiser its moments back."""
    moments: dict[int, dict[str, Tensor]] = {}
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for name, value in tensors.items():
        index, _, field = name.partition(".")
        if field != "step" and value.shape != parameters[int(index)].shape:
            raise ValueError(f"optimiser.{name} is of {tuple(value.shape)}")
        # The optimiser would keep the tensor itself and change it in place, and a backup is to last.
        moments.setdefault(int(index), {})[field] = value.clone()
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})


def _write(path: Path, config: TrainConfig, progress: Progress, tensors: dict[str, Tensor]) -> None:
    metadata = {"config": config.model_dump_json(), "progress": json.dumps(asdict(progress))}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replacing(path) as partial:
        save_file(tensors, partial, metadata | {"digest": _digest(metadata, tensors)})


def _digest(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Names everything that a checkpoint holds."""
    made = hashlib.blake2b(f"{metadata['config']}{metadata['progress']}".encode(), digest_size=16)
    for name, value in sorted(tensors.items()):
        made.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        made.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return made.hexdigest()
