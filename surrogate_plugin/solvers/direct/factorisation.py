"""Sparse Cholesky where scikit-sparse is installed, else sparse LU in its symmetric mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import scipy.sparse
import scipy.sparse.linalg

from surrogate_plugin.equation.problem import FloatArray


@dataclass(frozen=True)
class Factorisation:
    """``apply(b)`` solves with the factorised matrix; ``nbytes`` is about what the factors occupy."""

    apply: Callable[[FloatArray], FloatArray]
    nbytes: int
    kind: str


def factorise(matrix: scipy.sparse.csc_array) -> Factorisation:
    """Factorise a symmetric positive definite matrix by the fastest library at hand."""
    cholmod = _cholmod()
    if cholmod is not None:
        try:
            return _cholesky(cholmod, matrix)
        except Exception:  # Whatever an optional library does wrong, the answer must not depend on it.
            pass
    return _superlu(matrix)


def _superlu(matrix: scipy.sparse.csc_array) -> Factorisation:
    # Minimum degree on A + A^T and diagonal pivots keep the symmetric fill, which is half of COLAMD's.
    factors = scipy.sparse.linalg.splu(
        matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    return Factorisation(factors.solve, 12 * int(factors.nnz), "superlu")


def _cholmod() -> ModuleType | None:
    try:
        from sksparse import cholmod
    except Exception:  # Not installed, or installed and broken (a missing shared library, an ABI mismatch).
        return None
    return cholmod if isinstance(cholmod, ModuleType) else None


def _cholesky(cholmod: ModuleType, matrix: scipy.sparse.csc_array) -> Factorisation:
    if hasattr(cholmod, "cho_factor"):  # scikit-sparse 0.5 and later
        factor = cholmod.cho_factor(matrix, order="amd")
        return Factorisation(factor.solve, 12 * int(factor.nnz), "cholmod")
    factor = cholmod.cholesky(scipy.sparse.csc_matrix(matrix), ordering_method="amd")
    return Factorisation(factor.solve_A, 12 * int(factor.L().nnz), "cholmod")
