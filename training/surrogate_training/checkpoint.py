"""A run on disk: safetensors files of weights, their average and the optimiser's moments, with the rest as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from surrogate_training.config import TrainConfig
from surrogate_training.whole_files import replacing

FILE = "checkpoint.safetensors"
#: The averaged weights of the best validation, without what a resumed run needs besides.
BEST = "best.safetensors"


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

    step: int = 0
    batches: int = 0
    samples: int = 0
    seconds: float = 0.0
    finished: bool = False
    loss: float | None = None
    validated: int = 0
    best: float | None = None
    stale: int = 0


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
    """
    path = folder / file
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; train first, or name the folder of a run.")
    with safe_open(path, "pt") as opened:
        metadata = opened.metadata()
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    return TrainConfig.model_validate_json(metadata["config"]), Progress(**json.loads(metadata["progress"])), tensors


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
    for name, value in tensors.items():
        index, _, field = name.partition(".")
        # The optimiser would keep the tensor itself and change it in place, and a backup is to last.
        moments.setdefault(int(index), {})[field] = value.clone()
    optimiser.load_state_dict({"state": moments, "param_groups": optimiser.state_dict()["param_groups"]})


def _write(path: Path, config: TrainConfig, progress: Progress, tensors: dict[str, Tensor]) -> None:
    metadata = {"config": config.model_dump_json(), "progress": json.dumps(asdict(progress))}
    with replacing(path) as partial:
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, partial, metadata)
