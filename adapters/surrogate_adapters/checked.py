"""Settings that are read once and checked: what is wrong is told in one sentence that names the setting."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError

import surrogate_plugin as sp
from surrogate_plugin.session.settings import Frozen

__all__ = ["Checked", "NotNegative", "Positive", "by_substrate"]

T = TypeVar("T")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Checked(Frozen):
    """Frozen settings without unknown keys, some of them tables within tables; their errors name the whole path.

    Attributes
    ----------
    owner : str
        Whose settings they are, for the errors; the name of the class if a subclass does not say.

    Raises
    ------
    InvalidProblemError
        One sentence naming the setting, its value and what is allowed.

    Examples
    --------
    >>> class Lamp(Checked):
    ...     watts: Positive = 5.0
    >>> Lamp(watts=-1.0)
    Traceback (most recent call last):
    surrogate_plugin.errors.InvalidProblemError: Lamp: watts is -1.0; input should be greater than 0.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @classmethod
    def sentence(cls, error: ValidationError) -> str:
        """What pydantic found wrong first; where several types are allowed, in the one the value comes closest to."""
        first = _closest(error)
        owner, path = cls.owner or cls.__name__, _path(first)
        where = ".".join(path)
        if first["type"] == "missing":
            return f"{owner}: {where} is missing."
        if first["type"] == "extra_forbidden":
            has = f"; it has {', '.join(cls.options())}" if len(path) == 1 else ""
            return f"{owner} has no setting {where!r}{has}."
        if first["type"] == "value_error":  # raised by a validator of ours, which has said it all
            found = str(first["ctx"]["error"])
            return ": ".join(filter(None, (owner, "" if found.startswith(f"{where} ") else where, found)))
        said = first["msg"][0].lower() + first["msg"][1:]
        return f"{owner}: {where} is {reprlib.repr(first['input'])}; {said}."

    @classmethod
    def place(cls, error: ValidationError) -> tuple[str, ...]:
        """Where that is: the setting, and the keys within it."""
        return tuple(_path(_closest(error)))


def by_substrate(name: str, given: Any, names: Sequence[str], default: T) -> dict[str, T]:
    """A setting for each substrate, from one value for all or a mapping that may leave some out.

    Parameters
    ----------
    name : str
        The setting, for the error.
    given : value or mapping of substrate to value, optional
    names : sequence of str
        The substrates answered for.
    default : value
        For those that are left out.

    Raises
    ------
    InvalidProblemError
        If a mapping names a substrate that is not answered for.

    Examples
    --------
    >>> by_substrate("decay", {"oxygen": 0.1}, ["oxygen", "glucose"], 0.0)
    {'oxygen': 0.1, 'glucose': 0.0}
    """
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, default if given is None else given)
    for key in given:
        if key not in names:
            raise sp.InvalidProblemError(f"{name} names {key!r}; the substrates answered for are {', '.join(names)}.")
    return {key: given.get(key, default) for key in names}


def _closest(error: ValidationError) -> Any:
    return max(error.errors(), key=lambda found: len(_path(found)))


def _path(found: Any) -> list[str]:
    """The setting and the keys within it, without the branches of unions that pydantic names too."""
    branches = {"float", "str", "int", "constrained-float", "constrained-int"}
    parts = (part for part in found["loc"] if part not in branches and "[" not in str(part))
    return [" ".join(str(part).split())[:100] for part in parts]
