"""vivarium-multibody: its diffusion field replaced by the certified steady one.

The names below load the host when they are first asked for; the process is registered then.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from surrogate_plugin.extras import extra

if TYPE_CHECKING:
    from surrogate_adapters.vivarium.composite import SurrogateLattice as SurrogateLattice
    from surrogate_adapters.vivarium.hold import HeldField as HeldField
    from surrogate_adapters.vivarium.process import SurrogateDiffusionField as SurrogateDiffusionField

HOST = "vivarium_multibody"

_HOME = {"SurrogateDiffusionField": "process", "HeldField": "hold", "SurrogateLattice": "composite"}

__all__ = ["HeldField", "SurrogateDiffusionField", "SurrogateLattice", "register"]


def register() -> type[Any]:
    """Enter the processes in vivarium's registry, under their names; doing so twice does no harm.

    Returns
    -------
    type
        `SurrogateDiffusionField`.

    Examples
    --------
    >>> field = register()
    >>> from vivarium.core.registry import process_registry
    >>> process_registry.access("surrogate_diffusion_field") is field
    True
    """
    with extra("vivarium", "surrogate_adapters.vivarium"):
        from vivarium.core.registry import process_registry

        from surrogate_adapters.vivarium.hold import HeldField
        from surrogate_adapters.vivarium.process import SurrogateDiffusionField

    for process in (SurrogateDiffusionField, HeldField):
        if process_registry.access(process.name) is None:
            process_registry.register(process.name, process)
    return SurrogateDiffusionField


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    register()
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
