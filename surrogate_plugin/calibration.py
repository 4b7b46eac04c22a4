"""What things cost on this machine: measured once, kept in the user's cache folder."""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

_REPEATS = 9


def cache_file() -> Path:
    """Where the figures are kept; ``SURROGATE_PLUGIN_CACHE`` names another folder."""
    folder = os.environ.get("SURROGATE_PLUGIN_CACHE")
    if folder:
        return Path(folder) / "calibration.json"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "surrogate-plugin" / "calibration.json"


def seconds(name: str, work: Callable[[], object]) -> float:
    """The seconds of ``work`` undisturbed, from the cache if it was measured on this machine before.

    ``name`` must say everything the cost depends on but for the machine (a model's digest, the lattice's shape).
    A cache that cannot be read or written only costs the measurement.
    """
    key = f"{platform.node()}|{platform.processor() or platform.machine()}|{os.cpu_count()}|{name}"
    if key in _known:
        return _known[key]
    stored = _read()
    if key not in stored:
        stored[key] = _measure(work)
        _write(stored)
    _known[key] = stored[key]
    return stored[key]


_known: dict[str, float] = {}


def _measure(work: Callable[[], object]) -> float:
    work()  # the first run compiles and allocates
    fastest = math.inf  # others' load only ever adds, and what is kept must not depend on it
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - began)
    return fastest


def _read() -> dict[str, float]:
    try:
        content = json.loads(cache_file().read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, float) and value > 0}


def _write(figures: dict[str, float]) -> None:
    path = cache_file()
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(figures, indent=1))
        partial.replace(path)
    except OSError:
        return
