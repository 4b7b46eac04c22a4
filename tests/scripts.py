"""Scripts that stand in no package, as modules, so that tests can ask their functions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def loaded(path: Path) -> ModuleType:
    """The script at ``path``, imported, with nothing of it run."""
    found = importlib.util.spec_from_file_location(f"script_{path.parent.name}_{path.stem}", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # dataclasses look their module up by name
    found.loader.exec_module(module)
    return module
