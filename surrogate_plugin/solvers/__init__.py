"""Exact solvers, one algorithm a file."""
