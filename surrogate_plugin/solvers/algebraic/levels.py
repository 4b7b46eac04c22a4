"""The levels of an algebraic hierarchy: graphs of nodes, each some of the one before, in flat arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.sharing_kernels import CHUNKS
from surrogate_plugin.solvers.algebraic import coarsening_kernels as coarsening
from surrogate_plugin.solvers.algebraic import cycle_kernels, galerkin_kernels

IntArray = npt.NDArray[np.int64]

#: The coarsest level has at most so many nodes, which are eliminated.
_COARSEST = 64
_MAX_LEVELS = 30
#: A level that keeps more of its nodes than this part is the last, and one without room: sweeps will have to do.
_MOST_KEPT = 0.8
#: Room for all levels' nodes, and for their links beyond the first level's, in nodes of that. Where all is strongly
#: linked along lines each level keeps half of its nodes, which takes 2 and 24.
_ROOM, _LINK_ROOM = 3, 30
#: Places that a row of a coarse level is given at first; twice as many where that is too few.
_PLACES = 24


class Levels:
    """Nodes of all levels under one numbering; memory that is not written costs nothing.

    Row ``i`` has its links, all to nodes of its level, at ``first[i]`` to ``last[i]`` of ``cols`` and ``links``, in the
    order of the nodes, those to later ones from ``upper[i]``; and ``loss[i]``. So ``(A x)_i`` is the sum of all
    ``links (x_i - x_j)``, and ``loss x_i``.

    Parameters
    ----------
    count : int
        Nodes of the finest level.
    width : int
        Room of a row of the finest level, which begins at ``i width``.
    """

    def __init__(self, count: int, width: int) -> None:
        self.count = count
        self.starts = np.zeros(_MAX_LEVELS + 2, np.int64)
        self.starts[1] = count
        self.levels, self.dense = 1, False
        nodes = _ROOM * count + 1
        self.first, self.upper, self.last = (np.empty(nodes, np.uint32) for _ in range(3))
        self.loss, self.linked, self.apart, self.inverse = (np.empty(nodes) for _ in range(4))
        self._taken = count * width
        self.cols, self.links = (
            np.empty(self._taken + _LINK_ROOM * count, np.uint32),
            np.empty(self._taken + _LINK_ROOM * count),
        )
        self._strong, self._carried, self._missing = (np.empty(nodes) for _ in range(3))
        self._kind = np.empty(nodes, np.int8)
        self._coarse, self._fine = (np.empty(nodes, np.uint32) for _ in range(2))
        self.follows = np.empty(nodes, np.uint8)
        room = coarsening.WIDTH * nodes
        self.near, self.weight = np.empty(room, np.uint32), np.empty(room)
        self.begin = np.zeros(nodes + 1, np.uint32)
        self.origin, self.share = np.empty(room, np.uint32), np.empty(room)
        self.mesh, self.pivot = np.zeros((_COARSEST, _COARSEST)), np.zeros(_COARSEST)
        self.b, self.x, self.y, self.r = (np.empty(nodes) for _ in range(4))

    @property
    def graph(self) -> tuple[Any, ...]:
        """What a sweep reads."""
        return self.first, self.upper, self.last, self.cols, self.links, self.apart, self.inverse

    def build(self) -> None:
        """All coarse levels, from the finest one's rows and losses."""
        self.levels = 1
        while True:
            lo, hi = self._range(self.levels - 1)
            self.find_diagonals(lo, hi)
            self.dense = hi - lo <= _COARSEST
            if self.dense:
                galerkin_kernels.eliminate_all(
                    lo, hi, self.first, self.last, self.cols, self.links, self.loss, self.mesh, self.pivot
                )
            if self.dense or self.levels == _MAX_LEVELS or not self._coarsen(lo, hi):
                return
            self.levels += 1

    def find_diagonals(self, lo: int, hi: int) -> None:
        """Diagonals of a range of nodes from links and losses."""
        team.run(
            coarsening.diagonals, lo, hi, self.first, self.last, self.cols, self.links, self.loss, self.linked,
            self.apart, self._strong, self.inverse,
        )  # fmt: skip

    def v_cycle(self) -> None:
        """``x ~ A^-1 b`` on the finest level; both lie at the beginning of the arrays of these names."""
        self._cycle(self.levels, self.dense)

    def sweep(self) -> None:
        """As `v_cycle`, by sweeps forth and back on the finest level alone."""
        self._cycle(1, False)

    def _cycle(self, levels: int, dense: bool) -> None:
        transfer = self.follows, self.near, self.weight, self.begin, self.origin, self.share
        team.run(
            cycle_kernels.v_cycle, self.starts, levels, dense, self.graph, transfer, self.mesh, self.pivot, self.b,
            self.x, self.y, self.r,
        )  # fmt: skip

    def _range(self, level: int) -> tuple[int, int]:
        return int(self.starts[level]), int(self.starts[level + 1])

    def _coarsen(self, lo: int, hi: int) -> bool:
        """Add the next level; False where there is none that is much smaller."""
        if hi + (hi - lo) > self.loss.size - 1:
            return False
        rows = self.first, self.last, self.cols, self.links, self.loss, self.linked, self._strong
        team.run(coarsening.colour, lo, hi, self.first, self.last, self.cols, self.links, self._strong, self._kind)
        kept = coarsening.choose(lo, hi, *rows, self._kind, self._coarse, self._fine)
        if not 0 < kept <= _MOST_KEPT * (hi - lo):
            return False
        end = hi + kept
        self.starts[self.levels + 1] = end
        followed = self.follows, self.near, self.weight
        team.run(coarsening.interpolate, lo, hi, *rows, self._coarse, *followed, self._carried)
        team.run(
            coarsening.transpose, lo, hi, end, self.first, self.last, self.cols, self._fine, *followed, self.begin,
            self.origin, self.share,
        )  # fmt: skip
        at = self._taken if lo == 0 else int(self.last[lo:hi].max())
        places = _PLACES
        while not self._multiply(lo, hi, end, at, places):
            places *= 2
        return True

    def _multiply(self, lo: int, hi: int, end: int, at: int, places: int) -> bool:
        """The coarse level's rows, from ``at`` on; False where they need more places."""
        missing = at + places * (end - hi) - self.cols.size
        if missing > 0:
            missing = max(missing, self.cols.size // 2)
            self.cols = np.concatenate([self.cols, np.empty(missing, np.uint32)])
            self.links = np.concatenate([self.links, np.empty(missing)])
        full = np.zeros(CHUNKS, np.int64)
        team.run(
            galerkin_kernels.coarse_level, lo, hi, end, self.first, self.upper, self.last, self.cols, self.links,
            self.loss, self.linked, self.follows, self.near, self.weight, self._carried, self.begin, self.origin,
            self.share, self._missing, at, places, full,
        )  # fmt: skip
        return not full.any()
