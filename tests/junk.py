"""Things that callers hand over by mistake, numbers of every size, and what an error may say about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import surrogate_plugin as sp

#: Where float64, its square, or the range of the package ends.
EDGES = [
    0.0, -0.0, 5e-324, 1e-310, 2.3e-308, 1e-300, 1e-200, 1e-154, 1e-101, 1e-100, 1.1e-100, 1e-99, 1e-50, 1e-30, 1e-12,
    1.0, 38.0, 1e12, 1e30, 1e99, 1e100, 1.1e100, 1e101, 1e154, 1e155, 1e200, 1e300, 1.7e308,
]  # fmt: skip

SHAPES = st.tuples(st.integers(8, 12), st.integers(8, 12))
DTYPES = ["f2", "f4", "f8", ">f8", "g", "i1", "i8", "u8", "?", "c16", "M8[s]", "m8[s]", "U3", "S3", "O", "V4"]


class Unreadable:
    """An object whose array fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise self.error


class Evasive:
    """An object that fails whatever it is asked for."""

    def __getattr__(self, name: str) -> object:
        raise AttributeError(name) if name.startswith("_repr") else RuntimeError(name)

    def __float__(self) -> float:
        raise ArithmeticError

    def __iter__(self) -> object:
        raise OSError


class Silent(Unreadable):
    """An object that cannot even be shown."""

    def __init__(self) -> None:
        super().__init__(RuntimeError())

    def __repr__(self) -> str:
        raise self.error


class Named(np.ndarray):
    """A subclass of ndarray, as packages for units have them."""


def nested() -> list[object]:
    """A list that holds itself."""
    inside: list[object] = []
    inside.append(inside)
    return inside


SOURCE = np.zeros((8, 9))
SOURCE[3:5, 4:6] = 38.0

#: No map and no number, whatever field it is given for.
NO_NUMBERS = {
    "text": "0.1",
    "bytes": b"0.1",
    "complex": 0.1 + 0j,
    "complex map": SOURCE.astype(complex),
    "ragged": [[1.0], [1.0, 2.0]],
    "without end": nested(),
    "dictionary": {"a": 1.0},
    "set": {1.0},
    "class": float,
    "objects": SOURCE.astype(object),
    "times": SOURCE.astype("datetime64[s]"),
    "durations": np.timedelta64(3, "s"),
    "records": np.zeros((8, 9), dtype=[("value", float)]),
    "texts": SOURCE.astype(str),
    "integers beyond float64": [[10**400] * 9] * 8,
    "masked": np.ma.masked_equal(SOURCE, 38.0),
    "rows masked": list(np.ma.masked_equal(SOURCE, 38.0)),
    "gradients": torch.ones(8, 9, requires_grad=True),
    "bfloat16": torch.ones(8, 9, dtype=torch.bfloat16),
    "unreadable": Unreadable(RuntimeError("two\nlines.")),
    "not to be shown": Silent(),
    "out of memory": Unreadable(MemoryError()),
    "NaN": np.nan,
    "infinite": np.inf,
    "huge": 10**400,
    "huge fraction": Fraction(10**400),
    "huge decimal": Decimal("1e400"),
    "signalling": Decimal("sNaN"),
    "too large for its square": 1e200,
    "long double": np.full((8, 9), np.longdouble("1e4000")),
    "immense": np.broadcast_to(1.0, (2**20, 2**20)),
    "negative": -1e-300,
    "cube": np.ones((2, 8, 9)),
    "empty": [],
}


def magnitudes() -> st.SearchStrategy[float]:
    """Numbers >= 0 of every size that float64 has."""
    return st.one_of(st.sampled_from(EDGES), st.floats(-323.0, 308.0).map(lambda exponent: 10.0**exponent))


def dressed(number: float) -> st.SearchStrategy[Any]:
    """The same number as an object of another type."""
    kinds: list[Callable[[float], Any]] = [
        float, Fraction, Decimal, np.float64, np.array, np.longdouble, lambda x: torch.tensor(x, dtype=torch.float64),
    ]  # fmt: skip
    return st.sampled_from(kinds if np.isfinite(number) else [float, np.float64]).map(lambda kind: kind(number))


