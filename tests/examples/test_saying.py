"""Pages are held to what examples print: a figure that moved is found, a bound of another machine is not."""

from __future__ import annotations

import pytest

from tests.examples.saying import alike, no_longer_said


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ("cells hold 0.090 of it", "cells hold 0.091 of it", True),
        ("cells hold 0.090 of it", "cells hold 0.120 of it", False),
        ("cells hold 0.090 of it", "cells have 0.090 of it", False),
        ("3 cells, at most 1e-3 off", "3 cells, at most 7e-9 off", True),
        ("3 cells, at most 1e-3 off", "4 cells, at most 1e-3 off", False),
        ("0.2 off; answered by multigrid", "0.2 off; answered by spectral", True),
    ],
)
def test_words_and_figures_are_compared_and_bounds_are_not(before, now, same):
    assert alike(before, now) is same


def test_what_a_page_shows_and_nobody_says_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```\npython x.py\n```\n\n```text\n5 cells live\n7 cells die\n```\n", encoding="utf-8")
    assert no_longer_said(page, "5 cells live\n8 cells die\n") == ["7 cells die"]
    assert no_longer_said(page, "7 cells die\nand 5 cells\n5 cells live\n") == []
