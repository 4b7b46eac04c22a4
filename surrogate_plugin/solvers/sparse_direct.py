"""The reference solver: sparse factorisation of the free pixels' equation, Newton's method for saturating uptake."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.problem import FloatArray, Problem
from surrogate_plugin.solution import Solution, Stats
from surrogate_plugin.solvers.assembly import Graph, assemble, known_values, saturating_uptake, supply, value_unit
from surrogate_plugin.solvers.factorisation import Factorisation, factorise
from surrogate_plugin.solvers.protocol import require_fresh

#: Refinement stops once a correction is this small beside the field: the last bits are rounding.
_SETTLED = 4e-16
#: A Newton step this small needs no new factorisation: the old one still gains six digits a step.
_CHORD = 1e-6
_MAX_STEPS = 200


@dataclass(frozen=True, eq=False)
class SparseDirectState:
    """The operator's graph and the factors of its linear part."""

    fingerprint: str
    graph: Graph
    factors: Factorisation | None


class SparseDirect:
    """Solve any problem by sparse factorisation with iterative refinement; the reference for every other method.

    Parameters
    ----------
    cache_size : int
        How many factorisations `prepare` keeps, under their operators' fingerprints.
    cache_bytes : int
        Factorisations are dropped, the oldest first, while together they exceed this many bytes.

    Notes
    -----
    Error: about 1e-13 of the largest value, whatever ``tolerance`` says. With Michaelis-Menten uptake the equation
    ``F(c) = A c + U(c) - b = 0`` has a concave ``F`` whose derivative is an M-matrix, so Newton's iterates are
    subsolutions that rise to the solution from any start: no line search is needed.

    Examples
    --------
    >>> import numpy as np
    >>> source = np.zeros((16, 16)); source[8, 8] = 1.0
    >>> solver, problem = SparseDirect(), Problem(source)
    >>> solution = solver.solve(solver.prepare(problem), problem)
    >>> float(solution.field[8, 8])
    1.0
    """

    name = "sparse-direct"

    def __init__(self, cache_size: int = 2, cache_bytes: int = 1_000_000_000) -> None:
        self._cache_size = cache_size
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[str, SparseDirectState] = OrderedDict()
        self._lock = threading.Lock()

    def refusal(self, problem: Problem) -> str | None:
        """None: every problem is taken."""
        return None

    def prepare(self, problem: Problem) -> SparseDirectState:
        """Assemble and factorise, or take the factorisation of this very operator from the cache."""
        fingerprint = problem.fingerprint
        with self._lock:
            if fingerprint in self._cache:
                self._cache.move_to_end(fingerprint)
                return self._cache[fingerprint]
        graph = assemble(problem)
        # With saturating uptake the first matrix depends on the field's unit, so Newton factorises it.
        linear = problem.uptake is None and bool(graph.free.any())
        state = SparseDirectState(fingerprint, graph, factorise(graph.matrix()) if linear else None)
        self._keep(state)
        return state

    def solve(
        self,
        state: SparseDirectState,
        problem: Problem,
        guess: FloatArray | None = None,
        *,
        tolerance: float | None = None,
    ) -> Solution:
        """Solve to rounding error; ``guess`` (H, W) only saves Newton steps, ``tolerance`` is always met.

        Raises
        ------
        StaleStateError
            If ``state`` was prepared for another operator.
        """
        require_fresh(state.fingerprint, problem)
        began = time.perf_counter()
        unit = value_unit(problem)
        if unit == 0.0 or not state.graph.free.any():
            return Solution(np.where(problem.fixed, problem.source, 0.0), method=self.name)
        newton = _Newton(state, problem, unit)
        nodes, steps, factorisations = newton.run(guess)
        field = np.maximum(nodes[: problem.source.size].reshape(problem.shape) * unit, 0.0)
        stats = Stats({"solve": time.perf_counter() - began}, {"steps": steps, "factorisations": factorisations})
        return Solution(np.where(problem.fixed, problem.source, field), method=self.name, stats=stats)

    def _keep(self, state: SparseDirectState) -> None:
        with self._lock:
            self._cache[state.fingerprint] = state
            while len(self._cache) > self._cache_size or self._cached_bytes() > self._cache_bytes:
                if not self._cache:
                    return
                self._cache.popitem(last=False)

    def _cached_bytes(self) -> int:
        return sum(kept.factors.nbytes for kept in self._cache.values() if kept.factors is not None)


class _Newton:
    """``F(c) = A c + U(c) - b``, dimensionless, and its Newton iteration; a linear problem is the case ``U = 0``."""

    def __init__(self, state: SparseDirectState, problem: Problem, unit: float) -> None:
        self.graph, self.factors = state.graph, state.factors
        self.inside = np.flatnonzero(state.graph.free.ravel())
        self.nodes = known_values(problem, unit)
        self.supply = supply(problem, unit)
        self.vmax, self.km = saturating_uptake(problem, unit)
        self.saturates = problem.uptake is not None
        self.unit = unit

    def run(self, guess: FloatArray | None) -> tuple[FloatArray, int, int]:
        """The node values, the number of steps, and the number of factorisations made."""
        if guess is not None and self.saturates:
            start = np.nan_to_num(np.asarray(guess, dtype=np.float64).ravel()[self.inside] / self.unit, posinf=0.0)
            self.nodes[self.inside] = np.maximum(start, 0.0)
        made, taken, last = 0, 0, np.inf
        for _ in range(_MAX_STEPS):
            field = self.nodes[self.inside]
            if self.factors is None or (self.saturates and last > _CHORD):
                self.factors, made = factorise(self.graph.matrix(self._slope(field))), made + 1
            correction, taken = self.factors.apply(self._residual(field)), taken + 1
            # 0 is a subsolution and so is the larger of two: clipping keeps Newton's rise to the solution.
            moved = np.maximum(field + correction, 0.0) - field
            change = float(np.max(np.abs(moved))) / max(float(np.max(field)), 1e-300) if field.any() else np.inf
            if change > 0.5 * last and change < _CHORD:
                break  # Rounding: the correction no longer shrinks, and the field is better without it.
            self.nodes[self.inside] = field + moved
            if change <= _SETTLED or not moved.any():
                break
            last = change
        else:
            raise ArithmeticError("Newton's method did not settle; please report this problem.")
        return self.nodes, taken, made

    def _residual(self, field: FloatArray) -> FloatArray:
        return self.graph.residual(self.nodes, self.supply) - self.vmax * (field / (self.km + field))

    def _slope(self, field: FloatArray) -> FloatArray:
        fraction = self.km / (self.km + field)
        return (self.vmax / self.km) * fraction * fraction
