"""Arrays over the memory of the host's shared fields."""

from __future__ import annotations

import ctypes

import numpy as np


def create_field_and_array_from_cc3d_shared_numpy_scalar_field(field):
    dim, dtype = field.getDim(), np.dtype(field.getElementType())
    buffer = (ctypes.c_char * (field.getSize() * dtype.itemsize)).from_address(field.getPtr())
    return np.frombuffer(buffer, dtype=dtype).reshape(dim.x, dim.y, dim.z), field
