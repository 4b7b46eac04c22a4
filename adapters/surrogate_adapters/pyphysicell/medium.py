"""What conducts and decays otherwise than the host says: types of cells, single cells, places, sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp

FloatArray = npt.NDArray[np.float64]

__all__ = ["Medium"]

#: The host's names of its faces, and the core's of the sides.
_SIDES = {"xmin": "left", "xmax": "right", "ymin": "bottom", "ymax": "top"}


@dataclass(frozen=True)
class Medium:
    """How one substrate gets about, beyond what the host can say of it; nothing of it is so unless it is given.

    Between two voxels that conduct differently counts the harmonic mean, so that nothing passes into an obstacle. The
    host's own solver knows nothing of this: it is for substrates that are answered for.

    Parameters
    ----------
    diffusivity_by_type_um2_per_min : mapping of cell type to float, um^2 / min
        What cells conduct, 0 for obstacles, in the share of their voxel that their volume is.
    decay_by_type_per_min : mapping of cell type to float, 1 / min
        What decays in a voxel that the cell fills, in the place of the substrate's decay rate or of what the place has,
        be it more or less.
    membrane_by_type_um_per_min : mapping of cell type to float, um / min
        The permeability around the voxels of these cells; 0 lets nothing through.
    cells : callable, optional
        Takes the simulation, and returns what each cell has of its own: a mapping of ``diffusivity_um2_per_min``,
        ``decay_change_per_min`` and ``membrane_um_per_min`` to (n,), as `surrogate_plugin.Cells` takes them; in the
        place of what its type has.
    voxels : callable or mapping, optional
        What places have: ``diffusivity_um2_per_min`` and ``decay_per_min``, (ny, nx), and ``membranes``, as
        `surrogate_plugin.Voxels` takes them; a callable takes the simulation.
    sides : mapping of "xmin", "xmax", "ymin" or "ymax" to Flux, Exchange or float
        What comes in through an outer face: `surrogate_plugin.Flux` (field units um / min),
        `surrogate_plugin.Exchange`, or a value that is held on the face itself. The others let nothing through.

    Examples
    --------
    >>> medium = Medium(diffusivity_by_type_um2_per_min={"cartilage": 1e4}, sides={"xmin": sp.Flux(200.0)})
    >>> medium.boundary.left.kind, medium.boundary.right.kind
    ('flux', 'reflecting')
    """

    diffusivity_by_type_um2_per_min: Mapping[str, float] = field(default_factory=dict)
    decay_by_type_per_min: Mapping[str, float] = field(default_factory=dict)
    membrane_by_type_um_per_min: Mapping[str, float] = field(default_factory=dict)
    cells: Callable[[Any], Mapping[str, npt.ArrayLike]] | None = None
    voxels: Callable[[Any], Mapping[str, Any]] | Mapping[str, Any] | None = None
    sides: Mapping[str, Any] = field(default_factory=dict)

    def require(self, simulation: Any) -> None:
        """Refuse types and sides that the host does not have.

        Raises
        ------
        InvalidProblemError
        """
        known = list(simulation.type_index)
        for option in ("diffusivity_by_type_um2_per_min", "decay_by_type_per_min", "membrane_by_type_um_per_min"):
            for name in getattr(self, option):
                if name not in known:
                    raise sp.InvalidProblemError(f"{option} names {name!r}; the cell types are {', '.join(known)}.")
        _ = self.boundary

    @property
    def boundary(self) -> sp.Boundary:
        """The outer faces, as the core names them.

        Raises
        ------
        InvalidProblemError
            If a side is unknown or not allowed.
        """
        for name in self.sides:
            if name not in _SIDES:
                raise sp.InvalidProblemError(f"sides names {name!r}; allowed are {', '.join(_SIDES)}.")
        return sp.Boundary.parse({_SIDES[name]: side for name, side in self.sides.items()}, unnamed="reflecting")

    @property
    def is_of_cells(self) -> bool:
        """Whether it matters where cells are that exchange nothing."""
        by_type = (self.diffusivity_by_type_um2_per_min, self.decay_by_type_per_min, self.membrane_by_type_um_per_min)
        return self.cells is not None or any(by_type)

    def of_cells(self, simulation: Any, decay_per_min: float | FloatArray) -> dict[str, FloatArray]:
        """What the host's cells have, as `surrogate_plugin.Cells` takes it; where so much decays around each."""
        found = {}
        if self.diffusivity_by_type_um2_per_min:
            found["diffusivity_um2_per_min"] = _by_type(simulation, self.diffusivity_by_type_um2_per_min, np.nan)
        if self.decay_by_type_per_min:
            decay = _by_type(simulation, self.decay_by_type_per_min, np.nan)
            found["decay_change_per_min"] = np.where(np.isnan(decay), 0.0, decay - decay_per_min)
        if self.membrane_by_type_um_per_min:
            found["membrane_um_per_min"] = _by_type(simulation, self.membrane_by_type_um_per_min, np.inf)
        if self.cells is not None:
            found |= {name: np.array(each, dtype=np.float64) for name, each in self.cells(simulation).items()}
        return found

    def of_voxels(self, simulation: Any) -> dict[str, Any]:
        """What places have, as `surrogate_plugin.Voxels` takes it."""
        return dict((self.voxels(simulation) if callable(self.voxels) else self.voxels) or {})


def _by_type(simulation: Any, given: Mapping[str, float], unnamed: float) -> FloatArray:
    """(n,) by the type of each cell."""
    each = np.full(len(simulation.type_index), unnamed)
    for name, value in given.items():
        each[simulation.type_index[name]] = value
    return np.asarray(each[simulation.cells.type_idx[: simulation.cells.n]])
