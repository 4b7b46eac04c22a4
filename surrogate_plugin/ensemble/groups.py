"""Groups of a Zarr: written whole and moved into their place, and their attributes read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrogate_plugin.ensemble.given import Named
from surrogate_plugin.whole_files import UnwritableError, said_of

if TYPE_CHECKING:
    from zarr import Group


def write(path: Path, arrays: Mapping[str, Named], said: dict[str, Any]) -> None:
    """Write a group of arrays, and what is said of it."""
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=3, attributes=said)
    for name, (axes, values) in arrays.items():
        write_array(group, name, values, axes, {})


def write_array(group: Group, name: str, values: Any, axes: Iterable[str], said: Mapping[str, Any]) -> None:
    """Write an array with the names of its axes."""
    fill: dict[str, Any] = {"fill_value": math.nan} if values.dtype.kind == "f" else {}
    group.create_array(name, data=values, dimension_names=list(axes), attributes=dict(said), **fill)


def move(folder: Path, target: Path) -> None:
    """Move a folder to where none is; one that is there and not empty raises FileExistsError."""
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():
            raise
        raise FileExistsError(target) from None


def attributes(path: Path) -> dict[str, Any]:
    """The attributes of a group, read without Zarr, which takes a hundred times as long; empty where there are none."""
    try:
        said = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        found = said["attributes"]
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


@contextmanager
def of_the_disk(path: Path) -> Iterator[None]:
    """Say in one sentence what cannot be written, and why."""
    try:
        yield
    except UnwritableError:
        raise
    except OSError as error:
        raise UnwritableError(f"{path} could not be written ({said_of(error)}).") from None
