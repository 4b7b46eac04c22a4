"""One field: from the tissue on the host's lattice to the problem that is solved, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.fields import Field
from surrogate_adapters.compucell3d.tissue import Tissue

FloatArray = npt.NDArray[np.float64]


class Substrate:
    """What a field needs to be solved for on a lattice, the host's own or another one.

    Parameters
    ----------
    name : str
    field : Field
    domain : Domain
        The lattice solved on; of the same rectangle as the host's.
    lattice : (int, int)
        (rows, columns) of the host's lattice.

    Raises
    ------
    UnsupportedProblemError
        If uptake saturates and cells secrete towards a target besides.
    """

    def __init__(self, name: str, field: Field, domain: sp.Domain, lattice: tuple[int, int]) -> None:
        if field.michaelis_km is not None and field.secretion_per_min:
            raise sp.UnsupportedProblemError(
                f"field {name!r} has michaelis_km and secretion_per_min; only one of the two is allowed."
            )
        self.name = name
        self.field = field
        self.domain = domain
        self.lattice = lattice

    def config(self, periodic: tuple[bool, bool], options: Mapping[str, Any]) -> sp.BackendConfig:
        """The settings of its backend; ``periodic`` says whether the host's lattice is, along x and y."""
        return sp.BackendConfig(
            domain=self.domain,
            diffusivity_um2_per_min=self.field.diffusivity_um2_per_min,
            decay_per_min=self.field.decay_per_min,
            michaelis_km=self.field.michaelis_km,
            boundary=self._boundary(periodic),
            **options,
        )

    def state(self, tissue: Tissue) -> sp.TissueState:
        """What the cells do to the field, on the lattice that is solved on."""
        fixed, value = self._fixed(tissue)
        uptake, production = self._rates(tissue)
        shape = self.domain.shape
        if shape != self.lattice:
            fixed, value = sp.regrid_fixed(fixed, value, shape)
            uptake, production = sp.regrid(uptake, shape), sp.regrid(production, shape)
        return sp.TissueState(voxels=sp.Voxels(fixed, value, _plain(uptake), _plain(production)))

    def on_lattice(self, field: FloatArray, tissue: Tissue) -> FloatArray:
        """A field that was solved for, on the host's lattice, (H, W); vessels keep their own values."""
        if self.domain.shape == self.lattice:
            return field
        fixed, value = self._fixed(tissue)
        return np.where(fixed, value, sp.regrid(field, self.lattice))

    def _fixed(self, tissue: Tissue) -> tuple[npt.NDArray[np.bool_], FloatArray]:
        return tissue.of_types(self.field.fixed), tissue.spread(f"field {self.name!r}, fixed", self.field.fixed)

    def _rates(self, tissue: Tissue) -> tuple[FloatArray, FloatArray]:
        """Uptake (1 / min) and production (field units / min), (H, W) each."""
        field, unit = self.field, self.field.entries_per_min

        def spread(option: str, unit: float = 1.0) -> FloatArray:
            return tissue.spread(f"field {self.name!r}, {option}", getattr(field, option), unit)

        uptake, production = spread("uptake_per_min", unit), spread("production_per_min", unit)
        if field.secretion_per_min:
            secretion = spread("secretion_per_min", unit)
            uptake, production = uptake + secretion, production + secretion * spread("secretion_target")
        return uptake, production

    def _boundary(self, periodic: tuple[bool, bool]) -> Any:
        given = self.field.boundary
        if given is not None and not isinstance(given, Mapping):
            return given
        x, y = ("periodic" if wraps else "reflecting" for wraps in periodic)
        return {"left": x, "right": x, "bottom": y, "top": y} | dict(given or {})


def _plain(rates: FloatArray) -> FloatArray | float:
    """The number 0 where nothing happens anywhere, so that constant coefficients are seen as such."""
    return rates if rates.any() else 0.0
