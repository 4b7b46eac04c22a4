"""No link of a document leads nowhere: files are there, and so are the headings that links name."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.markdown import ROOT, anchors, documents, links


def broken(document: Path) -> list[str]:
    """Links of a document to files or headings that are not there."""
    wrong = []
    for link in links(document.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or not target.is_relative_to(ROOT):
            wrong.append(f"{link}: no such file")
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target.read_text(encoding="utf-8"))):
            wrong.append(f"{link}: no such heading")
    return wrong


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    assert not broken(document)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_merge_was_left_half_done(document: Path) -> None:
    marks = ("<<<<<<< ", "=======", ">>>>>>> ")
    lines = document.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith((marks[0], marks[2])) or line == marks[1]]


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.docs.test_links.ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# One, two\n\n# One, two\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#one-two), [b](other.md#one-two-1), [c](other.md#three), [d](gone.md),\n"
        "`[e](in-code.md)` and ![f](gone.png)\n\n```\n[g](fenced.md)\n```\n"
    )
    assert broken(page) == ["other.md#three: no such heading", "gone.md: no such file", "gone.png: no such file"]


def test_every_document_that_a_user_reads_is_among_them() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in documents()}
    assert {"README.md", "docs/index.md", "docs/hosts/mesa.md", "adapters/surrogate_adapters/mesa/README.md"} <= names
