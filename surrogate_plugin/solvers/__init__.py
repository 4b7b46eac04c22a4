"""Exact solvers, one algorithm a file."""

from __future__ import annotations

import os

from numba import config

# The kernels share OpenMP threads that wait for one another a few dozen times a cycle. By default GNU OpenMP spins for
# milliseconds before it sleeps, which on busy cores stalls the very thread that is waited for (measured: 50 times
# slower on a loaded machine); always sleeping costs twice the time on an idle one. A short spin costs nothing in
# either case.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# Where TBB is installed numba would share the loops out by it, which takes 50 times as long as OpenMP for ones as short
# as these (measured at 512x512 on two idle cores: 460 ms a solve instead of 9). A choice of the user's own stands.
if not {"NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"} & set(os.environ):
    config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]
