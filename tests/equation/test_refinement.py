"""The same problem on a finer lattice: everything stays where it stands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin import gallery
from surrogate_plugin.equation.refinement import refined, refined_shape


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_third_of_a_third_is_a_ninth(seed: int) -> None:
    """Only if strips, walls, membranes and held squares are where they were."""
    problem = gallery.wider_problem(np.random.default_rng(seed), 10)
    twice, once = refined(refined(problem, 3).problem, 3).problem, refined(problem, 9).problem
    assert once.shape == refined_shape(problem, 9)
    assert twice.parts.keys() == once.parts.keys()
    for name, part in once.parts.items():
        if np.asarray(part).dtype.kind in "fb":
            np.testing.assert_allclose(twice.parts[name], part, rtol=1e-14)
        else:
            np.testing.assert_array_equal(twice.parts[name], part)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([3, 5]))
def test_at_the_centres_of_pixels_the_data_are_theirs(seed: int, cuts: int) -> None:
    problem = gallery.wider_problem(np.random.default_rng(seed), 10)
    fine = refined(problem, cuts)
    for name in ("source", "fixed", "decay", "production"):
        for coarse, cut in [(getattr(problem, name), getattr(fine.problem, name))]:
            np.testing.assert_array_equal(np.broadcast_to(cut, fine.problem.shape)[fine.centres], coarse + 0 * coarse)
    for coarse, cut in zip(problem.diffusivities, fine.problem.diffusivities, strict=True):
        np.testing.assert_array_equal(
            np.broadcast_to(cut, fine.problem.shape)[fine.centres], np.broadcast_to(coarse, problem.shape)
        )


def test_cutting_into_one_changes_nothing() -> None:
    problem = gallery.wider_problem(np.random.default_rng(3), 12)
    same = refined(problem, 1)
    assert same.problem.fingerprint == problem.fingerprint
    assert np.zeros(problem.shape)[same.centres].shape == problem.shape


def test_membranes_lie_on_the_faces_that_they_lay_on() -> None:
    x = np.array([[1.0, math.inf], [2.0, 3.0]])
    problem = sp.Problem(np.zeros((2, 3)), boundary="reflecting", membranes=sp.Membranes(x=x, y=5.0))
    fine = refined(problem, 3).problem.membranes
    none = [math.inf, math.inf]
    first, second = [*none, 1.0, *none, math.inf, *none], [*none, 2.0, *none, 3.0, *none]
    np.testing.assert_array_equal(fine.x, [first] * 3 + [second] * 3)
    np.testing.assert_array_equal(fine.y[2], np.full(9, 5.0))
    assert np.isposinf(np.delete(fine.y, 2, 0)).all()


def test_across_a_seam_they_lie_too() -> None:
    ring = sp.Membranes(x=[[math.inf, math.inf, 7.0]])
    sides = {"left": "periodic", "right": "periodic", "bottom": "reflecting", "top": "reflecting"}
    fine = refined(sp.Problem(np.zeros((1, 3)), boundary=sides, membranes=ring), 3).problem.membranes
    np.testing.assert_array_equal(np.isfinite(fine.x[0]), [False] * 8 + [True])


def test_strips_lie_where_a_side_stands_off_and_nowhere_else() -> None:
    sides = {"left": 1.0, "right": sp.Exchange(2.0, 5.0), "bottom": sp.Flux(1.0), "top": "reflecting"}
    problem = sp.Problem(np.zeros((2, 3)), decay=0.5, production=0.25, boundary=sides)
    fine = refined(problem, 3)
    assert fine.problem.shape == (6, 11)
    assert fine.centres == (slice(1, 7, 3), slice(2, 11, 3))
    # The strip on the right, of the exchange, resists and is nothing else: no flux from below enters it either.
    np.testing.assert_array_equal(fine.problem.decay[0], [0.5] * 10 + [0.0])
    np.testing.assert_array_equal(fine.problem.supply[0], [0.25 + 3.0] * 10 + [0.0])
    np.testing.assert_array_equal(fine.problem.diffusivity.y[0], [1.0] * 10 + [0.0])
    np.testing.assert_array_equal(fine.problem.diffusivity.x, 1.0)


@pytest.mark.parametrize("cuts", [0, 2, -3])
def test_even_cuts_are_refused(cuts: int) -> None:
    with pytest.raises(ValueError, match=f"cuts is {cuts}; an odd number is allowed"):
        refined(sp.Problem(np.eye(4)), cuts)
