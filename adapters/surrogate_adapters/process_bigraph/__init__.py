"""process-bigraph: a process that answers with certified steady fields.

`SurrogateDiffusion` loads the host when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrogate_adapters.process_bigraph.process import SurrogateDiffusion as SurrogateDiffusion

HOST = "process_bigraph"

__all__ = ["SurrogateDiffusion", "register"]


def register(core: Any) -> Any:
    """Register `SurrogateDiffusion` with a core, for documents with the address ``local:SurrogateDiffusion``.

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
    from surrogate_adapters.process_bigraph.process import SurrogateDiffusion

    core.register_link("SurrogateDiffusion", SurrogateDiffusion)
    return core


def __getattr__(name: str) -> Any:
    if name != "SurrogateDiffusion":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.process"), name)
