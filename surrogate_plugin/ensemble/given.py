"""What a member gave: numbers, texts and arrays, or one sentence about what cannot be kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import shown
from surrogate_plugin.ensemble.sweep import RESERVED, Parameters
from surrogate_plugin.errors import EnsembleError

Number = bool | int | float
#: The names of the axes, and the values.
Named = tuple[tuple[str, ...], npt.NDArray[Any]]

#: JSON has no words for these; Zarr's own fill values are written so.
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass
class Given:
    """What a member gave, sorted out.

    Attributes
    ----------
    numbers : dict of str to number
    texts : dict of str to str
    arrays : dict of str to (names of axes, array)
    """

    numbers: dict[str, Number] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Named] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Any, parameters: Parameters) -> Given:
        """What the function of a member returned.

        Raises
        ------
        EnsembleError
            If something cannot be kept.

        Examples
        --------
        >>> Given.read({"mean": np.float32(0.5), "fate": "dead"}, {}).numbers
        {'mean': 0.5}
        """
        if given is not None and not isinstance(given, Mapping):
            raise EnsembleError(f"the member gave {shown(given)}; a dict of numbers, texts and arrays is allowed.")
        made = cls()
        for name, value in (given or {}).items():
            _check_name(name, parameters)
            if isinstance(value, str):
                made.texts[name] = value
                continue
            axes, values = _with_axes(name, value)
            if values.ndim == 0:
                made.numbers[name] = values.item()
            else:
                made.arrays[name] = (axes, values)
        return made


def written(number: Number) -> Number | str:
    """A number as JSON takes it.

    Examples
    --------
    >>> written(0.5), written(-math.inf)
    (0.5, '-Infinity')
    """
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")


def read_number(said: Any) -> Number:
    """A number as `written` wrote it.

    Raises
    ------
    KeyError, TypeError
        If it is none.
    """
    if isinstance(said, str):
        return _NOT_FINITE[said]
    if not isinstance(said, bool | int | float):
        raise TypeError
    return said


def _check_name(name: Any, parameters: Parameters) -> None:
    if not isinstance(name, str) or not name.strip() or "/" in name or name.startswith(("__", ".", "zarr.json")):
        raise EnsembleError(f"the member gave something called {shown(name)}; text without / is allowed.")
    if name in parameters or name in RESERVED:
        raise EnsembleError(f"the member gave {name!r}, which is the name of another column; name it otherwise.")


def _with_axes(name: str, value: Any) -> Named:
    axes: tuple[str, ...] | None = None
    if isinstance(value, tuple) and len(value) == 2 and _are_names(value[0]):
        axes, value = tuple(value[0]), value[1]
    try:
        values = np.asarray(value)
    except Exception:  # ragged, or an object that fails in a way of its own
        values = np.asarray(None)
    if values.dtype.kind not in "biuf":
        raise EnsembleError(f"the member gave {name} as {shown(value)}; numbers, text or arrays of them are allowed.")
    if axes is not None and len(axes) != values.ndim:
        raise EnsembleError(f"the member gave {name} with {len(axes)} names of axes and {values.ndim} axes.")
    return axes or tuple(f"{name}_{axis}" for axis in range(values.ndim)), values


def _are_names(given: Any) -> bool:
    return isinstance(given, tuple | list) and bool(given) and all(isinstance(each, str) for each in given)
