"""Maps of many problems to a device and back: while some are on their way, the next are copied by several threads.

A GPU reads and writes memory of the host by itself where that is pinned, which a problem's own arrays are not. So each
map is copied once, into a piece of pinned memory or out of one; torch keeps such pieces and gives none away again
before the device is done with it. Where there is no GPU, or no memory to pin, all goes the plain way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from surrogate_plugin import team
from surrogate_plugin.arguments import Coefficient, FloatArray

__all__ = ["brought", "sent", "sent_maps"]

#: Pixels of a piece: eight maps of 512 x 512.
_PIXELS = 2**21
#: Threads that copy, at most; so many fill what memory carries.
_THREADS = 8

#: Arrays, and what is copied into each.
Pairs = list[tuple[npt.NDArray[Any], Any]]


def sent(values: Tensor, device: torch.device | str) -> Tensor:
    """A small tensor of the host on a device, without waiting for what the device is at.

    Memory that the device cannot read by itself is copied away before this returns, so that it may change afterwards.
    """
    return values.to(device, non_blocking=True)


def sent_maps(
    values: Sequence[Coefficient | npt.NDArray[np.bool_]], shape: tuple[int, int], dtype: torch.dtype,
    device: torch.device,
) -> Tensor:  # fmt: skip
    """A map, or a number for all of its pixels, a problem: (B, H, W) on the device.

    Parameters
    ----------
    values : sequence of (H, W) array or float
    shape : (H, W)
    dtype : torch.dtype
        float64 or bool.
    device : torch.device

    Examples
    --------
    >>> sent_maps([np.eye(2), 0.5], (2, 2), torch.float64, torch.device("cpu")).tolist()
    [[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]]
    """
    whole = len(values), *shape
    with _copier(len(values) * shape[0] * shape[1]) as copy:
        if not _is_gpu(device):
            host: npt.NDArray[Any] = np.empty(whole, np.bool_ if dtype == torch.bool else np.float64)
            copy(list(zip(host, values, strict=True)))
            return torch.from_numpy(host).to(device)
        there = torch.empty(whole, dtype=dtype, device=device)
        for piece in _pieces(len(values), shape):
            part = there[piece]
            staged = _staged(part)
            copy(list(zip(staged.numpy(), values[piece], strict=True)))
            part.copy_(staged, non_blocking=True)
    return there


def brought(fields: Tensor) -> list[FloatArray]:
    """Fields of a device, (B, H, W) float64, on the host: an (H, W) array each, of its own where they were on a GPU.

    Examples
    --------
    >>> [field.shape for field in brought(torch.zeros((2, 3, 4), dtype=torch.float64))]
    [(3, 4), (3, 4)]
    """
    if not _is_gpu(fields.device):
        return list(fields.cpu().numpy())
    found: list[FloatArray] = [np.empty(fields.shape[1:]) for _ in fields]
    under_way: list[tuple[slice, Tensor, torch.cuda.Event]] = []
    with torch.cuda.device(fields.device), _copier(fields.numel()) as copy:

        def finish() -> None:
            piece, staged, arrived = under_way.pop(0)
            arrived.synchronize()
            copy(list(zip(found[piece], staged.numpy(), strict=True)))

        for piece in _pieces(len(found), tuple(fields.shape[1:])):
            staged, arrived = _staged(fields[piece]), torch.cuda.Event()  # type: ignore[no-untyped-call]
            staged.copy_(fields[piece], non_blocking=True)
            arrived.record()
            under_way.append((piece, staged, arrived))
            if len(under_way) > 1:
                finish()
        while under_way:
            finish()
    return found


def _is_gpu(device: torch.device) -> bool:
    """Fake tensors may stand for a GPU's where there is none."""
    return device.type == "cuda" and torch.cuda.is_available()


def _pieces(count: int, shape: tuple[int, ...]) -> list[slice]:
    length = max(_PIXELS // max(shape[0] * shape[1], 1), 1)
    return [slice(at, min(at + length, count)) for at in range(0, count, length)]


def _staged(like: Tensor) -> Tensor:
    """Memory of the host for a piece, pinned if the system allows it."""
    try:
        return torch.empty(like.shape, dtype=like.dtype, pin_memory=True)
    except RuntimeError:  # what may be pinned is limited, in containers above all
        return torch.empty(like.shape, dtype=like.dtype)


@contextmanager
def _copier(pixels: int) -> Iterator[Callable[[Pairs], None]]:
    """What copies the second of each pair into the first: by threads where there is enough to copy.

    They live as long as a transfer, since a forked child would wait for its parent's.
    """
    threads = min(_THREADS, team.thread_count())
    if threads < 2 or pixels < _PIXELS:
        yield _copied_by(map)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield _copied_by(pool.map)


def _copied_by(apply: Callable[..., Iterable[None]]) -> Callable[[Pairs], None]:
    """From what calls a function for each pair to what waits until all are copied."""

    def copy(pairs: Pairs) -> None:
        for _ in apply(lambda pair: np.copyto(*pair), pairs):
            pass

    return copy
