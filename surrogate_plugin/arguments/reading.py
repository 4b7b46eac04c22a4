"""What numpy makes of a stranger's object, asked nowhere else, so that no error of numpy's inside reaches a caller."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments.sentences import are
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.quantities import numbers_of


def as_numpy(name: str, value: Any, allowed: str) -> npt.NDArray[Any]:
    """Whatever numpy makes of a value, but neither what a mask hides nor a tensor torn from its gradients."""
    if type(value) is np.ndarray:  # no subclass, so that it has no unit, no mask and no gradients
        return value
    value = numbers_of(name, value)
    try:
        refusal = _not_as_it_seems(value)
        if refusal is None:
            return np.asarray(value)
    except Exception as error:  # ragged, nested without end, or an object that fails in a way of its own
        raise InvalidProblemError(
            f"{name} is a {type(value).__name__} that numpy cannot make an array of ({type(error).__name__}); "
            f"{allowed} {are(allowed)} allowed."
        ) from error
    raise InvalidProblemError(f"{name} is a {refusal}.")


def _not_as_it_seems(value: Any) -> str | None:
    """Why numbers that numpy would read are not those that are meant."""
    if getattr(value, "requires_grad", False) is True:
        return "tensor that requires grad, and no gradient passes through a solve; hand over its .detach()"
    rows = value if isinstance(value, list | tuple) else (value,)
    # A plain array has no mask; asking about it all the same would import numpy.ma for nothing.
    if any(isinstance(row, np.ndarray) and type(row) is not np.ndarray and np.ma.is_masked(row) for row in rows):
        return "masked array; fill what is masked with the values that are meant"
    return None
