"""Solutions of small lattices in extended precision, independent of the package's own solvers."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.problem import Problem

Extended = np.longdouble


def true_field(problem: Problem, start: np.ndarray | None = None) -> np.ndarray:
    """The solution of the discrete equation, (H, W) longdouble: Newton with residuals in extended precision.

    A step is judged beside ``km + c`` at its own pixel: there, once it is small, Newton squares it, so that the last
    step's size bounds the error whatever ``km`` is. Meant for up to some hundred pixels (the matrix is dense).

    Parameters
    ----------
    problem : Problem
    start : (H, W) float64, optional
        Saves steps only: the equation is concave, so Newton rises to the solution from wherever its first step lands.
    """
    free = ~problem.fixed
    if not free.any():
        return problem.source.astype(Extended)
    there, link, known = _links(problem)
    matrix = _matrix(problem, there, link)
    inside = np.flatnonzero(free.ravel())
    decay, production, vmax, km = _coefficients(problem)
    value = np.where(problem.fixed, problem.source, 0.0).ravel().astype(Extended)
    if start is not None:
        value[inside] = np.maximum(start.ravel()[inside], 0.0)
    largest = 0.0
    for _ in range(2000):
        here = value[inside]
        around = np.where(there >= 0, value[there], known)
        rest = (link * (around - value[:, None])).sum(axis=1)[inside] + production - decay * here
        rest -= vmax * (here / (km + here))
        fraction = (km / (km + here)).astype(np.float64)
        slope = (vmax.astype(np.float64) / float(km)) * fraction * fraction
        size = float(np.abs(rest).max())
        if size == 0.0:
            break
        step = np.linalg.solve(matrix + np.diag(slope), (rest / size).astype(np.float64)).astype(Extended) * size
        new = np.maximum(here + step, Extended(0))
        moved = np.abs(new - here)
        value[inside] = new
        largest = max(largest, float(new.max()), problem.largest_imposed)
        if (moved <= Extended(1e-17) * largest).all() and (moved <= Extended(1e-6) * (km + new)).all():
            break
    else:
        raise AssertionError("the reference did not converge")
    return value.reshape(problem.shape)


def _links(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel and direction: the neighbour's number (-1: a known value), the link, the known value."""
    height, width = problem.shape
    number = np.arange(height * width).reshape(problem.shape)
    spread = np.broadcast_to(problem.diffusivity, problem.shape).astype(Extended)
    unit = Extended(problem.spacing) ** 2
    there = np.full((4, height, width), -1)
    link, known = np.zeros((4, height, width), Extended), np.zeros((4, height, width), Extended)
    edges = (np.s_[:, :1], np.s_[:, -1:], np.s_[:1], np.s_[-1:])
    for way, (side, edge) in enumerate(zip(problem.boundary.sides, edges, strict=True)):
        axis, shift = (1, 0)[way // 2], (1, -1)[way % 2]
        there[way] = np.roll(number, shift, axis)
        other = np.roll(spread, shift, axis)
        link[way] = 2 * spread * other / (spread + other) / unit
        if side.kind == "value":
            there[way][edge], known[way][edge] = -1, side.value
            link[way][edge] = spread[edge] / unit
        elif side.kind == "reflecting":
            there[way][edge], link[way][edge] = -1, 0
    return tuple(array.reshape(4, -1).T for array in (there, link, known))


def _matrix(problem: Problem, there: np.ndarray, link: np.ndarray) -> np.ndarray:
    """The linear part on the free pixels, dense float64."""
    inside = np.flatnonzero(~problem.fixed.ravel())
    decay = np.broadcast_to(problem.decay, problem.shape).ravel()
    full = np.diag(link.sum(axis=1).astype(np.float64) + decay)
    for way in range(4):
        linked = there[:, way] >= 0
        np.subtract.at(full, (np.flatnonzero(linked), there[linked, way]), link[linked, way].astype(np.float64))
    return full[np.ix_(inside, inside)]


def _coefficients(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray, Extended]:
    """Decay, production and vmax of the free pixels, and km, in extended precision."""
    free = ~problem.fixed
    given = (problem.decay, problem.production, 0.0 if problem.uptake is None else problem.uptake.vmax)
    maps = (np.broadcast_to(value, problem.shape)[free].astype(Extended) for value in given)
    decay, production, vmax = maps
    return decay, production, vmax, Extended(1.0 if problem.uptake is None else problem.uptake.km)
