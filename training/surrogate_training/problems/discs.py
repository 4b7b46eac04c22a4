"""The published study's discs again, over parts of their space, and named by points of a unit cube."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, TypeAdapter

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.plain_files import read_plain
from surrogate_plugin.whole_files import write_text
from surrogate_training.damage import reading
from surrogate_training.problems import painting
from surrogate_training.problems.bounds import Count, Drawn, Rng, Shape, Sizes, ordered

FloatArray = npt.NDArray[np.float64]
#: Places tried for one disc before all of them are drawn anew, and so many times that.
_TRIES, _RESTARTS = 400, 50


@dataclass(frozen=True)
class Scene:
    """Discs that hold values, absorbing sides, D = 1.

    Attributes
    ----------
    discs : tuple of (row, column, radius, value)
        Pixels, values over the largest; where discs overlap, the later one is seen.
    decay : float
        Over the diffusivity, 1 / pixel^2.
    """

    discs: tuple[tuple[float, float, float, float], ...]
    decay: float

    def problem(self, shape: Shape) -> Problem:
        """The problem on a lattice.

        Examples
        --------
        >>> Scene(((8.0, 8.0, 2.0, 1.0),), 0.01).problem((16, 16)).fixed.sum()
        np.int64(13)
        """
        image = np.zeros(shape)
        for row, column, radius, value in self.discs:
            painting.paint_segment(image, (row, column), (row, column), radius, value)
        return Problem(image, decay=self.decay)


class Discs(Drawn):
    """Discs inside the lattice that hold values, one of them 1; unlike `Paper`, only a part of the space if asked.

    Examples
    --------
    >>> apart = Discs(sources=(3, 3), gap=(8.0, 1e6))
    >>> len(apart.scene(np.random.default_rng(0), (64, 64)).discs)
    3
    """

    kind: Literal["discs"] = "discs"
    sources: Annotated[tuple[Count, Count], AfterValidator(ordered)] = (1, 20)
    radius: Sizes = (5.0, 5.0)
    diffusion_length: Sizes = (20.0, 20.0)
    values: Literal["uniform", "one"] = Field(default="uniform", description="of all discs but one, which has 1")
    gap: Annotated[tuple[float, float], AfterValidator(ordered)] | None = Field(
        default=None, description="pixels between the edge of each disc and the next earlier one or side; none: any"
    )

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A random problem; the seed names it."""
        return self.scene(rng, shape).problem(shape)

    def scene(self, rng: Rng, shape: Shape) -> Scene:
        """The discs of a random problem.

        Raises
        ------
        ValueError
            If so many discs do not fit with this gap.
        """
        cube = UnitCube(self, shape)
        if self.gap is None:
            return cube.scene(rng.random(cube.dimensions))
        for _ in range(_RESTARTS):
            scene = cube.scene(rng.random(cube.dimensions))
            placed = self._placed(rng, cube, [radius for _, _, radius, _ in scene.discs])
            if placed is not None:
                discs = zip(placed, scene.discs, strict=True)
                return Scene(tuple((*at, radius, value) for at, (_, _, radius, value) in discs), scene.decay)
        raise ValueError(f"gap is {self.gap}; {self.sources[1]} discs with it do not fit into {shape[0]} x {shape[1]}.")

    def _placed(self, rng: Rng, cube: UnitCube, radii: Sequence[float]) -> list[tuple[float, float]] | None:
        """Centres with the gap that is asked for, or none where a disc finds no place."""
        assert self.gap is not None
        placed: list[tuple[float, float]] = []
        for radius in radii:
            for _ in range(_TRIES):
                at = cube.place(rng.random(2), radius)
                others = [_apart(at, other) - reach for other, reach in zip(placed, radii, strict=False)]
                if self.gap[0] <= min([_to_sides(at, cube.shape), *others]) - radius <= self.gap[1]:
                    placed.append(at)
                    break
            else:
                return None
        return placed


def _to_sides(at: tuple[float, float], shape: Shape) -> float:
    return min(at[0], at[1], shape[0] - 1 - at[0], shape[1] - 1 - at[1])


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return math.hypot(one[0] - other[0], one[1] - other[1])


