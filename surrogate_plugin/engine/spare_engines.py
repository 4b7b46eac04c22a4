"""Engines that are lent to one thread at a time, and kept for the next, with what they have prepared."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from surrogate_plugin.engine.engine import Engine

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.predictor import Predictor

#: Model, device and policy of an engine.
Options = tuple["str | Predictor", str, str]
#: So many are kept, each with the buffers of its last lattice.
_MOST = 16


@contextmanager
def spare_engine(options: Options) -> Iterator[Engine]:
    """An engine of this model, device and policy, for whoever is in the block alone.

    Examples
    --------
    >>> options = Engine(device="cpu").options
    >>> with spare_engine(options) as one, spare_engine(options) as other:
    ...     one is other
    False
    """
    model, device, policy = options
    engine = _taken(options) or Engine(model=model, device=device, policy=policy)
    try:
        yield engine
    finally:
        with _lock:
            _spare.append(engine)
            del _spare[:-_MOST]


def _taken(options: Options) -> Engine | None:
    with _lock:
        for place in reversed(range(len(_spare))):
            if _spare[place].options == options:
                return _spare.pop(place)
    return None


_lock = threading.Lock()
_spare: list[Engine] = []


def _begin_anew() -> None:
    """A forked child may have been made while another thread held the lock."""
    global _lock
    _lock = threading.Lock()
    _spare.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
