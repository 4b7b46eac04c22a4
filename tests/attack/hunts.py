"""Endless searches for broken promises, each a stream of what was found; a caller takes as much as it can wait for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.gallery import extreme_problem
from surrogate_plugin.reference import solve_extended
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from tests.attack.certifying import certified
from tests.attack.judge import Court
from tests.attack.networks import NETWORKS
from tests.attack.trials import Target


def answers(seed: int, count: int, kinds: tuple[str, ...], method: str | None = None) -> Iterator[str]:
    """Whole solves, by every method or by one, judged for some kinds of faults."""
    court = Court()
    for number in range(count):
        target = Target(seed, number)
        for trial in target.trials(list(NETWORKS)):
            if method in (None, trial.method):
                for fault in court.judge(target, trial).faults:
                    if fault.kind in kinds:
                        yield f"{target.name} {trial.method}: {fault.kind}, {fault.detail}"


def bounds(seed: int, count: int, *, hostile: bool) -> Iterator[str]:
    """The certifier alone."""
    for name, faults in certified(seed, 0, count, hostile=hostile):
        for fault in faults:
            yield f"{name}: {fault.kind}, {fault.detail}"


def cycles(seed: int, count: int) -> Iterator[str]:
    """A cycle on every operator that may be posed returns numbers."""
    for number in range(count):
        problem = extreme_problem(np.random.default_rng([seed, number]))
        if isinstance(problem.diffusivity, np.ndarray):
            continue
        equation, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
        hierarchy.rebuild(equation.free, equation.decay)
        z, b = hierarchy.vectors[:2]
        b[1:-1, 1:-1] = equation.free
        hierarchy.v_cycle(z, b)
        if not np.isfinite(z[1:-1, 1:-1]).all():
            yield f"{seed}-{number}: a cycle that is not finite"


def last_resort(seed: int, count: int) -> Iterator[str]:
    """Sparse direct's field is right to 1e-9 of its largest value, whatever ``km`` is."""
    for number in range(count):
        problem = extreme_problem(np.random.default_rng([seed, number]), 14, saturating=True)
        solver, reference = SparseDirect(), solve_extended(problem)
        error = reference.distance(solver.solve(solver.prepare(problem), problem).field)
        largest = max(float(reference.field.max()), problem.largest_imposed)
        if error > 1e-9 * largest + reference.error:
            yield f"{seed}-{number}: error {error / largest:.3g} of the largest value"
