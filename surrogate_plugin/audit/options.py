"""What is asked of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Below which value of a substrate cells count as hypoxic, where nobody says otherwise, field units.
THRESHOLDS: Mapping[str, float] = {"oxygen": 5.0}


@dataclass(frozen=True)
class Options:
    """What is asked of an audit.

    Attributes
    ----------
    substrates, moments : sequence of str or None
        Those to audit; all if None.
    tolerance : float or None, field units
        Up to which a difference counts as none; 1 % of the largest value if None.
    thresholds : mapping of str to float, field units
        By substrate.
    in_time : bool
        Whether to take certified steps between moments too.
    """

    substrates: Sequence[str] | None = None
    moments: Sequence[str] | None = None
    tolerance: float | None = None
    thresholds: Mapping[str, float] | None = None
    in_time: bool = True

    def threshold(self, substrate: str) -> float | None:
        """Where cells of a substrate are divided, if they are."""
        return (THRESHOLDS if self.thresholds is None else {**THRESHOLDS, **self.thresholds}).get(substrate)
