"""`surrogate-plugin physicell check`: settings, what they come to for each substrate, and what is wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surrogate_adapters.biofvm import do_not_diffuse
from surrogate_adapters.physicell.facts import substrate_of
from surrogate_adapters.physicell.findings import Finding, errors_of, warnings_of
from surrogate_adapters.physicell.settings import Settings, read_settings
from surrogate_adapters.physicell.step_errors import predictions
from surrogate_adapters.physicell.variables import Variable
from surrogate_adapters.quasi_steady import relaxation_min

__all__ = ["Checked", "Row", "check"]


@dataclass(frozen=True)
class Row:
    """One substrate.

    Attributes
    ----------
    variable : Variable
    nodes : int
        Voxels that its sides hold.
    length_um : float, um
        How far it reaches: the root of D over decay; infinite where nothing decays.
    rest_min : float, min
        How long it takes to come to rest.
    step_error : float or None
        The largest error that the diffusion step is predicted to make; None where nothing is predicted.
    """

    variable: Variable
    nodes: int
    length_um: float
    rest_min: float
    step_error: float | None


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes
    ----------
    settings : Settings
    rows : tuple of Row
    errors, warnings : tuple of Finding
    """

    settings: Settings
    rows: tuple[Row, ...]
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON; what is infinite is None."""
        lattice, times = self.settings.lattice, self.settings.times
        return {
            "settings": str(self.settings.path),
            "lattice": {
                "nodes": list(lattice.nodes),
                "spacing_um": list(lattice.spacing_um),
                "origin_um": list(lattice.origin_um),
                "use_2D": lattice.flat,
            },
            "times_min": {
                "diffusion": times.diffusion_min,
                "mechanics": times.mechanics_min,
                "phenotype": times.phenotype_min,
                "max_time": times.end_min,
            },
            "substrates": [_substrate(row) for row in self.rows],
            "cell_types": [
                {
                    "name": one.name,
                    "parent": one.parent,
                    "volume_um3": one.volume_um3,
                    "rates": {name: dict(vars(rates)) for name, rates in one.rates.items()},
                }
                for one in self.settings.cell_types
            ],
            "errors": [dict(vars(one)) for one in self.errors],
            "warnings": [dict(vars(one)) for one in self.warnings],
        }


def check(path: str | Path, share: float = 0.05) -> Checked:
    """Read settings and say what is wrong with them.

    Parameters
    ----------
    path : str or Path
        The XML.
    share : float
        Which error of a diffusion step is worth a warning.

    Returns
    -------
    Checked

    Raises
    ------
    InvalidProblemError
        If they cannot be read at all, as of `read_settings`.
    """
    settings = read_settings(path)
    errors = tuple(errors_of(settings))
    coefficients = {one.substrate for one in errors if one.kind == "coefficient"}
    still = do_not_diffuse(substrate_of(settings, one) for one in settings.variables)
    rows = tuple(_row(settings, one, one.name in still | coefficients) for one in settings.variables)
    return Checked(settings, rows, errors, tuple(warnings_of(settings, share)))


def _row(settings: Settings, variable: Variable, still: bool) -> Row:
    diffusivity, decay = variable.diffusivity_um2_per_min, variable.decay_per_min
    size, held = settings.lattice.size_um, bool(variable.sides)
    predicted = [] if still else predictions(settings, variable)
    return Row(
        variable,
        nodes=_held(settings, variable),
        length_um=math.sqrt(max(diffusivity, 0.0) / decay) if decay > 0.0 else math.inf,
        rest_min=relaxation_min(max(diffusivity, 0.0), max(decay, 0.0), size, held=held),
        step_error=max((abs(one.share) for one in predicted), default=None),
    )


def _held(settings: Settings, variable: Variable) -> int:
    """How many voxels sides hold, counted without the corners that other substrates let go."""
    counts = settings.lattice.nodes
    free = list(counts)
    for axis in range(3):
        ends = sum(side in variable.sides for side in (f"{'xyz'[axis]}min", f"{'xyz'[axis]}max"))
        free[axis] = max(counts[axis] - ends, 0)
    return math.prod(counts) - math.prod(free)


def _substrate(row: Row) -> dict[str, Any]:
    variable = row.variable
    return {
        "name": variable.name,
        "unit": variable.unit,
        "diffusivity_um2_per_min": variable.diffusivity_um2_per_min,
        "decay_per_min": variable.decay_per_min,
        "initial": variable.initial,
        "sides": dict(variable.sides),
        "nodes": row.nodes,
        "length_um": _finite(row.length_um),
        "rest_min": _finite(row.rest_min),
        "predicted_step_error": row.step_error,
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
