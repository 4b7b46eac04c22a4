"""A PhysiCell that the headers do not fit is told so by one line of the compiler."""

from __future__ import annotations

import subprocess

from surrogate_adapters.physicell import bridge
from tests.hosts.physicell import fixtures as physicell_fixtures

pytestmark = physicell_fixtures.NEEDS_COMPILER

HOST = bridge.__file__.replace("bridge.py", "surrogate_host.hpp")


def errors_with(*guards: str) -> list[str]:
    """What the compiler has against the header, after headers of PhysiCell that define these include guards."""
    defined = [f"-D{guard}" for guard in guards]
    command = ["g++", "-std=c++17", "-fsyntax-only", "-x", "c++", *defined, HOST]
    said = subprocess.run(command, capture_output=True, text=True).stderr
    return [line for line in said.splitlines() if "error:" in line]


def test_before_1_10_one_error_says_what_is_needed():
    (only,) = errors_with("__PhysiCell_cell_h__", "__PhysiCell_settings_h__")
    assert "needs PhysiCell 1.10 or later" in only


def test_without_physicell_the_header_says_nothing():
    assert errors_with() == []
