"""Parts of a tissue that faces connect, and those that nothing feeds: their field is 0, and nobody solves for them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.csgraph import connected_components

import surrogate_plugin as sp
from surrogate_plugin.arguments import IndexArray
from surrogate_plugin.equation.faces import faces_of
from surrogate_plugin.equation.parts_kernels import number_parts
from surrogate_plugin.equation.problem import Problem
from tests.equation.assembled import solved


def sieve(seed: int) -> Problem:
    """Obstacles from pixel to pixel, so that pockets of any size are sealed off, some of them fed."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 14)), int(rng.integers(1, 14)))
    sides = rng.choice(["reflecting", "absorbing", "periodic", 0.5], 2)
    across, up = (float(side) if side == "0.5" else str(side) for side in sides)
    return Problem(
        np.where(rng.random(shape) < 0.04, rng.uniform(0.5, 2.0, shape), 0.0),
        diffusivity=np.where(rng.random(shape) < rng.uniform(0.2, 0.6), 0.0, 1.0),
        production=np.where(rng.random(shape) < rng.choice([0.0, 0.05]), 0.3, 0.0),
        decay=10.0 ** -rng.uniform(0.0, 4.0),
        boundary={"left": across, "right": across, "bottom": up, "top": up},
    )


def by_scipy(problem: Problem) -> tuple[int, IndexArray]:
    """The parts by a graph of scipy's, over free pixels in their order."""
    free, (north, east) = ~problem.fixed, faces_of(problem)
    number, (rows, columns) = np.arange(free.size).reshape(free.shape), free.shape
    pairs = []
    for i in range(rows):
        for j in range(columns):
            for a, b, face, inside in (
                (i, (j + 1) % columns, east[i, j + 1], j + 1 < columns or problem.walls.ring[1]),
                ((i + 1) % rows, j, north[i + 1, j], i + 1 < rows or problem.walls.ring[0]),
            ):
                if inside and face > 0 and free[i, j] and free[a, b]:
                    pairs.append((number[i, j], number[a, b]))
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = scipy.sparse.coo_array((np.ones(one.size), (one, other)), shape=(free.size, free.size)).tocsr()
    _, part = connected_components(graph, directed=False)
    return np.unique(part[free.ravel()]).size, part.reshape(free.shape)


@pytest.mark.parametrize("seed", range(60))
def test_parts_are_those_of_a_graph(seed: int) -> None:
    problem = sieve(seed)
    free, part = ~problem.fixed, np.empty(problem.shape, np.int64)
    count = number_parts(free, *faces_of(problem), problem.walls.ring, part)
    expected, other = by_scipy(problem)
    assert count == expected
    pairs = {(int(one), int(two)) for one, two in zip(part[free], other[free], strict=True)}
    assert len(pairs) == count
    assert not part[~free].any()


@pytest.mark.parametrize("seed", range(60))
def test_parts_that_nothing_feeds_are_void_and_hold_0(seed: int) -> None:
    """No production, and no face that conducts to a fixed pixel or a side: by elimination in a dense matrix 0."""
    problem = sieve(seed)
    _, part = by_scipy(problem)
    free, (north, east) = ~problem.fixed, faces_of(problem)
    fed = {int(each) for each in part[free & (np.asarray(problem.production) > 0)]}
    rows, columns = free.shape
    for i, j in np.argwhere(free):
        for a, b, face in (
            (i - 1, j, north[i, j]),
            (i + 1, j, north[i + 1, j]),
            (i, j - 1, east[i, j]),
            (i, j + 1, east[i, j + 1]),
        ):
            beyond = not (0 <= a < rows or problem.walls.ring[0]) or not (0 <= b < columns or problem.walls.ring[1])
            if face > 0 and (beyond or not free[a % rows, b % columns]):
                fed.add(int(part[i, j]))
    expected = free & ~np.isin(part, list(fed))
    void = np.zeros_like(free) if problem.void is None else problem.void
    np.testing.assert_array_equal(void, expected & bool((np.asarray(problem.diffusivity) == 0).any()))
    assert not solved(problem)[void].any()


@pytest.mark.parametrize("method", ["multigrid", "algebraic", "sparse-direct"])
@pytest.mark.parametrize("decay", [0.0, 1e-9, 1e-3])
def test_a_sealed_pocket_is_0_to_the_bit_and_spoils_no_bound(method: str, decay: float) -> None:
    """However little decays in it: for coarse lattices it was the hardest there is."""
    diffusivity = np.ones((48, 48))
    diffusivity[20:29, 20] = diffusivity[20:29, 28] = diffusivity[20, 20:29] = diffusivity[28, 20:29] = 0.0
    source = np.zeros((48, 48))
    source[5, 5] = 1.0
    problem = Problem(source, diffusivity=diffusivity, decay=decay, boundary="reflecting")
    solution = sp.solve(problem, method=method, tolerance=1e-6)
    assert not solution.field[21:28, 21:28].any()
    assert solution.error_bound <= 1e-6
    off = solution.field.copy()
    off[24, 24] = 0.5
    assert sp.certify(problem, off).error_bound >= 0.5