@st.composite
def arrays(draw: st.DrawFn, shape: tuple[int, int]) -> np.ndarray:
    """An array of any dtype, of this shape or of nearly this shape, of any layout, often not of numbers at all."""
    rows, columns = shape
    form = draw(st.sampled_from([shape, shape, shape, (columns, rows), (rows,), (1, rows, columns), (0, columns), ()]))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    filling = draw(st.sampled_from(["zeros", "ones", "eye", "wild"]))
    with np.errstate(all="ignore"):
        if filling == "wild" and dtype.kind in "fg":
            exponents = np.random.default_rng(draw(st.integers(0, 99))).uniform(-320, 308, form)
            array = np.asarray((10.0**exponents).astype(dtype))
        elif filling == "eye" and len(form) == 2 and dtype.kind in "fgiu?":
            array = np.eye(*form).astype(dtype)
        else:
            array = np.zeros(form, dtype) if filling == "zeros" or dtype.kind in "MmUSV" else np.ones(form, dtype)
    layout = draw(st.sampled_from(["plain", "fortran", "reversed", "read-only", "subclass", "masked", "list"]))
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "reversed" and array.ndim:
        return array[::-1]
    if layout == "read-only":
        array.flags.writeable = False
    if layout == "subclass":
        return array.view(Named)
    if layout == "masked" and dtype.kind in "fiu":
        return np.ma.masked_array(array, mask=draw(st.booleans()))
    return array.tolist() if layout == "list" else array


def things() -> st.SearchStrategy[Any]:
    """Objects that are no array of numbers, or numbers that are none."""
    numbers = st.one_of(
        st.sampled_from([np.nan, np.inf, -np.inf, -1.0, -5e-324, 10**400, -(10**400), Fraction(10**400, 3), 1 + 2j]),
        st.sampled_from(
            [Decimal("NaN"), Decimal("sNaN"), Decimal("1e999"), np.longdouble("1e4000"), np.float32("inf")]
        ),
        st.sampled_from([True, False, np.True_, np.datetime64("2020-01-01"), np.timedelta64(1, "s"), np.float16(1.0)]),
        st.floats(),
        st.integers(),
    )
    fine = torch.ones(8, 8)
    others = st.sampled_from(
        [
            None, ..., NotImplemented, object(), object, float, len, (), [], {}, set(), b"", b"0.1", "", "0.1", "exact",
            "\n", "x" * 500, range(8), slice(3), iter([1.0]), memoryview(b"ab"), bytearray(b"ab"), Evasive(),
            Unreadable(RuntimeError("two\nlines. Indeed")), Unreadable(MemoryError()), Unreadable(KeyError("x")),
            [[1.0], [2.0, 3.0]], [[1.0, None]], [["a"]], [1.0, [2.0]], {"left": 1.0}, {"left": "periodic"},
            {"up": 1.0}, {"left": np.nan, "top": 1.0}, {1: 2}, {"left": None}, (1.0,), (1.0, 2.0),
            (1.0, 2.0, 3.0), ("a", "b"),
            np.broadcast_to(1.0, (2**20, 2**20)),
            np.broadcast_to(True, (2**20, 2**20)), np.broadcast_to(1.0, (2**40, 2)), np.float32("inf"),
            np.ma.masked, np.ma.masked_all((8, 8)), np.zeros((8, 8), dtype=[("a", "f8")]),
            fine, fine.clone().requires_grad_(), fine.to(torch.bfloat16), fine.to_sparse(), torch.tensor(1.0),
            torch.tensor(1.0, requires_grad=True), sp.Problem, sp.Problem(np.eye(8)), sp.Cells.none(),
            sp.Vessels.none(),
        ]
    )  # fmt: skip
    return st.one_of(numbers, others, st.text("ab. \n0e-", max_size=6), st.lists(st.floats(), max_size=4))


def junk(shape: tuple[int, int] = (8, 8)) -> st.SearchStrategy[Any]:
    """Anything at all."""
    return st.one_of(things(), arrays(shape), magnitudes(), magnitudes().flatmap(dressed))


def one_sentence(error: BaseException, *names: str) -> None:
    """The message is a single sentence, not too long, that names one of these."""
    message = str(error)
    assert "\n" not in message, message
    assert message.endswith("."), message
    assert not re.search(r"\.\s+[A-Z]", message), message
    assert len(message) < 500, message
    assert any(name in message for name in names), (message, names)
