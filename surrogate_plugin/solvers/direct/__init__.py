"""Sparse factorisations: the reference for every other method."""
