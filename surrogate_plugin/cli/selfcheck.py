"""The guard's self-check: its bound beside the true error, on random problems solved by sparse direct as well."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from surrogate_plugin.cli.console import progress, table
from surrogate_plugin.problem import Problem

#: The reference solves to 1e-10 of the largest value, so smaller errors than this cannot be told apart.
_RESOLUTION = 1e-9


@dataclass(frozen=True)
class Check:
    """One problem of the self-check; errors and bounds relative to the largest value of the field."""

    method: str
    bound: float
    error: float
    tolerance: float

    @property
    def held(self) -> bool:
        """Whether the bound was at least the true error, as far as the reference can tell."""
        return self.error <= self.bound + _RESOLUTION

    @property
    def effectivity(self) -> float:
        """Bound over true error; NaN where the error is below what the reference resolves."""
        return self.bound / self.error if self.error > _RESOLUTION else math.nan


def check_guard(problems: int, size: int, seed: int) -> list[Check]:
    """Solve random vessel-and-tumour problems with the guard and with sparse direct.

    Parameters
    ----------
    problems : int
        How many.
    size : int
        Pixels a side.
    seed : int
        Problem ``i`` of a seed is the same whatever ``problems`` is.

    Returns
    -------
    list of Check
    """
    from surrogate_plugin.gallery import tumour_and_vessels

    checks = []
    with progress("checking the guard", total=problems) as bar:
        for index in range(problems):
            rng = np.random.default_rng([seed, index])
            checks.append(_check(tumour_and_vessels(rng, (size, size))))
            bar.advance(bar.task_ids[0])
    return checks


def _check(problem: Problem) -> Check:
    import surrogate_plugin as sp

    reference = sp.solve(problem, method="sparse-direct").field
    scale = float(reference.max()) or 1.0
    tolerance = 0.01 * scale
    solution = sp.solve(problem, method="guarded", tolerance=tolerance)
    error = float(np.abs(solution.field - reference).max())
    return Check(solution.method, solution.error_bound / scale, error / scale, tolerance / scale)


def report_guard(console: Console, checks: list[Check]) -> None:
    """Print, for each method that answered, its largest error and bound and how tight the bound was."""
    made = table(
        f"Guard ({len(checks)} random problems, tolerance 1 % of the largest value)",
        "answered by",
        "problems",
        "largest error",
        "largest bound",
        "bound / error (median, range)",
        "bound held",
    )
    for method in sorted({check.method for check in checks}):
        mine = [check for check in checks if check.method == method]
        held = sum(check.held for check in mine)
        made.add_row(
            method,
            str(len(mine)),
            f"{100 * max(check.error for check in mine):.2g} %",
            f"{100 * max(check.bound for check in mine):.2g} %",
            _effectivity([check.effectivity for check in mine]),
            f"[{'green' if held == len(mine) else 'bold red'}]{held} of {len(mine)}[/]",
        )
    console.print(made)


def _effectivity(values: list[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return "error too small to tell"
    return f"{statistics.median(known):.1f}, {min(known):.1f} to {max(known):.1f}"
