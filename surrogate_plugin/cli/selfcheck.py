"""The guard's self-check: its bound beside the true error, told by a reference that shares no code with the solvers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from surrogate_plugin.cli.console import progress, table
from surrogate_plugin.equation.problem import Problem

#: Errors smaller than this, over the largest value, are rounding, and a bound over them tells nothing.
_ROUNDING = 1e-9
#: The solvers round the coefficients once to dimensionless ones, which moves the field by this part at most.
_COEFFICIENTS = 8 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Check:
    """One problem of the self-check; errors and bounds relative to the largest value of the field."""

    method: str
    bound: float
    error: float
    resolution: float

    @property
    def held(self) -> bool:
        """Whether the bound was at least the true error, as far as the reference can tell (its ``resolution``)."""
        return self.error <= self.bound + self.resolution

    @property
    def effectivity(self) -> float:
        """Bound over true error; NaN where the error is rounding."""
        return self.bound / self.error if self.error > _ROUNDING else math.nan


def check_guard(problems: int, size: int, seed: int, *, quiet: bool = False) -> list[Check]:
    """Solve random vessel-and-tumour problems with the guard, at a tolerance of 1 %, and in extended precision.

    Parameters
    ----------
    problems : int
        How many.
    size : int
        Pixels a side.
    seed : int
        Problem ``i`` of a seed is the same whatever ``problems`` is.
    quiet : bool
        Whether no progress is shown.

    Returns
    -------
    list of Check
    """
    from surrogate_plugin.gallery import tumour_and_vessels

    return _checks("checking the guard", problems, seed, lambda rng: tumour_and_vessels(rng, (size, size)), quiet)


def check_extremes(problems: int, seed: int, *, quiet: bool = False) -> list[Check]:
    """The same with problems from the whole range of what may be posed, on small lattices."""
    from surrogate_plugin.gallery import extreme_problem

    return _checks("checking it on extreme problems", problems, seed, extreme_problem, quiet)


def check_tissues(problems: int, seed: int, *, quiet: bool = False) -> list[Check]:
    """The same with obstacles, tissues that conduct differently, membranes, leaky vessels, open sides and fibres."""
    from surrogate_plugin.gallery import wider_problem

    return _checks("checking it on tissues", problems, seed, lambda rng: wider_problem(rng, 32), quiet)


def _checks(
    title: str, problems: int, seed: int, pose: Callable[[np.random.Generator], Problem], quiet: bool
) -> list[Check]:
    checks = []
    with progress(title, total=problems, quiet=quiet) as bar:
        for index in range(problems):
            checks.append(_check(pose(np.random.default_rng([seed, index]))))
            bar.advance()
    return checks


def _check(problem: Problem) -> Check:
    import surrogate_plugin as sp
    from surrogate_plugin.reference import solve_extended

    reference = solve_extended(problem)
    scale = float(reference.field.max()) or 1.0
    solution = sp.solve(problem, method="guarded", tolerance=0.01 * scale)
    error, resolution = reference.distance(solution.field), reference.error + _COEFFICIENTS * scale
    return Check(solution.method, solution.error_bound / scale, error / scale, resolution / scale)


def report_guard(console: Console, checks: list[Check], kind: str = "random") -> None:
    """Print, for each method that answered, its largest error and bound and how tight the bound was."""
    made = table(
        f"Guard ({len(checks)} {kind} problems, tolerance 1 % of the largest value)",
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
