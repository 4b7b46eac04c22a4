"""What the reference adds to docstrings: types that lead to their pages, and the fields of settings."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from tests.docs.extensions import extension

NAMES = {"Engine", "Flux", "Exchange"}


class Inner(BaseModel):
    share: float = 0.5


class Settings(BaseModel):
    name: str
    share: float = Field(default=0.5, description="of a*b, between 0 and 1")
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("line", "linked"),
    [
        ("* **engine** (*Engine*) -- One.", "* **engine** (`Engine`) -- One."),
        ("* **engine** (*Engine, optional*) -- One.", "* **engine** (`Engine`\\ *, optional*) -- One."),
        ("* **side** (*str, Flux or Exchange*)", "* **side** (*str,* \\ `Flux`\\  *or* \\ `Exchange`)"),
        ("* **field** (*(H, W) array*) -- An *Engine*.", "* **field** (*(H, W) array*) -- An *Engine*."),
        ("A sentence (*Engine*).", "A sentence (*Engine*)."),
    ],
)
def test_a_name_among_types_is_a_link(line: str, linked: str) -> None:
    assert extension("docstrings").with_links(line, NAMES) == linked


def test_fields_are_listed_with_what_they_mean_and_their_defaults() -> None:
    assert extension("docstrings").listed_fields(Settings) == [
        "* **name**",
        "* **share** -- of a\\*b, between 0 and 1; ``0.5`` by default",
        "* **inner** -- ``Inner()`` by default",
    ]


def test_fields_without_a_word_are_left_to_the_docstring() -> None:
    assert extension("docstrings").listed_fields(Inner) == []
