"""Figures into documents: a Markdown table, and where in a file it stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["insert", "markdown_table"]


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose first column is text and whose others are numbers."""
    ruler = ["---"] + ["---:"] * (len(headings) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in (headings, ruler, *rows)]


def insert(document: Path, name: str, text: str) -> None:
    """Put a text between the lines ``<!-- NAME -->`` and ``<!-- end of NAME -->`` of a document.

    Raises
    ------
    SystemExit
        If the document has no such lines.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    given = document.read_text()
    before, found, rest = given.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{document} has no lines {begin!r} and {end!r} to write between.")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}")
