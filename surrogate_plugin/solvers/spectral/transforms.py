"""The inverse of the constant-coefficient operator on a whole box: transform one axis, sweep along the other."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft

from surrogate_plugin.equation.sides import Boundary, Kind
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.solvers.spectral.bases import Rows, basis, laplace_eigenvalues, workers
from surrogate_plugin.solvers.spectral.tridiagonal_kernels import inverse_pivots, sweep

Kinds = tuple[Kind, Kind, Kind, Kind]


class BoxInverse:
    """``A0^-1`` for ``A0 = decay - Laplacian`` on the whole box, dimensionless (links are 1, or one number an axis).

    A ghost pixel that holds a value holds 0 here: its value enters through the right-hand side.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    kinds : tuple of four of "value", "reflecting", "periodic"
        Left, right, bottom, top.
    decay : float, dimensionless
        ``decay / reference_link``, >= 0.
    links : (float, float), dimensionless
        Of the columns' and of the rows' axis, y and x; larger than 0.
    dtype : float64 or float32
        The precision of the arithmetic, of what comes in and of what goes out.

    Raises
    ------
    UnsupportedProblemError
        If the decay is 0 and no side holds a value, so that ``A0`` is singular.

    Notes
    -----
    Of the four one-dimensional transforms of the usual pair two are enough: once the rows are in their eigenbasis,
    the columns are tridiagonal systems, which two sweeps solve in a fraction of a transform's time (Hockney 1965).

    Error: a few rounding errors times the condition of the transform, about 1e-15 (float64), 1e-6 (float32) relative
    to the largest value of the result.

    Source
    ------
    R. W. Hockney, "A fast direct solution of Poisson's equation using Fourier analysis", J. ACM 12 (1965).

    Examples
    --------
    >>> box = BoxInverse((8, 8), ("reflecting",) * 4, decay=0.5)
    >>> bool(np.allclose(box.apply(np.ones((8, 8))), 2.0))
    True
    """

    def __init__(
        self,
        shape: tuple[int, int],
        kinds: Kinds,
        decay: float,
        dtype: npt.DTypeLike = np.float64,
        links: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        if decay == 0 and "value" not in kinds:
            raise UnsupportedProblemError(
                "the box has no decay and no side that holds a value, so its operator is singular; "
                "use 'multigrid' or 'sparse-direct'."
            )
        self.shape, self.decay, self.dtype = shape, decay, np.dtype(dtype)
        left, right, bottom, top = kinds
        x_mixed, y_mixed = left != right, bottom != top
        # The sweep takes any pair of ends but a periodic one, and dense transforms are slow: choose the axes so.
        self._transposed = left != "periodic" and (bottom == "periodic" or (x_mixed and not y_mixed))
        rows, columns = shape[::-1] if self._transposed else shape
        along, across = ((bottom, top), (left, right)) if self._transposed else ((left, right), (bottom, top))
        self._torus = across[0] == "periodic"
        self._basis = basis(columns, *along, self.dtype)
        # The sweep has links of 1: everything is divided by those across.
        link_across, link_along = links[::-1] if self._transposed else links
        self._per_link = 1.0 / link_across
        mu = (decay + link_along * self._basis.eigenvalues) / link_across
        if self._torus:
            around = laplace_eigenvalues(2 * np.pi * np.arange(rows) / rows)
            self._factors = (1 / (link_across * (mu + around[:, None]))).astype(self.dtype)
        else:
            pivots = inverse_pivots(mu, rows, across[0] == "value", across[1] == "value")
            self._factors = pivots.astype(self.dtype)

    def apply(self, rhs: npt.NDArray[Any], out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """``A0^-1 rhs``.

        Parameters
        ----------
        rhs : (H, W) array
            Converted to the box's dtype if need be; not changed.
        out : (H, W) array, optional
            Where to put the result; may be ``rhs`` itself.

        Returns
        -------
        (H, W) array
            ``out``, or a new array of the box's dtype.
        """
        rows = np.asarray(rhs, dtype=self.dtype)
        coefficients = self._basis.forward(np.ascontiguousarray(rows.T if self._transposed else rows))
        if self._torus:
            coefficients = _around(coefficients, self._factors)
        else:
            sweep(coefficients, self._factors)
            if self._per_link != 1.0:
                coefficients *= self._per_link
        result = self._basis.backward(coefficients)
        if self._transposed:
            result = np.ascontiguousarray(result.T)
        if out is None:
            return result
        np.copyto(out, result)
        return out


def _around(coefficients: Rows, factors: Rows) -> Rows:
    """Both axes periodic: a complex transform of the columns replaces the sweep."""
    count = workers(coefficients.size)
    columns = scipy.fft.fft(coefficients, axis=0, overwrite_x=True, workers=count)
    columns *= factors
    return np.asarray(scipy.fft.ifft(columns, axis=0, overwrite_x=True, workers=count))


def kinds_of(boundary: Boundary) -> Kinds:
    """The kinds of left, right, bottom and top, without their values; what a flux brings is supply."""
    left, right, bottom, top = ("reflecting" if side.kind == "flux" else side.kind for side in boundary.sides)
    return left, right, bottom, top


@functools.lru_cache(maxsize=6)
def box_inverse(
    shape: tuple[int, int],
    kinds: Kinds,
    decay: float,
    dtype: str = "float64",
    links: tuple[float, float] = (1.0, 1.0),
) -> BoxInverse:
    """A `BoxInverse`, kept for the next call with the same arguments; it never changes once built."""
    return BoxInverse(shape, kinds, decay, dtype, links)
