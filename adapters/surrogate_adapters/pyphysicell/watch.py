"""What a field was solved for, and what of it has changed since: cells, Dirichlet nodes, coefficients, the field."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from surrogate_adapters.pyphysicell import reading

FloatArray = npt.NDArray[np.float64]


class Watch:
    """The state of a host as one substrate feels it, as it was at the last solve.

    Parameters
    ----------
    index : int
        The host's column of the substrate.
    move_limit_um : float, um, optional
        How far a cell may move before that counts as a change. If not given, it does when a cell that takes up,
        secretes or exports the substrate is in another voxel; within one nothing changes.
    every_cell : bool
        Whether that goes for cells too that exchange nothing, since they conduct otherwise than what is around them.
    """

    def __init__(self, index: int, move_limit_um: float | None, *, every_cell: bool = False) -> None:
        self.index = index
        self.move_limit_um = move_limit_um
        self._every_cell = every_cell
        self._cells = np.empty((8, 0))
        self._nodes: tuple[npt.NDArray[Any], ...] = ()
        self._coefficients = (0.0, 0.0)

    def remember(self, simulation: Any) -> None:
        """What later states are compared with."""
        me, cells, n, s = simulation.microenvironment, simulation.cells, simulation.cells.n, self.index
        voxel = reading.voxel_of(me, cells.position[:n]) if self.move_limit_um is None else np.zeros(n)
        self._cells = np.stack([*_place_of(cells), voxel, *_rates_of(cells, s)])
        self._nodes = _nodes_of(me, s)
        self._coefficients = reading.coefficients_of(me, s)

    def nodes_differ(self, microenvironment: Any) -> bool:
        """Whether Dirichlet nodes were added, taken away, switched or given other values."""
        return not all(map(np.array_equal, self._nodes, _nodes_of(microenvironment, self.index)))

    def coefficients_differ(self, microenvironment: Any) -> bool:
        """Whether diffusion or decay changed."""
        return reading.coefficients_of(microenvironment, self.index) != self._coefficients

    def is_same(self, simulation: Any) -> bool:
        """Whether all that was remembered is as it was, to the bit."""
        cells, me = simulation.cells, simulation.microenvironment
        if cells.n != self._cells.shape[1] or self.coefficients_differ(me) or self.nodes_differ(me):
            return False
        now = [*_place_of(cells), *_rates_of(cells, self.index)]
        return all(map(np.array_equal, [*self._cells[:2], *self._cells[3:]], now))

    def cells_differ(self, simulation: Any) -> str | None:
        """``count``, ``rates`` or ``moved``; None where the field feels no difference."""
        cells, me = simulation.cells, simulation.microenvironment
        if cells.n != self._cells.shape[1]:
            return "count"
        from surrogate_adapters.pyphysicell import kernels

        found = kernels.difference(
            self._cells,
            -1.0 if self.move_limit_um is None else self.move_limit_um,
            np.array([me.origin[0], me.origin[1], me.dx, me.dy]),
            np.array([me.nx, me.ny]),
            self._every_cell,
            cells.position,
            cells.volume_total,
            cells.uptake_rate,
            cells.secretion_rate,
            cells.secretion_target,
            cells.net_export_rate,
            self.index,
        )
        return {kernels.SAME: None, kernels.CHANGED: "rates", kernels.MOVED: "moved"}[found]


def _place_of(cells: Any) -> list[FloatArray]:
    """Where cells are, (n,) along x and along y."""
    return [cells.position[: cells.n, 0], cells.position[: cells.n, 1]]


def _rates_of(cells: Any, index: int) -> list[FloatArray]:
    """Their volumes and their rates of one substrate, (n,) each."""
    rates = (cells.uptake_rate, cells.secretion_rate, cells.secretion_target, cells.net_export_rate)
    return [cells.volume_total[: cells.n], *(rate[: cells.n, index] for rate in rates)]


class Written(NamedTuple):
    """What somebody wrote over the field that was left.

    Attributes
    ----------
    anywhere : bool
        Whether any voxel is not what it was, those of nodes included.
    voxels : int
        How many free voxels are not.
    most : float
        By how much they are off at most.
    """

    anywhere: bool
    voxels: int
    most: float


def written(microenvironment: Any, index: int, field: FloatArray) -> Written:
    """What somebody wrote over a field."""
    from surrogate_adapters.pyphysicell import kernels

    me = microenvironment
    if not kernels.written(me.density.reshape(-1), me.ns, index, field.reshape(-1)):
        return Written(False, 0, 0.0)
    now = me.density[0, :, :, index]
    off = np.abs(now - field).ravel()
    # A node holds its own value whatever is written there, so that is no news, and is put back all the same.
    off[np.asarray(me.dirichlet_idx)[np.asarray(me.dirichlet_mask)[:, index].astype(bool)]] = 0.0
    off[np.isnan(off)] = np.inf
    return Written(True, int(np.count_nonzero(off)), float(off.max()))


def _nodes_of(microenvironment: Any, index: int) -> tuple[npt.NDArray[Any], ...]:
    """Where nodes hold a substrate, and at what."""
    on = np.asarray(microenvironment.dirichlet_mask)[:, index].astype(bool)
    return np.asarray(microenvironment.dirichlet_idx)[on], np.asarray(microenvironment.dirichlet_val)[on, index]
