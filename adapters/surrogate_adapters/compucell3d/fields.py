"""What a field's cells do to it, by cell type: in micrometres and minutes, or in the host's pixels and MCS."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from surrogate_adapters.checked import Checked, NotNegative, Positive

__all__ = ["Amounts", "Field", "LatticeField"]


def _amount(given: float | str) -> float | str:
    if given == "" or (isinstance(given, float) and not (math.isfinite(given) and given >= 0)):
        raise PydanticCustomError("amount", "a finite number >= 0, or the name of an entry of cell.dict, is allowed")
    return given


#: For each cell type a number, or the name of the entry of ``cell.dict`` in which each cell keeps its own.
Amounts = Mapping[str, Annotated[float | str, AfterValidator(_amount)]]

Sides = str | float | Mapping[str, str | float]


class Field(Checked):
    """One field, in micrometres and minutes.

    Each option that goes by cell type maps names of types to a number or to the name of an entry of ``cell.dict``, in
    which each cell of the type keeps a number of its own. Types that are not named do nothing; ``"Medium"`` is a type
    like any other, with numbers only. A rate is that of each voxel of the cell, so a cell of twice the volume takes up
    twice as much.

    Parameters
    ----------
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
        Background decay, in all voxels.
    uptake_per_min : by cell type, 1 / min
        First-order uptake.
    secretion_per_min, secretion_target : by cell type, 1 / min and field units
        Secretion towards a target: it adds ``secretion (target - field)``.
    production_per_min : by cell type, field units / min
        Constant secretion, as the host's ``SecretionData`` has it.
    fixed : by cell type, field units
        The value that voxels of these types hold: vessels.
    boundary : str, float or mapping of side to either, optional
        As in `surrogate_plugin.Problem`; sides not given are periodic where the host's lattice is, and let nothing
        through elsewhere.
    michaelis_km : float, field units, optional
        If given, uptake saturates: ``rate c km / (km + c)``.
    entries_per_min : float, 1 / min
        The unit of the rates kept in ``cell.dict``.

    Raises
    ------
    InvalidProblemError
        One sentence naming the option, its value and what is allowed.

    Examples
    --------
    >>> oxygen = Field(
    ...     diffusivity_um2_per_min=1e5, decay_per_min=0.1,
    ...     uptake_per_min={"Tumour": 10.0, "Stroma": "oxygen_uptake"}, fixed={"Vessel": 38.0})
    >>> oxygen.uptake_per_min["Stroma"]
    'oxygen_uptake'
    """

    diffusivity_um2_per_min: Positive
    decay_per_min: NotNegative = 0.0
    uptake_per_min: Amounts = Setting(default_factory=dict)
    secretion_per_min: Amounts = Setting(default_factory=dict)
    secretion_target: Amounts = Setting(default_factory=dict)
    production_per_min: Amounts = Setting(default_factory=dict)
    fixed: Amounts = Setting(default_factory=dict)
    boundary: Sides | None = None
    michaelis_km: Positive | None = None
    entries_per_min: Positive = 1.0

    def by_type(self) -> dict[str, Amounts]:
        """The options that go by cell type, under their names."""
        names = ("uptake_per_min", "secretion_per_min", "secretion_target", "production_per_min", "fixed")
        return {name: getattr(self, name) for name in names}


class LatticeField(Checked):
    """One field, in the units of the host's XML: pixels and Monte Carlo steps.

    Parameters
    ----------
    diffusivity_pixel2_per_mcs : float, pixel^2 / MCS
        The host's ``GlobalDiffusionConstant``.
    decay_per_mcs : float, 1 / MCS
        The host's ``GlobalDecayConstant``.
    uptake_per_mcs, secretion_per_mcs : by cell type, 1 / MCS
    production_per_mcs : by cell type, field units / MCS
    secretion_target, fixed, boundary, michaelis_km
        As in `Field`; rates kept in ``cell.dict`` are per MCS too.

    Examples
    --------
    >>> oxygen = LatticeField(diffusivity_pixel2_per_mcs=250.0, decay_per_mcs=0.1, fixed={"Vessel": 38.0})
    >>> physical = oxygen.physical(um_per_pixel=4.0, minutes_per_mcs=0.5)
    >>> physical.diffusivity_um2_per_min, physical.decay_per_min
    (8000.0, 0.2)
    """

    diffusivity_pixel2_per_mcs: Positive
    decay_per_mcs: NotNegative = 0.0
    uptake_per_mcs: Amounts = Setting(default_factory=dict)
    secretion_per_mcs: Amounts = Setting(default_factory=dict)
    secretion_target: Amounts = Setting(default_factory=dict)
    production_per_mcs: Amounts = Setting(default_factory=dict)
    fixed: Amounts = Setting(default_factory=dict)
    boundary: Sides | None = None
    michaelis_km: Positive | None = None

    def physical(self, um_per_pixel: float, minutes_per_mcs: float) -> Field:
        """The same field in micrometres and minutes."""
        return Field(
            diffusivity_um2_per_min=self.diffusivity_pixel2_per_mcs * um_per_pixel**2 / minutes_per_mcs,
            decay_per_min=self.decay_per_mcs / minutes_per_mcs,
            uptake_per_min=_divided(self.uptake_per_mcs, minutes_per_mcs),
            secretion_per_min=_divided(self.secretion_per_mcs, minutes_per_mcs),
            secretion_target=self.secretion_target,
            production_per_min=_divided(self.production_per_mcs, minutes_per_mcs),
            fixed=self.fixed,
            boundary=self.boundary,
            michaelis_km=self.michaelis_km,
            entries_per_min=1.0 / minutes_per_mcs,
        )


def _divided(amounts: Amounts, by: float) -> dict[str, float | str]:
    """Numbers converted; entries of ``cell.dict`` are when they are read."""
    return {name: amount if isinstance(amount, str) else amount / by for name, amount in amounts.items()}
