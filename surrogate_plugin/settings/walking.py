"""Which key of the settings a place of a file is of."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from surrogate_plugin.settings.keys import Table
from surrogate_plugin.settings.lines import Place


def field_at(model: type[Table], place: Place) -> FieldInfo | None:
    """The innermost key of a table on the way to a place; None where there is none."""
    found, kinds = None, [model]
    for part in place:
        fields = [kind.model_fields[str(part)] for kind in tables_of(kinds) if part in kind.model_fields]
        if fields:
            found = fields[0]
        kinds = [inner for kind in kinds for inner in _inside(kind, part)]
    return found


def tables_at(model: type[Table], place: Place) -> list[type[Table]]:
    """The tables that may stand at a place."""
    return tables_of(_kinds_at(model, place))


def words_at(model: type[Table], place: Place) -> list[str]:
    """The words that a value at a place may be."""
    return _words(_kinds_at(model, place))


def key_words_at(model: type[Table], place: Place) -> list[str]:
    """The names that keys of a mapping at a place may have, where only some are allowed."""
    plain = [each for kind in _kinds_at(model, place) for each in _plain(kind)]
    return _words([get_args(each)[0] for each in plain if get_origin(each) is dict])


def tables_with(model: type[Table], name: str) -> list[str]:
    """The headers of the tables that have a key of this name."""
    found = []
    for header, kind in every_table(model):
        if name in kind.model_fields:
            found.append(header)
    return found


def every_table(model: type[Table]) -> Iterator[tuple[str, type[Table]]]:
    """All tables of the file with their headers; the top level's is empty."""
    yield "", model
    for name, field in model.model_fields.items():
        for plain in _plain(field.annotation):
            if isinstance(plain, type) and issubclass(plain, Table):
                yield f"[{name}]", plain
            elif get_origin(plain) is list:
                yield from ((f"[[{name}]]", kind) for kind in tables_of([get_args(plain)[0]]))
            elif get_origin(plain) is dict:
                yield from ((f"[{name}.NAME]", kind) for kind in tables_of([get_args(plain)[1]]))


def tables_of(kinds: list[Any]) -> list[type[Table]]:
    """The tables among types."""
    plain = [each for kind in kinds for each in _plain(kind)]
    return [kind for kind in plain if isinstance(kind, type) and issubclass(kind, Table)]


def _kinds_at(model: type[Table], place: Place) -> list[Any]:
    kinds: list[Any] = [model]
    for part in place:
        kinds = [inner for kind in kinds for inner in _inside(kind, part)]
    return kinds


def _words(kinds: list[Any]) -> list[str]:
    plain = [each for kind in kinds for each in _plain(kind)]
    return [word for each in plain if get_origin(each) is Literal for word in get_args(each)]


def _plain(kind: Any) -> Iterator[Any]:
    """The branches of a union, without annotations."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _plain(get_args(kind)[0])
    elif origin in (Union, types.UnionType):
        for branch in get_args(kind):
            yield from _plain(branch)
    else:
        yield kind


def _inside(kind: Any, part: str | int) -> Iterator[Any]:
    """What may stand in a type under a key or number."""
    for plain in _plain(kind):
        origin, inner = get_origin(plain), get_args(plain)
        if isinstance(plain, type) and issubclass(plain, Table):
            if part in plain.model_fields:
                yield plain.model_fields[str(part)].annotation
        elif origin is dict:
            yield inner[1]
        elif origin in (list, tuple) and isinstance(part, int):
            yield inner[min(part, len(inner) - 1)]
