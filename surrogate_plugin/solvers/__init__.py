"""Exact solvers, one algorithm a file."""

# First of all, since its settings hold for loops that run after them.
from surrogate_plugin.solvers import threads as threads
