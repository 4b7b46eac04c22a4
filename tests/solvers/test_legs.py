"""Legs in one pass are those of one half sweep after the other, on any lattice and however its rows are shared."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from surrogate_plugin.sharing_kernels import place, tickets
from surrogate_plugin.solvers.multigrid import cycle_kernels, leg_kernels

Arrays = Any
SHAPES = ((1, 1), (1, 7), (2, 2), (3, 4), (6, 2), (17, 9), (33, 64), (70, 131), (128, 5), (200, 66), (131, 300))
ROUNDING = 1e-5


@numba.njit(error_model="numpy")
def by_halves(team: Arrays, b: Arrays, inverse: Arrays, rings: Arrays, below: Arrays, sweeps: int) -> Arrays:
    """What is handed down, the values after the leg upwards, and those of sweeps alone."""
    x, coarse, swept = np.zeros_like(b), np.zeros_like(below), np.zeros_like(b)
    cycle_kernels.descend(team, x, b, inverse, None, None, rings, coarse, sweeps)
    cycle_kernels.ascend(team, x, b, inverse, None, None, rings, below, sweeps)
    cycle_kernels._sweep_by_halves(team, swept, b, inverse, None, None, rings, sweeps)
    return coarse, x, swept


@numba.njit(error_model="numpy")
def in_one_pass(team: Arrays, b: Arrays, inverse: Arrays, rings: Arrays, below: Arrays, sweeps: int) -> Arrays:
    """The same by the legs; nothing that they find in their arrays may matter."""
    x, coarse, swept = np.full_like(b, np.nan), np.full_like(below, np.nan), np.full_like(b, np.nan)
    kept = np.full((b.shape[0], (b.shape[1] - 1) // 2), np.float32(np.nan))
    leg_kernels.descend(team, kept, b, inverse, rings, coarse, sweeps)
    leg_kernels.ascend(team, x, kept, b, inverse, rings, below, sweeps)
    leg_kernels.sweep(team, swept, b, inverse, rings, sweeps)
    return coarse, x, swept


@numba.njit
def served(b: Arrays, rings: Arrays) -> bool:
    return leg_kernels.serves(b, rings)


def level(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Arrays, Arrays, Arrays]:
    """Right-hand side and inverse diagonal, some pixels being held and some decaying strongly; a correction."""
    free = rng.random(shape) > rng.choice([0.0, 0.05, 0.7])
    decay = 10.0 ** rng.uniform(-6.0, 3.0, shape)
    b, inverse = np.zeros((2, shape[0] + 2, shape[1] + 2), np.float32)
    b[1:-1, 1:-1] = np.where(free, rng.standard_normal(shape), 0.0)
    inverse[1:-1, 1:-1] = np.where(free, 1.0 / (4.0 + decay), 0.0)
    below = np.zeros(((shape[0] + 1) // 2 + 2, (shape[1] + 1) // 2 + 2), np.float32)
    below[1:-1, 1:-1] = rng.standard_normal((below.shape[0] - 2, below.shape[1] - 2))
    return b, inverse, below


@pytest.mark.parametrize("sweeps", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_leg_is_its_half_sweeps(shape: tuple[int, int], sweeps: int) -> None:
    rng = np.random.default_rng(sweeps + 10 * shape[0])
    b, inverse, below = level(rng, shape)
    for rings in np.ndindex(2, 2):
        if any(ring and count % 2 for ring, count in zip(rings, shape, strict=True)):
            continue
        given = b, inverse, np.array(rings, np.bool_), below, sweeps
        shared = in_one_pass((tickets(), place()), *given)
        alone = in_one_pass((tickets(), place(alone=True)), *given)
        expected = by_halves((tickets(), place()), *given)
        for found, again, wanted in zip(shared, alone, expected, strict=True):
            inside = np.s_[1:-1, 1:-1]
            np.testing.assert_allclose(found[inside], wanted[inside], rtol=0.0, atol=ROUNDING)
            np.testing.assert_array_equal(again[inside], found[inside])


def test_rings_of_odd_length_and_small_levels_are_left_to_half_sweeps() -> None:
    none, rows, columns = (np.array(rings, np.bool_) for rings in ((False, False), (True, False), (False, True)))
    odd_rows, odd_columns, small = (np.zeros(shape, np.float32) for shape in ((303, 402), (402, 303), (102, 102)))
    assert [served(odd_rows, rings) for rings in (none, rows, columns)] == [True, False, True]
    assert [served(odd_columns, rings) for rings in (none, rows, columns)] == [True, True, False]
    assert not served(small, none)
