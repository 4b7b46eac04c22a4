"""Exact solvers, one algorithm a file: the reference, the transforms, and multigrid."""
