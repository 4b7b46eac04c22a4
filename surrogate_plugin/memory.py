"""Whether a lattice fits, told from a file's header before anything of that size is made."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np

from surrogate_plugin.arguments import MAX_PIXELS
from surrogate_plugin.errors import InvalidProblemError

#: What reading and a multigrid solve take at their peak, measured at 2048 x 2048.
_BYTES_PER_PIXEL = 200


def check_size(path: Path | str, shape: tuple[int, ...]) -> None:
    """Refuse a lattice of ``shape`` = (rows, columns) that no solve could take; ``path`` is the file, or its name.

    Raises
    ------
    InvalidProblemError
        If it is empty, has more than ``MAX_PIXELS`` pixels, or would not fit into this machine's memory.
    """
    pixels, lattice = math.prod(shape), " x ".join(map(str, shape))
    if min(shape, default=0) < 1:
        raise InvalidProblemError(f"{path} has shape {lattice}; at least 1 row and 1 column are allowed.")
    if pixels > MAX_PIXELS:
        raise InvalidProblemError(f"{path} has {lattice} = {pixels:.3g} pixels; at most {MAX_PIXELS:.3g} are allowed.")
    needed, available = pixels * _BYTES_PER_PIXEL, available_bytes()
    if available is not None and needed > available:
        raise InvalidProblemError(
            f"{path} has {lattice} pixels, a solve of which takes about {_gigabytes(needed)}, but "
            f"{_gigabytes(available)} of memory are free; a smaller lattice is allowed."
        )


def read_claims(path: Path, stream: IO[bytes], size: int) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of the .npy array that begins here, and ends after at most ``size`` bytes.

    Raises
    ------
    InvalidProblemError
        If it claims to hold more than there is, or is a table instead.
    """
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise InvalidProblemError(
            f"{path} is in version {version} of the format, for tables with named columns; an array is allowed."
        )
    shape, _, dtype = readers[version](stream)
    claimed, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if claimed > there:
        raise InvalidProblemError(
            f"{path} claims {' x '.join(map(str, shape))} numbers, {claimed:.3g} bytes, but holds {there}; it is "
            "damaged."
        )
    return shape, dtype


def available_bytes() -> int | None:
    """What this process may still allocate, in bytes; None where the system does not say."""
    if sys.platform != "linux":
        return None
    limits = [_free_memory(), _container_limit(), _address_space()]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _free_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    free = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return 1024 * free[0] if free else None


def _container_limit() -> int | None:
    """The limit of a control group; what it has used is left out, since most of that is cache that gives way."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii"))
        except (OSError, ValueError):  # no such group, or its limit is "max"
            continue
    return None


def _address_space() -> int | None:
    """What ``ulimit -v`` leaves."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return max(limit - pages * resource.getpagesize(), 0)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.3g} GB"
