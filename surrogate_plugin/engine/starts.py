"""What cycles may start from: what is known of each start, and which of them leaves least to be done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from surrogate_plugin.solvers.multigrid.solver import Iteration

Start = Literal["network", "previous", "nothing"]

#: A cycle cuts the error to about this part; the unit of a start's worth.
CONTRACTION = 0.11
#: Where a residual is more than this part of its largest value, the equation of a pixel counts as changed.
_CHANGED = 0.1
#: Where no more than this part of the pixels changed, the error is about half the residual: 0.5 to 0.65 measured, with
#: cells that moved, vessels that came and a network's field. Where all change, it may be a thousand times as much.
_LOCAL, _OF_LOCAL = 0.1, 0.5
#: What was learned of one change serves another whose number of pixels is within this factor.
_ALIKE = 4.0

_CALLED = {"network": "the network's field", "previous": "the previous field", "nothing": "nothing"}


@dataclass(frozen=True)
class Offer:
    """A start that may be taken.

    Attributes
    ----------
    start : str
    error : float, field units
        About how far it is off.
    price : float
        What it takes beside cycles, in cycles.

    Examples
    --------
    >>> print(Offer("network", error=0.5, price=2.6).described(tolerance=0.01))
    the network's field, about 0.5 off, takes 1.8 cycles and as much as 2.6 to ask
    """

    start: Start
    error: float
    price: float = 0.0

    def cycles(self, tolerance: float) -> float:
        """About how many cycles it takes to ``tolerance``, field units, with its price; every start takes one."""
        left = math.log(self.error / tolerance) / math.log(1.0 / CONTRACTION) if self.error > 0.0 else 0.0
        return self.price + max(1.0, left)

    def described(self, tolerance: float) -> str:
        """The offer in words."""
        own = f" and as much as {self.price:.1f} to ask" if self.price else ""
        left = self.cycles(tolerance) - self.price
        return f"{_CALLED[self.start]}, about {self.error:.2g} off, takes {left:.1f} cycles{own}"


@dataclass(frozen=True)
class Change:
    """What a previous field lacks in the equation that it is to start for: what has changed since.

    Attributes
    ----------
    residual : float, field units
        Its largest residual.
    pixels, among : int
        At how many pixels, of how many, it is of that order.
    """

    residual: float
    pixels: int
    among: int

    @classmethod
    def before(cls, iteration: Iteration) -> Change:
        """From an iteration that has just been set up: its residual is at hand, one look is a small part of a cycle."""
        return cls(iteration.largest_residual, iteration.pixels_above(_CHANGED), iteration.equation.source.size)

    @property
    def is_local(self) -> bool:
        """Whether few pixels changed."""
        return self.pixels <= _LOCAL * self.among

    def is_like(self, other: Change) -> bool:
        """Whether about as many pixels changed."""
        return other.pixels <= _ALIKE * self.pixels and self.pixels <= _ALIKE * other.pixels

    def __str__(self) -> str:
        return f"{self.pixels} of {self.among} pixels changed, by up to {self.residual:.2g}"


class Lessons:
    """What the last change on a lattice was worth: its error beside its residual."""

    def __init__(self) -> None:
        self._last: tuple[Change, float] | None = None

    def error(self, change: Change) -> float:
        """About the error that a change leaves in the field before it; NaN where nothing is known of such a one."""
        if self._last is not None and self._last[0].is_like(change):
            return self._last[1] * change.residual
        return _OF_LOCAL * change.residual if change.is_local else math.nan

    def learn(self, change: Change, error: float) -> None:
        """What a cycle has shown."""
        if change.residual > 0.0 and math.isfinite(error):
            self._last = change, error / change.residual

    def forget(self) -> None:
        """What leads away from previous fields would never be corrected, so it counts once."""
        self._last = None


def least(offers: Sequence[Offer], tolerance: float) -> Offer:
    """The offer that takes least; the first of equal ones."""
    return min(offers, key=lambda offer: offer.cycles(tolerance))


def compared(offers: Sequence[Offer], tolerance: float) -> str:
    """One sentence on what each offer takes."""
    text = "; ".join(offer.described(tolerance) for offer in offers)
    return f"{text[0].upper()}{text[1:]}."
