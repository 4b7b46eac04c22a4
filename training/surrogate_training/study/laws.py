"""How an error falls with the number of training samples: by a logarithm, as the study found, or by a power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares

from surrogate_training.quality.metrics import FloatArray

#: Coefficients of determination this close say nothing about which law is better.
_SAME = 0.01
#: From here on a law is said to show.
_SHOWS = 0.9


@dataclass(frozen=True)
class Law:
    """A fitted law of two parameters.

    Attributes
    ----------
    kind : str
        ``"logarithmic"``: ``first - second ln n``. ``"power"``: ``first n^-second``.
    first, second : float
        In units of the error (``second`` of the power law is a bare number).
    r_squared : float
        Share of the variance of the points that the law explains, both laws in units of the error; 1 is exact.
    """

    kind: Literal["logarithmic", "power"]
    first: float
    second: float
    r_squared: float

    def at(self, sizes: FloatArray) -> FloatArray:
        """The law's errors at training-set sizes."""
        if self.kind == "logarithmic":
            return self.first - self.second * np.log(sizes)
        return self.first * sizes**-self.second


def fit(kind: Literal["logarithmic", "power"], sizes: Sequence[float], errors: Sequence[float]) -> Law:
    """The law nearest to the errors in the sense of least squares, in units of the error.

    Parameters
    ----------
    kind : str
    sizes : sequence of float
        At least two different ones, positive.
    errors : sequence of float
        Positive.

    Raises
    ------
    ValueError
        If there are fewer than two different sizes, or a number that is not positive.

    Examples
    --------
    >>> law = fit("power", [100, 400, 1600], [0.4, 0.2, 0.1])
    >>> round(law.first, 6), round(law.second, 6), round(law.r_squared, 6)
    (4.0, 0.5, 1.0)
    """
    n, error = np.asarray(sizes, np.float64), np.asarray(errors, np.float64)
    if len(np.unique(n)) < 2:
        raise ValueError(f"sizes are {list(sizes)}; a law needs at least two different ones.")
    if not ((n > 0).all() and (error > 0).all()):
        raise ValueError(f"sizes {list(sizes)} and errors {list(errors)} must be positive.")
    slope, start = np.polyfit(np.log(n), error if kind == "logarithmic" else np.log(error), 1)
    first, second = float(start), float(-slope)
    if kind == "power":
        first, second = _nearest_power(n, error, math.exp(start), second)
    law = Law(kind, first, second, math.nan)
    spread = float(np.square(error - error.mean()).sum())
    missed = float(np.square(error - law.at(n)).sum())
    return Law(kind, first, second, 1.0 - missed / spread if spread > 0 else float(missed == 0))


def _nearest_power(n: FloatArray, error: FloatArray, first: float, second: float) -> tuple[float, float]:
    """From the line through the logarithms to least squares in the error; centred sizes keep the two apart."""
    centre = float(np.exp(np.log(n).mean()))

    def missed(parameters: FloatArray) -> FloatArray:
        return np.asarray(parameters[0] * (n / centre) ** -parameters[1] - error)

    found = least_squares(missed, [first * centre**-second, second], x_scale="jac", xtol=1e-14, ftol=1e-14, gtol=1e-14)
    level, power = (float(value) for value in found.x)
    return level * centre**power, power


def verdict(logarithmic: Law, power: Law) -> str:
    """Which law fits better, and whether the study's logarithmic law shows, in plain words."""
    both = f"R² is {logarithmic.r_squared:.3f} for the logarithmic law and {power.r_squared:.3f} for the power law"
    difference = logarithmic.r_squared - power.r_squared
    if abs(difference) <= _SAME:
        better = f"Both laws fit equally well over these sizes: {both}."
    else:
        better = f"The {'logarithmic' if difference > 0 else 'power'} law fits better: {both}."
    if logarithmic.second <= 0:
        return (
            f"{better} The error does not fall with the number of training samples, so the study's law does not show."
        )
    if logarithmic.r_squared < _SHOWS:
        return f"{better} The study's logarithmic law does not show here."
    per_doubling = 1e3 * logarithmic.second * math.log(2.0)
    return (
        f"{better} The study's logarithmic law shows: each doubling of the training set takes {per_doubling:.2f} "
        "thousandths of the largest value off the error."
    )
