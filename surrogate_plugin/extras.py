"""Packages that are optional: where one is missing, one sentence says which extra brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from surrogate_plugin.errors import MissingExtraError

_OURS = ("surrogate_plugin", "surrogate_adapters", "surrogate_training")


@contextmanager
def extra(name: str, user: str) -> Iterator[None]:
    """Import what the extra ``name`` brings inside this.

    Parameters
    ----------
    name : str
        As pyproject.toml has it.
    user : str
        What needs it, as the sentence begins: ``"the demo"``.

    Raises
    ------
    MissingExtraError
        Where a package is not installed; a module that is lacking in ours stays what it is, a fault.

    Examples
    --------
    >>> with extra("mesa", "this ant hill"):
    ...     import a_package_that_is_not_there
    Traceback (most recent call last):
    ...
    surrogate_plugin.errors.MissingExtraError: this ant hill needs a_package_that_is_not_there, which `pip install \
    'surrogate-plugin[mesa]'` brings.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in _OURS:
            raise
        command = f"`pip install 'surrogate-plugin[{name}]'`"
        raise MissingExtraError(f"{user} needs {package}, which {command} brings.", name=package) from error
