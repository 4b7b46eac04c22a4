"""Solves with a kernel that goes wrong: no false bound may come of it, and no field that holds a NaN."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from tests.attack.judge import Fault, false_bound
from tests.attack.networks import NETWORKS, Network
from tests.attack.poison import Poison, seams
from tests.attack.trials import Target

METHODS = ("guarded", "exact", "multigrid", "spectral", "sparse-direct")
_LARGEST = 600


def warm() -> None:
    """Compile every kernel, so that none is compiled against a replaced one."""
    for number in range(40):
        target = Target(5, number)
        for method in METHODS:
            _solve(target, method, None, None)


def poisoned(seed: int, start: int, count: int) -> Iterator[tuple[str, list[Fault]]]:
    """Problems solved by each method while some kernel is poisoned; what was poisoned, and the faults.

    Nothing is yielded where the poison was not met; an error that says so is no false bound.
    """
    among = seams()
    for number in range(start, start + count):
        target = Target(seed, number)
        if target.problem.source.size > _LARGEST:
            continue
        for method in METHODS:
            poison = Poison.any(target.rng, among)
            tolerance = max(target.largest, 1e-90) * 10.0 ** target.rng.uniform(-10, -0.5)
            faults = _solve(target, method, tolerance, poison)
            if poison.spilled:
                yield f"{target.name} {method}, {poison}", faults


def _solve(target: Target, method: str, tolerance: float | None, poison: Poison | None) -> list[Fault]:
    network = Network(NETWORKS["near"])
    network.rng, network.exact = np.random.default_rng(0), target.reference.field.astype(np.float64)
    engine = Engine(model=network)
    try:
        # Broken numbers are the point here; that they are silent is what makes them dangerous.
        with np.errstate(all="ignore"):
            if poison is None:
                solution = engine.solve(target.problem, method=method, tolerance=tolerance)
            else:
                with poison.poured():
                    solution = engine.solve(target.problem, method=method, tolerance=tolerance)
    except (InvalidProblemError, UnsupportedProblemError, ArithmeticError, np.linalg.LinAlgError):
        return []
    faults = [] if np.isfinite(solution.field).all() else [Fault("field", f"not finite, bound {solution.error_bound}")]
    return faults + list(false_bound(target, solution.field, solution.error_bound))
