"""An algebraic multigrid hierarchy for the operator of any faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.equation.faces import Faces
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.solvers.algebraic import elimination_kernels as elimination
from surrogate_plugin.solvers.algebraic.conjugate_gradients import ConjugateGradients, Goal
from surrogate_plugin.solvers.algebraic.levels import Levels

Proposal = npt.NDArray[Any]  # float32 or float64

#: What `apply` leaves of a residual: the guard counts on what it inverts pixel by pixel.
_LEFT = 0.02


class AlgebraicHierarchy:
    """The levels for ``A = -div(G grad) + decay`` (dimensionless, faces ``G >= 0`` of any contrast).

    Every other pixel is eliminated exactly, see `elimination_kernels`; the others are the nodes of `Levels`.

    Parameters
    ----------
    shape : (H, W)
    walls : Walls
        Only conductances and rings matter: the hierarchy works on corrections, which vanish where values are imposed.
    """

    #: A cycle inverts roughly.
    exact = False

    def __init__(self, shape: tuple[int, int], walls: Walls) -> None:
        self.shape = shape
        self._walls = walls
        self._rings = np.array(self._walls.ring, dtype=np.bool_)
        padded = (shape[0] + 2, shape[1] + 2)
        #: For whoever certifies: see `surrogate_plugin.guard.inverse`.
        self.work = np.zeros(padded), np.zeros(padded), np.zeros(padded, np.float32), np.empty(shape)
        self._pivot = np.empty(shape)
        self._gradients: ConjugateGradients | None = None
        self._free: BoolArray | None = None
        self._decay: FloatArray | None = None
        self._usual_faces = self._faces = unit_faces(shape, self._walls)

    def serves(self, shape: tuple[int, int], walls: Walls) -> bool:
        """Whether `rebuild` makes this the hierarchy of such a lattice, whatever its sides are called."""
        alike = np.array_equal(self._walls.conductance, walls.conductance)
        return shape == self.shape and alike and np.array_equal(self._rings, walls.ring)

    @property
    def nbytes(self) -> int:
        """About what the levels occupy."""
        return 400 * self.shape[0] * self.shape[1]

    def rebuild(self, free: BoolArray, decay: FloatArray, faces: Faces | None = None) -> None:
        """Set all levels up for an operator, unless they are.

        Parameters
        ----------
        free : (H, W) bool
        decay : (H, W) float64, dimensionless
        faces : ((H + 1, W), (H, W + 1)) float64, dimensionless, optional
            See `surrogate_plugin.equation.faces`; None: all are 1, and the outer ones the walls'.
        """
        faces = self._usual_faces if faces is None else faces
        if self._decay is not None and _alike(
            (self._free, free), (self._decay, decay), *zip(self._faces, faces, strict=True)
        ):
            return
        self._number_nodes(free)
        self._faces = faces
        self._eliminate(decay)
        self.levels.build()
        self._decay = decay.copy()

    def relinearise(self, free: BoolArray, decay: FloatArray) -> None:
        """Give the finest level another decay map and keep the coarse levels, which only precondition."""
        self._eliminate(decay)
        self.levels.find_diagonals(0, self.levels.count)
        self._decay = None

    def apply(self, z: Proposal, b: Proposal) -> None:
        """``z ~ A^-1 b``, as an approximate inverse of the guard: to a fiftieth of the largest ``|b|``."""
        self.solve(z, b, Goal(residual=_LEFT))

    def apply_well(self, z: Proposal, b: Proposal) -> None:
        """As `apply`, which leaves little."""
        self.apply(z, b)

    def solve(self, z: Proposal, b: Proposal, goal: Goal) -> int:
        """``z ~ A^-1 b``, both (H + 2, W + 2), 0 on pixels that are not free; how many cycles it took."""
        if self._gradients is None:
            self._gradients = ConjugateGradients(self.levels)
        self.restrict(b, self._gradients.residual)
        cycles = self._gradients.solve(goal)
        self.recover(b, self._gradients.found, z)
        return cycles

    def sweep(self, z: Proposal, b: Proposal) -> None:
        """``z``: sweeps on the finest level alone for ``A z = b``, from zero."""
        self.restrict(b, self.levels.b)
        self.levels.sweep()
        self.recover(b, self.levels.x, z)

    def restrict(self, b: Proposal, nodes: FloatArray) -> None:
        """The nodes' right-hand side from the pixels'."""
        team.run(elimination.gather, self._starts, *self._lattice, b, nodes)

    def recover(self, b: Proposal, nodes: FloatArray, z: Proposal) -> None:
        """All pixels of a solution from the nodes' and the pixels' right-hand side."""
        team.run(elimination.scatter, *self._lattice, b, nodes, z)

    @property
    def _lattice(self) -> tuple[Any, ...]:
        return self._number, self._pivot, *self._faces, self._rings

    def _number_nodes(self, free: BoolArray) -> None:
        if self._free is not None and np.array_equal(free, self._free):
            return
        stays = free & _second_colour(self.shape, self._rings)
        count = np.cumsum(stays.ravel(), dtype=np.int32).reshape(self.shape)
        others = np.where(free, np.int32(elimination.ELIMINATED), np.int32(elimination.HELD))
        self._number = np.where(stays, count - np.int32(1), others)
        self._starts = np.concatenate([[0], count[:, -1]]).astype(np.int64)
        seams = bool((self._rings & (np.array(self.shape) % 2 == 1)).any())
        self._width = elimination.MOST_LINKS if seams else elimination.USUAL_LINKS
        self.levels = Levels(int(count[-1, -1]), self._width)
        self._gradients = None
        self._free = free.copy()

    def _eliminate(self, decay: FloatArray) -> None:
        levels = self.levels
        team.run(elimination.pivots, self._number, decay, *self._faces, self._rings, self._pivot)
        team.run(
            elimination.eliminate, self._number, self._starts, decay, self._pivot, *self._faces, self._rings,
            self._width, levels.first, levels.upper, levels.last, levels.cols, levels.links, levels.loss,
        )  # fmt: skip


def unit_faces(shape: tuple[int, int], walls: Walls) -> Faces:
    """Faces of 1, and the walls' at the sides."""
    north, east = np.ones((shape[0] + 1, shape[1])), np.ones((shape[0], shape[1] + 1))
    if not walls.ring[0]:
        north[0], north[-1] = walls.conductance[0]
    if not walls.ring[1]:
        east[:, 0], east[:, -1] = walls.conductance[1]
    return north, east


def _second_colour(shape: tuple[int, int], rings: npt.NDArray[np.bool_]) -> BoolArray:
    """A colour of the chequerboard, and the seams of odd rings, so that no two of the other colour are neighbours."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    stays = (rows + columns) % 2 == 1
    if rings[0] and shape[0] % 2:
        stays[-1] = True
    if rings[1] and shape[1] % 2:
        stays[:, -1] = True
    return np.asarray(stays)


def _alike(*pairs: tuple[npt.NDArray[Any] | None, npt.NDArray[Any]]) -> bool:
    return all(kept is not None and np.array_equal(kept, given) for kept, given in pairs)
