"""Types of parameters in docstrings lead to the pages of what they name."""

from __future__ import annotations

import pytest

from tests.docs.extensions import extension

NAMES = {"Engine", "Flux", "Exchange"}


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
