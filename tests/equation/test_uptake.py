"""Michaelis and Menten's law, against exact fractions: what python and the kernels compute is the same, and right."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from surrogate_plugin import jit
from surrogate_plugin.equation import uptake_kernels as law
from surrogate_plugin.equation.uptake import MichaelisMenten

EPSILON = Fraction(np.finfo(float).eps)


def exact_rate(vmax, km, c):
    return vmax * c / (km + c)


def exact_slope(vmax, km, c):
    return vmax * km / (km + c) ** 2


def exact_quotient(vmax, km, c, w):
    return vmax * km / ((km + c) * (km + c + w))


@jit.exact
def compiled(vmax, km, c, w, out):
    """Every formula at every sample, by kernels."""
    for i in range(out.shape[1]):
        out[0, i] = law.rate(vmax[i], km[i], c[i])
        out[1, i] = law.unsaturated(km[i], c[i])
        out[2, i] = law.slope(vmax[i] / km[i], km[i], c[i])
        out[3, i] = law.secant(vmax[i], km[i], c[i])
        out[4, i] = law.quotient(vmax[i], km[i], c[i], w[i])


def samples(count=2000):
    """Constants and fields over 60 powers of ten, and fields of 0."""
    rng = np.random.default_rng(0)
    vmax, km, c, w = 10.0 ** rng.uniform(-30, 30, (4, count))
    c[::7], w[::5] = 0.0, 0.0
    w[1::5] = c[1::5] * 1e-13  # where a difference of two rates would have no digit left
    return vmax, km, c, w


def by_python(vmax, km, c, w):
    return np.array(
        [
            law.rate.py_func(vmax, km, c),
            law.unsaturated.py_func(km, c),
            law.slope.py_func(vmax / km, km, c),
            law.secant.py_func(vmax, km, c),
            law.quotient.py_func(vmax, km, c, w),
        ]
    )


def test_every_formula_is_right_to_a_few_last_places():
    given = samples()
    found = by_python(*given)
    for at, numbers in enumerate(zip(*(map(float, values) for values in given), strict=True)):
        vmax, km, c, w = map(Fraction, numbers)
        wanted = (
            exact_rate(vmax, km, c),
            km / (km + c),
            exact_slope(vmax, km, c),
            vmax / (km + c),
            exact_quotient(vmax, km, c, w),
        )
        for value, right in zip(found[:, at], wanted, strict=True):
            assert abs(Fraction(float(value)) - right) <= 5 * EPSILON * right


def test_kernels_and_python_agree_to_the_bit():
    given = samples()
    out = np.empty((5, given[0].size))
    compiled(*given, out)
    np.testing.assert_array_equal(out, by_python(*given))


def test_the_quotient_is_the_difference_of_rates_over_the_change():
    vmax, km, c, w = samples()
    for v, k, one, step in zip(*(map(Fraction, map(float, a)) for a in (vmax, km, c, w)), strict=True):
        if step > 0:
            difference = exact_rate(v, k, one + step) - exact_rate(v, k, one)
            assert difference / step == exact_quotient(v, k, one, step)


def test_the_class_speaks_the_same_law():
    rng = np.random.default_rng(1)
    vmax, field = rng.random((6, 7)), 10.0 ** rng.uniform(-3, 3, (6, 7))
    uptake = MichaelisMenten(vmax, 2.5)
    np.testing.assert_array_equal(uptake.rate(field), vmax * (field / (2.5 + field)))
    share = 2.5 / (2.5 + field)
    np.testing.assert_array_equal(uptake.slope(field), vmax / 2.5 * share * share)


@pytest.mark.parametrize("c", [0.0, 1e100])
def test_the_ends_of_what_is_allowed_give_finite_numbers(c):
    for km in (1e-99, 1e100):
        assert np.isfinite(by_python(np.array([1e100]), np.array([km]), np.array([c]), np.array([1e100]))).all()
