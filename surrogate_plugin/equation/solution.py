"""What a solve returns: the field, a bound on its error, who answered, and why not somebody faster."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Reason(StrEnum):
    """Why the surrogate was not used, or not accepted."""

    NO_MODEL = "no-model"
    DAMAGED_MODEL = "damaged-model"
    NO_TORCH = "no-torch"
    NO_DEVICE = "no-device"
    OUTSIDE_CARD = "outside-card"
    EXACT_IS_CHEAPER = "exact-is-cheaper"
    NETWORK_FAILED = "network-failed"
    NOT_CERTIFIED = "not-certified"
    TOLERANCE_NOT_REACHED = "tolerance-not-reached"


@dataclass(frozen=True)
class Flag:
    """One reason, with a sentence for people."""

    reason: Reason
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True)
class Stats:
    """Where the time went: ``seconds`` per stage, ``counts`` of iterations, ``start`` (what was polished)."""

    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    start: str = ""


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
        Who answered: ``"surrogate"``, ``"spectral"``, ``"multigrid"``, ``"sparse-direct"`` or a plugin's name.
    flags : tuple of Flag
        Why the surrogate was not used or not accepted; and, if ``error_bound`` exceeds the tolerance, or an exact
        method's default accuracy, what was reached.
    stats : Stats
        Seconds per stage and iteration counts.
    """

    field: npt.NDArray[np.float64]
    error_bound: float = math.inf
    method: str = ""
    flags: tuple[Flag, ...] = ()
    stats: Stats = dataclasses.field(default_factory=Stats)
