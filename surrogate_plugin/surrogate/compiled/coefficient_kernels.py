"""Compiled passes to and from the coarse diffusion equation: its coefficients from what layers chose."""
# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import math

import numpy as np

from surrogate_plugin import jit
from surrogate_plugin.sharing_kernels import claim, pieces, settle

_PIXELS = 16


@jit.fast
def choose(team, lattice, at, channels, firmest, hold, hunger, counted, east, north):
    """How blocks are held, how fast they consume, and their links, (h, w) each; 0 across the edges of a plain lattice.

    ``at``: the rows of ``lattice`` where the chosen ``channels``, 6 or 7, and each block's four means begin; in the
    wider equation also where supply, links and grip do. ``counted`` is then what supply is multiplied with.
    """
    h, w = hold.shape
    wider = at.size > 5
    half, one, zero = np.float32(0.5), np.float32(1.0), np.float32(0.0)
    chunks = pieces(_PIXELS * hold.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            here, share = lattice[at[0] + channels * i : at[0] + channels * (i + 1)], lattice[at[2] + i]
            for j in range(w):
                firm = zero
                if share[j] > 0:
                    firm = firmest * math.sqrt(share[j]) * math.exp(_within(here[0, j]))
                hold[i, j] = firm
                hunger[i, j] = np.float32(_PIXELS) * math.exp(_within(here[1, j]))
            for j in range(w - 1):
                east[i, j] = math.exp(half * (_within(here[2, j]) + _within(here[3, j + 1])))
            to_north = here[4]
            to_south = lattice[at[0] + channels * ((i + 1) % h) + 5]
            if i < h - 1 or wider:
                for j in range(w):
                    north[i, j] = math.exp(half * (_within(to_north[j]) + _within(to_south[j])))
            else:
                north[i] = zero
            east[i, w - 1] = zero
            if wider:
                east[i, w - 1] = math.exp(half * (_within(here[2, w - 1]) + _within(here[3, 0])))
                along, across = lattice[at[6] + 2 * i], lattice[at[6] + 2 * i + 1]
                grip = lattice[at[7] + i]
                for j in range(w):
                    east[i, j] *= along[j]
                    north[i, j] *= across[j]
                    hold[i, j] *= grip[j]
                    counted[i, j] = np.float32(_PIXELS) * (math.exp(_within(here[6, j])) if channels > 6 else one)
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast
def pose(team, lattice, at, hold, hunger, counted, saturation, level, field, extra, rhs):
    """The extra diagonal and the right-hand side, (h, w); uptake by its secant at ``level``, if < 0 at ``field``."""
    h, w = hold.shape
    wider = at.size > 5
    zero = np.float32(0.0)
    one, highest = np.float32(1.0), np.float32(np.inf if wider else 1.0)
    chunks = pieces(_PIXELS * hold.size)
    chunk = claim(team, chunks)
    while chunk < chunks:
        for i in range(chunk * h // chunks, (chunk + 1) * h // chunks):
            value, first_order, rate = lattice[at[1] + i], lattice[at[3] + i], lattice[at[4] + i]
            for j in range(w):
                u = level if level >= zero else min(max(field[i, j], zero), highest)
                decay = first_order[j] + rate[j] / (one + saturation * u)
                extra[i, j] = decay * hunger[i, j] + hold[i, j]
                rhs[i, j] = hold[i, j] * value[j]
            if wider:
                supply = lattice[at[5] + i]
                for j in range(w):
                    rhs[i, j] += counted[i, j] * supply[j]
        chunk = claim(team, chunks)
    settle(team, chunks)


@jit.fast_inner
def _within(x):
    """What layers may choose, as a logarithm."""
    return min(max(x, np.float32(-6.0)), np.float32(6.0))
