"""Networks that answer well, badly, or not at all; some of them know the exact field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.ndimage

from surrogate_plugin.equation.problem import FloatArray, Problem

Proposal = Callable[[np.random.Generator, Problem, FloatArray], Any]


class Network:
    """A stand-in for the shipped network that is told what to propose."""

    card = None
    device = "cpu"
    typical_error = 0.02

    def __init__(self, propose: Proposal) -> None:
        self._propose = propose
        self.rng = np.random.default_rng(0)
        self.exact: FloatArray = np.zeros((8, 8))

    def predict(self, problem: Problem) -> Any:
        return self._propose(self.rng, problem, self.exact)


def _size(rng: np.random.Generator, exact: FloatArray) -> float:
    return max(float(exact.max()), 1e-90) * 10.0 ** rng.uniform(-12, 3)


def _noise(rng: np.random.Generator, exact: FloatArray) -> FloatArray:
    return np.asarray(scipy.ndimage.gaussian_filter(rng.normal(size=exact.shape), rng.uniform(0, 3), mode="nearest"))


def _near(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
    return exact + _size(rng, exact) * _noise(rng, exact)


def _above(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
    return exact + _size(rng, exact) * rng.random(exact.shape)


def _spike(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
    spiked = exact.copy()
    spiked[tuple(rng.integers(0, side) for side in exact.shape)] += 1e6 * _size(rng, exact)
    return spiked


def _constant(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
    return np.full(exact.shape, rng.choice([0.0, 1e200, -1e200, 1e-320, 1e308, _size(rng, exact)]))


def _no_numbers(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
    field = exact.copy()
    field[rng.random(exact.shape) < rng.choice([0.02, 1.0])] = rng.choice([np.nan, -np.nan, np.inf, -np.inf])
    return field


def _no_field(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> Any:
    """What is no (H, W) array of real numbers at all, or only nearly one."""
    answers = [
        None, [], "field", 3.0, exact.tolist(), np.zeros(0), np.zeros((0, 0)), exact[:-1], exact[None], exact.ravel(),
        exact.astype(complex), exact.astype(object), exact.astype(str), {"field": exact}, exact > 0,
        np.ma.masked_array(exact, exact > 0), exact.astype(np.float16 if float(exact.max()) < 1e4 else np.float32),
    ]  # fmt: skip
    return answers[int(rng.integers(len(answers)))]


def _raises(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> Any:
    errors = [ValueError("no"), MemoryError(), SystemExit(3), AssertionError(), FloatingPointError("NaN"), OSError(5)]
    raise errors[int(rng.integers(len(errors)))]


def _vandal(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
    """Tries to change the problem it was asked about; its arrays are read-only, so that must fail."""
    for array in (problem.source, problem.fixed, problem.decay):
        if isinstance(array, np.ndarray):
            array[...] = 0
    return exact


NETWORKS: dict[str, Proposal] = {
    "near": _near,
    "above": _above,
    "spike": _spike,
    "constant": _constant,
    "no numbers": _no_numbers,
    "no field": _no_field,
    "raises": _raises,
    "vandal": _vandal,
}
