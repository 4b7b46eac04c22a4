"""Compiled passes to and from the coarse diffusion equation: its coefficients from what layers chose."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle

_PIXELS = 16


@jit.fast
def choose(team, lattice, at, firmest, hold, hunger, east, north):
    """How blocks are held, how fast they consume, and their links, (h, w) each; 1 across the edges, where none is read.

    ``at``: the rows of ``lattice`` where the six chosen channels and each block's four means begin.
    """
    h, w = hold.shape
    half = np.float32(0.5)
    chunks = pieces(_PIXELS * hold.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            here, share = lattice[at[0] + 6 * i : at[0] + 6 * (i + 1)], lattice[at[2] + i]
            for j in range(w):
                firm = np.float32(0.0)
                if share[j] > 0:
                    firm = firmest * math.sqrt(share[j]) * math.exp(_within(here[0, j]))
                hold[i, j] = firm
                hunger[i, j] = np.float32(_PIXELS) * math.exp(_within(here[1, j]))
            for j in range(w - 1):
                east[i, j] = math.exp(half * (_within(here[2, j]) + _within(here[3, j + 1])))
            east[i, w - 1] = np.float32(1.0)
            if i == h - 1:
                north[i] = np.float32(1.0)
                continue
            to_north, to_south = here[4], lattice[at[0] + 6 * (i + 1) + 5]
            for j in range(w):
                north[i, j] = math.exp(half * (_within(to_north[j]) + _within(to_south[j])))
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast
def pose(team, lattice, at, hold, hunger, saturation, level, field, extra, rhs):
    """The extra diagonal and the right-hand side, (h, w); uptake by its secant at ``level``, if < 0 at ``field``."""
    h, w = hold.shape
    one, zero = np.float32(1.0), np.float32(0.0)
    chunks = pieces(_PIXELS * hold.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            value, first_order, rate = lattice[at[1] + i], lattice[at[3] + i], lattice[at[4] + i]
            for j in range(w):
                u = level if level >= zero else min(max(field[i, j], zero), one)
                decay = first_order[j] + rate[j] / (one + saturation * u)
                extra[i, j] = decay * hunger[i, j] + hold[i, j]
                rhs[i, j] = hold[i, j] * value[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _within(x):
    """What layers may choose, as a logarithm."""
    return min(max(x, np.float32(-6.0)), np.float32(6.0))
