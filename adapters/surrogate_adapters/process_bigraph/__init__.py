"""process-bigraph: a process and a step that answer with certified steady fields.

Both load the host when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from surrogate_plugin.extras import extra

if TYPE_CHECKING:
    from surrogate_adapters.process_bigraph.process import SurrogateDiffusion as SurrogateDiffusion
    from surrogate_adapters.process_bigraph.step import SurrogateDiffusionStep as SurrogateDiffusionStep

HOST = "process_bigraph"

_HOME = {"SurrogateDiffusion": "process", "SurrogateDiffusionStep": "step"}

__all__ = ["SurrogateDiffusion", "SurrogateDiffusionStep", "register"]


def register(core: Any) -> Any:
    """Register both with a core, for documents with the address ``local:SurrogateDiffusion`` or its step's.

    Parameters
    ----------
    core : bigraph_schema.Core
        As ``allocate_core()`` makes it.

    Returns
    -------
    bigraph_schema.Core
        The same.

    Examples
    --------
    >>> from process_bigraph import allocate_core
    >>> core = register(allocate_core())
    >>> core.link_registry["SurrogateDiffusion"].__name__
    'SurrogateDiffusion'
    """
    with extra("process-bigraph", "surrogate_adapters.process_bigraph"):
        from surrogate_adapters.process_bigraph.process import SurrogateDiffusion
        from surrogate_adapters.process_bigraph.step import SurrogateDiffusionStep

    core.register_link("SurrogateDiffusion", SurrogateDiffusion)
    core.register_link("SurrogateDiffusionStep", SurrogateDiffusionStep)
    return core


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extra("process-bigraph", "surrogate_adapters.process_bigraph"):
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
