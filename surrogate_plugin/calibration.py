"""What things cost on this machine: measured once, kept in the user's cache folder."""

from __future__ import annotations

import functools
import json
import math
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from surrogate_plugin.folders import cache_folder
from surrogate_plugin.plain_files import read_plain
from surrogate_plugin.whole_files import UnwritableError, write_text

_REPEATS = 9
#: What is known of a machine is some hundred figures.
_MOST_BYTES = 2**24


def cache_file() -> Path:
    """Where the figures are kept; ``SURROGATE_PLUGIN_CACHE`` names another folder."""
    return cache_folder() / "calibration.json"


def known(name: str) -> float | None:
    """The seconds of what ``name`` stands for, if they have been measured on this machine; the file is read once."""
    key = _key(name)
    if not _figures:
        _figures.update({"": 0.0, **_read()})
    return _figures.get(key)


def seconds(name: str, work: Callable[[], object]) -> float:
    """The seconds of ``work`` undisturbed, from the cache if it was measured on this machine before.

    ``name`` must say everything the cost depends on but for the machine (a model's digest, the lattice's shape).
    A cache that cannot be read or written only costs the measurement.
    """
    found = known(name)
    if found is None:
        found = _figures[_key(name)] = measured(work)
        _write({**_read(), _key(name): found})
    return found


def made_seconds(name: str, make: Callable[[], Callable[[], object]]) -> float:
    """As `seconds`, of work that has to be made first, which is not done where the figure is known."""
    found = known(name)
    return seconds(name, make()) if found is None else found


def measured(work: Callable[[], object]) -> float:
    """The seconds of ``work`` undisturbed, measured now and kept nowhere."""
    work()  # the first run compiles and allocates
    fastest = math.inf  # others' load only ever adds, and what is kept must not depend on it
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - began)
    return fastest


def remember(name: str, figure: float) -> None:
    """Keep the seconds of what ``name`` stands for, measured where they were spent anyway."""
    _figures[_key(name)] = figure
    _write({**_read(), _key(name): figure})


def _key(name: str) -> str:
    return f"{_machine()}|{name}"


@functools.cache
def _machine() -> str:
    return f"{platform.node()}|{platform.processor() or platform.machine()}|{os.cpu_count()}"


#: What is known in this process, once the file has been read.
_figures: dict[str, float] = {}


def _read() -> dict[str, float]:
    try:
        content = json.loads(read_plain(cache_file(), _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, float) and value > 0}


def _write(figures: dict[str, float]) -> None:
    with suppress(UnwritableError):  # then it is measured again in the next process
        write_text(cache_file(), json.dumps(figures, indent=1), shared=True)
