"""What examples say, in words and in figures, and whether a page shows what they say now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.examples.scripts import EXAMPLES

#: Bounds, rounding, and who answered depend on what solvers were measured to cost on a machine.
_OF_A_MACHINE = re.compile(
    r"((?:at most|within|bounds?:?|bounds: \S+ and|off by|left)\s+)[\d.]+(?:e[-+]?\d+)?|(answered by )\S+",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_BLOCK = re.compile(r"^```(?:text)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = ("python ", "surrogate-plugin ")
#: Of a backend's summary, which has times.
_TIMED = " ms a solve"


def apart(text: str) -> tuple[str, list[float]]:
    """Words, with ``#`` for each number, and the numbers that are the same on every machine but for rounding."""
    text = _OF_A_MACHINE.sub(lambda found: found[1] or found[2], text)
    return " ".join(_NUMBER.sub("#", text).split()), [float(number) for number in _NUMBER.findall(text)]


def alike(text: str, other: str) -> bool:
    """Whether the words are the same, and the numbers nearly."""
    (words, numbers), (others, figures) = apart(text), apart(other)
    return words == others and numbers == pytest.approx(figures, rel=0.1, abs=1e-6)


def page_of(name: str) -> Path:
    """The page of ``examples/name``."""
    return EXAMPLES.parent / "docs" / "gallery" / f"{Path(name).stem.replace('_', '-')}.md"


def shown_on(page: Path) -> list[str]:
    """The lines that a page shows as printed by its example."""
    blocks = [block for block in _BLOCK.findall(page.read_text(encoding="utf-8")) if not block.startswith(_COMMAND)]
    return [line for block in blocks for line in block.splitlines() if line.strip() and _TIMED not in line]


def no_longer_said(page: Path, said: str) -> list[str]:
    """The lines of a page that its example does not print any more."""
    now = said.splitlines()
    return [line for line in shown_on(page) if not any(alike(line, each) for each in now)]
