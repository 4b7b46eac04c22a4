"""Algebraic multigrid (PyAMG) as a solver of surrogate-plugin: for maps of diffusivities on large lattices."""

import numpy as np
import pyamg
import scipy.sparse

from surrogate_plugin import Problem, Solution, calibration
from surrogate_plugin.equation.assembly import assemble, known_values, supply, value_unit
from surrogate_plugin.solvers.protocol import Solver, require_fresh

SURROGATE_PLUGIN_CONTRACT = 1


class RugeStuben(Solver):
    name = "pyamg"

    def refusal(self, problem):
        return (
            None if problem.uptake is None else "pyamg takes no saturating uptake; use 'multigrid' or 'sparse-direct'."
        )

    def cost(self, problem):
        one = calibration.made_seconds("pyamg on 128 x 128 pixels", lambda: self._whole(128))
        return one * problem.source.size / 128**2  # in proportion to the pixels, which is what multigrid is for

    def prepare(self, problem):
        graph = assemble(problem)
        matrix = scipy.sparse.csr_matrix(graph.matrix())
        return problem.fingerprint, graph, pyamg.ruge_stuben_solver(matrix) if graph.free.any() else None

    def solve(self, state, problem, guess=None, *, tolerance=None):
        fingerprint, graph, levels = state
        require_fresh(fingerprint, problem)
        unit = value_unit(problem)  # what values are divided by, so that they are of order 1
        if unit == 0.0 or levels is None:
            return Solution(np.where(problem.fixed, problem.source, 0.0), method=self.name)
        nodes, gain, inside = known_values(problem, unit), supply(problem, unit), np.flatnonzero(graph.free)
        nodes[inside] = 0.0 if guess is None else guess.ravel()[inside] / unit
        for _ in range(8):  # refinement: each turn solves for what is missing, to six digits
            change = levels.solve(graph.residual(nodes, gain), tol=1e-6, accel="cg", maxiter=40)
            nodes[inside] += change
            if np.abs(change).max() <= max(1e-12 * nodes.max(), 0.1 * (tolerance or 0.0) / unit):
                break
        field = np.maximum(nodes[: problem.source.size].reshape(problem.shape) * unit, 0.0)
        return Solution(np.where(problem.fixed, problem.source, field), method=self.name)

    def _whole(self, side):
        problem = Problem(np.eye(side), diffusivity=1.0 + np.random.default_rng(0).random((side, side)))
        return lambda: self.solve(self.prepare(problem), problem)
