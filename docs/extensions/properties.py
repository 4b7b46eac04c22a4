"""Docstrings of properties are read like those of methods.

By themselves Sphinx's readers take what stands before a colon in their first line for a type, and know no sections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sphinx.ext.napoleon import NumpyDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def _read(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    if what in ("attribute", "data", "property"):
        read = NumpyDocstring(list(lines), app.config, app, "method", name, thing, options).lines()
        lines[:] = ["..", "", *read]  # an empty comment: a first line without a colon, as the next reader needs it


def setup(app: Sphinx) -> dict[str, Any]:
    """Read them first."""
    app.connect("autodoc-process-docstring", _read, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
