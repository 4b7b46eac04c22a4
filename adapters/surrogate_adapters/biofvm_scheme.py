"""BioFVM's own time step as its documentation describes it, which both of PhysiCell's adapters audit against.

Diffusion goes along x, then along y, by an implicit step each that takes half of the decay; Dirichlet voxels are set
before, between and after the two, and are ordinary voxels inside them. Then each cell exchanges with its voxel by an
implicit step of its own, one cell after another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_banded

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Exchange:
    """What cells do to one substrate, in the order in which the host steps them.

    Attributes
    ----------
    voxel : (n,) int64
        ``row * columns + column``.
    share : (n,) float64
        Their volumes, in voxels.
    secretion, uptake : (n,) float64, 1 / min
    target : (n,) float64, field units
    export : (n,) float64, field units / min
        Net export over the volume of a voxel.
    """

    voxel: npt.NDArray[np.int64]
    share: FloatArray
    secretion: FloatArray
    uptake: FloatArray
    target: FloatArray
    export: FloatArray

    def over(self, dt_min: float, voxels: int) -> tuple[FloatArray, FloatArray]:
        """What a step makes of a voxel: the factor of its value and what is added, (voxels,) each.

        Examples
        --------
        >>> one = np.ones(1)
        >>> alone = Exchange(np.array([1]), one, one, 3.0 * one, 2.0 * one, 0.0 * one)
        >>> [each.tolist() for each in alone.over(0.25, 2)]
        [[1.0, 0.5], [0.0, 0.25]]
        """
        factor, added = np.ones(voxels), np.zeros(voxels)
        taken = dt_min * self.share
        divisor = 1.0 + taken * (self.secretion + self.uptake)
        supply = taken * self.secretion * self.target
        for cells in self._turns():
            where = self.voxel[cells]
            factor[where] /= divisor[cells]
            added[where] = (added[where] + supply[cells]) / divisor[cells] + dt_min * self.export[cells]
        return factor, added

    def _turns(self) -> list[npt.NDArray[np.int64]]:
        """The cells by their turn in their voxel: the first of each voxel, the second, ..."""
        order = np.argsort(self.voxel, kind="stable")
        _, first, counts = np.unique(self.voxel[order], return_index=True, return_counts=True)
        turn = np.arange(len(order)) - np.repeat(first, counts)
        return [order[turn == k] for k in range(int(counts.max(initial=0)))]


@dataclass(frozen=True, eq=False)
class Scheme:
    """BioFVM's solver of 2-D models for one substrate, with cells and nodes held.

    Parameters
    ----------
    diffusivity, decay : float, um^2 / min and 1 / min
    spacings_um : (float, float), um
        (along y, along x), as the host's solver has them.
    fixed : (H, W) bool
    value : (H, W) float64, field units
    cells : Exchange

    Examples
    --------
    >>> nobody = Exchange(np.empty(0, dtype=np.int64), *[np.empty(0)] * 5)
    >>> fixed = np.zeros((3, 4), dtype=bool); fixed[:, 0] = True
    >>> step = Scheme(1e5, 0.0, (20.0, 20.0), fixed, np.full((3, 4), 38.0), nobody)(0.01)
    >>> bool(np.allclose(step(np.full((3, 4), 38.0)), 38.0))
    True
    """

    diffusivity: float
    decay: float
    spacings_um: tuple[float, float]
    fixed: npt.NDArray[np.bool_]
    value: FloatArray
    cells: Exchange

    def __call__(self, dt_min: float) -> Step:
        """Its step of a length."""
        rows, columns = self.fixed.shape
        factor, added = self.cells.over(dt_min, self.fixed.size)
        dy, dx = self.spacings_um
        return Step(
            self.fixed,
            self.value[self.fixed],
            _bands(columns, dt_min * self.diffusivity / dx**2, 0.5 * dt_min * self.decay),
            _bands(rows, dt_min * self.diffusivity / dy**2, 0.5 * dt_min * self.decay),
            factor.reshape(self.fixed.shape),
            added.reshape(self.fixed.shape),
        )


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a length; an affine map."""

    fixed: npt.NDArray[np.bool_]
    held: FloatArray
    along_x: FloatArray
    along_y: FloatArray
    factor: FloatArray
    added: FloatArray

    def __call__(self, field: FloatArray) -> FloatArray:
        """The field after it."""
        now = np.array(field)
        now[self.fixed] = self.held
        now = np.asarray(solve_banded((1, 1), self.along_x, now.T)).T
        now[self.fixed] = self.held
        now = np.asarray(solve_banded((1, 1), self.along_y, now))
        now[self.fixed] = self.held
        return np.asarray(self.factor * now + self.added)


def _bands(count: int, link: float, loss: float) -> FloatArray:
    """An implicit step along an axis whose ends let nothing through, as `scipy.linalg.solve_banded` takes it."""
    bands = np.zeros((3, count))
    bands[0, 1:] = bands[2, :-1] = -link
    bands[1] = 1.0 + loss
    bands[1, 1:] += link
    bands[1, :-1] += link
    return bands
