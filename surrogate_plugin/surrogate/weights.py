"""Where a model's weights lie: by its name in the registry, or by a path; nothing is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from surrogate_plugin import registry
from surrogate_plugin.surrogate.failures import ModelNotFoundError, called


def find(name_or_path: str | Path) -> Path:
    """The weights file of a model, by name or path.

    Raises
    ------
    ModelNotFoundError
        If there is none.
    """
    if is_path(name_or_path):
        return weights_at(name_or_path)
    name = str(name_or_path)
    try:
        registered = registry.load(registry.MODELS, name)
    except (registry.UnknownPluginError, registry.BrokenPluginError) as error:
        raise ModelNotFoundError(str(error)) from None
    return weights_at(registered(), name)


def is_path(name_or_path: str | Path) -> bool:
    """Whether a path is meant: of weights, of a folder that is there, or of anything in another folder."""
    path = Path(name_or_path)
    if not str(name_or_path):  # which would be the current folder
        return False
    return path.suffix == ".safetensors" or os.path.isdir(path) or path.parent != Path(".")


def weights_at(path: str | Path, name: str | None = None) -> Path:
    """The weights at a path: the file itself, or the one that a folder holds, called ``name`` if that is given.

    Raises
    ------
    ModelNotFoundError
        If they are not there, or a folder holds several.
    """
    path = Path(path)
    if os.path.isdir(path):
        found = [path / f"{name}.safetensors"] if name else sorted(path.glob("*.safetensors"))
        if len(found) != 1:
            where = " ".join(str(path).split())
            raise ModelNotFoundError(f"{where} holds {len(found)} safetensors files; name the one to load.")
        path = found[0]
    if not os.path.isfile(path):
        raise ModelNotFoundError(f"the weights {called(path)} are missing; reinstall or train the model.")
    return path
