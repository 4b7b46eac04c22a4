"""How kernels are launched: the only place that does it, and what decides how a level is cut into programs."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["Strips", "launch", "strips_of"]

#: What the compiler is told: to contract no product and sum into one operation.
ROUNDED = {"enable_fp_fusion": False}
#: Programs that keep a large GPU busy: some for each of its 132 multiprocessors.
_ENOUGH = 1024
#: Rows of a strip: more of them repeat fewer rows of their neighbours, fewer give more programs.
_ROWS = (64, 32, 16, 8)
#: How much more than its pixels a row may be to its blocks, where there are few programs.
_REPEATED = 1.5
#: Pixels along a row that a program holds; a thread has up to four of each array.
_WIDTHS = (64, 128, 256, 512)


def launch(kernel: Any, programs: int, *arguments: Any, warps: int = 4, **constants: Any) -> None:
    """Run ``programs`` instances of a kernel, without contraction to fused multiply-adds.

    Products and sums are rounded one by one, as they are written, so that float64 on a GPU is that of a CPU and what is
    allowed for rounding holds as it stands; kernels that are bound by memory lose nothing by it.

    Kernels are compiled anew for each kind of number that they are given, such as 1 and multiples of 16; not for how
    many programs there are, which no address depends on.
    """
    run(kernel, programs, *arguments, warps=warps, **constants)


def run(kernel: Any, programs: int, *arguments: Any, warps: int, **constants: Any) -> None:
    """`launch` itself, on the device of the first argument; tests put a compiler in its place."""
    with torch.cuda.device_of(arguments[0]):
        kernel[(programs,)](*arguments, num_warps=warps, **ROUNDED, **constants)


@dataclass(frozen=True)
class Strips:
    """How a level is cut: into strips of ``rows`` and blocks of ``width`` pixels, some of which are its neighbours'.

    Attributes
    ----------
    rows, width : int
        Of what a program holds; ``width`` is a power of two.
    margin : int
        Pixels at each end of a block that belong to its neighbours; 0 where a block has whole rows.
    down, along : int
        How many strips and blocks there are.
    """

    rows: int
    width: int
    margin: int
    down: int
    along: int

    @property
    def warps(self) -> int:
        """Threads by 32, each with four pixels of a row."""
        return max(1, self.width // 128)


@functools.cache
def strips_of(shape: tuple[int, int], count: int, margin: int) -> Strips:
    """The cut that repeats the least and still keeps a GPU busy; ``margin`` is how far a pixel depends on others.

    Of few problems a large GPU has more multiprocessors than there are strips of whole rows. Then blocks are as narrow
    as they may be without repeating half of their pixels, and a program is one warp, whose threads exchange neighbours
    without waiting for others.
    """
    height, length = shape
    cuts = [(width, margin, -(-length // (width - 2 * margin))) for width in _WIDTHS if width > 2 * margin]
    cuts += [(width, 0, 1) for width in _WIDTHS if width >= length]
    width, taken, along = min(cuts, key=_pixels)
    if count * along * -(-height // _ROWS[-1]) < _ENOUGH:
        most = _REPEATED * _pixels((width, taken, along))
        width, taken, along = max((cut for cut in cuts if _pixels(cut) <= most), key=lambda cut: cut[2])
    enough = [rows for rows in _ROWS if count * along * -(-height // rows) >= _ENOUGH]
    rows = enough[0] if enough else _ROWS[-1]
    return Strips(rows, width, taken, -(-height // rows), along)


def _pixels(cut: tuple[int, int, int]) -> int:
    """How many pixels the blocks of a row have together."""
    return cut[0] * cut[2]
