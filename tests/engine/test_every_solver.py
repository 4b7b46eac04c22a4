"""Our solvers, the example's and one of contract 1 keep what every solver has to keep."""

from __future__ import annotations

from typing import Any

from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.solvers.algebraic.solver import Algebraic
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.multigrid.solver import Multigrid
from surrogate_plugin.solvers.spectral.solver import Spectral
from surrogate_plugin.testing import SolverSuite
from tests.engine import pyamg_example


class TestSparseDirect(SolverSuite):
    def make_solver(self) -> Any:
        return SparseDirect()


class TestSpectral(SolverSuite):
    def make_solver(self) -> Any:
        return Spectral()


class TestMultigrid(SolverSuite):
    def make_solver(self) -> Any:
        return Multigrid()


class TestAlgebraic(SolverSuite):
    def make_solver(self) -> Any:
        return Algebraic()


class TestPyamg(SolverSuite):
    def make_solver(self) -> Any:
        return pyamg_example.module().RugeStuben()


class Unrelated:
    """A solver that inherits nothing and knows no cost."""

    name = "unrelated"

    def __init__(self) -> None:
        self._inner = SparseDirect()

    def refusal(self, problem: Any) -> str | None:
        return None

    def prepare(self, problem: Any) -> Any:
        return self._inner.prepare(problem)

    def solve(self, state: Any, problem: Any, guess: Any = None, *, tolerance: float | None = None) -> Solution:
        return Solution(self._inner.solve(state, problem, guess, tolerance=tolerance).field, method=self.name)


class TestOfContract1(SolverSuite):
    def make_solver(self) -> Any:
        return Unrelated()
