"""The site's own extensions, which stand beside its pages and in no package."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from tests.scripts import loaded

EXTENSIONS = Path(__file__).parents[2] / "docs" / "extensions"


def extension(name: str) -> ModuleType:
    """One of them, loaded."""
    return loaded(EXTENSIONS / f"{name}.py")
