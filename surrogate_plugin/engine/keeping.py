"""The solvers of one engine, ours and other packages', and the states they have prepared."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from surrogate_plugin import registry
from surrogate_plugin.arguments import shown
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.solvers.protocol import Solver, adopted

#: Ours, in the order in which they are asked: each is made when it is first needed, since scipy's sparse matrices and
#: transforms take a third of a second to import.
OURS = ("spectral", "multigrid", "algebraic", "sparse-direct")


class Keeping:
    """One instance of each solver, and the states that were prepared last.

    Parameters
    ----------
    most_states : int
        How many states are kept, of all solvers together.
    most_bytes : int
        States are dropped, the oldest first, while together they say that they hold more.
    """

    def __init__(self, most_states: int = 4, most_bytes: int = 1_000_000_000) -> None:
        self._most_states, self._most_bytes = most_states, most_bytes
        self._solvers: dict[str, tuple[Any, Solver[Any]]] = {}
        self._states: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def ours(self, name: str) -> Solver[Any]:
        """A solver of this package, whoever else registers its name."""
        if name not in self._solvers:
            self._solvers[name] = (None, _make(name))
        return self._solvers[name][1]

    def is_ours_direct(self, solver: Solver[Any]) -> bool:
        """Whether a solver is the one of sparse matrices that was made here."""
        return self._solvers.get("sparse-direct", (None, None))[1] is solver

    def named(self, name: str) -> Solver[Any]:
        """The solver of this name.

        Raises
        ------
        UnsupportedProblemError
            If nothing of this name is installed.
        BrokenPluginError
            If it is, and does not load.
        """
        if name in OURS:
            return self.ours(name)
        try:
            made_by = registry.load(registry.SOLVERS, name)
        except LookupError as error:
            raise UnsupportedProblemError(
                f"method is {shown(name)}; allowed are 'guarded', 'surrogate', 'exact' or a solver's name: {error}"
            ) from None
        known = self._solvers.get(name)
        if known is None or known[0] is not made_by:
            self._drop(name)
            self._solvers[name] = known = (made_by, adopted(made_by(), name))
        return known[1]

    def strangers(self) -> Iterator[str]:
        """The names of the solvers that other packages register."""
        return (name for name in registry.names(registry.SOLVERS) if name not in OURS)

    def prepared(self, name: str, solver: Solver[Any], problem: Problem) -> Any:
        """The state of a problem's operator: the one that is kept, else a new one."""
        key = (name, problem.fingerprint)
        if key in self._states:
            self._states.move_to_end(key)
            return self._states[key]
        state = self._states[key] = solver.prepare(problem)
        while len(self._states) > self._most_states or sum(map(_bytes, self._states.values())) > self._most_bytes:
            self._states.popitem(last=False)
            if not self._states:
                break
        return state

    def forget(self, name: str) -> None:
        """Drop a solver's states, which may be what is wrong with it."""
        for key in [key for key in self._states if key[0] == name]:
            del self._states[key]

    def _drop(self, name: str) -> None:
        self._solvers.pop(name, None)
        self.forget(name)


def _bytes(state: Any) -> int:
    said = getattr(state, "nbytes", 0)
    return max(said, 0) if isinstance(said, int) else 0


def _make(name: str) -> Solver[Any]:
    if name == "spectral":
        from surrogate_plugin.solvers.spectral.solver import Spectral

        return Spectral()
    if name == "multigrid":
        from surrogate_plugin.solvers.multigrid.solver import Multigrid

        return Multigrid()
    if name == "algebraic":
        from surrogate_plugin.solvers.algebraic.solver import Algebraic

        return Algebraic()
    from surrogate_plugin.solvers.direct.solver import SparseDirect

    return SparseDirect(cache_size=0)  # states are kept here
