"""The algebraic hierarchy: exact elimination, a symmetric positive cycle, faces that nothing crosses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from surrogate_plugin.arguments import BoolArray, FloatArray
from surrogate_plugin.equation.faces import Faces
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.solvers.algebraic.conjugate_gradients import Goal
from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy

#: A free mask, a decay map, faces, and the sides they belong to.
Posed = tuple[BoolArray, FloatArray, Faces, dict[str, str]]


def operators(shape: tuple[int, int], count: int, seed: int) -> Iterator[Posed]:
    """Random masks and decay; faces of any contrast, a third of which nothing crosses; rings of odd lengths too."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        free = rng.random(shape) < rng.choice([0.5, 0.9, 1.0])
        decay = 10.0 ** rng.uniform(-6, 1, shape) * (rng.random(shape) < 0.5) + 1e-7
        closed = rng.choice([0.0, 0.33])
        faces = tuple(
            10.0 ** rng.uniform(-8, 0, size) * (rng.random(size) >= closed)
            for size in ((shape[0] + 1, shape[1]), (shape[0], shape[1] + 1))
        )
        sides = {}
        if index % 2:
            sides |= {"left": "periodic", "right": "periodic"}
            faces[1][:, 0] = faces[1][:, -1]
        if index % 4 > 1:
            sides |= {"bottom": "periodic", "top": "periodic"}
            faces[0][0] = faces[0][-1]
        yield free, decay, faces, sides


def made(posed: Posed) -> AlgebraicHierarchy:
    """The hierarchy of an operator."""
    free, decay, faces, sides = posed
    walls = Problem(np.zeros(free.shape), boundary=sides or "absorbing", decay=1.0).walls
    hierarchy = AlgebraicHierarchy(free.shape, walls)
    hierarchy.rebuild(free, decay, faces)
    return hierarchy


def dense(posed: Posed) -> FloatArray:
    """The matrix on all pixels, face by face; the identity where they are not free."""
    free, decay, (north, east), sides = posed
    ny, nx = free.shape
    number = np.arange(ny * nx).reshape(ny, nx)
    matrix = np.diag(decay.ravel())
    for i in range(ny):
        for j in range(nx):
            for k, m, g in ((i - 1, j, north[i, j]), (i + 1, j, north[i + 1, j])):
                _link(matrix, number, (i, j), (k % ny, m) if "top" in sides or 0 <= k < ny else None, g)
            for k, m, g in ((i, j - 1, east[i, j]), (i, j + 1, east[i, j + 1])):
                _link(matrix, number, (i, j), (k, m % nx) if "left" in sides or 0 <= m < nx else None, g)
    held = ~free.ravel()
    matrix[held] = matrix[:, held] = 0.0
    matrix[held, held] = 1.0
    return matrix


def _link(
    matrix: FloatArray, number: FloatArray, here: tuple[int, int], there: tuple[int, int] | None, g: float
) -> None:
    if there != here:
        matrix[number[here], number[here]] += g
        if there is not None:
            matrix[number[here], number[there]] -= g


def inverse_on(hierarchy: AlgebraicHierarchy, b: FloatArray, goal: Goal) -> FloatArray:
    """What the hierarchy makes of ``b``, both (H, W)."""
    z, padded = np.zeros((b.shape[0] + 2, b.shape[1] + 2)), np.pad(b, 1)
    hierarchy.solve(z, padded, goal)
    return z[1:-1, 1:-1].copy()


