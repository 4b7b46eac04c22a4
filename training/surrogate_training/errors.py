"""What went wrong with what a caller gave, in one sentence."""

from __future__ import annotations

import reprlib

from pydantic import ValidationError


def sentence(error: BaseException) -> str:
    """An error as one sentence; of a configuration's errors, the first, with the field and the value.

    Examples
    --------
    >>> from surrogate_training.config import OptimiserConfig
    >>> try:
    ...     OptimiserConfig(clip=-1.0)
    ... except ValidationError as error:
    ...     print(sentence(error))
    clip is -1.0: Input should be greater than 0.
    """
    return " ".join(_told(error).split())  # what is quoted from a file may hold line breaks


def _told(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}."
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])[:200]
    if first["type"] == "value_error":  # ours, a sentence already
        return f"{where}: {first['ctx']['error']}".removeprefix(": ")
    given = first["input"]
    value = f" is {reprlib.repr(given)}" if isinstance(given, (str, int, float, bool)) else ""
    return f"{where}{value}: {first['msg']}."
