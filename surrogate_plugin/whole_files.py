"""Files that appear whole or not at all, so that a kill or a full disk leaves what was there before."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


class UnwritableError(OSError):
    """A file that could not be written; the message is one sentence, and what was there before is unchanged."""


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Give a path to write a file or a folder to, which takes the place of ``path`` once all is written.

    Parameters
    ----------
    path : Path
        In a folder that is there, or can be made; where it is a link, what it leads to is replaced.
    shared : bool
        Whether other processes may write it too: each then has a partial file of its own. Else what a kill has left
        of one is overwritten by the next attempt, so that no disk fills up with them.

    Yields
    ------
    Path
        Beside it, hidden and with the same suffix; removed where it cannot be written, as a full disk needs the room.

    Raises
    ------
    UnwritableError
        If it cannot be written, as on a full disk, or is a device, a pipe or a socket.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "notes.txt") as partial:
    ...         _ = partial.write_text("all of it")
    ...     [file.name for file in Path(folder).iterdir()]
    ['notes.txt']
    """
    target = Path(os.path.realpath(path))
    _refuse_others(path, target)
    partial = target.with_name(f".partial-{os.getpid()}-{target.name}" if shared else f".partial-{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        yield partial
        if target.is_file():
            shutil.copymode(target, partial)
        partial.replace(target)
    except BaseException as error:
        _remove(partial)
        if isinstance(error, UnwritableError) or not _is_of_the_disk(error):
            raise
        raise UnwritableError(
            f"{path} could not be written ({said_of(error)}); what was there before is unchanged."
        ) from None


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A stream into a file beside ``path`` that takes its place when all is written; other processes may do the same.

    Parameters
    ----------
    path : Path
        As of `replacing`.

    Raises
    ------
    UnwritableError
        As `replacing`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "notes.txt") as stream:
    ...         _ = stream.write(b"all of it")
    ...     [file.name for file in Path(folder).iterdir()]
    ['notes.txt']
    """
    with replacing(path, shared=True) as partial, partial.open("xb") as stream:
        yield stream


def write_text(path: Path, text: str, *, shared: bool = False) -> None:
    """Write a text file, in UTF-8, whole or not at all.

    Raises
    ------
    UnwritableError
        As `replacing`, whose ``shared`` it takes.
    """
    with replacing(path, shared=shared) as partial:
        partial.write_text(text, encoding="utf-8")


def _refuse_others(path: Path, target: Path) -> None:
    """See that no device, pipe or socket is there: a file in the place of /dev/null would stop a whole machine."""
    try:
        kind = target.stat().st_mode
    except (OSError, ValueError):  # nothing is there, or writing says what is wrong
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise UnwritableError(
            f"{path} could not be written (it is a device, a pipe or a socket, and a file is allowed); it is as it was."
        )


def said_of(error: BaseException) -> str:
    """What the system says went wrong, for the middle of a sentence."""
    said = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(said).splitlines()[0].lower()


def _is_of_the_disk(error: BaseException) -> bool:
    from safetensors import SafetensorError  # which writes files by itself, and has errors of its own for it

    return isinstance(error, (OSError, SafetensorError))


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial, ignore_errors=True)
    with suppress(OSError):  # what cannot be written may not be there to be removed
        partial.unlink()
