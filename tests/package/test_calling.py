"""Kernels called by the address of their code: the same answer, the same errors, and no call with other types."""

from __future__ import annotations

import numpy as np
import pytest
from numba import types
from numba.core.errors import TypingError

from surrogate_plugin import jit
from surrogate_plugin.calling_kernels import address_of, by_address

_TYPES = (types.float64[::1], types.int64, types.none)


@jit.exact
def _entry(values, place, scale):
    if place >= values.size:
        raise ValueError("no such entry")
    return (values[place] if scale is None else scale * values[place]), place + 1


_call = by_address(_entry, lambda: [_TYPES])


@jit.exact
def _called(address, values, place):
    entry, following = _call(address, (values, place, None))
    return entry, following


@jit.exact
def _called_with_a_number(address, values, place):
    return _call(address, (values, place, 2.0))


def test_a_call_by_address_answers_as_the_kernel_does() -> None:
    values, address = np.array([3.0, 5.0, 7.0]), address_of(_entry, _TYPES)
    assert [_called(address, values, place) for place in range(3)] == [(3.0, 1), (5.0, 2), (7.0, 3)]


def test_what_the_kernel_raises_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="no such entry"):
        _called(address_of(_entry, _TYPES), np.zeros(2), 2)


def test_types_that_nobody_has_declared_are_refused() -> None:
    with pytest.raises(TypingError, match="_entry is called by address with"):
        _called_with_a_number(address_of(_entry, _TYPES), np.zeros(2), 0)
