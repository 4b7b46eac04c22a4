"""Files that appear whole or not at all, so that a kill or a full disk leaves what was there; and what damage does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class UnwritableError(OSError):
    """A file could not be written; the message is one sentence, and what was there before stands."""


class DamagedFileError(ValueError):
    """A file is not what was written; the message is one sentence that names it."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of ``path`` once all is written.

    Parameters
    ----------
    path : Path
        In a folder that is there, or can be made.

    Yields
    ------
    Path
        Beside it, with the suffix ``.partial``; removed where it cannot be written, as a full disk needs the room.

    Raises
    ------
    UnwritableError
        If it cannot be written, as on a full disk.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "notes.txt") as partial:
    ...         _ = partial.write_text("all of it")
    ...     [file.name for file in Path(folder).iterdir()]
    ['notes.txt']
    """
    from safetensors import SafetensorError

    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except Exception as error:
        with suppress(OSError):  # what cannot be written may not be there to be removed
            partial.unlink()
        if isinstance(error, UnwritableError) or not isinstance(error, (OSError, SafetensorError)):
            raise
        said = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise UnwritableError(
            f"{path} cannot be written ({said.splitlines()[0]}); what was there before is left as it was."
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Raises
    ------
    UnwritableError
        As `replacing`.
    """
    with replacing(path) as partial:
        partial.write_text(text)


@contextmanager
def reading(what: object, remedy: str, kind: type[DamagedFileError] = DamagedFileError) -> Iterator[None]:
    """Turn whatever is raised by reading a file, and by taking it for what it should be, into one sentence.

    Parameters
    ----------
    what : object
        The file.
    remedy : str
        What to do.
    kind : type of DamagedFileError

    Raises
    ------
    DamagedFileError
        Of that kind; one that is raised inside passes as it is, and so does a file that is not there.

    Examples
    --------
    >>> with reading("run.json", "remove it"):
    ...     {}["step"]
    Traceback (most recent call last):
    surrogate_training.whole_files.DamagedFileError: run.json is damaged (KeyError: 'step'); remove it.
    """
    try:
        yield
    except (DamagedFileError, FileNotFoundError):
        raise
    except Exception as error:  # parsers, safetensors, torch and pydantic have no type in common
        said = " ".join((str(error).strip() or "no message").splitlines()[0].split())[:300]
        raise kind(f"{what} is damaged ({type(error).__name__}: {said.rstrip('.')}); {remedy}.") from None
