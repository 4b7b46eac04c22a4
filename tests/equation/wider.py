"""Problems of the wider equation, random and nasty: what a tissue may pose, and what users may pose by mistake."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.gallery import any_region

Rng = np.random.Generator


def wide_problems(
    seed: int, count: int, max_side: int = 14, *, min_side: int = 1, hard: bool = True, saturating: bool = True
) -> Iterator[sp.Problem]:
    """So many problems that have a steady state, every kind of coefficient, face and side mixed at random.

    ``hard``: contrasts up to 1e8 and membranes that let next to nothing through; without it up to 1e3.
    """
    rng, made = np.random.default_rng([seed, 12]), 0
    while made < count:
        problem = wide_problem(rng, max_side, min_side=min_side, hard=hard, saturating=saturating)
        try:
            problem.check_steady()
        except sp.InvalidProblemError:
            continue
        made += 1
        yield problem


def wide_problem(
    rng: Rng, max_side: int = 14, *, min_side: int = 1, hard: bool = True, saturating: bool = True
) -> sp.Problem:
    """One of them, which may have no steady state."""
    rows, columns = (int(side) for side in rng.integers(min_side, max_side + 1, 2))
    shape, unit = (rows, columns), float(rng.choice([1.0, 1.0, 1e5, 1e-4]))
    spread = (8.0 if rng.random() < 0.3 else 2.0) if hard else 1.5
    spacing: Any = float(10.0 ** rng.uniform(-1, 1.5))
    if rng.random() < 0.4:
        spacing = (spacing, spacing * float(10.0 ** rng.uniform(-1, 1)))
    link = unit / float(np.max(spacing)) ** 2
    value = float(rng.choice([1.0, 38.0, 1e-12, 1e12]))
    fixed = any_region(rng, shape) if rng.random() < 0.6 else np.zeros(shape, np.bool_)
    source = np.where(fixed, value * rng.uniform(0.0, 1.0, shape), 0.0)
    decay: Any = link * 10.0 ** rng.uniform(-5, 0)
    if rng.random() < 0.6:
        decay = decay * np.where(any_region(rng, shape), rng.uniform(1.0, 30.0, shape), float(rng.random() < 0.7))
    production: Any = 0.0
    if rng.random() < 0.5:
        production = np.where(any_region(rng, shape), value * link * rng.uniform(0.0, 0.1, shape), 0.0)
    uptake = None
    if saturating and rng.random() < 0.25:
        most = value * link * 10.0 ** rng.uniform(-3, 1)
        uptake = sp.MichaelisMenten(
            np.where(any_region(rng, shape), most, 0.0), value * float(10.0 ** rng.uniform(-3, 1))
        )
    return sp.Problem(
        source, fixed=fixed, diffusivity=_diffusivity(rng, shape, unit, spread), decay=decay, production=production,
        uptake=uptake, spacing=spacing, boundary=_sides(rng, value, unit / float(np.max(spacing))),
        membranes=_membranes(rng, shape, unit / float(np.max(spacing)), spread),
    )  # fmt: skip


def _map(rng: Rng, shape: tuple[int, int], unit: float, spread: float) -> Any:
    """A number, two tissues, a smooth map, pixel noise, obstacles, one-pixel walls: of contrast 10^spread."""
    kind = rng.integers(7)
    if kind == 0:
        return unit
    if kind == 1:
        return unit * np.where(any_region(rng, shape), 1.0, 10.0**-spread)
    if kind == 2:
        waves = np.cos(np.arange(shape[0])[:, None] / 3) * np.cos(np.arange(shape[1]) / 4)
        return unit * 10.0 ** (0.5 * spread * (waves - 1.0))
    if kind == 3:
        return unit * 10.0 ** -rng.uniform(0.0, spread, shape)
    if kind == 4:
        return unit * np.where(rng.random(shape) < 0.3, 0.0, 1.0)
    if kind == 5:
        wall = np.ones(shape)
        wall[:, rng.integers(shape[1])] = rng.choice([0.0, 10.0**-spread])
        wall[rng.integers(shape[0])] = rng.choice([0.0, 10.0**-spread])
        return unit * wall
    return unit * np.where(any_region(rng, shape), 0.0, 10.0 ** -rng.uniform(0.0, spread, shape))


def _diffusivity(rng: Rng, shape: tuple[int, int], unit: float, spread: float) -> Any:
    if rng.random() < 0.3:
        return sp.PerAxis(x=_map(rng, shape, unit, spread / 2), y=_map(rng, shape, unit, spread / 2))
    return 0.0 if rng.random() < 0.02 else _map(rng, shape, unit, spread)


def _membranes(rng: Rng, shape: tuple[int, int], unit: float, spread: float) -> Any:
    """None; walls around regions, of any permeability; or noise with faces that let nothing through."""
    kind = rng.integers(3)
    if kind == 0:
        return None
    if kind == 1:
        regions = any_region(rng, shape).astype(int) + 2 * any_region(rng, shape)
        return sp.Membranes.between(regions, unit * float(rng.choice([0.0, 10.0**-spread, 0.01, 1.0])))
    rows, columns = shape
    x, y = (unit * 10.0 ** rng.uniform(-spread, 2, size) for size in ((rows, columns - 1), (rows - 1, columns)))
    for each in (x, y):
        each[rng.random(each.shape) < 0.1] = 0.0
        each[rng.random(each.shape) < 0.4] = math.inf
    return sp.Membranes(x=x, y=y)


def _sides(rng: Rng, value: float, permeability: float) -> Any:
    """Every pair of sides: rings, or any two of the others."""

    def side() -> Any:
        kind = rng.integers(5)
        if kind == 0:
            return "reflecting"
        if kind == 1:
            return sp.Flux(value * permeability * float(rng.uniform(0.0, 0.1)))
        if kind == 2:
            return sp.Exchange(permeability * float(10.0 ** rng.uniform(-4, 3)), value * float(rng.random()))
        return value * float(rng.random()) if kind == 3 else "absorbing"

    sides: dict[str, Any] = {}
    for pair in (("left", "right"), ("bottom", "top")):
        ring = rng.random() < 0.25
        sides |= {name: "periodic" if ring else side() for name in pair}
    return sides
