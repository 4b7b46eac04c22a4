"""The box inverse and its Green's table, for every pair of ends on both axes, against a dense inverse."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from surrogate_plugin.equation.assembly import assemble
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.solvers.spectral.bases import basis
from surrogate_plugin.solvers.spectral.charge_kernels import gather
from surrogate_plugin.solvers.spectral.greens import greens_table
from surrogate_plugin.solvers.spectral.transforms import BoxInverse, box_inverse, kinds_of
from surrogate_plugin.team import run_alone

ENDS = [*product(("absorbing", "reflecting"), repeat=2), ("periodic", "periodic")]
BOXES = list(product(ENDS, ENDS))


def operator(shape, x_ends, y_ends, decay):
    names = dict(zip(("left", "right", "bottom", "top"), (*x_ends, *y_ends), strict=True))
    problem = Problem(np.zeros(shape), decay=decay, boundary=names)
    return assemble(problem).matrix().toarray(), kinds_of(problem.boundary)


@pytest.mark.parametrize(("x_ends", "y_ends"), BOXES)
@pytest.mark.parametrize("shape", [(8, 8), (9, 14), (17, 8)])
@pytest.mark.parametrize("decay", [1e-4, 0.3, 1e6])
def test_inverse_is_the_dense_inverse(shape, x_ends, y_ends, decay):
    matrix, kinds = operator(shape, x_ends, y_ends, decay)
    rhs = np.random.default_rng(0).normal(size=shape)
    expected = np.linalg.solve(matrix, rhs.ravel()).reshape(shape)
    box = BoxInverse(shape, kinds, decay)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(box.apply(rhs), expected, rtol=0, atol=1e-12 * largest * max(1, 1e-2 / decay))


@pytest.mark.parametrize(("x_ends", "y_ends"), BOXES)
def test_single_precision_stays_single_and_close(x_ends, y_ends):
    _, kinds = operator((24, 17), x_ends, y_ends, 0.01)
    rhs = np.random.default_rng(1).normal(size=(24, 17))
    exact = BoxInverse((24, 17), kinds, 0.01).apply(rhs)
    single = BoxInverse((24, 17), kinds, 0.01, "float32").apply(rhs.astype(np.float32))
    assert single.dtype == np.float32
    assert np.abs(single - exact).max() <= 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("n", [8, 9, 31, 512])
def test_basis_is_orthonormal_and_diagonalises(ends, n):
    low, high = ("value" if end == "absorbing" else end for end in ends)
    rows = np.random.default_rng(2).normal(size=(3, n))
    one_dimensional = basis(n, low, high, np.float64)
    np.testing.assert_allclose(one_dimensional.backward(one_dimensional.forward(rows)), rows, rtol=0, atol=1e-13)
    neighbours = np.pad(rows, ((0, 0), (1, 1)), mode="wrap")
    for column, inner, end in ((0, 1, low), (-1, -2, high)):
        if end != "periodic":
            neighbours[:, column] = 0.0 if end == "value" else neighbours[:, inner]
    second_difference = 2 * rows - neighbours[:, :-2] - neighbours[:, 2:]
    scaled = one_dimensional.backward(one_dimensional.forward(rows) * one_dimensional.eigenvalues)
    np.testing.assert_allclose(scaled, second_difference, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("x_ends", "y_ends"), BOXES)
@pytest.mark.parametrize("shape", [(8, 8), (9, 14), (16, 9)])
def test_images_give_every_entry_of_the_inverse(shape, x_ends, y_ends):
    matrix, kinds = operator(shape, x_ends, y_ends, 0.02)
    inverse = np.linalg.inv(matrix)
    green = greens_table(shape, kinds, 0.02)
    rows, columns = np.divmod(np.arange(matrix.shape[0]), shape[1])
    found = np.zeros_like(inverse)
    y, x = green.y.counted(rows), green.x.counted(columns)
    run_alone(gather, found, green.table, y, x, green.y.images, green.x.images)
    np.testing.assert_allclose(found, np.tril(inverse), rtol=0, atol=1e-13 * inverse.max())


@pytest.mark.parametrize("ends", [("reflecting", "reflecting"), ("periodic", "periodic")])
def test_weak_decay_keeps_its_digits(ends):
    # The mean of the field is the mean of the supply over the decay, however weak the decay is beside the links.
    _, kinds = operator((16, 16), ends, ("reflecting", "reflecting"), 1.0)
    rhs = np.random.default_rng(3).random((16, 16))
    field = BoxInverse((16, 16), kinds, 1e-11).apply(rhs)
    assert field.mean() * 1e-11 == pytest.approx(rhs.mean(), rel=1e-12)


def test_out_may_be_the_right_hand_side():
    box = box_inverse((8, 12), ("value",) * 4, 0.1)
    rhs = np.random.default_rng(4).random((8, 12))
    expected = box.apply(rhs)
    assert box.apply(rhs, out=rhs) is rhs
    np.testing.assert_array_equal(rhs, expected)


def test_right_hand_side_is_left_alone():
    mixed = ("value", "reflecting", "value", "reflecting")
    for ends in (("value",) * 4, ("reflecting",) * 4, ("periodic",) * 4, mixed):
        rhs = np.random.default_rng(5).random((9, 12))
        before = rhs.copy()
        BoxInverse((9, 12), ends, 0.1).apply(rhs)
        np.testing.assert_array_equal(rhs, before)


def test_singular_box_is_refused():
    with pytest.raises(UnsupportedProblemError, match="singular"):
        BoxInverse((8, 8), ("reflecting", "reflecting", "periodic", "periodic"), 0.0)
    BoxInverse((8, 8), ("value", "reflecting", "periodic", "periodic"), 0.0)


def test_same_box_is_built_once():
    assert box_inverse((8, 8), ("value",) * 4, 0.25) is box_inverse((8, 8), ("value",) * 4, 0.25)
