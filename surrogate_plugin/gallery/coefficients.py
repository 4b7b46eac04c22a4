"""What the gallery's generators draw besides their masks: lattices, pixels, boundaries, coefficients and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, Coefficient, FloatArray, MichaelisMenten, Problem
from surrogate_plugin.gallery.masks import Shape, tumour

Rng = np.random.Generator
#: What sides the generators draw.
PlainSide = str | float
PlainBoundary = PlainSide | Mapping[str, PlainSide]


class Coefficients(TypedDict, total=False):
    """What every generator lets a caller pin; whatever is left out is drawn at random.

    ``boundary`` as in `Problem`, in units of ``scale``; ``variable_decay`` and ``michaelis_menten`` switch the
    tumour's uptake on or off; ``diffusion_length`` in pixels (infinite: no background decay); ``contrast``, the
    largest decay over the smallest; ``scale``, the largest value on a fixed pixel, field units.
    """

    boundary: PlainBoundary
    variable_decay: bool
    michaelis_menten: bool
    variable_diffusivity: bool
    diffusion_length: float
    contrast: float
    scale: float


def any_shape(rng: Rng, max_side: int, min_side: int = 8) -> Shape:
    """Small, odd, prime and very oblong lattices of ``min_side`` to ``max_side`` rows or columns."""
    named = (1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 24, 31, 32, 37, 61, 64, 127, 128)
    sides = [side for side in named if min_side <= side <= max_side]
    form = rng.random()
    if form < 0.1:
        return (min_side, min_side)
    if form < 0.2:
        thicker = min(min_side + 1, max_side)
        return (min_side, max_side) if rng.random() < 0.5 else (max_side, thicker)
    return int(rng.choice(sides)), int(rng.choice(sides))


def any_pixel(rng: Rng, shape: Shape) -> tuple[int, int]:
    """The row and column of any pixel."""
    return int(rng.integers(shape[0])), int(rng.integers(shape[1]))


def any_boundary(rng: Rng) -> PlainBoundary:
    """All sides alike half of the time, else each for itself, periodic in opposite pairs; values up to 1.2."""

    def side() -> PlainSide:
        return ("absorbing", "reflecting", float(rng.uniform(0.0, 1.2)))[int(rng.integers(3))]

    if rng.random() < 0.5:
        return "periodic" if rng.random() < 0.25 else side()
    sides: dict[str, PlainSide] = {}
    for pair in (("left", "right"), ("bottom", "top")):
        wraps = rng.random() < 0.25
        sides |= {name: "periodic" if wraps else side() for name in pair}
    return sides


def scaled(boundary: PlainBoundary, scale: float) -> PlainBoundary:
    if isinstance(boundary, str):
        return boundary
    if isinstance(boundary, (int, float)):
        return boundary * scale
    return {name: side if isinstance(side, str) else side * scale for name, side in boundary.items()}


def dress(rng: Rng, source: FloatArray, pinned: Coefficients, fixed: BoolArray | None = None) -> Problem:
    """Give painted sources (largest value 1) their units, boundary, decay, production and uptake."""
    shape = (source.shape[0], source.shape[1])
    mask = source > 0 if fixed is None else fixed
    scale = pinned.get("scale", float(rng.choice([1.0, 1.0, 38.0, 1e-12, 1e12])))
    spacing, diffusivity = float(10 ** rng.uniform(-1, 1.5)), float(10 ** rng.uniform(-3, 5))
    length = pinned.get("diffusion_length", float(10 ** rng.uniform(0, np.log10(500))))
    boundary = pinned.get("boundary", any_boundary(rng))
    decay = diffusivity / (length * spacing) ** 2
    contrast = pinned.get("contrast", float(10 ** rng.uniform(0.3, 3)))
    cells = tumour(rng, shape)
    uptake = None
    if pinned.get("michaelis_menten", bool(rng.random() < 0.2)):
        km = scale * float(10 ** rng.uniform(-2, 0.5))
        # Half-saturated uptake stays within the same contrast over the background as a first-order map would.
        strongest = max(decay, diffusivity / (20 * spacing) ** 2) * min(contrast, 100.0)
        uptake = MichaelisMenten(vmax=cells * strongest * km, km=km)
    decay_map: Coefficient = decay
    if pinned.get("variable_decay", bool(rng.random() < 0.4)):
        floor = decay or diffusivity / (100 * spacing) ** 2
        decay_map = np.asarray(decay + floor * (contrast - 1) * cells, dtype=np.float64)
    production: Coefficient = 0.0
    if rng.random() < 0.3 or not mask.any():
        rate = scale * float(rng.uniform(0.1, 1.0)) * max(decay, diffusivity / (20 * spacing) ** 2)
        production = rate if rng.random() < 0.5 else np.where(rng.random(shape) < 0.1, rate, 0.0)
    varied = pinned.get("variable_diffusivity", False)
    return Problem(
        source * scale,
        fixed=mask,
        diffusivity=diffusivity * 10 ** rng.uniform(-1.5, 0.0, shape) if varied else diffusivity,
        decay=decay_map,
        production=production,
        uptake=uptake,
        spacing=spacing,
        boundary=scaled(boundary, scale),
    )
