"""`sp.certify` bounds anybody's field at each pixel: rough, smooth, off at fixed pixels, below 0, on any problem."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.gallery import random_problem
from surrogate_plugin.gallery.extremes import extreme_problems
from surrogate_plugin.gallery.nasty import nasty_problems
from surrogate_plugin.reference import solve_extended
from tests.exact import exact_field


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_bound_holds_wherever_the_field_comes_from(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, variable_diffusivity=bool(seed % 2))
    exact = exact_field(problem)
    off = exact + 0.2 * exact.max() * rng.normal(size=exact.shape)
    error = float(np.abs(off - exact).max())
    assert error <= sp.certify(problem, off).error_bound * (1 + 1e-12) + 1e-12 * exact.max()


def problems(seed: int, count: int) -> Iterator[sp.Problem]:
    """Nasty ones, extreme ones and ones with maps of diffusivity in turn."""
    nasty, extreme = nasty_problems(seed, count, 14), extreme_problems(seed, count, max_side=12)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        mapped = random_problem(rng, variable_diffusivity=True).crop(slice(0, 12), slice(0, 12))
        yield (next(nasty), next(extreme), mapped)[number % 3]


def any_field(rng: np.random.Generator, problem: sp.Problem, exact: np.ndarray) -> np.ndarray:
    """From all but exact to absurd: smooth, rough, spiky, constant, of one sign or both, off at fixed pixels."""
    shape, largest = problem.shape, max(float(exact.max()), 1e-90)
    size = largest * 10.0 ** rng.uniform(-14, 2)
    rough = rng.normal(size=shape)
    spike = np.zeros(shape)
    spike[rng.integers(shape[0]), rng.integers(shape[1])] = 1.0
    smooth = scipy.ndimage.gaussian_filter(rough, 3.0, mode="nearest")
    error = (rough, smooth, spike, -spike, np.abs(rough), -np.abs(smooth), np.ones(shape))[int(rng.integers(7))]
    base = (exact, exact, exact, np.zeros(shape), np.full(shape, largest))[int(rng.integers(5))]
    field = base + size * error
    return np.where(problem.fixed, problem.source, np.maximum(field, 0.0)) if rng.random() < 0.7 else field


def check(seed: int, count: int) -> None:
    for number, problem in enumerate(problems(seed, count)):
        rng = np.random.default_rng([seed, number, 1])
        reference = solve_extended(problem)
        field = any_field(rng, problem, np.asarray(reference.field, np.float64))
        certificate = sp.certify(problem, field)
        apart = np.abs(field - reference.field)
        slack = reference.error + 1e-18 * max(float(reference.field.max()), problem.largest_imposed)
        assert (apart <= certificate.error_map + slack).all(), f"problem {number} of seed {seed}"
        assert (certificate.error_map <= certificate.error_bound).all()


def test_every_pixel_is_bounded_on_any_problem() -> None:
    check(0, 60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_every_pixel_is_bounded_on_a_thousand_problems(seed: int) -> None:
    check(seed, 100)


@pytest.mark.parametrize("one_sign", [True, False])
def test_the_bound_of_a_smooth_error_is_at_most_twice_the_error(one_sign: bool) -> None:
    """An error that a smooth residual leaves behind."""
    ratios = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        problem = random_problem(rng, variable_diffusivity=bool(seed % 2))
        exact = exact_field(problem)
        load = scipy.ndimage.gaussian_filter(rng.normal(size=problem.shape), 4.0, mode="nearest")
        error = answer(problem, np.maximum(load, 0.0)) + (1 if one_sign else -1) * answer(
            problem, np.maximum(-load, 0.0)
        )
        error *= 1e-3 * float(exact.max()) / float(np.abs(error).max())
        ratios.append(sp.certify(problem, exact + error).error_bound / float(np.abs(error).max()))
    assert min(ratios) >= 1.0
    assert np.median(ratios) <= 2.0


def answer(problem: sp.Problem, production: np.ndarray) -> np.ndarray:
    """What production alone makes where nothing is imposed and uptake does not saturate."""
    names = ("left", "right", "bottom", "top")
    sides = {
        name: 0.0 if side.kind == "value" else side.kind
        for name, side in zip(names, problem.boundary.sides, strict=True)
    }
    nothing = np.zeros(problem.shape)
    alone = problem.replace(source=nothing, fixed=problem.fixed, production=production, uptake=None, boundary=sides)
    return exact_field(alone)


def test_uptake_is_credited_with_less_where_the_field_is_far_too_low() -> None:
    """At 0 cells promise uptake at the slope vmax / km, which the true field has not: a bound by barriers alone."""
    rng = np.random.default_rng(22)
    source = np.zeros((11, 9))
    source[3, 4] = source[8, 2] = 160.0
    diffusivity = 10.0 ** rng.uniform(-6, -1, size=source.shape)
    uptake = sp.MichaelisMenten(0.15 * (rng.random(source.shape) < 0.4), 3e-10)
    problem = sp.Problem(source, decay=1e-16, boundary="periodic", diffusivity=diffusivity, uptake=uptake)
    error = float(exact_field(problem)[~problem.fixed].max())
    assert error <= sp.certify(problem, source).error_bound <= 4 * error


def test_no_bound_is_beyond_what_the_maximum_principle_allows() -> None:
    """A field of zeros and ones has a residual that bounds nothing; both it and the exact one lie between 0 and 38."""
    rng = np.random.default_rng(4)
    source = np.zeros((40, 48))
    source[20, 24] = 38.0
    problem = sp.Problem(source)
    rough = np.where(problem.fixed, source, 38.0 * (rng.random(source.shape) > 0.5))
    certificate = sp.certify(problem, rough)
    assert certificate.error_bound <= 38.0 * (1.0 + 1e-14)
    assert (np.abs(rough - exact_field(problem)) <= certificate.error_map).all()


def test_it_says_what_is_no_field() -> None:
    problem = sp.Problem(np.zeros((8, 9)), decay=1.0, production=1.0)
    with pytest.raises(sp.InvalidProblemError, match=r"field .*\(9, 8\).*\(8, 9\)"):
        sp.certify(problem, np.zeros((9, 8)))
    with pytest.raises(sp.InvalidProblemError, match=r"field is NaN at \(row 0, column 0\)"):
        sp.certify(problem, np.full((8, 9), np.nan))
