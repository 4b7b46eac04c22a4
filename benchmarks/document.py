"""Figures as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["markdown_table"]


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose first column is text and whose others are numbers."""
    ruler = ["---"] + ["---:"] * (len(headings) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in (headings, ruler, *rows)]
