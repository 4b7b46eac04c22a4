"""Where this package keeps what it can make again: measured costs and compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``SURROGATE_PLUGIN_CACHE``, else ``surrogate-plugin`` in the user's cache folder; it need not exist yet."""
    chosen = os.environ.get("SURROGATE_PLUGIN_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else _users()) / "surrogate-plugin"


def _users() -> Path:
    """The user's cache folder; where nobody knows the user's home, as in containers, one that cannot be written to."""
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return Path(os.devnull)
