"""What a key of the settings may hold, and what is said of it: in the written file, in the schema and in errors."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from surrogate_plugin.arguments import HUGE, TINY

#: Who reads a key that only a run without a host has.
RUN = "run"
#: The type of an error that needs no words but those of the key.
NOT_ALLOWED = "not_allowed"


class Table(BaseModel):
    """A table of the file: without unknown keys, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def key(
    default: Any,
    text: str,
    *,
    allowed: str = "",
    unit: str = "",
    example: Any = None,
    readers: Sequence[str] = (),
    said_default: str = "",
) -> Any:
    """A key of a table.

    Parameters
    ----------
    default : value
        ``...`` for a key that is needed.
    text : str
        What it is, as a phrase.
    allowed : str
        Which values are, for errors and comments.
    unit : str
    example : value
        What the written file has in its place; the default if not given.
    readers : sequence of str
        Who reads it: `RUN`, or hosts; everybody if not given.
    said_default : str
        What holds where it is left out, if this is more than the default's value.
    """
    extra: dict[str, Any] = {"unit": unit, "allowed": allowed, "readers": list(readers), "default": said_default}
    examples = None if example is None else [example]
    return Field(default=default, description=text, examples=examples, json_schema_extra={"x-key": extra})


def facts(field: FieldInfo) -> dict[str, Any]:
    """What `key` was told of a field."""
    extra = field.json_schema_extra
    found = extra.get("x-key", {}) if isinstance(extra, dict) else {}
    return found if isinstance(found, dict) else {}


def refusal(sentence: str) -> PydanticCustomError:
    """An error of a validator that says all by itself; braces stand for themselves."""
    return PydanticCustomError("said", "{sentence}", {"sentence": sentence})


def _refused() -> PydanticCustomError:
    return PydanticCustomError(NOT_ALLOWED, "this is not allowed")


def _real(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _refused()
    try:
        number = float(given) + 0.0
    except OverflowError:
        raise _refused() from None
    if not abs(number) <= HUGE:  # NaN too
        raise _refused()
    return number


def _positive(given: Any) -> float:
    number = _real(given)
    if not number > TINY:
        raise _refused()
    return number


def _not_negative(given: Any) -> float:
    number = _real(given)
    if not number >= 0:
        raise _refused()
    return number


def _written(given: Any) -> str:
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        raise _refused()
    return given


def _to_read(given: Any, info: ValidationInfo) -> Path:
    """The path of a file that is there; a relative one begins where the settings are."""
    path = _to_write(given, info)
    if not (info.context or {}).get("must_exist", True) or os.path.isfile(path):
        return path
    try:
        beside = [each.name for each in path.parent.iterdir() if each.is_file()]
    except OSError:
        beside = []
    near = difflib.get_close_matches(path.name, beside, n=1)
    there = f"; the nearest there is {near[0]!r}" if near else ""
    what = "a folder" if os.path.isdir(path) else "not there"
    raise refusal(f"is {_written(given)!r}, which is {what} in {str(path.parent)!r}{there}")


def _to_write(given: Any, info: ValidationInfo) -> Path:
    text = str(given) if isinstance(given, Path) else _written(given)
    return Path((info.context or {}).get("folder", ".")) / text


Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_real)]
Positive = Annotated[float, Field(gt=0, le=HUGE, allow_inf_nan=False), BeforeValidator(_positive)]
NotNegative = Annotated[float, Field(ge=0, le=HUGE, allow_inf_nan=False), BeforeValidator(_not_negative)]
Count = Annotated[int, Field(ge=1, le=2**28, strict=True)]
Truth = Annotated[bool, Field(strict=True)]
Name = Annotated[str, Field(min_length=1), BeforeValidator(_written)]
#: Of a file that is read, and of one that is written; relative ones begin where the settings are.
ReadPath = Annotated[Path, BeforeValidator(_to_read)]
WrittenPath = Annotated[Path, BeforeValidator(_to_write)]