SHAPES = [(9, 13), (12, 8), (1, 17), (16, 1), (2, 3), (30, 34)]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_inverts_the_matrix(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    for posed in operators(shape, 12, 2):
        free = posed[0]
        b = np.where(free, rng.random(shape), 0.0)
        x = inverse_on(made(posed), b, Goal(share=1e-14))
        exact = np.linalg.solve(dense(posed), b.ravel()).reshape(shape)
        assert np.abs(x - exact).max() <= 1e-7 * np.abs(exact).max()  # about what the dense solve is right to
        assert not x[~free].any()


def test_islands_behind_faces_that_all_but_close_them_are_levelled_out() -> None:
    """An island's level is what flows into it over what flows out, however little that is: nothing is subtracted."""
    shape = (24, 24)
    for leak in (1e-6, 1e-12, 1e-18):
        north, east = np.ones((25, 24)), np.ones((24, 25))
        north[8, 8:16] = north[16, 8:16] = leak
        east[8:16, 8] = east[8:16, 16] = leak
        free = np.ones(shape, dtype=np.bool_)
        posed = (free, np.zeros(shape), (north, east), {})
        b = np.zeros(shape)
        b[10, 11] = leak
        x = inverse_on(made(posed), b, Goal(share=1e-13))
        inside = x[8:16, 8:16]
        assert np.ptp(inside) <= 20 * leak + 1e-12
        assert 1.0 / 32 - 1e-12 <= inside.mean() <= 1.0 / 32 + 60 * leak + 1e-12


def test_the_cycle_is_symmetric_and_positive() -> None:
    """Conjugate gradients need it: ``(u, B v) = (v, B u)`` and ``(u, B u) > 0``."""
    rng = np.random.default_rng(4)
    for posed in operators((120, 110), 8, 5):
        levels = made(posed).levels
        assert levels.levels > 2
        u, v = rng.normal(size=(2, levels.count))
        images = []
        for b in (u, v):
            levels.b[: levels.count] = b
            levels.v_cycle()
            images.append(levels.x[: levels.count].copy())
        energy = float(u @ images[0])
        assert energy > 0.0
        assert abs(float(u @ images[1]) - float(v @ images[0])) <= 1e-10 * energy


@pytest.mark.parametrize("contrast", [1e6, 1e7])
def test_chunks_of_nodes_do_not_hand_their_errors_to_each_other(contrast: float) -> None:
    """Strongly linked nodes on either side of two chunks, swept by turns, take 21 to 25 cycles if nothing is done."""
    shape = (256, 256)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        relative = contrast ** -rng.random(shape)
        faces = np.zeros((257, 256)), np.zeros((256, 257))
        faces[0][1:-1] = 2 / (1 / relative[:-1] + 1 / relative[1:])
        faces[1][:, 1:-1] = 2 / (1 / relative[:, :-1] + 1 / relative[:, 1:])
        hierarchy = made((np.ones(shape, dtype=np.bool_), np.full(shape, 1e-6), faces, {}))
        z, b = np.zeros((258, 258)), np.pad(rng.normal(size=shape), 1)
        assert hierarchy.solve(z, b, Goal(residual=1e-8)) <= 20


def test_the_energy_of_the_error_falls_with_every_cycle() -> None:
    rng, shape = np.random.default_rng(6), (20, 26)
    for posed in operators(shape, 8, 7):
        hierarchy, matrix = made(posed), dense(posed)
        b = np.where(posed[0], rng.random(shape), 0.0)
        exact = np.linalg.solve(matrix, b.ravel())
        energies = []
        for share in (1.0, 1e-1, 1e-2, 1e-4, 1e-6):
            error = inverse_on(hierarchy, b, Goal(share=share)).ravel() - exact
            energies.append(float(error @ matrix @ error))
        assert energies == sorted(energies, reverse=True)
        assert energies[-1] <= 1e-6 * float(exact @ matrix @ exact)


def test_a_rebuilt_hierarchy_is_a_new_one() -> None:
    """With another mask, with more and with fewer links, and back."""
    shape = (40, 36)
    first, second = operators(shape, 2, 8)
    second = (*second[:3], first[3])
    b = np.random.default_rng(9).random(shape)
    hierarchy = made(first)
    before = inverse_on(hierarchy, np.where(first[0], b, 0.0), Goal(share=1e-3))
    hierarchy.rebuild(*second[:3])
    expected = inverse_on(made(second), np.where(second[0], b, 0.0), Goal(share=1e-3))
    assert np.array_equal(inverse_on(hierarchy, np.where(second[0], b, 0.0), Goal(share=1e-3)), expected)
    hierarchy.rebuild(*first[:3])
    assert np.array_equal(inverse_on(hierarchy, np.where(first[0], b, 0.0), Goal(share=1e-3)), before)


def test_without_faces_they_are_usual_ones_whatever_was_before() -> None:
    shape = (18, 22)
    free, decay, faces, sides = next(operators(shape, 1, 13))
    hierarchy = made((free, decay, faces, sides))
    hierarchy.rebuild(free, decay)
    b = np.where(free, 1.0, 0.0)
    usual = np.ones((19, 22)), np.ones((18, 23))
    expected = np.linalg.solve(dense((free, decay, usual, sides)), b.ravel()).reshape(shape)
    assert np.abs(inverse_on(hierarchy, b, Goal(share=1e-14)) - expected).max() <= 1e-10 * expected.max()


def test_another_decay_map_costs_cycles_and_no_accuracy() -> None:
    shape = (40, 36)
    for posed in operators(shape, 4, 10):
        free, decay, faces, sides = posed
        hierarchy = made(posed)
        another = decay * np.random.default_rng(11).uniform(0.3, 3.0, shape)
        hierarchy.relinearise(free, another)
        b = np.where(free, 1.0, 0.0)
        expected = inverse_on(made((free, another, faces, sides)), b, Goal(share=1e-13))
        assert np.abs(inverse_on(hierarchy, b, Goal(share=1e-13)) - expected).max() <= 1e-9 * expected.max()
