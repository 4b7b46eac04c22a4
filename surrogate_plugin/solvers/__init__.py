"""Exact solvers, one algorithm a file."""

from __future__ import annotations

import os

# The kernels share OpenMP threads that wait for one another a few dozen times a cycle. By default GNU OpenMP spins for
# milliseconds before it sleeps, which on busy cores stalls the very thread that is waited for (measured: 50 times
# slower on a loaded machine); always sleeping costs twice the time on an idle one. A short spin costs nothing in
# either case.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
