"""Faces, walls and assembly count no axes: matrices in one, two and three dimensions beside dense ones."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.assembly import assemble
from surrogate_plugin.equation.faces import faces_of
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.gallery.nasty import nasty_problems

SHAPES = [(5,), (3, 4), (2, 2), (3, 4, 2), (2, 3, 5)]


def any_lattice(rng: np.random.Generator, shape: tuple[int, ...], *, mapped: bool) -> Any:
    """What faces and assembly ask of a problem, with walls of any conductance, on a lattice of any dimension."""
    axes = len(shape)
    ring = rng.random(axes) < 0.4
    permeance = np.where(ring[:, None], 0.0, rng.choice([0.0, 0.3, np.inf], size=(axes, 2)))
    links = [10.0 ** rng.uniform(-1, 0, size=shape) if mapped else 1.0 for _ in range(axes)]
    fixed = rng.random(shape) < 0.2
    return SimpleNamespace(
        shape=shape,
        source=np.zeros(shape),
        fixed=fixed,
        unknown=~fixed,
        axis_links=links,
        reference_link=8.0,
        decay=rng.random(shape),
        membranes=None,
        faces=None,
        walls=Walls(permeance, np.where(permeance > 0, 1.0, 0.0), rng.random((axes, 2)), ring),
    )


def dense(lattice: Any) -> np.ndarray:
    """The matrix of the free pixels, pixel by pixel and neighbour by neighbour."""
    shape, walls = lattice.shape, lattice.walls
    links = [np.broadcast_to(each, shape) for each in lattice.axis_links]
    number = np.arange(int(np.prod(shape))).reshape(shape)
    matrix = np.diag((lattice.decay / lattice.reference_link).ravel())
    for pixel in itertools.product(*map(range, shape)):
        here = number[pixel]
        for axis, (end, step) in itertools.product(range(len(shape)), enumerate((-1, 1))):
            at, own = pixel[axis] + step, links[axis]
            if not 0 <= at < shape[axis] and not walls.ring[axis]:
                resistances = [1 / each if each > 0 else np.inf for each in (own[pixel], walls.permeance[axis, end])]
                matrix[here, here] += 1 / sum(resistances)
                continue
            other = (*pixel[:axis], at % shape[axis], *pixel[axis + 1 :])
            face = 2 / (1 / own[pixel] + 1 / own[other])
            matrix[here, here] += face
            matrix[here, number[other]] -= face
    free = ~lattice.fixed.ravel()
    return matrix[free][:, free]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mapped", [False, True])
def test_the_matrix_is_that_of_every_pixel_and_its_neighbours(shape: tuple[int, ...], mapped: bool) -> None:
    for seed in range(12):
        lattice = any_lattice(np.random.default_rng([seed, mapped]), shape, mapped=mapped)
        np.testing.assert_allclose(assemble(lattice).matrix().toarray(), dense(lattice), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_both_ends_of_a_ring_are_one_face(shape: tuple[int, ...]) -> None:
    lattice = any_lattice(np.random.default_rng(3), shape, mapped=True)
    nothing = np.zeros((len(shape), 2))
    lattice.walls = Walls(nothing, nothing, nothing, np.ones(len(shape), bool))
    for axis, faces in enumerate(faces_of(lattice)):
        longer = list(shape)
        longer[axis] += 1
        assert faces.shape == tuple(longer)
        np.testing.assert_array_equal(faces.take(0, axis), faces.take(-1, axis))


@pytest.mark.parametrize("mapped", [False, True])
def test_the_operators_matrix_is_what_its_residual_multiplies_with(mapped: bool) -> None:
    """On the free pixels row by row: the residual of a correction, which nothing is imposed on."""
    for seed, posed in enumerate(nasty_problems(5, 12, 12)):
        rng = np.random.default_rng(seed)
        sides = {name: 0.0 if side.kind == "value" else side.kind for name, side in named(posed.boundary).items()}
        problem = posed.replace(
            source=np.zeros(posed.shape), production=0.0, uptake=None, boundary=sides,
            diffusivity=10.0 ** rng.uniform(-2, 2, size=posed.shape) if mapped else posed.diffusivity,
            decay=np.asarray(posed.decay) + 0.01, fixed=posed.fixed,
        )  # fmt: skip
        operator = Operator(problem)
        x = np.where(operator.free, rng.random(problem.shape), 0.0)
        out = np.zeros((problem.shape[0] + 2, problem.shape[1] + 2), np.float32)
        largest = operator.residual(operator.embed(x), 1.0, out)
        product = operator.matrix() @ x[operator.free]
        np.testing.assert_allclose(out[1:-1, 1:-1][operator.free], -product, atol=1e-6 * max(largest, 1e-30))


def named(boundary: sp.Boundary) -> dict[str, sp.Side]:
    return dict(zip(("left", "right", "bottom", "top"), boundary.sides, strict=True))
