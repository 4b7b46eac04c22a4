"""What one would solve the equation with otherwise, each as its documentation says, each with what it can keep.

A method *prepares* an operator once, whatever that takes it (an ordering, factors, a hierarchy), and then solves for as
many right-hand sides as come. Iterative ones take a relative tolerance of the residual. Libraries that are not
installed say how they are.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

from benchmarks.systems import LinearSystem
from surrogate_plugin.equation.problem import FloatArray, Problem

__all__ = ["METHODS", "Method"]

#: From a right-hand side and a relative tolerance to the solution.
Solve = Callable[[FloatArray, float], FloatArray]


@dataclass(frozen=True)
class Method:
    """A way to solve.

    Attributes
    ----------
    name : str
    prepare : callable
        From a `LinearSystem` and a number of threads to its `Solve`.
    iterative : bool
        Whether the tolerance says how far it goes.
    threads : str
        Who shares the work: ``"1"``, or the name of the library whose threads do.
    needs, install : str
        The module that has to be there, and how it comes.
    applies : callable
        Whether a problem is of its kind.
    """

    name: str
    prepare: Callable[[LinearSystem, int], Solve]
    iterative: bool = False
    threads: str = "1"
    needs: str = "scipy"
    install: str = ""
    applies: Callable[[Problem], bool] = lambda problem: True

    @property
    def installed(self) -> bool:
        """Whether the module it needs can be found."""
        return importlib.util.find_spec(self.needs) is not None


def _ruge_stuben(system: LinearSystem, threads: int) -> Solve:
    import pyamg

    hierarchy = pyamg.ruge_stuben_solver(system.matrix.tocsr())
    return lambda rhs, tolerance: np.asarray(hierarchy.solve(rhs, tol=tolerance, accel="cg", maxiter=200))


def _smoothed_aggregation(system: LinearSystem, threads: int) -> Solve:
    import pyamg

    hierarchy = pyamg.smoothed_aggregation_solver(system.matrix.tocsr())
    return lambda rhs, tolerance: np.asarray(hierarchy.solve(rhs, tol=tolerance, accel="cg", maxiter=200))


def _cholmod(system: LinearSystem, threads: int) -> Solve:
    from sksparse import cholmod

    if hasattr(cholmod, "cho_factor"):  # scikit-sparse 0.5 and later
        factor = cholmod.cho_factor(system.matrix, order="amd")
        return lambda rhs, _: np.asarray(factor.solve(rhs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of older releases, about the format of the matrix
        factors = cholmod.cholesky(scipy.sparse.csc_matrix(system.matrix), ordering_method="amd")
    return lambda rhs, _: np.asarray(factors.solve_A(rhs))


def _pardiso(system: LinearSystem, threads: int) -> Solve:
    upper = scipy.sparse.csr_matrix(scipy.sparse.triu(system.matrix, format="csr"))
    solver = _pardiso_solver()
    solver.free_memory(everything=True)
    solver.factorize(upper)
    return lambda rhs, _: np.asarray(solver.solve(upper, rhs))


@functools.cache
def _pardiso_solver() -> Any:
    """For symmetric positive definite matrices; to look for the library takes longer than a small solve."""
    import pypardiso

    return pypardiso.PyPardisoSolver(mtype=2)


def _superlu(system: LinearSystem, threads: int) -> Solve:
    factors = scipy.sparse.linalg.splu(
        system.matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    return lambda rhs, _: np.asarray(factors.solve(rhs))


def _spsolve(system: LinearSystem, threads: int) -> Solve:
    return lambda rhs, _: np.asarray(scipy.sparse.linalg.spsolve(system.matrix, rhs))


def _transform(system: LinearSystem, threads: int) -> Solve:
    """Conjugate gradients on the free pixels, preconditioned by the whole box without them, which transforms solve."""
    problem, free = system.problem, system.free
    absorbing = problem.boundary.left.kind == "value"
    kind = {"type": 1 if absorbing else 2, "workers": threads}
    forward: Any = functools.partial(scipy.fft.dstn if absorbing else scipy.fft.dctn, **kind)
    back: Any = functools.partial(scipy.fft.idstn if absorbing else scipy.fft.idctn, **kind)
    # Of the second difference, along each axis.
    along = [2.0 - 2.0 * np.cos(np.pi * (np.arange(n) + absorbing) / (n + absorbing)) for n in problem.shape]
    decay = float(np.mean(problem.decay)) / problem.reference_link
    eigenvalues = along[0][:, None] + along[1] + max(decay, 1e-12)
    box = np.zeros(problem.shape)

    def precondition(values: FloatArray) -> FloatArray:
        box[...] = 0.0
        box[free] = values
        return np.asarray(back(forward(box) / eigenvalues)[free])

    matrix: Any = system.matrix.tocsr()
    inverse: Any = scipy.sparse.linalg.LinearOperator(matrix.shape, matvec=precondition, dtype=np.float64)

    def solve(rhs: FloatArray, tolerance: float) -> FloatArray:
        found, _ = scipy.sparse.linalg.cg(matrix, rhs, rtol=tolerance, maxiter=2000, M=inverse)
        return np.asarray(found)

    return solve


def _of_one_diffusivity(problem: Problem) -> bool:
    """Of which the box without held pixels is anything like the problem."""
    kinds = {side.kind for side in problem.boundary.sides}
    return problem.plain and (kinds == {"reflecting"} or (kinds == {"value"} and problem.boundary.largest_value == 0))


_PYAMG = "pip install pyamg"
_CHOLMOD = (
    "pip install scikit-sparse, after apt install libsuitesparse-dev libopenblas0; scikit-sparse 0.4 where SuiteSparse "
    "is older than 7"
)

METHODS = (
    Method("PyAMG, Ruge-Stüben + CG", _ruge_stuben, iterative=True, needs="pyamg", install=_PYAMG),
    Method("PyAMG, smoothed aggregation + CG", _smoothed_aggregation, iterative=True, needs="pyamg", install=_PYAMG),
    Method("CHOLMOD", _cholmod, threads="BLAS", needs="sksparse", install=_CHOLMOD),
    Method("PARDISO (MKL)", _pardiso, threads="MKL", needs="pypardiso", install="pip install pypardiso"),
    Method("transforms + CG", _transform, iterative=True, threads="scipy.fft", applies=_of_one_diffusivity),
    Method("SuperLU, minimum degree", _superlu),
    Method("scipy spsolve", _spsolve),
)
