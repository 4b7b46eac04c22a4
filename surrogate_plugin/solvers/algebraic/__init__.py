"""Algebraic multigrid: for conductances that no coarse lattice can follow."""
