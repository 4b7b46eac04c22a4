"""What a solve returns: the field, a bound on its error, who answered, and why not somebody faster."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.gradients import Surroundings, gradient_bound_of, gradient_of
from surrogate_plugin.equation.sides import Boundary


class Reason(StrEnum):
    """Why the surrogate was not used, or not accepted; and what became of solvers that were asked before."""

    NO_MODEL = "no-model"
    DAMAGED_MODEL = "damaged-model"
    NO_TORCH = "no-torch"
    NO_DEVICE = "no-device"
    OUTSIDE_CARD = "outside-card"
    EXACT_IS_CHEAPER = "exact-is-cheaper"
    NETWORK_FAILED = "network-failed"
    NOT_CERTIFIED = "not-certified"
    TOLERANCE_NOT_REACHED = "tolerance-not-reached"
    METHOD_STALLED = "method-stalled"
    SOLVER_FAILED = "solver-failed"
    SOLVER_SLOW = "solver-slow"
    DEVICE_STALLED = "device-stalled"
    DEVICE_MEMORY = "device-memory"
    DEVICE_FAILED = "device-failed"


@dataclass(frozen=True)
class Flag:
    """One reason, with a sentence for people."""

    reason: Reason
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True)
class Stats:
    """What a solve took.

    Attributes
    ----------
    seconds : dict
        Per stage, such as ``network``, ``set-up``, ``cycles`` and ``certify``.
    counts : dict
        What the method that answered counts: ``cycles``, ``iterations``, ``steps`` of Newton's method or
        ``factorisations``.
    start : str
        What was polished: ``"network"``, ``"previous"`` or ``"nothing"``.
    why : str
        One sentence on that, where there was a choice.

    Examples
    --------
    >>> Stats(counts={"cycles": 3}).cycles, Stats(counts={"iterations": 12}).cycles
    (3, 0)
    """

    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    start: str = ""
    why: str = ""

    @property
    def cycles(self) -> int:
        """How many cycles of multigrid, of coarse lattices or algebraic, the field took; 0 where none was needed.

        Those that polished a network's field count too. Of a step in time it is what all its parts took.
        """
        return self.counts.get("cycles", 0)


@dataclass(frozen=True, eq=False)
class Solution:
    """A field and what is known about it.

    Attributes
    ----------
    field : (H, W) float64, field units
        The steady field; the fixed pixels hold exactly their values.
    error_bound : float, field units
        At least the largest pointwise distance to the exact solution of the discrete equation; infinite
        when a bare solver was called without the guard.
    method : str
        Who answered: ``"surrogate"``, ``"spectral"``, ``"multigrid"``, ``"algebraic"``, ``"sparse-direct"`` or a
        plugin's name.
    flags : tuple of Flag
        Why the surrogate was not used or not accepted; and, if ``error_bound`` exceeds the tolerance, or an exact
        method's default accuracy, what was reached.
    stats : Stats
        Seconds per stage, and how many cycles or iterations it took.
    error_map : (H, W) float64, field units, or None
        At least the distance to the exact solution at each pixel, where ``solve(..., error_map=True)`` asked for it.
    spacing, boundary : float or tuple, Boundary
        Of the problem; None where a bare solver was called without the engine.
    around : Surroundings
        What differences need to know of the problem; None as those.

    Examples
    --------
    >>> import numpy as np
    >>> from surrogate_plugin import Problem, solve
    >>> solution = solve(Problem(np.zeros((4, 8)), decay=0.0, boundary={"left": 9.0, "top": "reflecting", "bottom":
    ...     "reflecting"}), method="exact")
    >>> np.round(solution.gradient()[1, 0], 6)
    array([-1., -1., -1., -1., -1., -1., -1., -1.])
    """

    field: FloatArray
    error_bound: float = math.inf
    method: str = ""
    flags: tuple[Flag, ...] = ()
    stats: Stats = dataclasses.field(default_factory=Stats)
    error_map: FloatArray | None = None
    spacing: float | tuple[float, ...] | None = None
    boundary: Boundary | None = None
    around: Surroundings | None = None

    def gradient(self) -> FloatArray:
        """Centred differences ``(c(i+1) - c(i-1)) / 2h``, with what the sides impose outside.

        Returns
        -------
        (2, H, W) float64, field units / length
            Along y, rows up, and along x.

        Raises
        ------
        ValueError
            If a bare solver was called, whose solution knows no lattice.
        """
        return gradient_of(self.field, self._surroundings())

    @property
    def gradient_bound(self) -> FloatArray | None:
        """At least how far `gradient` is from that of the exact solution, (2, H, W); None without an `error_map`."""
        if self.error_map is None:
            return None
        return gradient_bound_of(self.error_map, self.field, self._surroundings())

    def _surroundings(self) -> Surroundings:
        if self.around is None:
            raise ValueError(
                "this solution is a bare solver's, which knows neither spacing nor sides; take that of `solve`."
            )
        return self.around
