"""What property layers of a grid say of a substrate: where something is held or made, and how much."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.readings import Reading
from surrogate_adapters.mesa.spaces import Space
from surrogate_plugin.arguments import HUGE, NOT_NEGATIVE

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def by_layer(space: Space, readings: Mapping[type | str, Reading], what: str) -> tuple[BoolArray, FloatArray]:
    """Where the layers named are true, and what they say there, (H, W) each; the largest where several are.

    Parameters
    ----------
    space : Lattice or Continuum
    readings : mapping of name of a boolean layer to number, or to the name of the layer that has the numbers
        Classes of agents among the keys are left to others.
    what : str
        Names the option in errors.

    Raises
    ------
    UnsupportedProblemError
        If there is no such layer, or one of another dtype.
    InvalidProblemError
        If a number is not in [0, 1e100], or a function is given.
    """
    there, numbers = np.zeros(space.domain.shape, dtype=np.bool_), np.zeros(space.domain.shape)
    for layer, reading in readings.items():
        if isinstance(layer, str):
            mask = _mask(space, layer, what)
            np.maximum(numbers, _value(space, mask, reading, what), out=numbers, where=mask)
            there |= mask
    return there, numbers


def _mask(space: Space, layer: str, what: str) -> BoolArray:
    mask = space.layer(layer)
    if mask.dtype != np.bool_:
        raise sp.UnsupportedProblemError(f"{what} names property layer {layer!r} of {mask.dtype}; bool is allowed.")
    return mask


def _value(space: Space, mask: BoolArray, reading: Reading, what: str) -> FloatArray | float:
    """What the true cells of a layer have: a number, or what another layer says there."""
    if callable(reading):
        raise sp.InvalidProblemError(f"{what} has a function for a property layer; a number or a layer is allowed.")
    if not isinstance(reading, str):
        return reading
    value = space.layer(reading)
    if value.dtype.kind not in "fiu":
        raise sp.UnsupportedProblemError(f"{what} reads property layer {reading!r} of {value.dtype}; float is allowed.")
    wrong = mask & ~((value >= 0) & (value <= HUGE))
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise sp.InvalidProblemError(
            f"{what}: property layer {reading!r} is {value[row, column]:g} in cell ({column}, {row}); "
            f"{NOT_NEGATIVE} are allowed."
        )
    return np.where(mask, value, 0.0)
