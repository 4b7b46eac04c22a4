"""Work shared out among threads inside compiled code: chunks are claimed, so that nobody waits for a sleeping thread.

A kernel that is shared out is called by every thread of a team with the same arguments, and goes through the same
*regions* in the same order. In each region the threads claim chunks by an atomic counter until none is left, then wait
until all chunks are done:

    chunks = pieces(array.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        ...rows of the chunk...
        chunk = claim(team, chunks)
    settle(team, chunks)

A thread that comes late, or that the system has put aside, finds nothing left to claim and passes through. So a busy
core costs nothing but its help, which barriers between fixed shares do not achieve. Two rules follow for kernels:
which regions there are may depend on the arguments alone, never on data that a region writes; and scratch memory is
allocated before a chunk is claimed, since a thread that fails must not leave one undone.

Some threads claim from the first chunk on and the others from the last one back: so a thread comes to much the same
rows in each region, and finds in its own cache what it left there. What another core wrote last comes from far away.

A team is ``(tickets, place)``: the shared counters of one call, and where this thread is.
"""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from surrogate_plugin import jit

IntArray = npt.NDArray[np.int64]

#: Rows are dealt out in so many pieces; a constant, so that no result depends on the number of threads.
CHUNKS = 8
#: Arrays of at most so many numbers are one piece: they are not worth a second thread, nor the counting.
_SMALL = 10_000

#: Counters of so many regions are in use at a time, each a cache line from the next.
_SLOTS, _STRIDE = 4, 16
#: A counter holds its region's number, and below these bits how many chunks: so a thread that comes late to a slot sees
#: that it serves a later region by now. What is claimed is counted from either end, each by half of the bits.
_BITS, _HALF = 24, 12
#: What `abandon` sets: beyond every region, so that all is claimed and all is done.
_OVER = np.int64(2**62)

#: A look at a counter takes some nanoseconds. Waiting threads look this often before they offer their core to others.
_LOOKS = 4000


@intrinsic
def _exchange(typingctx, array, index, seen, wanted):
    """Set ``array[index]`` to ``wanted`` if it is still ``seen``, for all threads at once; whether it was."""

    def generate(context, builder, signature, args):
        pointer = _pointer(context, builder, signature, args)
        done = builder.cmpxchg(pointer, args[2], args[3], "seq_cst", "seq_cst")
        return builder.extract_value(done, 1)

    return types.boolean(types.Array(types.int64, 1, "C"), types.int64, types.int64, types.int64), generate


@intrinsic
def _look(typingctx, array, index):
    """``array[index]`` as the other threads left it."""

    def generate(context, builder, signature, args):
        return builder.load_atomic(_pointer(context, builder, signature, args), "seq_cst", 8)

    return types.int64(types.Array(types.int64, 1, "C"), types.int64), generate


def _pointer(context, builder, signature, args):
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return cgutils.get_item_pointer(context, builder, signature.args[0], array, [args[1]])


_yield_core = types.ExternalFunction("SwitchToThread" if sys.platform == "win32" else "sched_yield", types.int32())


def tickets() -> IntArray:
    """The counters that the threads of one call share."""
    return np.zeros(_SLOTS * _STRIDE, np.int64)


def place(*, alone: bool = False, from_the_end: bool = False) -> IntArray:
    """Where a thread is in its call, as kernels take it.

    How many regions are behind it, how many chunks it has done in this one, whether it is by itself, and whether it
    claims from the last chunk back.
    """
    return np.array([0, 0, alone, from_the_end], np.int64)


def abandon(tickets: IntArray) -> None:
    """Let every thread of a call through to its end, whatever is undone."""
    tickets[:] = _OVER


@jit.exact_inner
def pieces(size):
    """How many chunks an array of ``size`` numbers is dealt out in: 1 or `CHUNKS`."""
    return CHUNKS if size > _SMALL else 1


@jit.exact_inner
def alone():
    """A team of one, for work that a thread goes through by itself."""
    place = np.zeros(4, np.int64)
    place[2] = 1
    return np.zeros(_SLOTS * _STRIDE, np.int64), place


@jit.exact_inner
def is_alone(team):
    """Whether the team is this thread alone."""
    return team[1][2] == 1


@jit.exact_inner
def claim(team, count):
    """The number of a chunk that is now this thread's to do; ``count`` where none is left."""
    tickets, place = team
    first = (place[0] + 1) << _BITS
    at = (place[0] % _SLOTS) * _STRIDE
    while True:
        seen = _look(tickets, at)
        claimed = max(seen, first) - first
        ahead, behind = claimed & ((1 << _HALF) - 1), claimed >> _HALF
        if ahead + behind >= count:
            return count
        step = 1 << _HALF if place[3] else 1
        if _exchange(tickets, at, seen, first + claimed + step):
            place[1] += 1
            return count - 1 - behind if place[3] else ahead


@jit.exact_inner
def settle(team, count):
    """Wait until all chunks of the region are done, and enter the next region."""
    tickets, place = team
    first = (place[0] + 1) << _BITS
    at = (place[0] % _SLOTS) * _STRIDE + _STRIDE // 2
    while place[1] > 0:
        seen = _look(tickets, at)
        if seen >= _OVER or _exchange(tickets, at, seen, max(seen, first) + place[1]):
            place[1] = 0
    looks = 0
    while _look(tickets, at) < first + count:
        looks += 1
        if looks > _LOOKS:
            _yield_core()
    place[0] += 1
