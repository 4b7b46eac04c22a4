"""How many problems of one kind a device takes at once, and what to do when it was fewer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from surrogate_plugin.memory import available_bytes

Result = TypeVar("Result")

#: What a solve holds at its peak for each pixel of a problem, in bytes: the equation, the iteration, levels, the
#: certificate, and what operations make in between. On CPU tensors a process grew by 240, with maps of faces by 300,
#: with uptake by 250 and with both by 410; barriers, where they are needed, take some more.
_BYTES, _BYTES_OF_MAPS, _BYTES_OF_UPTAKE = 300, 100, 60
#: What is left to others, and to the allocator's gaps.
_SHARE = 0.8
#: How a lack of memory is told in errors of no type of their own: by torch on a CPU, by the driver (to Triton and for
#: memory that the device reads by itself, too), and by the libraries of dense layers.
_TOLD = ("can't allocate memory", "out of memory", "alloc_failed", "allocation_failed")
#: More problems than this bring nothing, and an answer is waited for longer: so many pixels.
_MOST_PIXELS = 256 * 512 * 512


def free_bytes(device: torch.device) -> int | None:
    """What a device may still allocate; None where it does not say."""
    if device.type != "cuda":
        return available_bytes()
    free, _ = torch.cuda.mem_get_info(device)
    # What torch keeps for itself and does not use is as good as free.
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def chunk_of(shape: tuple[int, int], device: torch.device, *, mapped: bool = False, saturating: bool = False) -> int:
    """How many problems of a kind to solve at once, at least 1.

    Parameters
    ----------
    shape : (H, W)
    device : torch.device
    mapped : bool
        Whether faces have conductances of their own.
    saturating : bool
        Whether uptake saturates.

    Examples
    --------
    >>> chunk_of((64, 64), torch.device("cpu")) > chunk_of((1024, 1024), torch.device("cpu")) >= 1
    True
    """
    pixels = (shape[0] + 2) * (shape[1] + 2)
    each = pixels * (_BYTES + mapped * _BYTES_OF_MAPS + saturating * _BYTES_OF_UPTAKE)
    free = free_bytes(device)
    most = max(_MOST_PIXELS // (shape[0] * shape[1]), 1)
    return most if free is None else min(max(int(_SHARE * free) // each, 1), most)


def evenly(count: int, chunk: int) -> int:
    """The length of as few pieces as ``chunk`` allows, all about as long: a short last one costs as much as a long one.

    Examples
    --------
    >>> evenly(256, 256), evenly(257, 256), evenly(3, 256)
    (256, 129, 3)
    """
    return -(-count // max(-(-count // max(chunk, 1)), 1))


def in_chunks(count: int, chunk: int, run: Callable[[slice], Result]) -> Iterator[tuple[slice, Result | None]]:
    """Run a batch piece by piece; where the device's memory does not hold a piece, by halves of it.

    A piece that has once turned out to be too large is not tried again.

    Parameters
    ----------
    count : int
        Of how many problems.
    chunk : int
        The first piece's length, at most.
    run : callable
        Solves the problems of a slice; raises `torch.OutOfMemoryError` where they are too many.

    Yields
    ------
    (slice, result)
        In order; None in place of a result where one problem alone is too large, which somebody else has to solve.

    Examples
    --------
    >>> def run(piece):
    ...     if piece.stop - piece.start > 3:
    ...         raise torch.OutOfMemoryError("too many")
    ...     return piece.stop - piece.start
    >>> [(piece.start, done) for piece, done in in_chunks(8, 8, run)]
    [(0, 2), (2, 2), (4, 2), (6, 2)]
    """
    start, length = 0, max(evenly(count, chunk), 1)
    while start < count:
        piece = slice(start, min(start + length, count))
        result, too_large = _tried(run, piece)
        size = piece.stop - piece.start
        if too_large and size > 1:
            length = size // 2
            continue
        yield piece, result
        start = piece.stop


def is_too_large(error: BaseException) -> bool:
    """Whether an error says that memory does not suffice, the host's or a device's.

    Examples
    --------
    >>> is_too_large(torch.OutOfMemoryError("too many")), is_too_large(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _TOLD)


def _tried(run: Callable[[slice], Result], piece: slice) -> tuple[Result | None, bool]:
    """What came of a piece, and whether it was too large.

    The exception is let go of here, since its frames hold what was allocated until it failed.
    """
    try:
        return run(piece), False
    except (RuntimeError, MemoryError) as error:
        if not is_too_large(error):
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None, True
