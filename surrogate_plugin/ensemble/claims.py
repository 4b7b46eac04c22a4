"""Who runs a member: a lock on a file, which the system lets go of when its process ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold a lock on a file.

    Where the system has no such locks (Windows), everybody gets it; then two commands at once may run a member twice,
    of which the store keeps the first.

    Parameters
    ----------
    path : Path
        The file, which is made, and stays.

    Yields
    ------
    bool
        False if somebody else holds it, in this process or another one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with claimed(Path(folder) / "member") as mine, claimed(Path(folder) / "member") as theirs:
    ...         print(mine, theirs)
    True False
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
