"""The wider equation written out face by face into one dense matrix: a reference that shares no code with solvers."""

from __future__ import annotations

import itertools
import math

import numpy as np

import surrogate_plugin as sp


def per_pixel(value, shape):
    return np.broadcast_to(np.asarray(value, dtype=float), shape)


def conductance(here, there, h, permeability=math.inf):
    """Of the face between two pixels: half a spacing of each tissue, and a membrane between them."""
    if here == 0.0 or there == 0.0 or permeability == 0.0:
        return 0.0
    return 1.0 / (h / (2.0 * here) + h / (2.0 * there) + 1.0 / permeability) / h


def permeability_of(problem, axis, low):
    """Of the face above pixel ``low`` along an axis."""
    if problem.membranes is None:
        return math.inf
    faces = problem.membranes.y if axis == 0 else problem.membranes.x
    return float(faces[low]) if low[axis] < faces.shape[axis] else math.inf


def assembled(problem: sp.Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``A``, ``b`` and ``vmax`` on all pixels, 1 / time and field units / time; rows of fixed pixels are identities."""
    (rows, columns), shape = problem.shape, problem.shape
    dy, dx = problem.spacing if isinstance(problem.spacing, tuple) else (problem.spacing, problem.spacing)
    given = problem.diffusivity
    along_y, along_x = (given.y, given.x) if isinstance(given, sp.PerAxis) else (given, given)
    diffusivity = per_pixel(along_y, shape), per_pixel(along_x, shape)
    sides = ((problem.boundary.bottom, problem.boundary.top), (problem.boundary.left, problem.boundary.right))
    matrix, b = np.zeros((rows * columns, rows * columns)), np.zeros(rows * columns)
    vmax = per_pixel(0.0 if problem.uptake is None else problem.uptake.vmax, shape).ravel().copy()
    decay, production = per_pixel(problem.decay, shape), per_pixel(problem.production, shape)
    for pixel in itertools.product(range(rows), range(columns)):
        here = pixel[0] * columns + pixel[1]
        if problem.fixed[pixel]:
            matrix[here, here], b[here], vmax[here] = 1.0, problem.source[pixel], 0.0
            continue
        matrix[here, here] += decay[pixel]
        b[here] += production[pixel]
        for axis, (end, step) in itertools.product((0, 1), enumerate((-1, 1))):
            h, own, side = (dy, dx)[axis], float(diffusivity[axis][pixel]), sides[axis][end]
            other = list(pixel)
            other[axis] += step
            if not 0 <= other[axis] < shape[axis] and side.kind != "periodic":
                if side.kind == "flux":
                    b[here] += side.rate / h if own > 0 else 0.0
                elif side.kind in ("value", "exchange"):
                    resists = 0.0 if side.kind == "value" else 1.0 / side.rate
                    through = 0.0 if own == 0.0 else 1.0 / (h / own + resists) / h
                    matrix[here, here] += through
                    b[here] += through * side.value
                continue
            other[axis] %= shape[axis]
            there = tuple(other)
            low = pixel if step > 0 else there
            through = conductance(own, float(diffusivity[axis][there]), h, permeability_of(problem, axis, low))
            matrix[here, here] += through
            matrix[here, there[0] * columns + there[1]] -= through
    return matrix, b, vmax


def solved(problem: sp.Problem) -> np.ndarray:
    """The field, by elimination in float64 row by row scaled, and Newton's method for saturating uptake."""
    matrix, b, vmax = assembled(problem)
    alone = (np.abs(matrix).sum(axis=1) == 0.0) & (vmax == 0.0)
    matrix[alone, alone] = 1.0  # nothing reaches such a pixel: it holds 0
    km, c = 1.0 if problem.uptake is None else problem.uptake.km, np.zeros(b.size)
    for _ in range(200):
        tangent = matrix + np.diag(vmax * km / (km + c) ** 2)
        residual = b - matrix @ c - vmax * c / (km + c)
        scale = np.abs(tangent).max(axis=1)
        step = (
            np.linalg.lstsq(tangent / scale[:, None], residual / scale, rcond=None)[0]
            if _singular(tangent)
            else (np.linalg.solve(tangent / scale[:, None], residual / scale))
        )
        c = np.maximum(c + step, 0.0)
        if np.abs(step).max() <= 1e-14 * c.max():
            break
    return c.reshape(problem.shape)


def _singular(matrix: np.ndarray) -> bool:
    """Whether a part of the tissue that nothing anchors makes the matrix singular: its field of least size is 0."""
    return bool(np.linalg.cond(matrix) > 1e15)
