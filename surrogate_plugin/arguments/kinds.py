"""Names that are among some, and objects of a type or with some methods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surrogate_plugin.arguments.sentences import shown
from surrogate_plugin.errors import InvalidProblemError


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """A name that is among ``allowed``."""
    names = tuple(allowed)
    if not isinstance(value, str) or value not in names:
        listed = ", ".join(repr(each) for each in names)
        raise InvalidProblemError(f"{name} is {shown(value)}; allowed are {listed}.")
    return value


def instance_of(name: str, value: Any, kind: type | tuple[type, ...], allowed: str) -> None:
    """Refuse what is not of a type, which ``allowed`` names in words."""
    try:
        belongs = isinstance(value, kind)
    except Exception:  # a type may look at a stranger's attributes, which may fail in ways of their own
        belongs = False
    if not belongs:
        raise InvalidProblemError(f"{name} is {shown(value)}; {allowed} is allowed.")


def is_able(value: object, *methods: str) -> bool:
    """Whether an object has all these methods; one that fails when it is asked for them has not."""
    try:
        return all(callable(getattr(value, method, None)) for method in methods)
    except Exception:  # a stranger's attributes may fail in ways of their own
        return False
