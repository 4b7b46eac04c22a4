"""Second-order convergence to solutions in closed form, by every solver of the constant-coefficient equation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import i0, k0

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.spectral.solver import Spectral

SOLVERS = [Spectral, SparseDirect]
LENGTH = 0.2


def field_of(solver, problem):
    return solver.solve(solver.prepare(problem), problem).field


def orders(errors):
    """The observed orders of convergence when the spacing is halved each time."""
    return np.log2(np.asarray(errors[:-1]) / np.asarray(errors[1:]))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("along", ["x", "y"])
def test_slab_between_two_values(solver, along):
    # Ghost pixels at x = 0 and x = 1 hold 1: c = cosh((x - 1/2) / l) / cosh(1 / (2 l)).
    errors = []
    for n in (15, 31, 63, 127):
        spacing = 1 / (n + 1)
        x = spacing * np.arange(1, n + 1)
        exact = np.cosh((x - 0.5) / LENGTH) / np.cosh(0.5 / LENGTH)
        ends = ("left", "right") if along == "x" else ("bottom", "top")
        sides = dict.fromkeys(("left", "right", "bottom", "top"), "reflecting") | dict.fromkeys(ends, 1.0)
        shape = (8, n) if along == "x" else (n, 8)
        problem = Problem(np.zeros(shape), decay=LENGTH**-2, spacing=spacing, boundary=sides)
        field = field_of(solver(), problem)
        errors.append(np.abs((field if along == "x" else field.T) - exact).max())
    assert orders(errors) == pytest.approx(2.0, abs=0.1)
    assert errors[-1] < 1e-4


@pytest.mark.parametrize("solver", SOLVERS)
def test_slab_between_a_value_and_a_reflecting_wall(solver):
    # The ghost pixel at x = 0 holds 1 and the wall is the last pixel's outer face: c = cosh((L - x) / l) / cosh(L / l).
    errors = []
    for n in (16, 32, 64, 128):
        spacing = 1 / (n + 0.5)
        exact = np.cosh((1 - spacing * np.arange(1, n + 1)) / LENGTH) / np.cosh(1 / LENGTH)
        sides = {"left": 1.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
        problem = Problem(np.zeros((9, n)), decay=LENGTH**-2, spacing=spacing, boundary=sides)
        errors.append(np.abs(field_of(solver(), problem) - exact).max())
    assert orders(errors) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("outside", [True, False])
def test_disc(solver, outside):
    """Around a disc ``c = K0(r / l) / K0(R / l)``, within one ``I0(r / l) / I0(R / l)``.

    A staircase that holds the disc's one value is off by a pixel's width, which is first order whatever the scheme.
    So the staircase, and the outermost frame of pixels, hold the solution's own values: what is left at the free
    pixels is the error of the 5-point equation with its charges on the rim.
    """
    radius, errors = 0.25, []
    for n in (32, 64, 128, 256):
        spacing = 1 / n
        y, x = np.mgrid[:n, :n] * spacing + spacing / 2
        r = np.hypot(y - 0.47, x - 0.52)
        if outside:
            exact = k0(np.maximum(r, radius / 2) / LENGTH) / k0(radius / LENGTH)
            fixed = r <= radius
            fixed[[0, -1]] = fixed[:, [0, -1]] = True
        else:
            exact = i0(r / LENGTH) / i0(radius / LENGTH)
            fixed = r >= radius
        problem = Problem(exact, fixed=fixed, decay=LENGTH**-2, spacing=spacing)
        errors.append(np.abs(field_of(solver(), problem) - exact)[~fixed].max())
    assert orders(errors).mean() == pytest.approx(2.0, abs=0.15)
    assert errors[-1] < 2e-5


@pytest.mark.parametrize("solver", SOLVERS)
def test_periodic_wave_of_production(solver):
    # c'' - c / l^2 + cos(2 pi x) = 0 on the circle: c = cos(2 pi x) / (4 pi^2 + 1 / l^2); a constant keeps it >= 0.
    errors = []
    for n in (16, 32, 64):
        x = np.arange(n) / n
        wave = np.cos(2 * np.pi * x) * np.ones((8, 1))
        problem = Problem(np.zeros((8, n)), decay=LENGTH**-2, production=1 + wave, spacing=1 / n, boundary="periodic")
        exact = wave / (4 * np.pi**2 + LENGTH**-2) + LENGTH**2
        errors.append(np.abs(field_of(solver(), problem) - exact).max())
    assert orders(errors) == pytest.approx(2.0, abs=0.1)
