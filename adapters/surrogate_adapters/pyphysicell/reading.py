"""What pyphysicell keeps, in the terms of the core: its lattice, its Dirichlet voxels and its cells.

pyphysicell orders voxels ``n = (k ny + j) nx + i`` and densities (nz, ny, nx, substrate), so that with one layer a
substrate is already (rows = y, columns = x) and nothing is turned.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.nodes import Nodes
from surrogate_adapters.pyphysicell.medium import Medium

FloatArray = npt.NDArray[np.float64]


def domain_of(microenvironment: Any) -> sp.Domain:
    """The host's lattice.

    Raises
    ------
    UnsupportedProblemError
        If it has more than one layer of voxels.
    """
    me = microenvironment
    if me.nz != 1:
        raise sp.UnsupportedProblemError(
            f"the microenvironment has {me.nz} layers of voxels along z; one is allowed (use_2D)."
        )
    spacing = me.dx if math.isclose(me.dx, me.dy, rel_tol=1e-12) else (me.dy, me.dx)
    return sp.Domain.from_lattice((me.ny, me.nx), spacing, origin_um=me.origin[:2], thickness_um=me.dz)


def index_of(microenvironment: Any, substrate: str) -> int:
    """The host's column of a substrate, or an error that names those it has."""
    names = list(microenvironment.model.substrate_names)
    if substrate not in names:
        known = ", ".join(names) or "none"
        raise sp.UnsupportedProblemError(f"the host has no substrate {substrate!r}; it has {known}.")
    return names.index(substrate)


def coefficients_of(microenvironment: Any, index: int) -> tuple[float, float]:
    """Diffusivity (um^2 / min) and decay (1 / min) as the host's solver steps with them.

    They are the host's private copies: it takes no notice of a model that is changed after its simulation was made.
    """
    return float(microenvironment._D[index]), float(microenvironment._lambda[index])


def largest_held(microenvironment: Any, index: int) -> float:
    """The largest value that a Dirichlet node holds a substrate at; 0 where none does."""
    me = microenvironment
    on = np.asarray(me.dirichlet_mask)[:, index].astype(bool)
    return float(np.asarray(me.dirichlet_val)[on, index].max(initial=0.0))


def nodes_of(microenvironment: Any, index: int) -> Nodes:
    """Those of a substrate, as they are now."""
    me = microenvironment
    on = np.asarray(me.dirichlet_mask)[:, index].astype(bool)
    where = np.asarray(me.dirichlet_idx)[on]
    fixed, value = np.zeros((me.ny, me.nx), dtype=np.bool_), np.zeros((me.ny, me.nx))
    fixed.reshape(-1)[where] = True
    value.reshape(-1)[where] = np.asarray(me.dirichlet_val)[on, index]
    value.flags.writeable = False  # so that the core takes it without another copy
    return Nodes(fixed, value)


def voxels_of(nodes: Nodes, production: FloatArray | None = None, **places: Any) -> sp.Voxels:
    """Dirichlet voxels, what is made in each, and what places conduct and decay, in the terms of the core."""
    return sp.Voxels(nodes.fixed, nodes.value, production_per_min=0.0 if production is None else production, **places)


def voxel_of(microenvironment: Any, position: FloatArray) -> npt.NDArray[np.int64]:
    """The voxel of each place, (n,), by the host's own rule: the nearest one for what is off the lattice."""
    me = microenvironment
    place = np.floor((position[:, :2] - np.array(me.origin[:2])) / np.array([me.dx, me.dy]))
    column, row = np.clip(np.nan_to_num(place), 0, [me.nx - 1, me.ny - 1]).astype(np.int64).T
    return np.asarray(row * me.nx + column)


def cells_of(cells: Any, index: int, **further: FloatArray) -> sp.Cells:
    """The host's cells, each diluted in the one voxel that holds its centre, with what a `Medium` says of them."""
    n = cells.n
    return sp.Cells(
        position_um=cells.position[:n, :2],
        volume_um3=cells.volume_total[:n],
        uptake_per_min=cells.uptake_rate[:n, index],
        secretion_per_min=cells.secretion_rate[:n, index],
        secretion_target=cells.secretion_target[:n, index],
        **further,
    )


def export_of(simulation: Any, index: int, domain: sp.Domain) -> FloatArray | None:
    """Production by net export, (H, W) field units / min: ``sum of rates / voxel volume``; None where there is none.

    Raises
    ------
    UnsupportedProblemError
        If a cell's net export is negative: a constant drain can take the field below zero.
    """
    cells = simulation.cells
    rate = cells.net_export_rate[: cells.n, index]
    if not rate.any():
        return None
    if (rate < 0).any():
        cell = int(np.argmax(rate < 0))
        raise sp.UnsupportedProblemError(
            f"cell {cell} has net export {rate[cell]:g}; values >= 0 are allowed: use uptake for what cells take in."
        )
    rows, columns = domain.shape
    voxel = voxel_of(simulation.microenvironment, cells.position[: cells.n])
    total = np.bincount(voxel, weights=rate, minlength=rows * columns)
    return np.asarray(total.reshape(domain.shape) / domain.voxel_volume_um3)


def state_of(
    simulation: Any, index: int, domain: sp.Domain, nodes: Nodes | None = None, medium: Medium | None = None
) -> sp.TissueState:
    """Everything one substrate's field depends on, now; with other nodes than the host's, if they are given."""
    me, medium = simulation.microenvironment, Medium() if medium is None else medium
    held = nodes_of(me, index) if nodes is None else nodes
    places = medium.of_voxels(simulation)
    around: float | FloatArray = coefficients_of(me, index)[1]
    if "decay_per_min" in places:
        there = voxel_of(me, simulation.cells.position[: simulation.cells.n])
        around = np.broadcast_to(places["decay_per_min"], domain.shape).reshape(-1)[there]
    cells = cells_of(simulation.cells, index, **medium.of_cells(simulation, around))
    made = export_of(simulation, index, domain)
    return sp.TissueState(cells, voxels=voxels_of(held, made, **places))
