"""A built site holds together: every link and every picture of its pages leads to a file and a place that are there.

``python -m tests.docs.site build/docs`` prints what does not, and what goes wrong with pages in a browser, where there
is one; it fails if there is anything.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.docs.opening import complaints
from tests.report.browser import found

_ADDRESS = {"href", "src", "poster", "data"}
_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)['\"]?\s*\)|@import\s+['\"]([^'\"]+)['\"]")


class _Page(HTMLParser):
    """Addresses and places of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.addresses: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.places.add(value)
            elif name in _ADDRESS:
                self.addresses.append((tag, value))
            elif name == "srcset":
                self.addresses += [(tag, part.split()[0]) for part in value.split(",")]


@cache
def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def faults(site: Path) -> Iterator[str]:
    """What is wrong with a site, a sentence each.

    Parameters
    ----------
    site : Path
        Folder of built pages.

    Yields
    ------
    str
    """
    site = site.resolve()
    for path in sorted(site.rglob("*.html")):
        for tag, address in _read(path).addresses:
            if fault := _fault(site, path, tag, address):
                yield f"{path.relative_to(site)}: <{tag}> {address} {fault}"
    for path in sorted(site.rglob("*.css")):
        for said in _STYLE.finditer(path.read_text(encoding="utf-8")):
            address = said[1] or said[2]
            if fault := _fault(site, path, "style", address):
                yield f"{path.relative_to(site)}: {address[:80]} {fault}"


def _fault(site: Path, page: Path, tag: str, address: str) -> str | None:
    parts = urlsplit(address)
    if parts.scheme in ("data", "mailto", "javascript"):
        return None
    if parts.scheme or parts.netloc:
        return None if tag == "a" else "is asked of the network"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(site):
        return "leads out of the site"
    if not target.is_file():
        return "leads to no file"
    if parts.fragment and tag == "a" and target.suffix == ".html":
        places = _read(target).places
        return None if unquote(parts.fragment) in places or parts.fragment in places else "leads to no such place"
    return None


def main(site: Path) -> int:
    """Print the faults of a site; 1 if there are any."""
    pages = len(list(site.rglob("*.html")))
    wrong = list(faults(site))
    browser = found()
    if browser is None:
        print("no browser was found, so that no page was opened in one")
    else:
        wrong += complaints(site, browser)
    print(*wrong, f"{pages} pages, {len(wrong)} faults", sep="\n")
    return 1 if wrong or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
