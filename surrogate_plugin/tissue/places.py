"""Where points are on the pixels of a domain, and what is said of those that are off it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import BoolArray, FloatArray
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.tissue.domain import Domain

#: So many pixels from 0, float64 still resolves a ten-millionth of a pixel.
FARTHEST = 1e9


def around(position: FloatArray, size: int) -> FloatArray:
    """Where on a ring, [0, size), a position in pixels is."""
    on_ring = np.mod(position, size)
    return np.where(on_ring < size, on_ring, 0.0)  # what is less than nothing below 0 is rounded up to all around


def refuse_off(domain: Domain, name: str, points: FloatArray, wrong: BoolArray) -> None:
    """One sentence for the first of the points that are off the domain, if any is."""
    if not wrong.any():
        return
    item = int(np.argmax(wrong))
    (x0, y0), (width, height) = domain.origin_um, domain.size_um
    raise InvalidProblemError(
        f"{name}[{item}] is at ({points[item, 0]:g}, {points[item, 1]:g}) um, off the domain "
        f"[{x0:g}, {x0 + width:g}] x [{y0:g}, {y0 + height:g}] ({int(wrong.sum())} are); "
        "outside='drop' leaves them out, 'clamp' moves them to the border."
    )
