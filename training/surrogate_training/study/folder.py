"""A study on disk: whose folder it is, and what of it is finished."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from surrogate_plugin.whole_files import write_text
from surrogate_training.damage import reading

CONFIG, RESULT = "study.json", "result.json"
Config = TypeVar("Config", bound=BaseModel)
T = TypeVar("T")


def claim(folder: Path, config: Config, grows: Collection[str], *, begin: bool = True) -> None:
    """Make the folder this study's, or see that it is.

    Parameters
    ----------
    folder : Path
    config : BaseModel
    grows : collection of str
        Fields that may differ from one call to the next in the same folder.
    begin : bool
        False: only see that it is, and write nothing.

    Raises
    ------
    ValueError
        If the folder holds a study with other settings.
    """
    path = folder / CONFIG
    if path.is_file():
        with reading(path, "remove it, or choose another folder"):
            held = type(config).model_validate_json(path.read_bytes())
        for name in type(config).model_fields:
            if name not in grows and getattr(held, name) != getattr(config, name):
                raise ValueError(f"{folder} holds a study with another {name!r}; choose another folder for this one.")
    if begin:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, config.model_dump(mode="json"))


def read_result(path: Path, kind: TypeAdapter[T]) -> T:
    """What came of a part of a study.

    Raises
    ------
    DamagedFileError
        If it is not what was written.
    """
    with reading(path, "remove it, and the same command measures its run again"):
        return kind.validate_json(path.read_bytes())


def write_json(path: Path, content: object) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=1))
