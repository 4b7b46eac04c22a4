"""Vessels of many sizes in a tissue that consumes."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from surrogate_plugin.equation.problem import Coefficient, FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_training.problems import painting
from surrogate_training.problems.bounds import Count, Drawn, Rng, Shape, Size, Sizes, log_uniform


class Vessels(Drawn):
    """Vessels of many sizes in a tissue that consumes: discs, segments and trees; tumours, cells and layers.

    Lengths are in pixels. All problems have D = 1 and spacing 1: features depend on no unit.

    Examples
    --------
    >>> Vessels().sample(np.random.default_rng(0), (64, 96)).shape
    (64, 96)
    """

    kind: Literal["vessels"] = "vessels"
    diffusion_length: Sizes = Field(default=(5.0, 100.0), description="background, log-uniform")
    largest_contrast: float = Field(default=100.0, ge=1, le=1e12, description="decay of the hungriest pixel")
    shortest_length: Size = Field(default=1.5, description="caps the decay of the hungriest pixel")
    constant_decay: float = Field(default=0.25, ge=0, le=1, description="share of problems without uptake")
    radius: Sizes = Field(default=(0.6, 25.0), description="of discs, log-uniform")
    most_discs: Count = 80
    one_value: float = Field(default=0.5, ge=0, le=1, description="share of problems whose vessels all hold one value")
    uniform_boundary: float = Field(default=0.8, ge=0, le=1, description="share of problems with four like sides")
    saturating: float = Field(
        default=0.0, ge=0, le=1, description="share of problems with uptake whose cells take up by Michaelis-Menten"
    )
    km: Sizes = Field(
        default=(0.005, 0.5), description="where their uptake is half, over the largest imposed value, log-uniform"
    )

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A random problem; the seed names it."""
        boundary = self._boundary(rng)
        problem = Problem(self._vessels(rng, shape), decay=self._decay(rng, shape), boundary=boundary)
        # Nothing is drawn where none saturate, so that the samples of older configurations keep their names.
        if not self.saturating or rng.random() >= self.saturating or not isinstance(problem.decay, np.ndarray):
            return problem
        return _saturated(problem, log_uniform(rng, self.km) * problem.largest_imposed)

    def _vessels(self, rng: Rng, shape: Shape) -> FloatArray:
        image = np.zeros(shape)
        one = rng.random() < self.one_value
        crowd = round(log_uniform(rng, (1.0, self.most_discs)))
        typical = log_uniform(rng, self.radius)
        # Big crowds of big discs would leave no tissue.
        largest = min(self.radius[1], 0.3 * min(shape), max(2.0, 0.35 * math.sqrt(shape[0] * shape[1] / crowd)))
        for index in range(crowd):
            at = anywhere(rng, shape)
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
        background = log_uniform(rng, self.diffusion_length) ** -2
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
                    count = int(log_uniform(rng, (10.0, 3000.0)) / radius)
                    painting.add_cells(cells, rng, anywhere(rng, shape), spread, count, radius)
                density += rng.uniform(0.1, 1.0) * np.minimum(cells, 3.0)
        peak = float(density.max())
        if peak == 0.0:
            return background
        highest = min(self.largest_contrast, max(1.5, self.shortest_length**-2 / background))
        contrast = log_uniform(rng, (1.5, highest)) if highest > 1.5 else highest
        return np.asarray(background * (1.0 + (contrast - 1.0) / peak * density))

    def _boundary(self, rng: Rng) -> BoundaryLike:
        if rng.random() < self.uniform_boundary:
            return _side(rng)
        return {name: _side(rng) for name in ("left", "right", "bottom", "top")}


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


def anywhere(rng: Rng, shape: Shape) -> tuple[float, float]:
    """A place on the lattice, row and column."""
    return rng.uniform(0.0, shape[0] - 1.0), rng.uniform(0.0, shape[1] - 1.0)
