"""What a Markdown file links to, and what it can be linked at, as GitHub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
#: Folders that hold no documents of ours.
_OTHERS = {".venv", "build", "dist", "generated", "demo-output", "node_modules"}


def documents() -> list[Path]:
    """Every Markdown file of the repository."""
    found = (path for path in ROOT.rglob("*.md") if not _OTHERS & set(path.relative_to(ROOT).parts))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts))


def links(text: str) -> list[str]:
    """Targets of all links and pictures, those in code left out."""
    return [str(token.attrs["href" if token.type == "link_open" else "src"]) for token in _linking(_tokens(text))]


def anchors(text: str) -> set[str]:
    """What can stand behind # in a link to this text: a slug for each heading, numbered where two are alike."""
    tokens = _tokens(text)
    found: set[str] = set()
    for opened, inline in pairwise(tokens):
        if opened.type == "heading_open":
            slug = _slug("".join(child.content for child in inline.children or []))
            found.add(next(name for name in _numbered(slug) if name not in found))
    return found


def _tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def _linking(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type in ("link_open", "image"):
            yield token
        yield from _linking(token.children or [])


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _numbered(slug: str) -> Iterator[str]:
    yield slug
    number = 0
    while True:
        number += 1
        yield f"{slug}-{number}"
