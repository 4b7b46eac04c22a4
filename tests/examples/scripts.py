"""An example as a module, so that tests can ask its functions for numbers."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from tests.scripts import loaded

EXAMPLES = Path(__file__).parents[2] / "examples"


def script(name: str) -> ModuleType:
    """``examples/name.py``."""
    return loaded(EXAMPLES / f"{name}.py")
