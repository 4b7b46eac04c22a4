"""What the surrogate is trained on: random tissues, the published study's discs, recorded states, or a mixture."""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from surrogate_plugin.equation.problem import Coefficient, FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_training.problems import painting
from surrogate_training.problems.recordings import Recorded

Rng = np.random.Generator
Shape = tuple[int, int]


def _ordered(bounds: tuple[Number, Number]) -> tuple[Number, Number]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"{bounds} are bounds in the wrong order; the lower one comes first.")
    return bounds


Number = TypeVar("Number", int, float)
#: Pixels, or parts of the largest value; far beyond any tissue, and nowhere near what floats cannot hold.
_Size = Annotated[float, Field(ge=1e-6, le=1e6)]
_Sizes = Annotated[tuple[_Size, _Size], AfterValidator(_ordered)]
_Count = Annotated[int, Field(ge=1, le=10**5)]


class _Distribution(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Vessels(_Distribution):
    """Vessels of many sizes in a tissue that consumes: discs, segments and trees; tumours, cells and layers.

    Lengths are in pixels. All problems have D = 1 and spacing 1: features depend on no unit.

    Examples
    --------
    >>> Vessels().sample(np.random.default_rng(0), (64, 96)).shape
    (64, 96)
    """

    kind: Literal["vessels"] = "vessels"
    diffusion_length: _Sizes = Field(default=(5.0, 100.0), description="background, log-uniform")
    largest_contrast: float = Field(default=100.0, ge=1, le=1e12, description="decay of the hungriest pixel")
    shortest_length: _Size = Field(default=1.5, description="caps the decay of the hungriest pixel")
    constant_decay: float = Field(default=0.25, ge=0, le=1, description="share of problems without uptake")
    radius: _Sizes = Field(default=(0.6, 25.0), description="of discs, log-uniform")
    most_discs: _Count = 80
    one_value: float = Field(default=0.5, ge=0, le=1, description="share of problems whose vessels all hold one value")
    uniform_boundary: float = Field(default=0.8, ge=0, le=1, description="share of problems with four like sides")
    saturating: float = Field(
        default=0.0, ge=0, le=1, description="share of problems with uptake whose cells take up by Michaelis-Menten"
    )
    km: _Sizes = Field(
        default=(0.005, 0.5), description="where their uptake is half, over the largest imposed value, log-uniform"
    )

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A random problem; the seed names it."""
        boundary = self._boundary(rng)
        problem = Problem(self._vessels(rng, shape), decay=self._decay(rng, shape), boundary=boundary)
        # Nothing is drawn where none saturate, so that the samples of older configurations keep their names.
        if not self.saturating or rng.random() >= self.saturating or not isinstance(problem.decay, np.ndarray):
            return problem
        return _saturated(problem, _log_uniform(rng, self.km) * problem.largest_imposed)

    def _vessels(self, rng: Rng, shape: Shape) -> FloatArray:
        image = np.zeros(shape)
        one = rng.random() < self.one_value
        crowd = round(_log_uniform(rng, (1.0, self.most_discs)))
        typical = _log_uniform(rng, self.radius)
        # Big crowds of big discs would leave no tissue.
        largest = min(self.radius[1], 0.3 * min(shape), max(2.0, 0.35 * math.sqrt(shape[0] * shape[1] / crowd)))
        for index in range(crowd):
            at = _anywhere(rng, shape)
            radius = min(largest, max(self.radius[0], typical * math.exp(rng.normal(0.0, 0.4))))
            run = rng.normal(0.0, 0.12 * min(shape), 2) if rng.random() < 0.25 else np.zeros(2)
            if run.any():
                radius = min(radius, 6.0)
            value = 1.0 if one or index == 0 else rng.uniform(0.02, 1.0)
            painting.paint_segment(image, at, (at[0] + run[0], at[1] + run[1]), radius, value)
        if rng.random() < 0.25:
            painting.paint_tree(image, rng, 1.0 if one else rng.uniform(0.1, 1.0))
        return image

    def _decay(self, rng: Rng, shape: Shape) -> Coefficient:
        background = _log_uniform(rng, self.diffusion_length) ** -2
        if rng.random() < self.constant_decay:
            return background
        density = np.zeros(shape)
        for _ in range(int(rng.integers(1, 4))):
            part = int(rng.integers(5))
            if part <= 1:
                density += rng.uniform(0.1, 1.0) * painting.tumour(rng, shape)
            elif part == 2:
                density += rng.uniform(0.1, 1.0) * painting.band(rng, shape)
            elif part == 3:
                density += rng.uniform(0.1, 1.0) * painting.smooth_noise(rng, shape, int(rng.integers(2, 33))) ** 2
            else:
                cells = np.zeros(shape)
                for _ in range(int(rng.integers(1, 9))):
                    spread, radius = rng.uniform(0.02, 0.3) * min(shape), float(rng.choice([0.5, 1.0, 2.0, 4.0]))
                    count = int(_log_uniform(rng, (10.0, 3000.0)) / radius)
                    painting.add_cells(cells, rng, _anywhere(rng, shape), spread, count, radius)
                density += rng.uniform(0.1, 1.0) * np.minimum(cells, 3.0)
        peak = float(density.max())
        if peak == 0.0:
            return background
        highest = min(self.largest_contrast, max(1.5, self.shortest_length**-2 / background))
        contrast = _log_uniform(rng, (1.5, highest)) if highest > 1.5 else highest
        return np.asarray(background * (1.0 + (contrast - 1.0) / peak * density))

    def _boundary(self, rng: Rng) -> BoundaryLike:
        if rng.random() < self.uniform_boundary:
            return _side(rng)
        return {name: _side(rng) for name in ("left", "right", "bottom", "top")}


class Paper(_Distribution):
    """The published study's problems: 1 to 20 discs; D = 1, decay 1/400, absorbing.

    Its text and its code differ, so there are two readings. ``imposed``, the text's: each disc holds a value, one of
    them 1, the others uniform in (0, 1]. ``flux``, the code's: each disc produces at a rate uniform in [0.01, 1], and
    where discs overlap the rates add. Networks cannot see production: the second reading is for solving and plotting.

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
    sources: Annotated[tuple[_Count, _Count], AfterValidator(_ordered)] = (1, 20)
    radius: _Sizes = (5.0, 5.0)
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


class Part(_Distribution):
    """One distribution of a mixture, and how often it is drawn."""

    weight: float = Field(default=1.0, gt=0, le=1e9, description="share of the problems, over the sum of all weights")
    distribution: Vessels | Paper | Recorded = Field(discriminator="kind")


class Mixture(_Distribution):
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
        drawn = self.draw(rng)
        for part in self.parts:
            if isinstance(part.distribution, Recorded):
                rows, columns = part.distribution.lattice()
                shape = (min(shape[0], rows), min(shape[1], columns))
        return drawn.sample(rng, shape)

    def draw(self, rng: Rng) -> Vessels | Paper | Recorded:
        """One of the parts, by weight."""
        weights = np.array([part.weight for part in self.parts])
        return self.parts[int(rng.choice(len(self.parts), p=weights / weights.sum()))].distribution


Distribution = Annotated[Vessels | Paper | Recorded | Mixture, Field(discriminator="kind")]


def produces(distribution: Distribution) -> bool:
    """Whether problems have production, which networks cannot see."""
    if isinstance(distribution, Mixture):
        return any(produces(part.distribution) for part in distribution.parts)
    return isinstance(distribution, Paper) and distribution.reading == "flux"


def _saturated(problem: Problem, km: float) -> Problem:
    """The cells' part ``rate c`` of a decay map as ``vmax c / (km + c)`` with ``vmax = rate km``: alike at low values.

    The least decay of the map is the background, which stays of first order.
    """
    background = float(np.min(problem.decay))
    uptake = MichaelisMenten((problem.decay - background) * km, km)
    return problem.replace(decay=background, uptake=uptake)


def _side(rng: Rng) -> str | float:
    kind = rng.random()
    if kind < 0.4:
        return "absorbing"
    if kind < 0.8:
        return "reflecting"
    return float(rng.uniform(0.05, 1.0))


def _anywhere(rng: Rng, shape: Shape) -> tuple[float, float]:
    return rng.uniform(0.0, shape[0] - 1.0), rng.uniform(0.0, shape[1] - 1.0)


def _inside(rng: Rng, radius: float, side: int) -> float:
    """A whole pixel whose disc of this radius lies inside the lattice."""
    reach = math.ceil(radius)
    if 2 * reach >= side:
        raise ValueError(f"radius is {radius:g}; discs of at most {(side - 1) // 2} pixels fit into a side of {side}.")
    return float(rng.integers(reach, side - reach))


def _log_uniform(rng: Rng, bounds: tuple[float, float]) -> float:
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))
