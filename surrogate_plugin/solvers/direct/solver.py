"""The reference solver: sparse factorisation of the free pixels' equation, Newton's method for saturating uptake."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import calibration
from surrogate_plugin.equation.assembly import Graph, assemble, value_unit
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution, Stats
from surrogate_plugin.solvers.direct.factorisation import Factorisation, factorise
from surrogate_plugin.solvers.direct.newton import Newton
from surrogate_plugin.solvers.protocol import Solver, require_fresh


@dataclass(frozen=True, eq=False)
class SparseDirectState:
    """The operator's graph and the factors of its linear part."""

    fingerprint: str
    graph: Graph
    factors: Factorisation | None

    @property
    def nbytes(self) -> int:
        """About what the factors occupy."""
        return 0 if self.factors is None else self.factors.nbytes


#: The power of the pixels by which a solve's time grows: 1.36 from 128 x 128 to 256 x 256, 1.30 to 512 x 512.
_GROWTH = 1.35


class SparseDirect(Solver[SparseDirectState]):
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
    subsolutions that rise to the solution from any start: no line search is needed. Where ``km`` is small beside the
    field they rise slowly, so a central path leads to where Newton is quick, see
    `surrogate_plugin.solvers.direct.newton`.

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

    def cost(self, problem: Problem) -> float:
        """From one solve on 96 x 96 pixels, as ``n^1.35``, measured up to 512 x 512; Newton factorises ten times.

        Nested dissection would take ``n^1.5`` in the end; minimum degree is slower than that only on larger lattices.
        """
        shape = (96, 96)

        def whole() -> Callable[[], object]:
            posed = Problem(np.eye(*shape), diffusivity=np.linspace(1.0, 2.0, math.prod(shape)).reshape(shape))
            bare = SparseDirect(cache_size=0)
            return lambda: bare.solve(bare.prepare(posed), posed)

        one = calibration.made_seconds(f"sparse direct on {shape}", whole)
        steps = 1.0 if problem.uptake is None else 10.0
        return float(steps * one * (problem.source.size / math.prod(shape)) ** _GROWTH)

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
            return Solution(problem.known.copy(), method=self.name)
        newton = Newton(state.graph, state.factors, problem, unit)
        nodes = newton.run(guess)
        field = np.maximum(nodes[: problem.source.size].reshape(problem.shape) * unit, 0.0)
        counts = {"steps": newton.steps, "factorisations": newton.factorisations}
        stats = Stats({"solve": time.perf_counter() - began}, counts)
        return Solution(np.where(problem.unknown, field, problem.known), method=self.name, stats=stats)

    def _keep(self, state: SparseDirectState) -> None:
        with self._lock:
            self._cache[state.fingerprint] = state
            while len(self._cache) > self._cache_size or self._cached_bytes() > self._cache_bytes:
                if not self._cache:
                    return
                self._cache.popitem(last=False)

    def _cached_bytes(self) -> int:
        return sum(kept.factors.nbytes for kept in self._cache.values() if kept.factors is not None)
