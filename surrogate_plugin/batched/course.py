"""What has become of each problem of a batch so far, on the host; and what is to be done with it next.

The rules are those of `surrogate_plugin.engine.polish`: cycles until the estimate is within a part of the tolerance, or
nothing is gained any more; then the certificate; where that shows too little, more cycles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from surrogate_plugin.arguments import BoolArray, FloatArray, IndexArray

#: See `surrogate_plugin.engine.polish`.
_MAX_TRIES, _MAX_CYCLES = 6, 40
_CERTIFY_AT = 0.75
WORSE_THAN_NOTHING = 0.3
#: After so many cycles in which the residual has not halved, rounding allows no more.
_PATIENCE = 4


@dataclass(eq=False)
class Course:
    """An entry for each problem that is still in the batch; all arrays are (B,).

    Attributes
    ----------
    place : int64
        What number a problem has among all.
    tolerance, target : float64, field units
        Of the bound, and of the estimate before the certificate is tried; the latter infinite until one has failed.
    estimate, residual : float64, field units
        As they were read last; ``least`` is the residual that the next ones have to halve, ``since`` so many cycles.
    cycles, tries : int64
    open : bool
        Whether it is still to be settled.
    """

    place: IndexArray
    tolerance: FloatArray
    target: FloatArray
    estimate: FloatArray
    residual: FloatArray
    least: FloatArray
    since: IndexArray
    cycles: IndexArray
    tries: IndexArray
    open: BoolArray

    @classmethod
    def begun(cls, place: IndexArray, tolerance: FloatArray) -> Self:
        """Nothing has happened yet."""
        far, none = np.full(place.size, math.inf), np.zeros(place.size, np.int64)
        return cls(
            place, tolerance.copy(), far, far.copy(), far.copy(), far.copy(), none, none.copy(), none.copy(),
            np.ones(place.size, np.bool_),
        )  # fmt: skip

    def of(self, which: BoolArray) -> Self:
        """Some of these."""
        return type(self)(*(getattr(self, each.name)[which] for each in fields(self)))

    def see(self, estimate: FloatArray, residual: FloatArray, on_path: BoolArray) -> None:
        """What the last cycle has come to."""
        self.estimate, self.residual = np.where(on_path, math.inf, estimate), residual
        halved = on_path | (residual < 0.5 * self.least)
        self.least = np.where(on_path, math.inf, np.where(halved, residual, self.least))
        self.since = np.where(halved, 0, self.since + 1)

    def went_on(self) -> None:
        """Another cycle; a problem that lacks nothing, or nothing that can be told, is not touched by it."""
        self.cycles += (self.residual > 0.0) & (self.residual < math.inf)

    def broken(self) -> BoolArray:
        """Whose residual is not finite: no cycle can mend that."""
        return np.asarray(self.open & ~(self.residual < math.inf))

    def ready(self) -> BoolArray:
        """Who is to be certified now."""
        target = np.minimum(_CERTIFY_AT * self.tolerance, self.target)
        come = self.estimate <= target
        return np.asarray(self.open & (come | (self.since >= _PATIENCE) | (self.cycles >= _MAX_CYCLES)))

    def tried(self, who: BoolArray, bound: FloatArray, *, mapped: bool) -> BoolArray:
        """Certified as far as ``bound``, (B,): who has been given up; the others of these are asked for more.

        ``mapped``: faces have conductances of their own, where what conducts hardly is far off while little is lacking.
        """
        short = who & self.open
        self.tries += short
        lower = 0.3 * np.minimum(_CERTIFY_AT * self.tolerance, self.target)
        if mapped:
            lower = lower * (self.tolerance / np.maximum(np.maximum(bound, self.tolerance), 1e-300))
        self.target = np.where(short, np.minimum(lower, 0.5 * self.estimate), self.target)
        self.least, self.since = np.where(short, math.inf, self.least), np.where(short, 0, self.since)
        return np.asarray(short & ((self.tries >= _MAX_TRIES) | (self.cycles >= _MAX_CYCLES)))
