"""How hard a lattice's faces make it for geometric multigrid: how many cycles it will take, from a cheap look."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.faces import Faces
from surrogate_plugin.solvers.multigrid import difficulty_kernels as kernels
from surrogate_plugin.solvers.multigrid.difficulty_kernels import CLOSED, JUMPS, PAIRS, WALLS, WEAKNESS

#: So many rows say enough about a lattice.
_ROWS = 64
#: More thin walls than this, of all faces, are not left to conjugate gradients.
_FEW = 1e-3
#: Obstacles that leave a way through close at most twice their share of the faces; walls may close more.
_MOST_CLOSED = 0.6
#: The diffusion length, in pixels, at which the figures below were measured; they grow with its fourth root.
_LENGTH = 20.0
#: Cycles to 1e-6 of the largest value where everything conducts alike.
EVEN = 7.0


@dataclass(frozen=True)
class Difficulty:
    """What a look at the faces shows.

    Attributes
    ----------
    jumps : float
        The share of neighbouring faces of a row of which one passes less than 3 % of the other, thin walls apart: 0.03
        at the edges of regions 20 pixels wide, 0.3 in pixel noise.
    walls : float
        The share of faces that pass less than 30 % of both their neighbours: membranes.
    weakness : float
        How many powers of ten less these pass, on average.
    anisotropy : float
        How many powers of ten the two axes are apart.
    closed : float
        The share of faces that nothing passes.
    """

    jumps: float
    walls: float
    weakness: float
    anisotropy: float
    closed: float

    @property
    def thin_walls(self) -> bool:
        """Whether squares of 2 x 2 pixels would join what walls keep apart."""
        return self.walls > _FEW

    def cycles(self, length: float) -> float:
        """About how many cycles 1e-6 of the largest value takes at a diffusion length of so many pixels.

        Measured on blobs, obstacles, cells behind membranes, noise, layers and anisotropy of contrasts of 10 to 1e6:
        within a third up to 40 cycles, and on the right side of 40 above.
        """
        more = 90.0 * self.jumps + 600.0 * max(0.0, self.jumps - 0.2) + EVEN * self.anisotropy**2
        more += 100.0 * max(0.0, self.closed - _MOST_CLOSED)
        if self.thin_walls:
            more += max(1.0, 8.0 * self.weakness - 7.0)
        return float(EVEN + more * max(1.0, length / _LENGTH) ** 0.25)


def difficulty_of(faces: Faces) -> Difficulty:
    """Look at every few rows.

    Parameters
    ----------
    faces : ((H + 1, W), (H, W + 1)) float64

    Examples
    --------
    >>> even = difficulty_of((np.ones((33, 32)), np.ones((32, 33))))
    >>> even.thin_walls, even.cycles(20.0)
    (False, 7.0)
    """
    across, along = faces
    counts, stride = np.zeros((2, 5)), max(1, along.shape[0] // _ROWS)
    team.run_alone(kernels.look, across, along, stride, counts)
    pairs = np.maximum(counts[:, PAIRS], 1.0)
    walls, total = counts[:, WALLS].sum(), pairs.sum()
    # A wall is a jump on either side of it.
    jumps = np.maximum(counts[:, JUMPS] - 2.0 * counts[:, WALLS], 0.0) / pairs
    weakness = -counts[:, WEAKNESS].sum() / walls if walls else 0.0
    closed = counts[:, CLOSED].sum() / total
    apart = _apart(across[1:-1:stride], along[::stride, 1:-1])
    # Layers conduct along and not across, whatever they pass on average.
    apart += 10.0 * abs(float(jumps[0] - jumps[1]))
    return Difficulty(float(jumps.mean()), float(walls / total), float(weakness), apart, float(closed))


def _apart(across: FloatArray, along: FloatArray) -> float:
    """How many powers of ten the means of two sets of faces are apart, at most 6; 0 where there is but one axis."""
    if across.size == 0 or along.size == 0:
        return 0.0
    less, more = sorted((float(across.mean()), float(along.mean())))
    return math.log10(more / max(less, 1e-6 * more)) if more > 0.0 else 0.0
