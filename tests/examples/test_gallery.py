"""The gallery is whole: every example has a page and a picture, every picture a page, and the index leads to all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.examples.scripts import EXAMPLES

GALLERY = EXAMPLES.parent / "docs" / "gallery"
PAGES = sorted(path for path in GALLERY.glob("*.md") if path.name != "index.md")
#: On one page: an example for each host, those without pictures too.
SHARED = GALLERY / "in-each-host.md"
LARGEST_BYTES = 250_000

_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


def entries() -> list[str]:
    """Examples by name: scripts, and projects of several files."""
    return sorted(
        path.stem for path in EXAMPLES.iterdir() if path.suffix == ".py" or (path.is_dir() and "__" not in path.name)
    )


def pictures_of(page: Path) -> dict[Path, str]:
    """The pictures that a page shows, with what it says of them to those who do not see them."""
    return {(page.parent / name).resolve(): told for told, name in _PICTURE.findall(page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", entries())
def test_every_example_has_a_page_that_names_it(name):
    own = GALLERY / f"{name.replace('_', '-')}.md"
    page = own if own.exists() else SHARED
    named = re.search(rf"examples/{name}(\.py)?\b", page.read_text(encoding="utf-8"))
    assert named is not None, f"neither {own.name} is there, nor does {SHARED.name} name examples/{name}."


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_begins_with_its_title_and_shows_its_own_picture_and_code(page):
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "{literalinclude} ../../examples/" in text
    if page != SHARED:
        assert page.with_suffix(".png") in pictures_of(page)
        assert f"{{literalinclude}} ../../examples/{page.stem.replace('-', '_')}.py" in text


def test_an_example_that_draws_has_its_picture_in_the_gallery():
    drawing = {path.stem for path in EXAMPLES.glob("*.py") if '"--output"' in path.read_text(encoding="utf-8")}
    drawn = {path.stem.replace("-", "_") for path in GALLERY.glob("*.png")}
    assert drawing <= drawn


@pytest.mark.parametrize("picture", sorted(GALLERY.glob("*.png")), ids=lambda path: path.stem)
def test_every_picture_is_shown_by_a_page_small_and_told_in_words(picture):
    pages = [GALLERY / "index.md"] if picture.with_suffix(".ipynb").exists() else PAGES
    told = [shown[picture] for page in pages if picture in (shown := pictures_of(page))]
    assert told, f"no page shows {picture.name}."
    assert all(len(words) > 20 for words in told)
    assert picture.stat().st_size <= LARGEST_BYTES
    with Image.open(picture) as opened:
        assert 600 <= opened.width <= 1400


def test_the_index_has_a_card_with_a_picture_for_every_page():
    text = (GALLERY / "index.md").read_text(encoding="utf-8")
    cards = re.findall(r"^- \[!\[[^\]]+\]\(([^)]+)\)\]\(([^)]+)\) \[[^\]]+\]\(([^)]+)\): .+\.$", text, re.MULTILINE)
    assert sorted(page for _, page, _ in cards) == sorted({page for _, page, _ in cards})
    assert {page for _, page, _ in cards} == {page.name for page in (*PAGES, *GALLERY.glob("*.ipynb"))}
    for picture, page, again in cards:
        assert (GALLERY / picture).resolve().is_file()
        assert page == again
    listed = text.split(":hidden:")[1].split()
    assert {Path(page).stem for _, page, _ in cards} == set(listed[: listed.index("```")])
