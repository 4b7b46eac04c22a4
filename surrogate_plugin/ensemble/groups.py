"""Groups of a Zarr: written whole and moved into their place, and their attributes read."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.ensemble.given import Named
from surrogate_plugin.errors import EnsembleError
from surrogate_plugin.plain_files import check_plain, read_plain
from surrogate_plugin.whole_files import UnwritableError, said_of, write_text

if TYPE_CHECKING:
    from zarr import Group

#: The digests of the arrays of a group, and of all else that is said of it.
_ARRAYS, _SAID = "arrays", "digest"
#: What is said of an ensemble or a member; the texts of its members are the longest of it.
_MOST_BYTES = 2**30


def write(path: Path, arrays: Mapping[str, Named], said: dict[str, Any]) -> None:
    """Write a group of arrays, and what is said of it; digests beside tell what a disk makes of either."""
    import zarr

    said = {**said, _ARRAYS: {name: digest_of(values) for name, (_, values) in arrays.items()}}
    group = zarr.open_group(path, mode="w", zarr_format=3, attributes={**said, _SAID: _digest_of_said(said)})
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
        said = json.loads(read_plain(path / "zarr.json", _MOST_BYTES))
        found = said["attributes"]
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def digests(said: Mapping[str, Any]) -> dict[str, str] | None:
    """The digests of a group's arrays by name; None where it was written before there were any.

    Raises
    ------
    ValueError
        If what is said is not what was written.
    """
    if _SAID not in said and _ARRAYS not in said:
        return None
    rest = {name: value for name, value in said.items() if name != _SAID}
    if said.get(_SAID) != _digest_of_said(rest):
        raise ValueError("what it says is not what was written")
    return dict(said[_ARRAYS])


def digest_of(values: npt.NDArray[Any]) -> str:
    """What tells an array from any other: kind, shape and bytes; a NaN is a NaN, and either order of bytes one."""
    kind = values.dtype.newbyteorder("=")
    plain = values.astype(kind) if kind.kind != "f" else np.where(np.isnan(values), kind.type(np.nan), values)
    made = hashlib.blake2b(f"{kind.kind}{kind.itemsize} {values.shape}".encode(), digest_size=16)
    made.update(np.ascontiguousarray(plain, dtype=kind).tobytes())
    return made.hexdigest()


def _digest_of_said(said: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def hold_groups(path: Path) -> None:
    """See that a folder is a group, of which nothing is said; one that says something else was damaged."""
    file = path / "zarr.json"
    text = json.dumps({"attributes": {}, "zarr_format": 3, "node_type": "group"}, indent=2)
    try:
        there = json.loads(read_plain(file, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        there = None
    if there != json.loads(text):
        write_text(file, text, shared=True)


def is_nameless(path: Path) -> bool:
    """Whether a store is an ensemble by its members alone, since a disk has damaged or lost what it says itself."""
    try:
        json.loads(read_plain(path / "zarr.json", _MOST_BYTES))
        return False
    except (OSError, ValueError, RecursionError):
        members = (path / "members").glob("*")
        return any(attributes(each).keys() >= {"parameters", "repeat", "index", "seed"} for each in members)


def check_files(path: Path) -> None:
    """See that all that Zarr would read of a group are files."""
    for folder, _, names in os.walk(path):
        for name in names:
            check_plain(Path(folder, name))


@contextmanager
def of_the_disk(path: Path) -> Iterator[None]:
    """Say in one sentence what cannot be written, and why."""
    try:
        yield
    except UnwritableError:
        raise
    except OSError as error:
        raise UnwritableError(f"{path} could not be written ({said_of(error)}).") from None


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one sentence that a disk has damaged a store, of which Zarr raises errors of many types."""
    try:
        yield
    except (OSError, EnsembleError):
        raise
    except Exception as error:
        raise EnsembleError(f"{path} is damaged ({said_of(error).rstrip('.')}); name another path.") from None
