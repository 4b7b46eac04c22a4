"""What cells climb: the host's gradients of a substrate, made anew whenever its field is.

The host makes them at its mechanics steps, from the field as it is then, and its cells read them from the next
diffusion step on. A field that is solved for in that step would come with the gradients of the one before, and the
first one with none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["write"]


def write(microenvironment: Any, index: int, field: npt.NDArray[np.float64]) -> None:
    """Put the gradient of a field, (H, W), into the host's array, as the host's own kernel has it."""
    from pyphysicell import _kernels

    me = microenvironment
    alone = np.ascontiguousarray(field)[np.newaxis, :, :, np.newaxis]
    found = np.empty((*alone.shape, 3))
    _kernels.gradients(alone, me.dx, me.dy, me.dz, found)
    me.gradient[:, :, :, index] = found[..., 0, :]
