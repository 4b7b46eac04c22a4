"""The store of a recording: its layout, and reading from it what may have been damaged.

One Zarr group holds ``(n, H, W)`` arrays of maps, a chunk a step, and ``header``, ``(n, bytes)``, one JSON text a step.
Arrays that few problems need are there from the first step that does; maps of faces lie in the corner of a chunk.
The attribute ``steps`` says how many steps are complete; what lies beyond them was cut off by a kill, and nobody reads
it. Each chunk carries its checksum; recordings made before chunks did are read as well.

Disks lose and change bytes, and neither Zarr nor Blosc promises what they do then: they raise errors of many types, and
Blosc may end the process, since it believes a chunk that says it is longer than its file. So whatever is read here is
checked before it is used, and whatever goes wrong becomes a `RecordingError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.codec import FACES, MAPS, PER_AXIS
from surrogate_plugin.plain_files import check_plain

if TYPE_CHECKING:
    from zarr import Array, Group

FORMAT, VERSION = "surrogate-plugin recording", 1
HEADER = "header"
#: The field that a step in time went on from.
BEFORE = "before"
#: What every recording has, and what is there from the first step that needs it.
DTYPES = dict.fromkeys(MAPS, "float64") | {"fixed": "bool", HEADER: "uint8"}
RARE = dict.fromkeys((*PER_AXIS, *FACES, BEFORE), "float64")
#: Headers are padded with spaces, which JSON ignores, to a multiple of this many bytes, a chunk each.
HEADER_BYTES = 1024
#: No text is longer, so that a damaged length never asks for more memory than there is.
MOST_HEADER_BYTES = 1024 * HEADER_BYTES

#: What a Blosc chunk begins with: two versions, flags, bytes a number; bytes as they were, of a block, and in the file.
_FRAME = struct.Struct("<BBBBIII")
_CHECKSUM_BYTES = 4


class RecordingError(ValueError):
    """A store is no recording, is damaged, or does not fit; the message says which and what to do."""


def open_store(path: Path, mode: Literal["r", "r+"]) -> Group:
    """Open a recording's group and check that it is one.

    Raises
    ------
    RecordingError
        If there is none, it is of another layout, or damaged.
    """
    if not path.exists():
        raise RecordingError(f"there is no recording at {path}.")
    store, shape, steps = _open(path, mode)
    for name in names_in(path, store):
        with damage(path, f"its array {name} cannot be read"):
            check_plain(path / name / "zarr.json")
            part: Any = store[name]
            # A recorder may have gone on since the attributes were read; it leaves room for one step at most.
            fits = _fits(part, name, shape) and steps <= part.shape[0] <= _open(path, "r")[2] + 1
        if not fits:
            raise RecordingError(
                f"{path} is damaged: its array {name} is not that of {steps} steps of {shape[0]} x {shape[1]}."
            )
    return store


def names_in(path: Path, store: Group) -> tuple[str, ...]:
    """The arrays that a recording has, or must have."""
    with damage(path, "its arrays cannot be listed"):
        for name in RARE:
            check_plain(path / name / "zarr.json")
        return (*DTYPES, *(name for name in RARE if name in store))


def array(store: Group, name: str) -> Array[Any]:
    """One array of a recording."""
    return cast("Array[Any]", store[name])


def shape_of(store: Group) -> tuple[int, int]:
    """Rows and columns."""
    rows, columns = cast("list[int]", store.attrs["shape"])
    return rows, columns


def steps_of(store: Group) -> int:
    """How many steps are complete."""
    return cast(int, store.attrs["steps"])


def read_map(path: Path, store: Group, name: str, row: int) -> npt.NDArray[Any]:
    """A map of step ``row``, (H, W); fill values where its chunk is missing.

    Raises
    ------
    RecordingError
        If its chunk is damaged.
    """
    found: npt.NDArray[Any] = _read(path, store, name, row, row + 1)[0]
    return found


def read_headers(path: Path, store: Group, begin: int = 0) -> Iterator[bytes]:
    """The texts of all complete steps from one on, which is counted from 0.

    Raises
    ------
    RecordingError
        If a chunk is damaged.
    """
    steps, wide = steps_of(store), array(store, HEADER).shape[1]
    block = max(1, MOST_HEADER_BYTES // wide)
    for first in range(begin, steps, block):
        for text in _read(path, store, HEADER, first, min(first + block, steps)):
            yield text.tobytes()


@contextmanager
def damage(path: Path, what: str) -> Iterator[None]:
    """Turn whatever is raised by reading into one sentence."""
    try:
        yield
    except RecordingError:
        raise
    except Exception as error:
        said = (str(error).strip() or "no message").splitlines()[0]
        raise RecordingError(f"{path} is damaged: {what} ({type(error).__name__}: {said}).") from None


def _open(path: Path, mode: Literal["r", "r+"]) -> tuple[Group, tuple[int, int], int]:
    """The group of a recording, its lattice and how many steps are complete."""
    import zarr

    try:
        check_plain(path / "zarr.json")
        store = zarr.open_group(path, mode=mode, zarr_format=3)
        found: dict[str, Any] = dict(store.attrs)
    except Exception:  # what Zarr makes of other people's files has no common type
        found = {}
    if found.get("format") != FORMAT:
        raise RecordingError(f"{path} holds something other than a recording; name another path.")
    if found.get("version") != VERSION:
        raise RecordingError(
            f"{path} has layout {found.get('version')!r} of a recording, this package knows {VERSION}; "
            "upgrade the package or name another path."
        )
    shape, steps = found.get("shape"), found.get("steps")
    if not (isinstance(shape, list) and len(shape) == 2 and all(type(side) is int and side > 0 for side in shape)):
        raise RecordingError(f"{path} is damaged: shape is {shape!r}; two whole numbers of at least 1 are allowed.")
    if not (type(steps) is int and steps >= 0):
        raise RecordingError(f"{path} is damaged: steps is {steps!r}; a whole number of at least 0 is allowed.")
    return store, (shape[0], shape[1]), steps


def _fits(part: Any, name: str, shape: tuple[int, int]) -> bool:
    """Whether an array is laid out as the recorder does it."""
    from zarr import Array
    from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec

    if not isinstance(part, Array) or len(part.shape) != (2 if name == HEADER else 3):
        return False
    wide = part.shape[1]
    if name == HEADER:
        laid_out = 0 < wide <= MOST_HEADER_BYTES and wide % HEADER_BYTES == 0 and part.chunks == (1, HEADER_BYTES)
    else:
        laid_out = part.shape[1:] == shape and part.chunks == (1, *shape)
    return (
        laid_out
        and part.dtype == np.dtype((DTYPES | RARE)[name])
        and not part.filters
        and isinstance(part.serializer, BytesCodec)
        and tuple(map(type, part.compressors)) in ((BloscCodec,), (BloscCodec, Crc32cCodec))
    )


def _read(path: Path, store: Group, name: str, first: int, last: int) -> npt.NDArray[Any]:
    """Rows ``first`` to ``last - 1`` of an array, once their chunks are what Blosc can be trusted with."""
    with damage(path, f"its array {name} cannot be read"):
        part = array(store, name)
    plain = int(np.prod(part.chunks)) * part.dtype.itemsize
    checksum = _CHECKSUM_BYTES * (len(part.compressors) - 1)
    counts = [-(-side // chunk) for side, chunk in zip(part.shape[1:], part.chunks[1:], strict=True)]
    for row in range(first, last):
        with damage(path, f"{name} of step {row} cannot be read"):
            for inner in product(*map(range, counts)):
                _check_chunk(path.joinpath(name, "c", str(row), *map(str, inner)), plain, checksum)
    with damage(path, f"{name} of steps {first} to {last - 1} cannot be read"):
        return np.asarray(part[first:last])


def _check_chunk(file: Path, plain: int, checksum: int) -> None:
    """See that a chunk, if it is there, is as long as it says, and holds as many bytes as the array's chunks do."""
    check_plain(file)
    try:
        with file.open("rb") as opened:
            begins, length = opened.read(_FRAME.size), opened.seek(0, 2)
    except FileNotFoundError:
        return
    if len(begins) < _FRAME.size:
        raise ValueError(f"its chunk ends after {length} bytes")
    *_, says_plain, _, says_packed = _FRAME.unpack(begins)
    if (says_plain, says_packed + checksum) != (plain, length):
        raise ValueError(f"its chunk is of {length} bytes and says {says_packed + checksum}")
