"""A page is sound HTML that needs nothing outside itself, whatever is written on it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from surrogate_plugin.report import Page
from tests.report.strict import read

NASTY = '</table><script>alert(1)</script> & "oxygen" \' <img src=x onerror=alert(2)>'


def lines() -> Figure:
    figure = Figure(figsize=(4, 3))
    figure.subplots().plot([0, 1, 2], [0, 3, 1], "o-", label=NASTY)
    figure.axes[0].legend()
    return figure


def pixels() -> Figure:
    figure = Figure(figsize=(4, 3))
    figure.subplots().imshow(np.arange(6.0).reshape(2, 3))
    return figure


def page_of(text: str) -> Page:
    page = Page(text)
    for _ in range(3):
        page.section(text)
        page.subsection(text)
        page.text(text)
        page.facts({text: text, "a number": 1.5})
        page.table([text, "bound"], [[text, 0.25], ["other", text]], caption=text)
        page.picture(lines(), text)
        page.picture(pixels(), text, alt=text)
    return page


def test_what_users_write_is_shown_and_never_obeyed() -> None:
    found = read(page_of(NASTY).html())
    assert "script" not in found.tags
    assert found.tags.count("img") == 3  # the PNGs alone
    assert NASTY in found.text


@given(st.text(st.characters(), max_size=30))
def test_any_text_whatever_gives_a_page_that_is_sound(text: str) -> None:
    page = Page(text)
    page.section(text)
    page.facts({text: text})
    page.table([text], [[text]], caption=text)
    read(page.html())
    page.html().encode("utf-8")


def test_nothing_is_loaded_from_outside_and_scripts_are_forbidden() -> None:
    found = read(page_of("oxygen").html())
    assert found.addresses
    assert all(address.startswith(("data:", "#")) for address in found.addresses)
    assert "default-src 'none'" in found.policy


def test_every_picture_says_what_is_to_be_seen_and_identifiers_are_unique() -> None:
    found = read(page_of("oxygen").html())
    assert found.pictures == ["oxygen"] * 6
    assert len(found.ids) == len(set(found.ids))
    assert set(found.references) <= set(found.ids)


def test_headers_of_tables_say_of_what_they_are() -> None:
    found = read(page_of("oxygen").html())
    assert found.tags.count("th") == found.scopes["col"] + found.scopes["row"]
    assert found.scopes == {"col": 6, "row": 12}


def test_vectors_have_the_ink_and_the_paper_of_the_page() -> None:
    page = Page("ink")
    page.picture(lines(), "lines")
    drawn = page.html()[page.html().index("<figure>") :]
    assert "currentColor" in drawn
    assert "#000000" not in drawn
    assert "#ffffff" not in drawn


def test_bytes_of_a_png_are_taken_as_they_are_and_others_refused() -> None:
    stream = io.BytesIO()
    pixels().savefig(stream, format="png")
    page = Page("pictures")
    page.picture(stream.getvalue(), "a field")
    assert read(page.html()).pictures == ["a field"]
    with pytest.raises(ValueError, match="a matplotlib Figure or a PNG is allowed"):
        page.picture(b"GIF89a", "no PNG")


def test_a_row_of_another_length_than_the_header_is_refused() -> None:
    with pytest.raises(ValueError, match="a row has 1 entries; 2 are allowed"):
        Page("table").table(["step", "bound"], [[0]])


def test_numbers_have_four_digits_and_counts_all() -> None:
    page = Page("numbers")
    page.table(["name", "value"], [["a", 1.23456789], ["b", 123456], ["c", float("nan")], ["d", np.float32(0.5)]])
    assert read(page.html()).cells == ["1.235", "123456", "\N{EN DASH}", "0.5"]


def test_a_page_is_the_same_twice_and_written_whole(tmp_path: Path) -> None:
    path = page_of("same").write(tmp_path / "run.html")
    assert path.read_text(encoding="utf-8") == page_of("same").html()
    assert [file.name for file in tmp_path.iterdir()] == ["run.html"]


def test_a_strict_reader_sees_what_is_wrong() -> None:
    for wrong in ("<p>", "<p></b></p>", "<i id='a'></i><i id='a'></i>", '<img src="data:,">', "<td></td>"):
        with pytest.raises(AssertionError):
            read(f"<!doctype html><html><body>{wrong}</body></html>")
