"""What the demo found, which its table and its pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_adapters.demo.audit import Audit
from surrogate_adapters.pyphysicell import HistoryEntry


@dataclass(frozen=True)
class Outcome:
    """What the demo found; times in s, field values in mmHg.

    Attributes
    ----------
    phenotype_steps, cells_before, cells_after, vessels : int
    tolerance : float
    answered : dict
        How many fields each method answered.
    history : list of HistoryEntry
    audits : list of Audit
        Exact solves of the states that cells decided on.
    seconds_per_solve : dict
        Median of each policy, on the same states.
    seconds_per_phenotype_step : float
        All of the attached microenvironment's steps in one phenotype step, solves and holds, on average.
    host_seconds_per_step, host_steps : float, int
        One diffusion step of the host's own solver, and how many it takes for a phenotype step.
    seconds : float
        The whole demo.
    files : list of Path
    """

    phenotype_steps: int
    cells_before: int
    cells_after: int
    vessels: int
    tolerance: float
    answered: dict[str, int]
    history: list[HistoryEntry]
    audits: list[Audit]
    seconds_per_solve: dict[str, float]
    seconds_per_phenotype_step: float
    host_seconds_per_step: float
    host_steps: int
    seconds: float
    files: list[Path]

    @property
    def largest_bound(self) -> float:
        """Over all fields."""
        return max(entry.bound for entry in self.history)

    @property
    def largest_error(self) -> float:
        """Over the audited steps."""
        return max(audit.largest_error for audit in self.audits)

    @property
    def host_seconds_per_phenotype_step(self) -> float:
        """Measured time of one diffusion step times their number: an extrapolation."""
        return self.host_seconds_per_step * self.host_steps

    @property
    def speed_up(self) -> float:
        """Of a phenotype step's diffusion over the host's own stepping."""
        return self.host_seconds_per_phenotype_step / self.seconds_per_phenotype_step

    def figures(self) -> dict[str, Any]:
        """The numbers by name, for programs."""
        names = (
            "phenotype_steps", "cells_before", "cells_after", "vessels", "tolerance", "answered", "largest_bound",
            "largest_error", "seconds_per_solve", "seconds_per_phenotype_step", "host_seconds_per_step", "host_steps",
            "speed_up", "seconds",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"written": [str(path) for path in self.files]}
