"""Names of a package that load on first use (PEP 562), so that to import it costs next to nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def look_up(package: str, home: Mapping[str, str]) -> Callable[[str], Any]:
    """What ``__getattr__`` is of a package whose public names live in modules of its own.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    home : mapping of str to str
        The module of each name, within the package.

    Examples
    --------
    >>> look_up("surrogate_plugin", {"Problem": "equation.problem"})("Problem").__name__
    'Problem'
    """

    def found(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next look-up is a plain one
        return value

    return found
