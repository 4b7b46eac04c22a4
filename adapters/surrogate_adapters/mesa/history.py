"""What an attachment remembers of each field."""

from __future__ import annotations

from dataclasses import dataclass

import surrogate_plugin as sp


@dataclass(frozen=True)
class HistoryEntry:
    """The field of one substrate at one update.

    Attributes
    ----------
    substrate : str
    step : int
        How many steps the model had finished.
    record : StepRecord
        Who answered, the bound, the time, the flags.
    """

    substrate: str
    step: int
    record: sp.StepRecord

    @property
    def method(self) -> str:
        """Who answered; ``held`` if nothing had changed since the update before."""
        return self.record.method

    @property
    def bound(self) -> float:
        """At least the largest pointwise error of the field, field units."""
        return self.record.bound
