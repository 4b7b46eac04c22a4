"""A page opened in a real browser: no complaint, nothing asked of a network, no wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.report.browser import NAMES, Browser, found
from tests.report.runs import run
from tests.report.test_page import NASTY, page_of

PROGRAM = found()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason=f"no browser is installed that can be driven: none of {', '.join(NAMES)} is on the PATH"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = page_of(NASTY)
    page.section("x" * 400)
    page.facts({"y" * 400: "z" * 400})
    page.table([f"column {n}" for n in range(40)], [list(range(40))], caption="wider than any screen")
    return page.write(tmp_path_factory.mktemp("page") / "run.html")


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_opens_without_a_complaint_and_fits(browser: Browser, path: Path, width: int, dark: bool) -> None:
    browser.open(path, width, dark=dark)
    assert browser.complaints == []
    assert [address for address in browser.asked if not address.startswith("data:")] == [path.as_uri()]
    assert browser.tells("document.documentElement.scrollWidth") <= width
    assert browser.tells("document.querySelectorAll('script').length") == 0
    assert browser.tells("[...document.images].every(image => image.naturalWidth > 0)") is True


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_a_run_opens_without_a_complaint_and_fits(browser: Browser, tmp_path: Path, width: int) -> None:
    backend = run(5, report=tmp_path / "run.html")
    assert backend.report is not None
    browser.open(backend.report.write(over=True), width)
    assert browser.complaints == []
    assert browser.tells("document.documentElement.scrollWidth") <= width
    assert browser.tells("document.querySelectorAll('figure').length") == 5


def test_ink_and_paper_differ_on_light_and_on_dark_screens_and_on_paper(browser: Browser, path: Path) -> None:
    seen = {}
    for name, dark, media in (("light", False, "screen"), ("dark", True, "screen"), ("paper", True, "print")):
        browser.open(path, 800, dark=dark, media=media)
        ink = browser.tells("getComputedStyle(document.querySelector('svg text')).fill")
        seen[name] = (browser.tells("getComputedStyle(document.body).backgroundColor"), ink)
    assert seen["light"] == ("rgb(253, 252, 250)", "rgb(28, 31, 38)")
    assert seen["dark"] == ("rgb(18, 21, 27)", "rgb(232, 230, 227)")
    assert seen["paper"] == ("rgb(255, 255, 255)", "rgb(0, 0, 0)")


def test_the_browser_does_complain_of_a_page_that_is_wrong(browser: Browser, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    wrong.write_text('<!doctype html><script>undefined.x</script><img src="gone.png"><p style="width: 2000px">wide</p>')
    browser.open(wrong, 360)
    assert len(browser.complaints) == 2
    assert len(browser.asked) == 2
    assert browser.tells("document.documentElement.scrollWidth") > 360
