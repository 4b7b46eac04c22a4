"""The weights shipped with the package (safetensors), each beside its card (JSON)."""

from __future__ import annotations

from pathlib import Path


def default() -> Path:
    """The folder that holds ``default.safetensors`` and ``default.json``.

    A package that publishes weights registers a function like this one under ``surrogate_plugin.models``.
    """
    return Path(__file__).parent
