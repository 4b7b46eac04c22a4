"""What proposes bounds for a problem: coarse lattices where they follow its faces, else an algebraic hierarchy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.certificate import Bound, Certifier
from surrogate_plugin.guard.inverse import ApproximateInverse, FactorisedInverse
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Multigrid, cycle_seconds

if TYPE_CHECKING:
    from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy

#: Up to so many pixels a factorisation takes no longer than a hierarchy's set-up.
FEW = 4096
#: Tight bounds are up to so many times the least that any inverse could show.
_FAR = 2.0
#: What a bound takes, in cycles: set-up, a few proposals, and faces that are maps in all of them.
_CYCLES = 10.0


def certificate_seconds(problem: Problem) -> float:
    """About what `Hierarchies.bound` takes on this machine."""
    return _CYCLES * cycle_seconds(problem.source.size)


class Hierarchies:
    """The hierarchies of the last lattice, made when they are needed; their buffers serve one call at a time."""

    def __init__(self) -> None:
        self._geometric: Hierarchy | None = None
        self._algebraic: AlgebraicHierarchy | None = None

    def geometric(self, problem: Problem) -> Hierarchy:
        """Coarse lattices, for whichever operator they are rebuilt."""
        if self._geometric is None or not self._geometric.serves(problem.shape, problem.walls):
            self._geometric = Hierarchy(problem.shape, problem.walls)
        return self._geometric

    def algebraic(self, problem: Problem) -> AlgebraicHierarchy:
        """Coarse levels of nodes that follow the conductances."""
        from surrogate_plugin.solvers.algebraic.hierarchy import AlgebraicHierarchy

        if self._algebraic is None or not self._algebraic.serves(problem.shape, problem.walls):
            self._algebraic = AlgebraicHierarchy(problem.shape, problem.walls)
        return self._algebraic

    def is_for_lattices(self, problem: Problem) -> bool:
        """Whether coarse lattices follow the problem's faces."""
        return Multigrid().refusal(problem) is None

    def inverses(self, problem: Problem, operator: Operator) -> Iterator[ApproximateInverse]:
        """Whatever may bound a problem's fields, the cheapest first; a factorisation, which is the tightest, last.

        Coarse lattices show as much as anything where all faces are alike.
        """
        if self.is_for_lattices(problem):
            yield self.geometric(problem)
        if problem.plain:
            return
        if problem.source.size > FEW:
            yield self.algebraic(problem)
        yield FactorisedInverse(operator)

    def bound(
        self, problem: Problem, operator: Operator, c: FloatArray, wanted: float, *, with_map: bool = False
    ) -> Bound:
        """The first bound within what is wanted, or far from it for good, else the least; see `Certifier.bound`.

        Parameters
        ----------
        problem : Problem
        operator : Operator
            Its own.
        c : (H + 2, W + 2) float64, field units
        wanted : float, field units
            0 asks for a tight bound.
        with_map : bool
        """
        best: Bound | None = None
        for inverse in self.inverses(problem, operator):
            found = Certifier(operator, inverse, rebuild=True).bound(c, wanted, with_map=with_map)
            best = found if best is None or found.value < best.value else best
            if best.value <= wanted or (best.tight and best.value > _FAR * wanted):
                break
        assert best is not None
        return best
