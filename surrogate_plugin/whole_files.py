"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class UnwritableError(OSError):
    """A file that could not be written; the message is one sentence."""


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A stream into a file beside ``path`` that takes its place when all is written.

    Parameters
    ----------
    path : Path
        In a folder that is there, or can be made; where it is a link, what it leads to is replaced.

    Raises
    ------
    UnwritableError
        If the disk is full or the file may not be written; one that was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "notes.txt") as stream:
    ...         _ = stream.write(b"all of it")
    ...     [file.name for file in Path(folder).iterdir()]
    ['notes.txt']
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as stream:
                yield stream
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UnwritableError(
            f"{path} could not be written ({said_of(error)}); what was there before is unchanged."
        ) from None


def said_of(error: OSError) -> str:
    """What the system says went wrong, for the middle of a sentence."""
    return (error.strerror or str(error)).lower()
