"""What a forked child puts in order before it computes: locks that nobody is left to let go of."""

from __future__ import annotations

import sys
import threading
from functools import cached_property

_OURS = ("surrogate_plugin", "surrogate_adapters", "surrogate_training")


def renew_property_locks() -> None:
    """Give each `functools.cached_property` of ours a lock of its own again.

    Until Python 3.11 one has a lock for all objects of its class, held while a value is computed. If another thread of
    the parent did so as it was forked, the child would wait for it forever.
    """
    if sys.version_info >= (3, 12):
        return
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _OURS:
            for each in list(vars(module).values()):
                if isinstance(each, type):
                    _renew(each)


def _renew(owner: type) -> None:
    for each in vars(owner).values():
        if isinstance(each, cached_property):
            vars(each)["lock"] = threading.RLock()
