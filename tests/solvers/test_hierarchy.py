"""A hierarchy's levels and its V-cycle beside dense matrices: any walls, rings, faces and lattice."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.equation.faces import Faces, faces_of
from surrogate_plugin.equation.problem import BoolArray, FloatArray, Problem
from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy

SHAPES = [(1, 7), (6, 1), (1, 1), (2, 2), (5, 9), (12, 10), (17, 24)]
WHOLE, NOTHING = (1.0, 1.0), (0.0, 0.0)


def dense(free: BoolArray, decay: FloatArray, faces: Faces, ring: tuple[bool, bool]) -> FloatArray:
    """The matrix on all pixels, face by face in plain loops; rows and columns of fixed pixels left out."""
    rows, columns = free.shape
    matrix = np.diag(decay.ravel())
    for i in range(rows):
        for j in range(columns):
            here = i * columns + j
            for (di, dj), face in (
                ((-1, 0), faces[0][i, j]),
                ((1, 0), faces[0][i + 1, j]),
                ((0, -1), faces[1][i, j]),
                ((0, 1), faces[1][i, j + 1]),
            ):
                matrix[here, here] += face
                y, x = i + di, j + dj
                outside = [not 0 <= y < rows, not 0 <= x < columns]
                if not any(out and not wraps for out, wraps in zip(outside, ring, strict=True)):
                    matrix[here, (y % rows) * columns + x % columns] -= face
    kept = free.ravel()
    return matrix[np.ix_(kept, kept)]


def unit_faces(shape: tuple[int, int], walls: Walls) -> Faces:
    """Every inner face 1, the outer ones as the walls are, those of rings 1."""
    rows, columns = np.ones((shape[0] + 1, shape[1])), np.ones((shape[0], shape[1] + 1))
    if not walls.ring[0]:
        rows[0], rows[-1] = walls.conductance[0]
    if not walls.ring[1]:
        columns[:, 0], columns[:, -1] = walls.conductance[1]
    return rows, columns


def walls_of(
    rows: tuple[float, float], columns: tuple[float, float], ring: tuple[bool, bool] = (False, False)
) -> Walls:
    conductance = np.array([rows, columns])
    return Walls(np.zeros((2, 2)), conductance, np.zeros((2, 2)), np.array(ring))


WALLS = [
    walls_of(WHOLE, WHOLE),
    walls_of(NOTHING, (1.0, 0.0)),
    walls_of((0.3, 0.0), (0.05, 0.9)),  # exchange sides
    walls_of(NOTHING, (0.4, 1.0), (True, False)),
    walls_of(NOTHING, NOTHING, (True, True)),
]


def odd_ring(shape: tuple[int, int], walls: Walls) -> bool:
    """Whether a ring joins two pixels of one colour: then no order of the sweeps is symmetric."""
    return any(n % 2 and wraps for n, wraps in zip(shape, walls.ring, strict=True))


def drawn(shape: tuple[int, int], seed: int) -> tuple[BoolArray, FloatArray]:
    rng = np.random.default_rng(seed)
    free = rng.random(shape) > 0.15
    free.flat[0] = True
    return free, 10.0 ** rng.uniform(-3.0, 0.5, shape)


def random_faces(shape: tuple[int, int], walls: Walls, contrast: float, seed: int) -> Faces:
    rng = np.random.default_rng(seed)
    faces = unit_faces(shape, walls)
    for axis, along in enumerate(faces):
        along *= contrast ** -rng.random(along.shape)
        if walls.ring[axis]:
            np.moveaxis(along, axis, 0)[-1] = np.moveaxis(along, axis, 0)[0]
    return faces


def cycle_matrix(hierarchy: Hierarchy) -> FloatArray:
    """The V-cycle as a matrix, column by column."""
    cycle = hierarchy.aspreconditioner()
    return np.stack([cycle @ unit for unit in np.eye(cycle.shape[0])], axis=1)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("walls", WALLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_finest_level_is_the_matrix(shape: tuple[int, int], walls: Walls, mapped: bool) -> None:
    free, decay = drawn(shape, 1)
    faces = random_faces(shape, walls, 10.0, 2) if mapped else unit_faces(shape, walls)
    hierarchy = Hierarchy(shape, walls)
    hierarchy.rebuild(free, decay, faces if mapped else None)
    x, b, r = hierarchy.vectors[:3]
    rng = np.random.default_rng(3)
    x[1:-1, 1:-1], b[1:-1, 1:-1] = (np.where(free, rng.normal(size=shape), 0.0) for _ in range(2))
    expected = b[1:-1, 1:-1][free] - dense(free, decay, faces, tuple(walls.ring)) @ x[1:-1, 1:-1][free]
    hierarchy.residual(x, b, r)
    np.testing.assert_allclose(r[1:-1, 1:-1][free], expected, atol=1e-4)
    assert (r[1:-1, 1:-1][~free] == 0.0).all()


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("walls", WALLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_cycle_is_symmetric_positive_definite_and_near_the_inverse(
    shape: tuple[int, int], walls: Walls, mapped: bool
) -> None:
    free, decay = drawn(shape, 4)
    faces = random_faces(shape, walls, 10.0, 5) if mapped else unit_faces(shape, walls)
    hierarchy = Hierarchy(shape, walls)
    hierarchy.rebuild(free, decay, faces if mapped else None)
    matrix, cycle = dense(free, decay, faces, tuple(walls.ring)), cycle_matrix(hierarchy)
    spectrum = np.linalg.eigvals(cycle @ matrix)
    if not odd_ring(shape, walls):
        np.testing.assert_allclose(cycle, cycle.T, atol=2e-6 * np.abs(cycle).max())
        assert np.linalg.eigvalsh(cycle + cycle.T).min() > 0
    # What a cycle leaves of any error, as an iteration of its own.
    assert np.abs(1.0 - spectrum).max() < (0.5 if mapped else 0.3)


def test_a_wall_of_little_conductance_is_nearly_none() -> None:
    """Set-up is continuous in the conductance, from nothing passing to a value imposed."""
    free, decay = np.ones((20, 14), np.bool_), np.full((20, 14), 0.01)
    cycles = []
    for conductance in (0.0, 1e-7, 0.5, 1.0 - 1e-7, 1.0):
        hierarchy = Hierarchy(free.shape, walls_of((conductance, conductance), NOTHING))
        hierarchy.rebuild(free, decay)
        cycles.append(hierarchy.aspreconditioner() @ np.ones(free.size))
    assert np.abs(cycles[0] - cycles[1]).max() < 1e-3 * cycles[0].max()
    assert np.abs(cycles[4] - cycles[3]).max() < 1e-3 * cycles[4].max()
    assert cycles[4].mean() < 0.9 * cycles[2].mean() < 0.9 * cycles[0].mean()


def test_unit_faces_and_none_are_the_same_operator() -> None:
    """The finest level to the bit; the coarse ones have other transfers and come to nearly the same."""
    walls = walls_of((0.3, 1.0), (0.0, 0.7))
    free, decay = drawn((24, 19), 6)
    found, residuals = [], []
    for faces in (None, unit_faces(free.shape, walls)):
        hierarchy = Hierarchy(free.shape, walls)
        hierarchy.rebuild(free, decay, faces)
        found.append(hierarchy.aspreconditioner() @ np.ones(int(free.sum())))
        x, _, r = hierarchy.vectors[:3]
        x[1:-1, 1:-1] = np.where(free, np.random.default_rng(7).random(free.shape), 0.0)
        hierarchy.residual(x, None, r)
        residuals.append(r.copy())
    np.testing.assert_allclose(residuals[0], residuals[1], atol=1e-6)
    np.testing.assert_allclose(found[0], found[1], rtol=0.02)


def test_a_map_of_diffusivity_converges_as_fast_as_its_contrast_allows() -> None:
    """Blobs of contrast 100 many pixels wide, from the faces of a problem: conjugate gradients in few cycles."""
    from scipy.sparse.linalg import cg

    from surrogate_plugin.equation.assembly import assemble

    y, x = np.mgrid[:96, :80]
    blobs = (np.sin(x / 9.0) * np.cos(y / 11.0)) > 0.2
    problem = Problem(np.zeros((96, 80)), diffusivity=np.where(blobs, 0.01, 1.0), decay=1e-3, boundary=1.0)
    hierarchy = Hierarchy(problem.shape, problem.walls)
    decay = np.full(problem.shape, float(problem.decay) / problem.reference_diffusivity)
    hierarchy.rebuild(~problem.fixed, decay, faces_of(problem))
    matrix = assemble(problem).matrix()
    rhs = np.ones(matrix.shape[0])
    found, failed = cg(matrix, rhs, M=hierarchy.aspreconditioner(), rtol=1e-8, atol=0.0, maxiter=25)
    assert failed == 0
    assert np.abs(matrix @ found - rhs).max() < 1e-5
