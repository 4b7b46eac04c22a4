"""What is wrong with a built site is found: dead links, missing places, and what a page would ask the network for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.opening import PAGES, complaints
from tests.docs.site import faults
from tests.report.browser import found


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">a</a>', "<a> gone.html leads to no file"),
        ('<a href="other.html#nowhere">a</a>', "<a> other.html#nowhere leads to no such place"),
        ('<a href="#nowhere">a</a>', "<a> #nowhere leads to no such place"),
        ('<a href="../outside.html">a</a>', "<a> ../outside.html leads out of the site"),
        ('<img src="gone.png">', "<img> gone.png leads to no file"),
        (
            '<script src="https://example.org/a.js"></script>',
            "<script> https://example.org/a.js is asked of the network",
        ),
        ('<link href="//example.org/a.css">', "<link> //example.org/a.css is asked of the network"),
    ],
)
def test_a_fault_is_told(tmp_path: Path, body: str, fault: str) -> None:
    (tmp_path / "other.html").write_text("<p>")
    (tmp_path / "page.html").write_text(body)
    assert list(faults(tmp_path)) == [f"page.html: {fault}"]


def test_a_style_that_asks_the_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text('@import "https://example.org/font.css"; p { background: url(gone.png) }')
    told = ["https://example.org/font.css is asked of the network", "gone.png leads to no file"]
    assert list(faults(tmp_path)) == [f"page.css: {said}" for said in told]


def test_what_leads_somewhere_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other.html").write_text('<h1 id="here">a</h1>')
    (tmp_path / "page.html").write_text(
        '<a href="deep/other.html#here">a</a><a href="https://example.org">b</a><a href="#">c</a><img src="data:,">'
    )
    assert not list(faults(tmp_path))


@pytest.mark.skipif(found() is None, reason="no browser is installed here")
def test_a_page_that_goes_wrong_in_a_browser_is_told(tmp_path: Path) -> None:
    browser = found()
    assert browser is not None
    for page in PAGES:
        path = tmp_path / f"{page}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('<meta name="viewport" content="width=device-width"><p>')
    assert not list(complaints(tmp_path, browser))
    (tmp_path / "index.html").write_text('<script>throw new Error("broken")</script>')
    (tmp_path / "start.html").write_text('<div style="width: 2000px">a</div>')
    told = " ".join(complaints(tmp_path, browser))
    assert "broken" in told
    assert "start.html is 20" in told
