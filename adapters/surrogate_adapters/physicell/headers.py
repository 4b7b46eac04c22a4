"""The headers as they are put into a project: each with a line that says which release it is of, and not to edit it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import surrogate_plugin as sp
from surrogate_adapters.physicell.project import Places, Written, keep_copy
from surrogate_plugin.whole_files import write_text

_STAMP = re.compile(
    r"// surrogate-plugin (\S+), ([0-9a-f]{12}): written by `surrogate-plugin physicell init`, which replaces it; "
    r"do not edit\.\n"
)


def header_texts() -> dict[str, str]:
    """The headers of this package by name, each below its line."""
    folder = Path(__file__).parent
    return {path.name: _stamped(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("surrogate_*.hpp"))}


def write_headers(folder: Path, places: Places, *, force: bool = False) -> list[Written]:
    """Put the headers into a project, in place of those of another release.

    Parameters
    ----------
    folder : Path
        The project.
    places : Places
    force : bool
        Replace those too that somebody has edited.

    Returns
    -------
    list of Written
    """
    (folder / places.headers).mkdir(exist_ok=True)
    return [_write(folder / places.headers / name, text, force) for name, text in header_texts().items()]


def _write(path: Path, text: str, force: bool) -> Written:
    if not path.exists():
        write_text(path, text)
        return Written(path, "wrote")
    old = path.read_bytes().decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    if old == text:
        return Written(path, "as it was")
    stamp = _STAMP.match(old)
    if stamp is not None and not force and _digest(old[stamp.end() :]) != stamp[2]:
        return Written(
            path, "kept", f"somebody has edited it since surrogate-plugin {stamp[1]} wrote it; --force replaces it"
        )
    keep_copy(path)
    write_text(path, text)
    of = "an earlier release" if stamp is None else f"surrogate-plugin {stamp[1]}"
    return Written(path, "replaced", f"it was of {of}")


def _stamped(body: str) -> str:
    return (
        f"// surrogate-plugin {sp.__version__}, {_digest(body)}: written by `surrogate-plugin physicell init`, which "
        f"replaces it; do not edit.\n{body}"
    )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()[:12]
