"""CompuCell3D: a steppable whose fields are the certified steady ones of the present cells.

`SurrogateDiffusion` loads the host when it is first asked for; the descriptions of fields do not need it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from surrogate_adapters.compucell3d.fields import Field, LatticeField
from surrogate_adapters.compucell3d.sides import ConstantDerivative

if TYPE_CHECKING:
    from surrogate_adapters.compucell3d.steppable import SurrogateDiffusion as SurrogateDiffusion

HOST = "cc3d"

__all__ = ["ConstantDerivative", "Field", "LatticeField", "SurrogateDiffusion"]


def __getattr__(name: str) -> Any:
    if name != "SurrogateDiffusion":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.steppable").SurrogateDiffusion
