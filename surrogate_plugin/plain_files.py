"""Files that are read whole: plain ones, neither a pipe that nobody writes into nor more than there is memory for."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def check_plain(path: Path) -> None:
    """See that what is at a path ends: no device, no socket, and no pipe that has a name.

    What is not there passes, since whoever opens it says so; so does a pipe without a name, as of a shell's ``<(...)``,
    into which somebody writes.

    Raises
    ------
    OSError
        Whose ``strerror`` says so, for the middle of a sentence.
    """
    try:
        kind = os.stat(os.path.realpath(path)).st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise OSError(errno.EINVAL, "it is a device, a pipe or a socket, and a file is allowed", str(path))


def read_plain(path: Path, most: int) -> bytes:
    """All of a file.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that what is in it can have.

    Raises
    ------
    OSError
        If it cannot be read, is longer, or as of `check_plain`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "notes.txt").write_text("all of it")
    ...     read_plain(Path(folder) / "notes.txt", most=100)
    b'all of it'
    """
    check_plain(path)
    with open(path, "rb") as stream:
        there = os.fstat(stream.fileno())
        # Room is made for all that is asked for, so no more is asked for than there is.
        content = b"" if there.st_size > most else stream.read((there.st_size or most) + 1)
    if max(len(content), there.st_size) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most:,} bytes", str(path))
    return content