class UnitCube:
    """Every point of a unit cube is a scene of `Discs`, and uniform points are uniform scenes.

    The first number says how many discs there are, the second the diffusion length; each disc has a row, a column, a
    value and, where radii differ, a radius. The last disc has the value 1 and lies on top. A gap is not looked at.

    Parameters
    ----------
    distribution : Discs
    shape : (int, int)

    Examples
    --------
    >>> cube = UnitCube(Discs(sources=(1, 3)), (64, 64))
    >>> cube.dimensions, len(cube.scene(np.full(cube.dimensions, 0.5)).discs)
    (11, 2)
    """

    def __init__(self, distribution: Discs, shape: Shape) -> None:
        self.distribution, self.shape = distribution, shape
        self._each = 3 + (distribution.radius[0] < distribution.radius[1])

    @property
    def dimensions(self) -> int:
        """Numbers of a point."""
        return 2 + self._each * self.distribution.sources[1]

    def scene(self, point: FloatArray) -> Scene:
        """The scene of a point, (dimensions,) in [0, 1]."""
        of = self.distribution
        low, high = of.sources
        count = low + min(high - low, int(point[0] * (high - low + 1)))
        length = of.diffusion_length[0] + point[1] * (of.diffusion_length[1] - of.diffusion_length[0])
        discs = []
        for at in range(count):
            numbers = point[2 + at * self._each : 2 + (at + 1) * self._each]
            radius = of.radius[0] + (numbers[3] * (of.radius[1] - of.radius[0]) if self._each == 4 else 0.0)
            value = 1.0 if at == count - 1 or of.values == "one" else max(1e-6, 1.0 - float(numbers[2]))
            discs.append((*self.place(numbers[:2], radius), float(radius), value))
        return Scene(tuple(discs), float(length) ** -2.0)

    def place(self, at: FloatArray, radius: float) -> tuple[float, float]:
        """The whole pixel of a point of the unit square around which a disc lies inside the lattice."""
        reach = math.ceil(radius)
        if 2 * reach >= min(self.shape):
            raise ValueError(
                f"radius is {radius:g}; discs of at most {(min(self.shape) - 1) // 2} pixels fit into "
                f"{self.shape[0]} x {self.shape[1]}."
            )
        row, column = (
            float(reach + min(side - 2 * reach - 1, int(part * (side - 2 * reach))))
            for part, side in zip(at, self.shape, strict=True)
        )
        return row, column


class Listed(Drawn):
    """Scenes out of a file and what lies around them: problems that a network should have got right.

    A draw is one of the scenes, mirrored at random, each disc moved by a whole number of pixels up to ``moved`` along
    both axes, as far as the lattice goes, and each value but 1 multiplied by up to ``1 + changed`` or as much less.
    """

    kind: Literal["listed"] = "listed"
    file: Path = Field(description="a file of scenes, such as worst.json of a study of edge cases")
    moved: int = Field(default=2, ge=0, le=1000)
    changed: float = Field(default=0.1, ge=0, lt=1)

    def sample(self, rng: Rng, shape: Shape) -> Problem:
        """A random problem; the seed names it."""
        return self.scene(rng, shape).problem(shape)

    def scene(self, rng: Rng, shape: Shape) -> Scene:
        """The discs of a random problem."""
        scenes = _read(self.file, self.file.stat().st_mtime_ns)
        chosen = scenes[int(rng.integers(len(scenes)))]
        return around(chosen, rng, shape, self.moved, self.changed)


def around(scene: Scene, rng: Rng, shape: Shape, moved: int, changed: float) -> Scene:
    """A scene like this one; see `Listed`."""
    mirrored = rng.random(2) < 0.5
    discs = []
    for row, column, radius, value in scene.discs:
        reach = math.ceil(radius)
        at = []
        for place, side, turned in zip((row, column), shape, mirrored, strict=True):
            start = side - 1 - place if turned else place
            at.append(float(np.clip(start + rng.integers(-moved, moved + 1), reach, side - 1 - reach)))
        factor = 1.0 + rng.uniform(-changed, changed)
        discs.append((at[0], at[1], radius, value if value == 1.0 else min(1.0, value * factor)))
    return Scene(tuple(discs), scene.decay)


_SCENES: TypeAdapter[list[Scene]] = TypeAdapter(list[Scene])
#: Some ten million discs.
_MOST_BYTES = 2**30


def read_scenes(path: Path) -> list[Scene]:
    """Scenes out of a file that `write_scenes` wrote.

    Raises
    ------
    DamagedFileError
        If it is not what was written, or holds none.
    """
    with reading(path, "write it again"):
        scenes = _SCENES.validate_json(read_plain(path, _MOST_BYTES))
        if not scenes:
            raise ValueError("it holds no scene")
    return scenes


def write_scenes(path: Path, scenes: Sequence[Scene]) -> None:
    """Write scenes as JSON, whole or not at all."""
    rows: list[dict[str, Any]] = [{"discs": scene.discs, "decay": scene.decay} for scene in scenes]
    write_text(path, json.dumps(rows, indent=1))


@lru_cache(maxsize=4)
def _read(path: Path, written: int) -> list[Scene]:
    """The scenes of a file, read once as long as it stays: a sample is drawn thousands of times."""
    del written
    return read_scenes(path)
