"""One HTML page that stands alone: headings, sentences, tables and pictures in a single file, without scripts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surrogate_plugin.report.embedding import embedded
from surrogate_plugin.whole_files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Page"]

#: What a page may load: pictures and a style that it holds itself, and nothing else, whatever somebody wrote into it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

#: A text longer than this is a sentence.
_SENTENCE = 24


class Page:
    """A page in one file that opens without a network, on phones, on paper, on light and on dark screens.

    Whatever it is handed is text: markup in it is shown, not obeyed. Pictures that follow one another stand side by
    side where there is room. A number is written with four digits; hand over text for any other form.

    Parameters
    ----------
    title : str

    Examples
    --------
    >>> import tempfile
    >>> page = Page("A tumour among vessels")
    >>> page.section("Oxygen")
    >>> page.facts({"tolerance": "0.38 mmHg", "steps": 24})
    >>> page.table(["step", "answered by", "bound"], [[0, "surrogate", 0.31], [1, "held", 0.31]], caption="Steps")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page.write(Path(folder) / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    True
    """

    def __init__(self, title: str) -> None:
        self.title = str(title)
        self._sections: list[str] = []
        self._parts: list[str] = []
        self._row: list[str] = []
        self._pictures = 0

    def section(self, title: str) -> None:
        """Begin a section, which the list at the head of the page leads to."""
        self._sections.append(_text(title))
        self._add(f'<h2 id="section-{len(self._sections)}">{_text(title)}</h2>')

    def subsection(self, title: str) -> None:
        """Begin a part of a section."""
        self._add(f"<h3>{_text(title)}</h3>")

    def text(self, sentences: str) -> None:
        """A paragraph."""
        self._add(f"<p>{_text(sentences)}</p>")

    def facts(self, facts: Mapping[str, object]) -> None:
        """A table of names and what they are.

        Parameters
        ----------
        facts : mapping of str to object
            Numbers, text, or anything that ``str`` makes text of.
        """
        row = '<tr><th scope="row">{}</th><td>{}</td></tr>'
        rows = "".join(row.format(_text(name), _value(fact)) for name, fact in facts.items())
        if rows:
            self._add(f'<table class="facts"><tbody>{rows}</tbody></table>')

    def table(self, header: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> None:
        """A table, which scrolls by itself where it is wider than the page.

        Parameters
        ----------
        header : sequence of str
            A name for each column.
        rows : iterable of sequences
            As long as the header; the first entry names its row.
        caption : str
            What the table shows, above it.

        Raises
        ------
        ValueError
            If a row has another length than the header.
        """
        rows = [_checked(row, header) for row in rows]
        # The first column names its row, and stays where names begin.
        right = [False, *(bool(rows) and all(_is_number(row[n]) for row in rows) for n in range(1, len(header)))]
        head = "".join(f'<th scope="col"{_side(at)}>{_text(name)}</th>' for name, at in zip(header, right, strict=True))
        body = "".join(_row(row, right) for row in rows)
        told = f"<caption>{_text(caption)}</caption>" if caption else ""
        name = _text(caption or ", ".join(header))
        self._add(
            f'<div class="box" role="region" tabindex="0" aria-label="{name}"><table class="list">{told}'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def picture(self, picture: Figure | bytes, caption: str, *, alt: str = "") -> None:
        """A picture with a sentence below it.

        Parameters
        ----------
        picture : matplotlib Figure or bytes
            A figure of lines and text becomes vectors whose black and white are the ink and the paper of the page; one
            with images in it becomes a PNG as it is. Bytes are those of a PNG.
        caption : str
        alt : str
            What is to be seen, for those who do not see it; the caption if not given.

        Raises
        ------
        ValueError
            If bytes are no PNG.
        """
        self._pictures += 1
        image = embedded(picture, name=f"picture-{self._pictures}", alt=_text(alt or caption))
        self._row.append(f"<figure>{image}<figcaption>{_text(caption)}</figcaption></figure>")

    def html(self) -> str:
        """The whole page."""
        self._flush()
        links = "".join(
            f'<li><a href="#section-{number}">{title}</a></li>' for number, title in enumerate(self._sections, 1)
        )
        nav = f'<nav aria-label="Sections"><ul>{links}</ul></nav>' if len(self._sections) > 2 else ""
        head = (
            f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
            f"<title>{_text(self.title)}</title>\n<style>\n{_style()}</style>"
        )
        body = "\n".join([f"<h1>{_text(self.title)}</h1>", nav, *self._parts])
        return (
            f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
            f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
        )

    def write(self, path: str | Path) -> Path:
        """Write the page, whole or not at all, and return where it is.

        Raises
        ------
        UnwritableError
            If it cannot be written, as on a full disk.
        """
        path = Path(path)
        write_text(path, self.html())
        return path

    def _add(self, part: str) -> None:
        self._flush()
        self._parts.append(part)

    def _flush(self) -> None:
        """Close the row of pictures, if one is open."""
        if self._row:
            self._parts.append(f'<div class="pictures">{"".join(self._row)}</div>')
            self._row = []


def _checked(row: Sequence[object], header: Sequence[str]) -> Sequence[object]:
    if len(row) != len(header):
        raise ValueError(f"a row has {len(row)} entries; {len(header)} are allowed, one for each of {list(header)}.")
    return row


def _row(row: Sequence[object], right: Sequence[bool]) -> str:
    first, *others = row
    cells = "".join(_cell(_value(each), at) for each, at in zip(others, right[1:], strict=True))
    return f'<tr><th scope="row">{_value(first)}</th>{cells}</tr>'


def _cell(value: str, right: bool) -> str:
    """A cell; sentences get room, so that they do not become a tower of words on a phone."""
    return f'<td class="words">{value}</td>' if len(value) > _SENTENCE else f"<td{_side(right)}>{value}</td>"


def _side(right: bool) -> str:
    return ' class="number"' if right else ""


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _value(value: Any) -> str:
    if _is_number(value) and not isinstance(value, int):
        value = float(value)
        return "\N{EN DASH}" if math.isnan(value) else f"{value:.4g}"
    return _text(value)


def _text(value: object) -> str:
    """Text that HTML takes: markup escaped, and what no page may hold replaced, such as control codes."""
    whole = str(value).encode("utf-8", "replace").decode("utf-8")
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", "\ufffd", whole))


@cache
def _style() -> str:
    return (resources.files("surrogate_plugin.report") / "style.css").read_text(encoding="utf-8")
