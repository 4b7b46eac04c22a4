"""Which parameters the members of an ensemble have: every combination, or points that fill a box evenly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from surrogate_plugin.arguments import FloatArray, one_number, shown
from surrogate_plugin.errors import InvalidProblemError

#: What a parameter may be: it is written into the store, and tells one member from another.
Value = bool | int | float | str
Parameters = dict[str, Value]

#: Columns that the table of each ensemble has.
RESERVED = ("member", "repeat", "finished", "seconds")
#: Sobol's sequence is known so far.
_MOST_DIMENSIONS = 21201
#: More would take longer than anybody waits.
MOST_MEMBERS = 1_000_000


def grid(over: Mapping[str, Iterable[Value]]) -> list[Parameters]:
    """Every combination of some values; the last parameter changes first.

    Parameters
    ----------
    over : mapping of str to values
        One entry a parameter.

    Returns
    -------
    list of dict of str to value

    Raises
    ------
    InvalidProblemError
        If there is no parameter, or one without a value.

    Examples
    --------
    >>> grid({"uptake": [5.0, 10.0], "vessels": [3]})
    [{'uptake': 5.0, 'vessels': 3}, {'uptake': 10.0, 'vessels': 3}]
    """
    _some("grid", over)
    values = {}
    for name, each in over.items():
        if isinstance(each, str | bytes | Mapping) or not isinstance(each, Iterable):
            raise InvalidProblemError(f"{name} is {shown(each)}; a list of values is allowed.")
        values[name] = list(each)
        if not values[name]:
            raise InvalidProblemError(f"{name} has no values; a list of at least one is allowed.")
    return checked([dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())])


def latin_hypercube(
    over: Mapping[str, Sequence[float]], count: int, *, seed: int = 0, log: Iterable[str] = ()
) -> list[Parameters]:
    """Points of a Latin hypercube: of ``count`` equal parts of each range, every one has one point.

    Parameters
    ----------
    over : mapping of str to (lowest, highest)
    count : int
    seed : int
    log : names
        Parameters that are spread evenly in their logarithm.

    Returns
    -------
    list of dict of str to float

    Raises
    ------
    InvalidProblemError
        If there is no parameter, a range is none, or ``count`` no whole number of at least 1.

    Examples
    --------
    >>> points = latin_hypercube({"uptake": (5.0, 15.0)}, 10)
    >>> sorted(int(point["uptake"]) for point in points)
    [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    """
    from scipy.stats import qmc

    _count(count)
    _some("latin_hypercube", over)
    return _spread(qmc.LatinHypercube(len(over), seed=np.random.default_rng(seed)).random(count), over, log)


def sobol(
    over: Mapping[str, Sequence[float]], count: int, *, seed: int = 0, log: Iterable[str] = ()
) -> list[Parameters]:
    """The first points of a scrambled Sobol sequence; a longer one with the same seed begins with the same points.

    Parameters
    ----------
    over : mapping of str to (lowest, highest)
    count : int
        A power of two covers the box most evenly.
    seed : int
    log : names
        As in `latin_hypercube`.

    Returns
    -------
    list of dict of str to float

    Raises
    ------
    InvalidProblemError
        As `latin_hypercube`.

    Examples
    --------
    >>> few, many = (sobol({"uptake": (5.0, 20.0), "decay": (1e-3, 1.0)}, n, log=["decay"]) for n in (4, 64))
    >>> few == many[:4], all(5.0 <= point["uptake"] <= 20.0 for point in many)
    (True, True)
    """
    from scipy.stats import qmc

    _count(count)
    _some("sobol", over)
    if len(over) > _MOST_DIMENSIONS:
        raise InvalidProblemError(f"there are {len(over):,} parameters; at most {_MOST_DIMENSIONS:,} are allowed.")
    sequence = qmc.Sobol(len(over), scramble=True, seed=np.random.default_rng(seed))
    return _spread(sequence.random_base2(math.ceil(math.log2(count)))[:count], over, log)


def checked(sweep: Iterable[Mapping[str, Any]]) -> list[Parameters]:
    """A sweep as it was given, each parameter a plain number, truth value or text.

    Raises
    ------
    InvalidProblemError
        If there is no member, one has other parameters than the first, or a value is something else.

    Examples
    --------
    >>> checked([{"uptake": np.float64(5.0)}])
    [{'uptake': 5.0}]
    """
    if isinstance(sweep, str | bytes | Mapping) or not isinstance(sweep, Iterable):
        raise InvalidProblemError(f"the sweep is {shown(sweep)}; a list of parameters, a dict a member, is allowed.")
    made: list[Parameters] = []
    for number, each in enumerate(sweep):
        if not isinstance(each, Mapping):
            raise InvalidProblemError(f"member {number} of the sweep is {shown(each)}; a dict is allowed.")
        if number == MOST_MEMBERS:
            raise InvalidProblemError(f"the sweep has more than {MOST_MEMBERS:,} members, which is the most.")
        made.append({_name(name): _value(name, value) for name, value in each.items()})
        if made[-1].keys() != made[0].keys():
            raise InvalidProblemError(
                f"member {number} of the sweep has the parameters {shown(list(made[-1]))}, but member 0 has "
                f"{shown(list(made[0]))}; they must agree."
            )
    if not made:
        raise InvalidProblemError("the sweep is empty; at least one member is needed.")
    return made


def _spread(unit: FloatArray, over: Mapping[str, Sequence[float]], log: Iterable[str]) -> list[Parameters]:
    """Points of the unit cube, each put into the box."""
    logged = set(log)
    unknown = sorted(logged - set(over))
    if unknown:
        raise InvalidProblemError(f"log names {unknown[0]!r}; allowed are {', '.join(map(repr, over))}.")
    columns = [_between(name, unit[:, k], over[name], name in logged) for k, name in enumerate(over)]
    return checked([dict(zip(over, map(float, row), strict=True)) for row in zip(*columns, strict=True)])


def _between(name: str, share: FloatArray, ends: Any, logged: bool) -> FloatArray:
    if isinstance(ends, str | bytes | Mapping) or not isinstance(ends, Sequence | np.ndarray) or len(ends) != 2:
        raise InvalidProblemError(f"{name} is {shown(ends)}; two numbers, the lowest and the highest, are allowed.")
    low, high = (one_number(name, each, "a number") for each in ends)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise InvalidProblemError(f"{name} is {shown(ends)}; two finite numbers, the lower one first, are allowed.")
    if not logged:
        return low + share * (high - low)
    if low <= 0:
        raise InvalidProblemError(f"{name} begins at {low:g}; a number > 0 is allowed for a logarithmic scale.")
    found: FloatArray = np.clip(np.exp(math.log(low) + share * (math.log(high) - math.log(low))), low, high)
    return found


def _some(kind: str, over: Any) -> None:
    if not isinstance(over, Mapping) or not over:
        raise InvalidProblemError(f"{kind} has {shown(over)}; a table of at least one parameter is allowed.")


def _count(count: Any) -> None:
    if type(count) is not int or not 1 <= count <= MOST_MEMBERS:
        raise InvalidProblemError(
            f"count is {shown(count)}; a whole number of at least 1 and at most {MOST_MEMBERS:,} is allowed."
        )


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or "/" in name or name.startswith(("__", ".")):
        raise InvalidProblemError(
            f"a parameter is called {shown(name)}; text without / is allowed, which begins with no . or __."
        )
    if name in RESERVED:
        raise InvalidProblemError(f"a parameter is called {name!r}, as a column of each table; name it otherwise.")
    return name


def _value(name: str, value: Any) -> Value:
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, bool | int | float | str) or (isinstance(plain, float) and not math.isfinite(plain)):
        raise InvalidProblemError(f"{name} is {shown(value)}; a finite number, true, false or text is allowed.")
    return plain
