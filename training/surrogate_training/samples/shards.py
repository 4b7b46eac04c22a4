"""Stored samples: safetensors shards, held to their checksums when they are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open

from surrogate_plugin.equation.codec import FACES
from surrogate_plugin.plain_files import read_plain
from surrogate_plugin.surrogate.card import checksum
from surrogate_training.damage import DamagedFileError, reading
from surrogate_training.samples.dataset import DataConfig
from surrogate_training.samples.kept import KeptSample

INDEX = "index.json"
#: An index has a line a shard.
_MOST_BYTES = 2**28
#: The entry of a shard's metadata in which it says what it holds.
SAYS = "shard"
#: Settings of the data that decide what a stored sample is.
_DECISIVE = {"distribution", "seed", "shape", "accuracy"}
_REMAKE = "remake it with `surrogate-plugin samples --repair`"


class DamagedShardError(DamagedFileError):
    """A shard or the index of a folder is missing or not what was written."""


class Index(BaseModel):
    """What a folder of shards holds; written last, so that a folder without one is unfinished."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    data: dict[str, Any]
    samples: int = Field(ge=1)
    samples_a_shard: int = Field(ge=1)
    sha256: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Index:
        """Read the index of a folder.

        Raises
        ------
        DamagedShardError
            If there is none, or it is no valid index.
        """
        if not (folder / INDEX).exists():
            raise DamagedShardError(
                f"{folder} holds no {INDEX}; make the samples, or finish making them, with `surrogate-plugin samples`."
            )
        with reading(folder / INDEX, _REMAKE, DamagedShardError):
            return cls.model_validate_json(read_plain(folder / INDEX, _MOST_BYTES))

    def check(self, folder: Path, name: str) -> None:
        """Hold a shard to its checksum.

        Raises
        ------
        DamagedShardError
            Names the shard.
        """
        if not (folder / name).is_file():
            raise DamagedShardError(f"shard {folder / name} is missing; {_REMAKE}.")
        with reading(folder / name, _REMAKE, DamagedShardError):
            found = checksum(folder / name)
        if found != self.sha256.get(name):
            raise DamagedShardError(f"shard {folder / name} does not have its checksum; {_REMAKE}.")


class Shards:
    """The samples of a folder, each read when it is asked for.

    Parameters
    ----------
    folder : Path
    config : DataConfig
        Must name the samples as the stored ones are named; its ``samples`` may ask for fewer than there are.

    Raises
    ------
    DamagedShardError
        If the folder holds no index; by indexing, if a shard is missing or damaged.
    ValueError
        If ``config`` names other samples, or asks for more.
    """

    def __init__(self, folder: Path, config: DataConfig) -> None:
        self.folder, self.index, self.shape = folder, Index.read(folder), config.shape
        for name, value in decisive(config).items():
            if self.index.data.get(name) != value:
                raise ValueError(
                    f"data.{name} is {_short(value)}, but the samples in {folder} were made with "
                    f"{_short(self.index.data.get(name))}; make them equal, or name another folder."
                )
        self.count = config.samples or self.index.samples
        if self.count > self.index.samples:
            raise ValueError(
                f"data.samples is {self.count}, but {folder} holds {self.index.samples}; at most these are allowed."
            )
        self._checked: set[str] = set()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> KeptSample:
        shard, row = divmod(number, self.index.samples_a_shard)
        name = shard_name(shard)
        if name not in self._checked:
            self.index.check(self.folder, name)
            self._checked.add(name)
        sample = read_sample(self.folder / name, row)
        if any(value.shape != self.shape for name, value in sample.maps.items() if name not in FACES):
            raise DamagedShardError(f"shard {self.folder / name} holds samples of another shape; {_REMAKE}.")
        return sample


def _short(value: object) -> str:
    """Long enough for the settings of a distribution, and no longer than a sentence."""
    said = str(value)
    return said if len(said) <= 300 else f"{said[:300]}..."


def decisive(config: DataConfig) -> dict[str, Any]:
    """The settings that decide what a stored sample is, as JSON has them."""
    return config.model_dump(mode="json", include=_DECISIVE)


def shard_name(shard: int) -> str:
    """The file of a shard."""
    return f"{shard:05d}.safetensors"


def read_sample(path: Path, row: int) -> KeptSample:
    """One sample of a shard, without reading the others.

    Raises
    ------
    DamagedShardError
        If it is not there.
    """
    with reading(f"shard {path}", _REMAKE, DamagedShardError), safe_open(path, "np") as file:
        prefix = f"{row}."
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 - not a mapping
        maps = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
        return KeptSample(maps, json.loads(file.metadata()[SAYS])["records"][row])


def says(path: Path) -> dict[str, Any]:
    """What a shard says of itself: the settings and the numbers of its samples; empty where it cannot be read."""
    try:
        with safe_open(path, "np") as file:
            said = dict[str, Any](json.loads(file.metadata()[SAYS]))
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, RecursionError):
        return {}
    return {name: said.get(name) for name in ("data", "first", "count")}
