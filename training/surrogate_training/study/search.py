"""Searches for the problem that a network answers worst: at random, and by an evolution strategy.

A round is a function of its seed and its start alone, so a search that was killed repeats the round it was in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.extras import extra
from surrogate_training.problems.discs import Scene, UnitCube

#: The error of each scene: the larger, the better for the search.
Judge = Callable[[Sequence[Scene]], FloatArray]
#: Between two points of the course of a round.
_EVERY = 100
#: Where evolution begins to look, in edges of the cube.
_SPREAD = 0.15


@dataclass(frozen=True)
class Round:
    """What a round found.

    Attributes
    ----------
    evaluations : int
    course : list of float
        The largest error so far, after every hundredth evaluation and the last.
    errors : list of float
        Of the worst scenes, the worst first.
    scenes : list of Scene
    start : list of float
        The worst one's point in the unit cube.
    """

    evaluations: int
    course: list[float]
    errors: list[float]
    scenes: list[Scene]
    start: list[float]


def random_round(judge: Judge, cube: UnitCube, evaluations: int, at_once: int, kept: int, seed: Sequence[int]) -> Round:
    """Uniform points.

    Parameters
    ----------
    judge : callable
    cube : UnitCube
    evaluations, at_once, kept : int
        Scenes in all, judged together, and kept.
    seed : sequence of int
    """
    rng, found = np.random.default_rng(list(seed)), _Found(cube, judge, kept)
    while found.evaluations < evaluations:
        found.try_points(rng.random((min(at_once, evaluations - found.evaluations), cube.dimensions)))
    return found.round()


def evolution_round(
    judge: Judge, cube: UnitCube, evaluations: int, at_once: int, kept: int, seed: Sequence[int], start: Sequence[float]
) -> Round:
    """CMA-ES from a point that another search found; where it has converged it begins anew, from a random point.

    Source
    ------
    Hansen, The CMA evolution strategy: a tutorial (arXiv 1604.00772), in the implementation of the package cma.

    Raises
    ------
    MissingExtraError
        If cma is not installed.
    """
    rng, found = np.random.default_rng(list(seed)), _Found(cube, judge, kept)
    begin = np.clip(np.asarray(start, np.float64), 0.0, 1.0)
    while found.evaluations < evaluations:
        strategy = _strategy(begin, at_once, int(rng.integers(1, 2**31)))
        while found.evaluations < evaluations and not strategy.stop():
            points = [np.clip(point, 0.0, 1.0) for point in strategy.ask()]
            room = evaluations - found.evaluations
            errors = found.try_points(np.array(points[:room]))
            if len(errors) < len(points):
                break
            strategy.tell(points, [-error for error in errors])
        begin = rng.random(cube.dimensions)
    return found.round()


def strategies() -> Any:
    """The package of evolution strategies.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    with extra("study", "the evolution strategy"):
        import cma
    return cma


def _strategy(begin: FloatArray, population: int, seed: int) -> Any:
    options = {"bounds": [0.0, 1.0], "popsize": population, "seed": seed, "verbose": -9}
    return strategies().CMAEvolutionStrategy(begin, _SPREAD, options)


class _Found:
    """The worst scenes so far, and how the largest error grew."""

    def __init__(self, cube: UnitCube, judge: Judge, kept: int) -> None:
        self._cube, self._judge, self._kept = cube, judge, kept
        self.evaluations = 0
        self._course: list[float] = []
        self._worst: dict[Scene, tuple[float, FloatArray]] = {}

    def try_points(self, points: FloatArray) -> FloatArray:
        """The errors of points, (N,)."""
        scenes = [self._cube.scene(point) for point in points]
        errors = self._judge(scenes)
        largest = max((error for error, _ in self._worst.values()), default=0.0)
        for point, scene, error in zip(points, scenes, errors, strict=True):
            self.evaluations += 1
            largest = max(largest, float(error))
            self._worst.setdefault(scene, (float(error), point))  # other points may be the same scene
            if self.evaluations % _EVERY == 0:
                self._course.append(largest)
        worst = sorted(self._worst.items(), key=lambda each: -each[1][0])
        self._worst = dict(worst[: self._kept])
        return errors

    def round(self) -> Round:
        """All of it."""
        errors = [error for error, _ in self._worst.values()]
        course = self._course if self.evaluations % _EVERY == 0 else [*self._course, errors[0]]
        start = next(iter(self._worst.values()))[1]
        return Round(self.evaluations, course, errors, list(self._worst), start.tolist())
