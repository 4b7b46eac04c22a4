"""What a scenario is made of: its substrates and its cells, as plain tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.problem import BoolArray, FloatArray

__all__ = ["CellTable", "Disc", "Medium"]

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Disc:
    """A round vessel: it holds its value in all voxels whose centres it covers.

    Attributes
    ----------
    x_um, y_um : float, um
        Its centre, from the lattice's lower left corner.
    radius_um : float, um
        More than a voxel.
    value : float, field units
    """

    x_um: float
    y_um: float
    radius_um: float
    value: float


@dataclass(frozen=True, eq=False)
class Medium:
    """One substrate of a scenario.

    Attributes
    ----------
    name : str
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
    initial : float, field units
        The field everywhere before the first step.
    fixed : (H, W) bool
        Voxels that hold a value: vessels.
    value : (H, W) float64, field units
        What they hold; 0 elsewhere.
    discs : tuple of Disc
        Vessels that the host is told as discs.
    michaelis_km : float, field units, optional
        If given, uptake saturates: ``rate c km / (km + c)``.
    diffusivity_map : (H, W) float64, um^2 / min, optional
        What places conduct in the place of the number above.
    decay_map : (H, W) float64, 1 / min, optional
        The same of decay.
    regions : (H, W) int64, optional
        Between voxels of different regions there is a membrane.
    permeability_um_per_min : float, um / min
        That of these membranes.
    """

    name: str
    diffusivity_um2_per_min: float
    decay_per_min: float
    initial: float
    fixed: BoolArray
    value: FloatArray
    discs: tuple[Disc, ...] = ()
    michaelis_km: float | None = None
    diffusivity_map: FloatArray | None = None
    decay_map: FloatArray | None = None
    regions: Indices | None = None
    permeability_um_per_min: float = np.inf


@dataclass(frozen=True, eq=False)
class CellTable:
    """The cells of a scenario; row k is the same cell in every table of a story, until it dies.

    Attributes
    ----------
    position_um : (n, 2) float64, um
        Centres (x, y), from the lattice's lower left corner.
    volume_um3 : (n,) float64, um^3
    uptake_per_min, secretion_per_min : dict of substrate to (n,) float64, 1 / min
    secretion_target : dict of substrate to (n,) float64, field units
    production_per_min : dict of substrate to (n,) float64, field units times um^3 / min
        What a cell makes whatever is there already; a substrate that is left out is not made.
    diffusivity_um2_per_min : dict of substrate to (n,) float64, um^2 / min
        What a cell conducts; NaN for one that conducts as the medium, as all do of a substrate that is left out.
    membrane_um_per_min : dict of substrate to (n,) float64, um / min
        The permeability of its membrane; inf for none, as of a substrate that is left out.
    decay_change_per_min : dict of substrate to (n,) float64, 1 / min
        By how much decay in a voxel that the cell fills is above the background, or below it; 0 for a substrate that is
        left out.
    """

    position_um: FloatArray
    volume_um3: FloatArray
    uptake_per_min: Mapping[str, FloatArray]
    secretion_per_min: Mapping[str, FloatArray]
    secretion_target: Mapping[str, FloatArray]
    production_per_min: Mapping[str, FloatArray] = field(default_factory=dict)
    diffusivity_um2_per_min: Mapping[str, FloatArray] = field(default_factory=dict)
    membrane_um_per_min: Mapping[str, FloatArray] = field(default_factory=dict)
    decay_change_per_min: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.position_um)

    @property
    def radius_um(self) -> FloatArray:
        """Of spheres of the cells' volumes, (n,) float64, um."""
        return np.asarray(np.cbrt(self.volume_um3 * (0.75 / np.pi)))

    def made(self, name: str) -> FloatArray:
        """What each cell makes of a substrate, (n,) float64, field units times um^3 / min; 0 where nothing is said."""
        return np.asarray(self.production_per_min.get(name, np.zeros(len(self))))

    def conducts(self, name: str) -> FloatArray:
        """What each cell conducts of a substrate, (n,) float64, um^2 / min; NaN where nothing is said."""
        return np.asarray(self.diffusivity_um2_per_min.get(name, np.full(len(self), np.nan)))

    def membranes(self, name: str) -> FloatArray:
        """The permeability of each cell's membrane, (n,) float64, um / min; inf where nothing is said."""
        return np.asarray(self.membrane_um_per_min.get(name, np.full(len(self), np.inf)))

    def decays(self, name: str) -> FloatArray:
        """By how much each cell changes the decay of a substrate, (n,) float64, 1 / min; 0 where nothing is said."""
        return np.asarray(self.decay_change_per_min.get(name, np.zeros(len(self))))

    def at(self, position_um: FloatArray) -> CellTable:
        """The same cells elsewhere."""
        return replace(self, position_um=np.asarray(position_um, dtype=np.float64))

    def take(self, rows: Sequence[int] | range) -> CellTable:
        """Some of the cells, by row."""
        chosen = np.array(rows, dtype=np.int64)
        rates = (
            self.uptake_per_min, self.secretion_per_min, self.secretion_target, self.production_per_min,
            self.diffusivity_um2_per_min, self.membrane_um_per_min, self.decay_change_per_min,
        )  # fmt: skip
        return CellTable(
            self.position_um[chosen],
            self.volume_um3[chosen],
            *({name: rate[chosen] for name, rate in each.items()} for each in rates),
        )

    def eating(self, times: float) -> CellTable:
        """The same cells with their uptake multiplied."""
        return replace(self, uptake_per_min={name: times * rate for name, rate in self.uptake_per_min.items()})

    def giving(self, times: float) -> CellTable:
        """The same cells with their secretion multiplied."""
        return replace(self, secretion_per_min={name: times * rate for name, rate in self.secretion_per_min.items()})

    def making(self, times: float) -> CellTable:
        """The same cells with what they make multiplied."""
        return replace(self, production_per_min={name: times * rate for name, rate in self.production_per_min.items()})
