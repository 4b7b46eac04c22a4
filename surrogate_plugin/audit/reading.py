"""Finding the reader of a finished run: entry points ``surrogate_plugin.runs``, functions of a path.

A reader takes a path and the options that a user gave, and returns a `Run`; None where the path is none of its host's.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from surrogate_plugin import registry
from surrogate_plugin.audit.run import Run
from surrogate_plugin.errors import InvalidProblemError


def open_run(path: str | Path, **options: Any) -> Run:
    """The finished run at a path, by the first reader that knows it.

    Parameters
    ----------
    path : path
        A folder that a simulator wrote to, or a file.
    **options
        What readers need beyond it, such as ``settings`` and ``nodes`` of PhysiCell's.

    Raises
    ------
    InvalidProblemError
        If it is not there, or no reader knows it, or the one that does finds it damaged.
    """
    place = Path(path)
    if not place.exists():
        raise InvalidProblemError(f"{str(path)!r} does not exist; the folder or file of a finished run is allowed.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", registry.PluginWarning)
        readers = registry.discover(registry.RUNS)
    for plugin in readers:
        if plugin.status is registry.Status.LOADED:
            run: Run | None = plugin.value(place, **options)
            if run is not None:
                return run
    known = ", ".join(plugin.name for plugin in readers if plugin.status is registry.Status.LOADED) or "none"
    raise InvalidProblemError(f"{str(path)!r} is no run that a reader knows; the readers installed are: {known}.")
