"""Files that damage has reached, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class DamagedFileError(ValueError):
    """A file is not what was written; the message is one sentence that names it."""


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
    surrogate_training.damage.DamagedFileError: run.json is damaged (KeyError: 'step'); remove it.
    """
    try:
        yield
    except (DamagedFileError, FileNotFoundError):
        raise
    except Exception as error:  # parsers, safetensors, torch and pydantic have no type in common
        said = " ".join((str(error).strip() or "no message").splitlines()[0].split())[:300]
        raise kind(f"{what} is damaged ({type(error).__name__}: {said.rstrip('.')}); {remedy}.") from None
