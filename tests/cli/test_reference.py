"""The page of the command line is what the commands say now."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.walking import LEAVES
from tests.scripts import loaded

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return loaded(DOCS / "write_command_line.py")


def test_the_page_is_made_of_the_commands(maker: ModuleType) -> None:
    assert (DOCS / "command-line.md").read_text(encoding="utf-8") == maker.page(), "run docs/write_command_line.py"


def test_it_has_every_command_and_no_line_too_long(maker: ModuleType) -> None:
    page = maker.page()
    for name in LEAVES:
        assert f"\n### {name}\n" in page
    blocks = page.split("```")[1::2]
    assert max(len(line) for block in blocks for line in block.splitlines()) <= maker.WIDTH
