"""About how long a large solve will take: as long a pixel as the last one of its kind took on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrogate_plugin import calibration

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

#: A smaller lattice is solved on before anybody looks, and its time is no measure for a large one's.
LARGE = 1_000_000


def expected_seconds(problem: Problem, way: str) -> float | None:
    """About how long a solve takes; None where the lattice is small, or none like it was solved on before.

    Parameters
    ----------
    problem : Problem
    way : str
        Method and policy.
    """
    a_pixel = calibration.known(_name(problem, way)) if problem.source.size >= LARGE else None
    return None if a_pixel is None else a_pixel * problem.source.size


def remember(problem: Problem, way: str, seconds: float) -> None:
    """Keep how long a solve on a large lattice took, without what had to be loaded or compiled."""
    if problem.source.size >= LARGE and seconds > 0.0:
        calibration.remember(_name(problem, way), seconds / problem.source.size)


def _name(problem: Problem, way: str) -> str:
    """What the time a pixel hangs on most: who is asked, and whether the equation is linear and the same everywhere."""
    from surrogate_plugin.equation.per_axis import PerAxis

    same = all(isinstance(each, float | PerAxis) for each in (problem.diffusivity, problem.decay))
    kind = "saturating" if problem.uptake is not None else "constant" if same else "varying"
    return f"a pixel of solve {way}, {kind}"
