"""How this package came to be where it is: from an index, a wheel, a folder, or a checkout that is worked on."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import surrogate_plugin

_NAME = "surrogate-plugin"


def described() -> str:
    """In words, with the folder of the code.

    Returns
    -------
    str

    Examples
    --------
    >>> described().endswith("surrogate_plugin")
    True
    """
    folder = Path(surrogate_plugin.__file__).parent
    try:
        found = importlib.metadata.distribution(_NAME)
    except importlib.metadata.PackageNotFoundError:
        return f"not installed; runs from {folder}"
    return f"{origin(found)}; {folder}"


def origin(found: importlib.metadata.Distribution) -> str:
    """What an installer wrote down of where a distribution comes from.

    Parameters
    ----------
    found : Distribution
    """
    installer = (found.read_text("INSTALLER") or "").strip()
    if not installer:  # metadata that nobody installed, as a build leaves them in a checkout
        return "not installed"
    written = found.read_text("direct_url.json")
    if written is None:
        return f"installed by {installer} from an index"
    said: dict[str, Any] = json.loads(written)
    place = _place(str(said.get("url", "")))
    if said.get("dir_info", {}).get("editable"):
        return f"installed by {installer} as a checkout that is worked on, {place}"
    if "dir_info" in said:
        return f"installed by {installer} from the folder {place}"
    if "vcs_info" in said:
        return f"installed by {installer} from revision {said['vcs_info'].get('commit_id', '?')} of {place}"
    return f"installed by {installer} from {Path(place).name}"


def _place(url: str) -> str:
    """A path where it is one; else the address, without a name or password in it."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return url2pathname(parts.path)
    host = parts.hostname or ""
    return parts._replace(netloc=host + (f":{parts.port}" if parts.port else "")).geturl()
