"""Tissues of the wider equation: those of `Vessels` with production, faces and sides of any kind, and time steps."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from scipy import ndimage

from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import PerAxis
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.sides import Exchange, Flux, SideLike
from surrogate_plugin.surrogate.scale import value_scale
from surrogate_training.problems import painting
from surrogate_training.problems.bounds import Rng, Shape, Sizes, log_uniform, ordered
from surrogate_training.problems.vessels import Vessels, anywhere

Kind = Literal[
    "production", "periodic", "regions", "obstacles", "membranes", "exchange", "flux", "anisotropy", "steps"
]  # fmt: skip
#: What is done to a problem first: what it is made of, what its sides are, what feeds it, and last how long it has.
_ORDER: tuple[Kind, ...] = (
    "regions", "anisotropy", "obstacles", "membranes", "periodic", "exchange", "flux", "production", "steps"
)  # fmt: skip
_SIDES = ("left", "right", "bottom", "top")
#: Over the largest imposed value: what production, a flux or an earlier field brings.
_BROUGHT = (0.05, 3.0)


class Wider(BaseModel):
    """Problems of `vessels`, each with one of ``kinds`` and, by chance, with others.

    ``production`` is by cells, by regions or everywhere; ``periodic`` sides come in pairs; ``regions`` conduct worse
    than the rest, by steps or smoothly; ``obstacles`` do not conduct; ``membranes`` are around cells, along walls or
    around vessels; sides ``exchange`` with what is outside, or a ``flux`` comes in; with ``anisotropy`` one axis
    conducts better than the other; and ``steps`` are implicit ones, of any length, from an earlier field.

    Examples
    --------
    >>> Wider(kinds=("periodic",), more=0.0).sample(np.random.default_rng(0), (64, 96)).boundary.left.kind
    'periodic'
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["wider"] = "wider"
    kinds: tuple[Kind, ...] = Field(default=_ORDER, min_length=1, description="one of them is drawn for each problem")
    more: float = Field(default=0.25, ge=0, le=1, description="chance of each further kind, after a first one")
    vessels: Vessels = Vessels()
    without_vessels: float = Field(
        default=0.5, ge=0, le=1, description="share of problems fed otherwise that have no vessels"
    )
    largest_contrast: float = Field(default=100.0, gt=1, le=1e6, description="of diffusivities, log-uniform from 1.5")
    largest_blocked: float = Field(default=0.3, gt=0, lt=0.9, description="share of pixels that do not conduct")
    permeance: Sizes = Field(default=(0.01, 3.0), description="of membranes and sides, over the link between pixels")
    largest_anisotropy: float = Field(default=8.0, gt=1, le=1e6, description="of the two axes, log-uniform")
    step_decay: Annotated[Sizes, AfterValidator(ordered)] = Field(
        default=(1e-4, 30.0), description="1 / dt over the link between pixels, log-uniform"
    )

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A random problem; the seed names it."""
        chosen = {self.kinds[int(rng.integers(len(self.kinds)))]}
        while rng.random() < self.more:
            chosen.add(_ORDER[int(rng.integers(len(_ORDER)))])
        problem = self.vessels.sample(rng, shape)
        if chosen & {"production", "flux", "steps"} and rng.random() < self.without_vessels:
            problem = problem.replace(source=np.zeros(shape), fixed=np.zeros(shape, np.bool_))
        made = {
            "regions": self._regions, "anisotropy": self._anisotropy, "obstacles": self._obstacles,
            "membranes": self._membranes, "periodic": self._periodic, "exchange": self._exchange, "flux": self._flux,
            "production": self._production, "steps": self._steps,
        }  # fmt: skip
        for kind in _ORDER:
            if kind in chosen:
                problem = made[kind](rng, problem)
        return problem

    def _regions(self, rng: Rng, problem: Problem) -> Problem:
        depth = math.log(log_uniform(rng, (1.5, self.largest_contrast)))
        pattern = _pattern(rng, problem.shape)
        if rng.random() < 0.5:
            pattern = (pattern > rng.uniform(0.2, 0.8)).astype(np.float64)
        return problem.replace(diffusivity=np.exp(-depth * pattern))

    def _anisotropy(self, rng: Rng, problem: Problem) -> Problem:
        less = 1.0 / log_uniform(rng, (1.1, self.largest_anisotropy))
        along, across = (1.0, less) if rng.random() < 0.5 else (less, 1.0)
        diffusivity = problem.diffusivities[0]
        return problem.replace(diffusivity=PerAxis(x=along * diffusivity, y=across * diffusivity))

    def _obstacles(self, rng: Rng, problem: Problem) -> Problem:
        blocked, kind = np.zeros(problem.shape, np.bool_), rng.random()
        share = rng.uniform(0.02, self.largest_blocked)
        if kind < 0.25:
            blocked = rng.random(problem.shape) < min(share, 0.2)
        elif kind < 0.5:
            noise = painting.smooth_noise(rng, problem.shape, int(rng.integers(4, 40)))
            blocked = noise < np.quantile(noise, share)
        else:
            image = np.zeros(problem.shape)
            for _ in range(200):
                at = anywhere(rng, problem.shape)
                run = rng.normal(0.0, 0.15 * min(problem.shape), 2) if kind > 0.75 else np.zeros(2)
                radius = rng.uniform(0.5, 2.0) if kind > 0.75 else log_uniform(rng, (1.0, 12.0))
                painting.paint_segment(image, at, (at[0] + run[0], at[1] + run[1]), radius, 1.0)
                if image.mean() > share:
                    break
            blocked = image > 0
        blocked &= ~problem.fixed
        if isinstance(problem.diffusivity, PerAxis):
            y, x = (np.where(blocked, 0.0, each) for each in problem.diffusivities)
            return problem.replace(diffusivity=PerAxis(x=x, y=y))
        return problem.replace(diffusivity=np.where(blocked, 0.0, problem.diffusivity))

    def _membranes(self, rng: Rng, problem: Problem) -> Problem:
        ids, kind = np.zeros(problem.shape, np.int64), rng.random()
        if kind < 0.6:
            for cell in range(int(log_uniform(rng, (1.0, 200.0)))):
                disc = np.zeros(problem.shape)
                at = anywhere(rng, problem.shape)
                painting.paint_segment(disc, at, at, log_uniform(rng, (2.0, 12.0)), 1.0)
                ids[disc > 0] = cell + 1
        elif kind < 0.8 and problem.fixed.any():
            ids = problem.fixed.astype(np.int64)
        else:
            noise = painting.smooth_noise(rng, problem.shape, int(rng.integers(2, 9)))
            ids = (noise > 0.5).astype(np.int64)
        # Between pixels whose link is 1 a permeability is a permeance.
        return problem.replace(membranes=Membranes.between(ids, log_uniform(rng, self.permeance)))

    def _periodic(self, rng: Rng, problem: Problem) -> Problem:
        axes = [(), ("left", "right"), ("bottom", "top")][int(rng.integers(3))] or _SIDES
        return problem.replace(boundary=_named(problem) | dict.fromkeys(axes, "periodic"))

    def _exchange(self, rng: Rng, problem: Problem) -> Problem:
        rate = log_uniform(rng, self.permeance)
        value = float(rng.choice([0.0, 1.0, rng.uniform(0.05, 1.0)]))
        return problem.replace(boundary=_named(problem) | dict.fromkeys(_some(rng, problem), Exchange(rate, value)))

    def _flux(self, rng: Rng, problem: Problem) -> Problem:
        sides = _some(rng, problem)
        alone = _unfed(problem)
        unit = value_scale(alone.replace(boundary=_named(alone) | dict.fromkeys(sides, Flux(1.0))))
        return problem.replace(boundary=_named(problem) | dict.fromkeys(sides, Flux(log_uniform(rng, _BROUGHT) / unit)))

    def _production(self, rng: Rng, problem: Problem) -> Problem:
        made, kind = np.zeros(problem.shape), rng.random()
        if kind < 0.6:
            for _ in range(int(rng.integers(1, 5))):
                spread, radius = rng.uniform(0.02, 0.4) * min(problem.shape), float(rng.choice([0.5, 1.0, 2.0, 4.0]))
                at = anywhere(rng, problem.shape)
                count = max(1, int(log_uniform(rng, (1.0, 2000.0)) / radius))
                painting.add_cells(made, rng, at, spread, count, radius)
        elif kind < 0.9:
            made = _pattern(rng, problem.shape)
        else:
            made[:] = 1.0
        if not made.any():
            made[:] = 1.0
        unit = value_scale(_unfed(problem).replace(production=made))
        return problem.replace(production=made * (log_uniform(rng, _BROUGHT) / unit))

    def _steps(self, rng: Rng, problem: Problem) -> Problem:
        before = _earlier(rng, problem)
        top = float(before.max()) or 1.0
        before *= max(problem.largest_imposed, log_uniform(rng, _BROUGHT)) / top
        return problem.implicit_step(before, 1.0 / log_uniform(rng, self.step_decay))


def _earlier(rng: Rng, problem: Problem) -> FloatArray:
    """A field as smooth as diffusion leaves one, with what is new in it: cells that left their mark, pixel noise."""
    cells = np.zeros(problem.shape)
    at = anywhere(rng, problem.shape)
    spread, count = rng.uniform(0.1, 0.5) * min(problem.shape), int(log_uniform(rng, (1, 2000)))
    painting.add_cells(cells, rng, at, spread, count, 1.0)
    shape = np.where(problem.fixed, problem.source, 0.0) + cells + _pattern(rng, problem.shape)
    field = ndimage.gaussian_filter(shape, log_uniform(rng, (0.5, 20.0)), mode="nearest")
    field /= max(float(field.max()), 1e-30)
    if rng.random() < 0.5:
        field = field * (1.0 + rng.uniform(0.0, 0.5) * rng.uniform(-1.0, 1.0, problem.shape))
    if rng.random() < 0.5:
        field = field * np.where(cells > 0, rng.uniform(0.0, 1.0), 1.0)
    return np.asarray(field)


def _pattern(rng: Rng, shape: Shape) -> FloatArray:
    """Where something is different, within [0, 1]."""
    kind = int(rng.integers(3))
    if kind == 0:
        return painting.tumour(rng, shape)
    return painting.band(rng, shape) if kind == 1 else painting.smooth_noise(rng, shape, int(rng.integers(2, 33)))


def _unfed(problem: Problem) -> Problem:
    """The problem with nothing imposed and nothing supplied."""
    sides: dict[str, SideLike] = {}
    for name, side in zip(_SIDES, problem.boundary.sides, strict=True):
        sides[name] = "periodic" if side.kind == "periodic" else "reflecting" if side.kind == "flux" else 0.0
    return problem.replace(source=np.zeros(problem.shape), production=0.0, boundary=sides)


def _named(problem: Problem) -> dict[str, SideLike]:
    """The sides as `Problem` takes them."""
    sides: dict[str, SideLike] = {}
    for name, side in zip(_SIDES, problem.boundary.sides, strict=True):
        made: dict[str, SideLike] = {
            "flux": Flux(side.rate),
            "exchange": Exchange(side.rate, side.value),
            "value": side.value,
        }
        sides[name] = made.get(side.kind, side.kind)
    return sides


def _some(rng: Rng, problem: Problem) -> list[str]:
    """One or more of the sides that are not periodic; a pair of opposite ones where all are."""
    pairs = zip(_SIDES, problem.boundary.sides, strict=True)
    there = [name for name, side in pairs if side.kind != "periodic"]
    if not there:
        return list(_SIDES[:2] if rng.random() < 0.5 else _SIDES[2:])
    return [there[int(at)] for at in rng.permutation(len(there))[: int(rng.integers(1, len(there) + 1))]]
