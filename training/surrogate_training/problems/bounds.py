"""Bounds of what is drawn at random, and a draw between them."""

from __future__ import annotations

import math
from typing import Annotated, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Rng = np.random.Generator
Shape = tuple[int, int]
Number = TypeVar("Number", int, float)


def ordered(bounds: tuple[Number, Number]) -> tuple[Number, Number]:
    """Bounds as they are, the lower one first."""
    if bounds[0] > bounds[1]:
        raise ValueError(f"{bounds} are bounds in the wrong order; the lower one comes first.")
    return bounds


#: Pixels, or parts of the largest value; far beyond any tissue, and nowhere near what floats cannot hold.
Size = Annotated[float, Field(ge=1e-6, le=1e6)]
Sizes = Annotated[tuple[Size, Size], AfterValidator(ordered)]
Count = Annotated[int, Field(ge=1, le=10**5)]


class Drawn(BaseModel):
    """What problems are drawn from."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def log_uniform(rng: Rng, bounds: tuple[float, float]) -> float:
    """A number whose logarithm is uniform between those of the bounds."""
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))
