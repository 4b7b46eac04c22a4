"""An engine whose network was there when it was made and is not any more: the exact solvers answer alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from surrogate_plugin.engine.engine import Engine


def engine_without_network() -> Engine:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "gone.safetensors")
        weights.touch()
        return Engine(model=weights)
