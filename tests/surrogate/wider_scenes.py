"""Small problems of the wider equation, one of each kind, that networks are asked."""

from __future__ import annotations

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.equation.problem import MichaelisMenten, Problem

KINDS = (
    "production", "ring", "torus", "map", "obstacles", "membranes", "leaky-vessels", "exchange", "flux", "anisotropy",
    "uneven", "step", "saturating", "all",
)  # fmt: skip


def scene(kind: str, seed: int = 0, shape: tuple[int, int] = (41, 54)) -> Problem:
    """A problem with some fixed pixels, no side of which is a multiple of a block."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    source = np.where(rng.random(shape) < 0.02, rng.uniform(0.1, 1.0, shape), 0.0)
    source[3:6, 4:8] = 1.0
    fixed = source > 0
    problem = Problem(source, decay=rng.uniform(1e-3, 0.05, shape))
    cells = (rng.random(shape) < 0.1) * rng.uniform(0.0, 0.1, shape)
    diffusivity = np.exp(-rng.uniform(0.0, 3.0, shape))
    ids = np.repeat(np.repeat(rng.integers(0, 4, (shape[0] // 7 + 1, shape[1] // 7 + 1)), 7, 0), 7, 1)
    around = sp.Membranes.between(ids[: shape[0], : shape[1]], 0.1)
    if kind == "production":
        return problem.replace(production=cells)
    if kind == "ring":
        return problem.replace(boundary={"left": "periodic", "right": "periodic", "top": "reflecting"})
    if kind == "torus":
        return problem.replace(boundary="periodic", production=0.01)
    if kind == "map":
        return problem.replace(diffusivity=diffusivity, boundary="reflecting")
    if kind == "obstacles":
        return problem.replace(diffusivity=np.where(rng.random(shape) < 0.2, 0.0, 1.0))
    if kind == "membranes":
        return problem.replace(membranes=around, boundary=0.3)
    if kind == "leaky-vessels":
        return problem.replace(membranes=sp.Membranes.between(fixed.astype(np.int64), 0.2))
    if kind == "exchange":
        return problem.replace(boundary=sp.Exchange(0.2, 1.0))
    if kind == "flux":
        return problem.replace(boundary={"left": sp.Flux(0.1), "right": sp.Exchange(0.1, 0.0), "top": "reflecting"})
    if kind == "anisotropy":
        return problem.replace(diffusivity=sp.PerAxis(x=1.0, y=0.3))
    if kind == "uneven":
        return problem.replace(spacing=(1.0, 1.4))
    if kind == "step":
        return problem.implicit_step(rng.uniform(0.0, 1.0, shape), 5.0)
    if kind == "saturating":
        return problem.replace(uptake=MichaelisMenten(cells, 0.2), production=cells[::-1] / 3)
    everything = problem.replace(
        diffusivity=np.where(rng.random(shape) < 0.1, 0.0, diffusivity), membranes=around, production=cells,
        boundary={"left": "periodic", "right": "periodic", "bottom": sp.Exchange(0.3, 0.5), "top": sp.Flux(0.02)},
    )  # fmt: skip
    return everything.implicit_step(rng.uniform(0.0, 1.0, shape), 20.0)
