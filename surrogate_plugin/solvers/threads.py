"""How the compiled loops are shared out among threads; settings that hold from the first import on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numba
from numba import config

__all__ = ["few_for"]

# The kernels share OpenMP threads that wait for one another a few dozen times a cycle. By default GNU OpenMP spins for
# milliseconds before it sleeps, which on busy cores stalls the very thread that is waited for (measured: 50 times
# slower on a loaded machine); always sleeping costs twice the time on an idle one. A short spin costs nothing in
# either case.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# Where TBB is installed numba would share the loops out by it, which takes 50 times as long as OpenMP for ones as short
# as these (measured at 512x512 on two idle cores: 460 ms a solve instead of 9). A choice of the user's own stands.
if not {"NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"} & set(os.environ):
    config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

#: Up to so many pixels a second thread saves nothing on idle cores (measured: 0.6 ms at 64x64 with one and with two),
#: and on busy ones, as beside a host with threads of its own, it costs up to ten times the time.
FEW_PIXELS = 96 * 96


@contextmanager
def few_for(pixels: int) -> Iterator[None]:
    """One thread, for a lattice too small to be shared out; else as many as there were.

    Examples
    --------
    >>> with few_for(50 * 40):
    ...     numba.get_num_threads()
    1
    """
    before = numba.get_num_threads()
    if pixels > FEW_PIXELS or before == 1:
        yield
        return
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
