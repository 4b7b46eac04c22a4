"""Whether two problems are the same to the last bit."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.equation.problem import Problem


def assert_same(one: Problem, other: Problem) -> None:
    """Part by part: names, kinds, shapes and bits."""
    assert list(one.parts) == list(other.parts)
    for name, value in one.parts.items():
        given = other.parts[name]
        assert type(value) is type(given), name
        assert np.asarray(value).dtype == np.asarray(given).dtype, name
        assert np.shape(value) == np.shape(given), name
        assert np.asarray(value).tobytes() == np.asarray(given).tobytes(), name
