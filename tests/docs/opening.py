"""Pages of a built site, opened in a browser: no script fails, no network is asked, no phone has to scroll aside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.report.browser import Browser

#: Pages of each kind.
PAGES = (
    "index", "start", "overview", "gallery/index", "gallery/first-steps", "gallery/krogh", "hosts/physicell",
    "command-line", "api/problems", "api/generated/surrogate_plugin.Problem", "search", "source/examples/drug_pulse.py",
)  # fmt: skip
#: Widths in pixels: a phone's, and a desk's.
WIDTHS = (390, 1300)


def complaints(site: Path, program: str) -> Iterator[str]:
    """What is wrong with pages once they are open, a sentence each.

    Parameters
    ----------
    site : Path
        Folder of built pages.
    program : str
        The browser.

    Yields
    ------
    str
    """
    with tempfile.TemporaryDirectory() as folder, Browser(program, Path(folder)) as browser:
        for page in PAGES:
            path = site.resolve() / f"{page}.html"
            if not path.is_file():
                yield f"{page}.html is to be opened, but is no page"
                continue
            for width in WIDTHS:
                browser.open(path, width, dark=width < 600)
                yield from (f"{page}.html: {said}" for said in browser.complaints)
                away = (address for address in browser.asked if not address.startswith(("file:", "data:", "blob:")))
                yield from (f"{page}.html asks the network for {address}" for address in away)
                wide = browser.tells("document.documentElement.scrollWidth")
                if wide > width:
                    yield f"{page}.html is {wide} pixels wide on a screen of {width}"
