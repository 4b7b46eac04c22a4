"""The eigenvectors of one lattice axis for every pair of ends, and the transforms that apply them fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.fft

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.sides import Kind
from surrogate_plugin.solvers.spectral.sine_kernels import fold, unfold
from surrogate_plugin.team import thread_count

Rows = npt.NDArray[Any]

#: Rows a sine transform takes at a time.
_BAND = 128


class Basis(Protocol):
    """Orthonormal eigenvectors of ``2 x_i - x_(i-1) - x_(i+1)`` along the last axis."""

    eigenvalues: FloatArray

    def forward(self, rows: Rows) -> Rows:
        """Coefficients of every row; a new array, of the same precision."""
        ...

    def backward(self, coefficients: Rows) -> Rows:
        """The rows of given coefficients, which may be overwritten."""
        ...


def basis(n: int, low: Kind, high: Kind, dtype: npt.DTypeLike) -> Basis:
    """The basis of an axis of ``n`` pixels between a low and a high end."""
    if low == "periodic":
        return FourierBasis(n)
    if low == high:
        return SineBasis(n, dtype) if low == "value" else CosineBasis(n)
    return MixedBasis(n, low == "value", dtype)


def laplace_eigenvalues(angle: FloatArray) -> FloatArray:
    """``2 - 2 cos(angle)``, written so that small angles lose no digits."""
    return np.asarray(4 * np.sin(angle / 2) ** 2)


def workers(size: int) -> int:
    """How many threads a transform of ``size`` numbers is worth: one, or as many as the compiled kernels use.

    Half a millisecond of work is not worth the wait for a core that a host may keep busy.
    """
    return thread_count() if size >= 2**20 else 1


class SineBasis:
    """Both ends hold a value: ``sin(m pi (i + 1) / (n + 1))``, m = 1..n; its own inverse.

    The folded transform of `sine_kernels` takes 0.6 of the time of scipy's DST-I and loses one digit less than
    it has to spare.
    """

    def __init__(self, n: int, dtype: npt.DTypeLike) -> None:
        self.eigenvalues = laplace_eigenvalues(np.pi * np.arange(1, n + 1) / (n + 1))
        norm = np.sqrt(2 / (n + 1))
        self._sines = (norm * np.sin(np.pi * np.arange(1, n + 1) / (n + 1))).astype(dtype)
        self._half = self._sines.dtype.type(norm / 2)

    def forward(self, rows: Rows) -> Rows:
        return self._transform(rows, np.empty_like(rows))

    def backward(self, coefficients: Rows) -> Rows:
        return self._transform(coefficients, coefficients)

    def _transform(self, rows: Rows, out: Rows) -> Rows:
        count, n = rows.shape
        # A few rows at a time stay in the cache between the three passes.
        band = min(count, _BAND)
        folded = np.empty((band, n + 1), rows.dtype)
        for first in range(0, count, band):
            part = rows[first : first + band]
            fold(part, self._sines, self._half, folded[: len(part)])
            unfold(scipy.fft.rfft(folded[: len(part)]), out[first : first + band])
        return out


class CosineBasis:
    """Both ends reflect: ``cos(m pi (i + 1/2) / n)``, m = 0..n-1, by DCT-II."""

    def __init__(self, n: int) -> None:
        self.eigenvalues = laplace_eigenvalues(np.pi * np.arange(n) / n)

    def forward(self, rows: Rows) -> Rows:
        return np.asarray(scipy.fft.dct(rows, type=2, norm="ortho", workers=workers(rows.size)))

    def backward(self, coefficients: Rows) -> Rows:
        return np.asarray(
            scipy.fft.idct(coefficients, type=2, norm="ortho", overwrite_x=True, workers=workers(coefficients.size))
        )


class FourierBasis:
    """The ends meet: ``exp(2 pi i m j / n)``, m = 0..n/2, by a real FFT; coefficients are complex."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.eigenvalues = laplace_eigenvalues(2 * np.pi * np.arange(n // 2 + 1) / n)

    def forward(self, rows: Rows) -> Rows:
        return np.asarray(scipy.fft.rfft(rows, norm="ortho", workers=workers(rows.size)))

    def backward(self, coefficients: Rows) -> Rows:
        return np.asarray(
            scipy.fft.irfft(coefficients, n=self.n, norm="ortho", overwrite_x=True, workers=workers(coefficients.size))
        )


@dataclass(init=False)
class MixedBasis:
    """One end holds a value and the other reflects: ``sin((2m - 1) pi (i + 1) / (2n + 1))`` counted from the value.

    No fast transform of scipy has these symmetries, and the doubled DST-I is no faster than a matrix product up to
    a thousand pixels, so the basis is kept as a dense matrix.
    """

    def __init__(self, n: int, value_is_low: bool, dtype: npt.DTypeLike) -> None:
        odd, position = np.arange(1, 2 * n, 2), np.arange(1, n + 1)
        self.eigenvalues = laplace_eigenvalues(np.pi * odd / (2 * n + 1))
        # The phase is reduced in integers, so that every entry is correct to rounding.
        phase = np.outer(position, odd) % (4 * n + 2)
        matrix = np.sqrt(4 / (2 * n + 1)) * np.sin(np.pi * phase / (2 * n + 1))
        self.matrix = np.ascontiguousarray(matrix if value_is_low else matrix[::-1], dtype=dtype)

    def forward(self, rows: Rows) -> Rows:
        return np.asarray(rows @ self.matrix)

    def backward(self, coefficients: Rows) -> Rows:
        return np.asarray(coefficients @ self.matrix.T)
