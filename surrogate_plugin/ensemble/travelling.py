"""How a function gets into another process: by its name, or whole, where it stands in a script or a notebook."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from surrogate_plugin.ensemble.lines import Job
from surrogate_plugin.ensemble.side_by_side import Task, name_of
from surrogate_plugin.errors import InvalidProblemError


class CannotTravelError(InvalidProblemError):
    """Members cannot be sent to another process; the message says why.

    Attributes
    ----------
    why : str
        Without a full stop.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; workers=0, by which members stay in this one, is allowed.")
        self.why = why

    def __reduce__(self) -> tuple[type[CannotTravelError], tuple[str]]:
        """Made again of what it was made of."""
        return type(self), (self.why,)


def packed(task: Task, *, threads: int) -> bytes:
    """A job for another process.

    What can be imported there goes by its name, functions of ``__main__``, lambdas and closures go with all that they
    need.

    Raises
    ------
    CannotTravelError
        If something that the function needs stays where it is, such as a lock or an open file.

    Examples
    --------
    >>> import threading
    >>> from pathlib import Path
    >>> from surrogate_plugin.ensemble.store import Store
    >>> lock = threading.Lock()
    >>> def counted(given, link):
    ...     with lock:
    ...         return {"twice": 2 * given["x"]}
    >>> packed(Task(counted, Store(Path("out.zarr"))), threads=1)
    Traceback (most recent call last):
    ...
    surrogate_plugin.ensemble.travelling.CannotTravelError: counted cannot be sent to another process (TypeError: \
    cannot pickle '_thread.lock' object); workers=0, by which members stay in this one, is allowed.
    """
    from numba.cloudpickle import dumps  # a copy of cloudpickle, which is there wherever this package is

    errors: dict[str, Any] = dict(np.geterr())
    try:
        return bytes(dumps(Job(task, threads, errors, list(sys.argv))))
    except Exception as error:  # of whatever object refuses
        said = (str(error).strip() or "it does not say why").splitlines()[0]
        raise CannotTravelError(
            f"{name_of(task.function)} cannot be sent to another process ({type(error).__name__}: {said})"
        ) from error
