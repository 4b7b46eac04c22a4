"""What the surrogate is trained on: random tissues, the published study's discs, recorded states, or a mixture."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from surrogate_plugin.equation.problem import Problem
from surrogate_training.problems import painting
from surrogate_training.problems.bounds import Count, Drawn, Rng, Shape, Sizes, ordered
from surrogate_training.problems.discs import Discs, Listed
from surrogate_training.problems.recordings import Recorded
from surrogate_training.problems.vessels import Vessels as Vessels
from surrogate_training.problems.wider import Wider as Wider


class Paper(Drawn):
    """The published study's problems: 1 to 20 discs; D = 1, decay 1/400, absorbing.

    Its text and its code differ, so there are two readings. ``imposed``, the text's: each disc holds a value, one of
    them 1, the others uniform in (0, 1]. ``flux``, the code's: each disc produces at a rate uniform in [0.01, 1], and
    where discs overlap the rates add. The study's own network does not see production.

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786).

    Examples
    --------
    >>> Paper().sample(np.random.default_rng(0), (64, 64)).largest_imposed
    1.0
    >>> Paper(reading="flux").sample(np.random.default_rng(0), (64, 64)).largest_imposed
    0.0
    """

    kind: Literal["paper"] = "paper"
    reading: Literal["imposed", "flux"] = "imposed"
    sources: Annotated[tuple[Count, Count], AfterValidator(ordered)] = (1, 20)
    radius: Sizes = (5.0, 5.0)
    decay: float = Field(default=1 / 400, ge=0, le=1e6)

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A random problem; the seed names it."""
        count = int(rng.integers(self.sources[0], self.sources[1] + 1))
        if self.reading == "flux":
            return self._flux(rng, shape, count)
        image = np.zeros(shape)
        for left in reversed(range(count)):  # the disc of value 1 comes last, so that no other hides it
            at, radius = self._place(rng, shape)
            painting.paint_segment(image, at, at, radius, 1.0 - rng.random() if left else 1.0)
        return Problem(image, decay=self.decay)

    def _flux(self, rng: Rng, shape: Shape, count: int) -> Problem:
        production = np.zeros(shape)
        for _ in range(count):
            disc = np.zeros(shape)
            at, radius = self._place(rng, shape)
            painting.paint_segment(disc, at, at, radius, rng.uniform(0.01, 1.0))
            production += disc
        return Problem(np.zeros(shape), production=production, decay=self.decay)

    def _place(self, rng: Rng, shape: Shape) -> tuple[tuple[float, float], float]:
        """Centre and radius of a disc that lies inside the lattice."""
        radius = rng.uniform(*self.radius)
        return (_inside(rng, radius, shape[0]), _inside(rng, radius, shape[1])), radius


#: What networks take and memory holds.
LatticeSide = Annotated[int, Field(ge=8, le=2**14)]


class Part(Drawn):
    """One distribution of a mixture, and how often it is drawn."""

    weight: float = Field(default=1.0, gt=0, le=1e9, description="share of the problems, over the sum of all weights")
    name: str | None = Field(default=None, max_length=40, description="in tables; that of the distribution if none")
    sides: tuple[LatticeSide, LatticeSide] | None = Field(
        default=None, description="of its batches' lattices, log-uniform, where parts are drawn by batches"
    )
    taught: bool = Field(
        default=True, description="false: met in tests alone, where parts are drawn by batches; known from before"
    )
    distribution: Vessels | Wider | Paper | Discs | Listed | Recorded = Field(discriminator="kind")


class Mixture(Drawn):
    """Each problem from one of several distributions, drawn by weight: what a retrained network must not forget.

    All problems of one shape: a lattice larger than a recorded one is cut down to it. With ``whole_batches`` all
    problems of a batch come from one part, and the lattices of the other parts stay as large as they are.

    Examples
    --------
    >>> both = Mixture(parts=(Part(distribution=Vessels(), weight=3), Part(distribution=Paper())))
    >>> both.sample(np.random.default_rng(0), (64, 64)).shape
    (64, 64)
    """

    kind: Literal["mixture"] = "mixture"
    parts: tuple[Part, ...] = Field(min_length=1)
    whole_batches: bool = Field(default=False, description="draw a part for each batch instead of for each problem")

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A random problem of one of the parts; the seed names it."""
        drawn = self.draw(rng).distribution
        for part in self.parts:
            if isinstance(part.distribution, Recorded):
                rows, columns = part.distribution.lattice()
                shape = (min(shape[0], rows), min(shape[1], columns))
        return drawn.sample(rng, shape)

    def draw(self, rng: Rng, *, to_teach: bool = False) -> Part:
        """One of the parts, or of those that are taught, by weight."""
        parts = [part for part in self.parts if part.taught or not to_teach]
        weights = np.array([part.weight for part in parts])
        return parts[int(rng.choice(len(parts), p=weights / weights.sum()))]

    @model_validator(mode="after")
    def _teaches(self) -> Mixture:
        if not any(part.taught for part in self.parts):
            raise ValueError("parts: taught is false in all of them; at least one is taught.")
        if not (self.whole_batches or all(part.taught for part in self.parts)):
            raise ValueError("parts: taught is false in one; with whole_batches = true that is allowed.")
        return self


Distribution = Annotated[Vessels | Wider | Paper | Discs | Listed | Recorded | Mixture, Field(discriminator="kind")]


def produces(distribution: Distribution) -> bool:
    """Whether problems may have what the study's network cannot see: production, and all else that is wider."""
    if isinstance(distribution, Mixture):
        return any(produces(part.distribution) for part in distribution.parts)
    return isinstance(distribution, Wider) or (isinstance(distribution, Paper) and distribution.reading == "flux")


def teaches_wider(distribution: Distribution) -> bool:
    """Whether problems that are taught may be of the wider equation; recorded states may."""
    if isinstance(distribution, Mixture):
        return any(teaches_wider(part.distribution) for part in distribution.parts if part.taught)
    return isinstance(distribution, Recorded) or produces(distribution)


def _inside(rng: Rng, radius: float, side: int) -> float:
    """A whole pixel whose disc of this radius lies inside the lattice."""
    reach = math.ceil(radius)
    if 2 * reach >= side:
        raise ValueError(f"radius is {radius:g}; discs of at most {(side - 1) // 2} pixels fit into a side of {side}.")
    return float(rng.integers(reach, side - reach))
