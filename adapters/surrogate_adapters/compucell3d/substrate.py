"""One field: from the tissue on the host's lattice to the problem that is solved, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.fields import Field
from surrogate_adapters.compucell3d.interpolation import smooth
from surrogate_adapters.compucell3d.sides import fluxes
from surrogate_adapters.compucell3d.spreads import Spreads
from surrogate_adapters.compucell3d.tissue import Tissue

FloatArray = npt.NDArray[np.float64]

_EDGES: dict[str, Any] = {"left": np.s_[:, 0], "right": np.s_[:, -1], "bottom": np.s_[0, :], "top": np.s_[-1, :]}


class Substrate:
    """What a field needs to be solved for on a lattice, the host's own or another one.

    Parameters
    ----------
    name : str
    field : Field
    domain : Domain
        The lattice solved on; of the same rectangle as the host's.
    lattice : Domain
        The host's own.
    periodic : (bool, bool)
        Whether the host's lattice wraps around, along x and along y.
    per : "min" or "mcs"
        The time that the user's rates are by, for the errors.

    Raises
    ------
    UnsupportedProblemError
        If uptake saturates and cells secrete towards a target besides.
    InvalidProblemError
        If the sides are none that the field can have.
    """

    def __init__(
        self,
        name: str,
        field: Field,
        domain: sp.Domain,
        lattice: sp.Domain,
        periodic: tuple[bool, bool],
        per: str = "min",
    ) -> None:
        if field.michaelis_km is not None and field.secretion_per_min:
            raise sp.UnsupportedProblemError(
                f"field {name!r} has michaelis_km and secretion_per_{per}; only one of the two is allowed."
            )
        self.name = name
        self.field = field
        self.domain = domain
        self.lattice = lattice
        self._per = per
        self._spreads = Spreads()
        x, y = ("periodic" if wraps else "reflecting" for wraps in periodic)
        own = {"left": x, "right": x, "bottom": y, "top": y}
        try:
            given = own if field.boundary is None else fluxes(field.boundary, field.diffusivity_um2_per_min)
            boundary = sp.Boundary.parse(given, unnamed=own)
        except sp.InvalidProblemError as error:
            raise sp.InvalidProblemError(f"field {name!r}: {error}") from None
        #: What the edge pixels hold, by side; the sides themselves hold it where this is empty.
        self._held_at_the_edge = _held(boundary) if field.boundary_at == "edge" else {}
        self.boundary = _without(boundary, self._held_at_the_edge)

    @property
    def elsewhere(self) -> bool:
        """Whether another lattice than the host's is solved on."""
        return self.domain.shape != self.lattice.shape

    def config(self, settings: sp.Settings, *, host: bool = False) -> sp.BackendConfig:
        """The settings of its backend, on the lattice that is solved on or on the host's own."""
        return sp.BackendConfig(
            domain=self.lattice if host else self.domain,
            diffusivity_um2_per_min=self.field.diffusivity_um2_per_min,
            decay_per_min=self.field.decay_per_min,
            michaelis_km=self.field.michaelis_km,
            boundary=self.boundary,
            initial=self.field.initial,
            **dict(settings),
        )

    def state(self, tissue: Tissue) -> sp.TissueState:
        """What the cells and the edges do to the field, on the host's lattice."""
        self._spreads.follow(tissue)
        fixed, value = self._fixed(tissue)
        uptake, production = self._rates(tissue)
        voxels = sp.Voxels(fixed, value, _plain(uptake), _plain(production), **self._conduction(tissue))
        return sp.TissueState(voxels=voxels)

    def solved_on(self, state: sp.TissueState) -> sp.TissueState:
        """A state of the host's lattice on the lattice that is solved on: rates averaged, held values kept."""
        voxels, shape = state.voxels, self.domain.shape
        if not self.elsewhere or voxels is None or voxels.fixed is None:
            return state
        fixed, value = sp.regrid_fixed(voxels.fixed, np.broadcast_to(voxels.value, voxels.fixed.shape), shape)
        rates = (_regridded(rate, shape) for rate in (voxels.uptake_per_min, voxels.production_per_min))
        decay = None if voxels.decay_per_min is None else _regridded(voxels.decay_per_min, shape)
        return sp.TissueState(voxels=sp.Voxels(fixed, value, *rates, decay_per_min=decay))

    def on_lattice(self, field: FloatArray, state: sp.TissueState) -> FloatArray:
        """A field that was solved for, on the host's lattice, (H, W); what holds a value there holds its own."""
        voxels = state.voxels
        if not self.elsewhere or voxels is None or voxels.fixed is None:
            return field
        shape = self.lattice.shape
        # Averages of whole pixels have no stairs, and leave what cells take up as it is in the field.
        finer = all(solved % own == 0 for solved, own in zip(field.shape, shape, strict=True))
        brought = sp.regrid(field, shape) if finer else smooth(field, shape, self.boundary)
        return np.where(voxels.fixed, voxels.value, brought)

    def supplied(self) -> bool:
        """Whether anything that is described can ever make the field other than 0."""
        field = self.field
        makes = [field.production_per_min, field.production_at_boundary_per_min, field.secretion_target, field.fixed]
        makes.extend(field.production_on_contact_per_min.values())
        held = max([self.boundary.largest_value, *self._held_at_the_edge.values()])
        held = max(held, *(side.rate for side in self.boundary.sides if side.kind == "flux"), 0.0)
        return held > 0 or any(amount != 0 for by_type in makes for amount in by_type.values())

    def holds(self) -> bool:
        """Whether a side or a type of cells holds a value."""
        return bool(self.field.fixed or self._held_at_the_edge) or self.boundary.holds_a_value

    def _fixed(self, tissue: Tissue) -> tuple[npt.NDArray[np.bool_], FloatArray]:
        fixed = tissue.of_types(self.field.fixed)
        value = self._spreads.spread(f"field {self.name!r}, fixed", self.field.fixed)
        value = value.copy() if self._held_at_the_edge else value
        for side, held in self._held_at_the_edge.items():
            fixed[_EDGES[side]], value[_EDGES[side]] = True, held
        return fixed, value

    def _conduction(self, tissue: Tissue) -> dict[str, Any]:
        """What is so by type or by cell of what conducts and decays, as `sp.Voxels` names it."""
        field, per_min, um = self.field, self.field.entries_per_min, self.field.entries_um
        found: dict[str, Any] = {}

        def spread(option: str, unit: float, unnamed: float) -> FloatArray:
            return self._spreads.spread(f"field {self.name!r}, {option}", getattr(field, option), unit, unnamed)

        if field.diffusivity_by_type_um2_per_min:
            unnamed = field.diffusivity_um2_per_min
            own = spread("diffusivity_by_type_um2_per_min", um**2 * per_min, unnamed)
            found["diffusivity_um2_per_min"] = own
        if field.decay_by_type_per_min:
            found["decay_per_min"] = spread("decay_by_type_per_min", per_min, field.decay_per_min)
        if field.membrane_um_per_min:
            found["membranes"] = tissue.membranes(spread("membrane_um_per_min", um * per_min, np.inf))
        return found

    def _rates(self, tissue: Tissue) -> tuple[FloatArray, FloatArray]:
        """Uptake (1 / min) and production (field units / min), (H, W) each."""
        field, unit = self.field, self.field.entries_per_min

        def spread(option: str, unit: float = 1.0) -> FloatArray:
            said = option.replace("_per_min", f"_per_{self._per}")
            return self._spreads.spread(f"field {self.name!r}, {said}", getattr(field, option), unit)

        uptake, production = spread("uptake_per_min", unit), spread("production_per_min", unit)
        if field.production_at_boundary_per_min:
            production = production + np.where(
                tissue.at_boundary(), spread("production_at_boundary_per_min", unit), 0.0
            )
        if field.production_on_contact_per_min:
            production = production + tissue.on_contact(field.production_on_contact_per_min)
        if field.secretion_per_min:
            secretion = spread("secretion_per_min", unit)
            uptake, production = uptake + secretion, production + secretion * spread("secretion_target")
        return uptake, production


def _held(boundary: sp.Boundary) -> dict[str, float]:
    """The values that sides hold, by side, in the order in which the later one wins a corner."""
    return {name: side.value for name in _EDGES if (side := getattr(boundary, name)).kind == "value"}


def _without(boundary: sp.Boundary, held: Mapping[str, float]) -> sp.Boundary:
    """The same sides, but for those whose value the edge pixels hold: nothing gets there."""
    return sp.Boundary.parse(dict.fromkeys(held, "reflecting"), unnamed=boundary) if held else boundary


def _regridded(rate: float | FloatArray, shape: tuple[int, int]) -> float | FloatArray:
    return sp.regrid(rate, shape) if isinstance(rate, np.ndarray) else rate


def _plain(rates: FloatArray) -> FloatArray | float:
    """The number 0 where nothing happens anywhere, so that constant coefficients are seen as such."""
    return rates if rates.any() else 0.0
