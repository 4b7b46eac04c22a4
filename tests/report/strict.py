"""Reads a page more strictly than any browser: each tag closed in its order, each identifier once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "br", "hr", "wbr"}
#: Where a tag may stand: a row in a table, and so on.
_WITHIN = {
    "td": {"tr"},
    "th": {"tr"},
    "tr": {"thead", "tbody"},
    "thead": {"table"},
    "tbody": {"table"},
    "li": {"ul", "ol"},
    "figcaption": {"figure"},
}


@dataclass
class Found:
    """What stands on a page."""

    tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    scopes: Counter[str] = field(default_factory=Counter)
    policy: str = ""
    text: str = ""


def read(html: str) -> Found:
    """What stands on the page.

    Raises
    ------
    AssertionError
        If something is not closed, or where it does not belong, or said twice, or a picture says nothing.
    """
    assert html.startswith("<!doctype html>")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [], f"never closed: {reader.open}"
    assert len(set(reader.found.ids)) == len(reader.found.ids), "an identifier stands twice"
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Found()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _VOID or "svg" in self.open, f"{tag} closes itself outside a drawing"
        self._note(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"{tag} is closed, but nothing is open"
        assert self.open[-1] == tag, f"{tag} is closed within {self.open}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.found.text += data
        if self.open and self.open[-1] == "td":
            self.found.cells.append(data)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        assert len(known) == len(attrs), f"{tag} has an attribute twice"
        assert not [name for name in known if name.startswith("on")], f"{tag} runs something"
        if tag in _WITHIN:
            assert _WITHIN[tag] & set(self.open[-1:]), f"{tag} stands within {self.open}"
        self.found.tags.append(tag)
        if (name := known.get("id")) is not None:
            self.found.ids.append(name)
        if tag == "th":
            self.found.scopes[str(known["scope"])] += 1
        if tag == "meta" and known.get("http-equiv") == "Content-Security-Policy":
            self.found.policy = str(known["content"])
        if tag == "img" or (tag == "svg"):
            said = known.get("alt" if tag == "img" else "aria-label")
            assert said, f"{tag} does not say what is to be seen"
            self.found.pictures.append(said)
        for where in ("href", "src", "xlink:href"):
            if (address := known.get(where)) is not None:
                self.found.addresses.append(address)
                if address.startswith("#"):
                    self.found.references.append(address[1:])
