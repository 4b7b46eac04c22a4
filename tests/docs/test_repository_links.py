"""Links of documents that stand elsewhere in the repository, as pages of the site have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.extensions import extension

repository = extension("repository")
PAGES = {
    "README.md": "overview",
    "docs/overview.md": "overview",
    "docs/hosts.md": "hosts",
    "guides/README.md": "hosts/one",
}
FILES = {"docs/a.png", "examples/one.py", "examples/folder", "examples/b.png", "docs/draw.py"}


def shown(text: str, file: str, page: str) -> str:
    rewritten: str = repository.rewritten(text, repository.Place(file, page), PAGES, FILES.__contains__)
    return rewritten


@pytest.mark.parametrize(
    ("file", "page", "link", "seen"),
    [
        ("README.md", "overview", "docs/hosts.md", "hosts.md"),
        ("README.md", "overview", "docs/hosts.md#walls", "hosts.md#walls"),
        ("README.md", "overview", "guides/README.md", "hosts/one.md"),
        ("README.md", "overview", "docs/a.png", "a.png"),
        ("README.md", "overview", "examples/one.py", "source:source/examples/one.py.html"),
        ("guides/README.md", "hosts/one", "../README.md", "../overview.md"),
        ("guides/README.md", "hosts/one", "../examples/one.py", "source:../source/examples/one.py.html"),
        ("guides/README.md", "hosts/one", "../examples/folder", "source:../source/examples/folder.html"),
        ("guides/README.md", "hosts/one", "../docs/a.png", "../a.png"),
        ("guides/README.md", "hosts/one", "../examples/b.png", "../../examples/b.png"),
        ("guides/README.md", "hosts/one", "#below", "#below"),
        ("docs/hosts.md", "hosts", "../guides/README.md#one", "hosts/one.md#one"),
        ("docs/hosts.md", "hosts", "https://example.org/a.md", "https://example.org/a.md"),
        ("docs/hosts.md", "hosts", "gone.md", "gone.md"),
    ],
)
def test_a_link_starts_from_the_page_that_shows_it(file: str, page: str, link: str, seen: str) -> None:
    assert shown(f"See [`it`]({link}).", file, page) == f"See [`it`]({seen})."


def test_what_stands_in_code_is_left_alone() -> None:
    text = "`[a](docs/hosts.md)` and [b](docs/hosts.md)\n```\n[c](docs/hosts.md)\n```\n[d](docs/hosts.md)"
    expected = "`[a](docs/hosts.md)` and [b](hosts.md)\n```\n[c](docs/hosts.md)\n```\n[d](hosts.md)"
    assert shown(text, "README.md", "overview") == expected


def test_what_is_linked_to_and_no_page_is_copied() -> None:
    text = shown("[a](../examples/one.py), [b](../README.md), [c](../examples/folder)", "guides/README.md", "hosts/one")
    assert repository.copied(text, "hosts/one") == {"examples/one.py", "examples/folder"}


def test_a_page_that_includes_a_file_is_its_page(tmp_path: Path) -> None:
    (tmp_path / "docs" / "hosts").mkdir(parents=True)
    (tmp_path / "docs" / "index.md").write_text("# Index\n")
    (tmp_path / "docs" / "hosts" / "one.md").write_text("```{include} ../../guides/README.md\n```\n")
    assert repository.pages_of(tmp_path) == {
        "docs/index.md": "index",
        "docs/hosts/one.md": "hosts/one",
        "guides/README.md": "hosts/one",
    }
