"""Why a model cannot answer; the engine turns each into a flag and lets an exact solver answer."""

from __future__ import annotations

from pathlib import Path

from surrogate_plugin.arguments import shown


class ModelError(RuntimeError):
    """A model that cannot be used; the message is one sentence with the remedy."""


class ModelNotFoundError(ModelError):
    """No such model is installed, or its weights or card are missing."""


class DamagedModelError(ModelError):
    """The weights or the card cannot be read, or do not belong together."""


class TorchMissingError(ModelError, ImportError):
    """The network library is not installed, or does not load."""


class DeviceMissingError(ModelError):
    """The device that was asked for is not there."""


def called(path: Path) -> str:
    """The name of a file for a sentence: on one line, and cut where it is long.

    Examples
    --------
    >>> called(Path("models/a\\nb.json"))
    'a\\\\nb.json'
    """
    return shown(path.name).strip("'\"")
