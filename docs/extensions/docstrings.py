"""How docstrings are read beyond what Sphinx does by itself.

- Docstrings of properties are read like those of methods; otherwise what stands before a colon in their first line is
  taken for a type, and sections are not known.
- Public names among the types of parameters and attributes lead to their pages.
- Models of settings say what each of their fields means where it stands; their pages list that, and what holds by
  default.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import surrogate_plugin

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo
    from sphinx.application import Sphinx

#: "**name** (*type*)", as a parameter is written by the reader of numpydoc.
_TYPE = re.compile(r"(?<=\*\* )\(\*(.+?)\*\)")
_NAME = re.compile(r"\b[A-Z]\w+")


def with_links(line: str, names: Collection[str]) -> str:
    """A line of reStructuredText with the names in its types as such.

    Parameters
    ----------
    line : str
    names : collection of str
        Those that have a page.

    Returns
    -------
    str
        Every other line as it was.
    """
    return _TYPE.sub(lambda found: f"({_linked(found[1], names)})", line, count=1)


def _linked(said: str, names: Collection[str]) -> str:
    parts, start = [], 0
    for found in _NAME.finditer(said):
        if found[0] in names:
            parts += [_emphasised(said[start : found.start()]), f"`{found[0]}`"]
            start = found.end()
    return "\\ ".join(part for part in [*parts, _emphasised(said[start:])] if part)


def _emphasised(text: str) -> str:
    """Emphasis may not begin or end with a blank, which then stands beside it."""
    inside = text.strip()
    return text.replace(inside, f"*{inside}*") if inside else text


def listed_fields(model: type[BaseModel]) -> list[str]:
    """The fields of a model, a line of reStructuredText each.

    Parameters
    ----------
    model : type of pydantic.BaseModel

    Returns
    -------
    list of str
        Empty where no field says what it means: the docstring does, then.
    """
    fields = model.model_fields
    if not any(field.description for field in fields.values()):
        return []
    return [f"* **{name}**{_said(field.description, _default(field))}" for name, field in fields.items()]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True, validated_data={})
    return type(value).__name__ + "()" if hasattr(type(value), "model_fields") else repr(value)


def _said(description: str | None, default: str) -> str:
    told = re.sub(r"([\\*`|_])", r"\\\1", description or "")
    parts = [told, f"``{default}`` by default" if default else ""]
    said = "; ".join(part for part in parts if part)
    return f" -- {said}" if said else ""


def _list_fields(_app: Sphinx, what: str, _name: str, thing: Any, _options: Any, lines: list[str]) -> None:
    from pydantic import BaseModel

    if what == "class" and issubclass(thing, BaseModel) and (fields := listed_fields(thing)):
        lines += ["", ".. rubric:: Fields", "", *fields, ""]


def _read_property(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    from sphinx.ext.napoleon import NumpyDocstring

    if what in ("attribute", "data", "property"):
        read = NumpyDocstring(list(lines), app.config, app, "method", name, thing, options).lines()
        lines[:] = ["..", "", *read]  # an empty comment: a first line without a colon, as the next reader needs it


def _link_types(_app: Sphinx, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = [with_links(line, surrogate_plugin.__all__) for line in lines]


def setup(app: Sphinx) -> dict[str, Any]:
    """Read properties before the reader of numpydoc, types and fields after it."""
    app.connect("autodoc-process-docstring", _read_property, priority=400)
    app.connect("autodoc-process-docstring", _link_types, priority=600)
    app.connect("autodoc-process-docstring", _list_fields, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
