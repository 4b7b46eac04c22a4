"""On which line of a TOML text each key stands, since no parser of the standard library tells."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress

#: Where something stands in what a file says: keys of tables, and numbers in arrays.
Place = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_BARE = re.compile(r"[^,\]}#\n]+")


def lines_of(text: str) -> Mapping[Place, int]:
    """The line of each table, key and item of an array.

    Parameters
    ----------
    text : str
        TOML that a parser has taken. Of what is none, the places up to where that shows are found.

    Returns
    -------
    mapping of tuple of str or int to int
        Lines are counted from 1. A table has the line of its first header or of the first key that makes it.

    Examples
    --------
    >>> found = lines_of('size = [\\n  1,\\n  2]\\n[[sources]]\\nfile.name = "a"\\n')
    >>> found["size", 1], found["sources", 0], found["sources", 0, "file", "name"]
    (3, 4, 5)
    """
    finder = _Finder(text)
    with suppress(_NoToml, RecursionError):
        finder.document()
    return finder.found


class _NoToml(Exception):
    """The text is no TOML from here on."""


class _Finder:
    """A walk through a text, from its first character to its last."""

    def __init__(self, text: str) -> None:
        self.found: dict[Place, int] = {}
        self._text = text
        self._at = 0
        self._counted = (0, 1)  # up to which character newlines were counted, and on which line it is
        self._arrays: dict[Place, int] = {}  # how many tables each array of tables has

    def document(self) -> None:
        """All of it."""
        table: Place = ()
        self._take(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._entry(table)
            self._take(_BLANK)

    def _header(self) -> Place:
        line, many = self._line(), self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        *above, last = self._key()
        self._expect("]]" if many else "]")
        table: Place = ()
        for part in above:
            table = self._last_of((*table, part))
            self._note(table, line)
        table = (*table, last)
        self._note(table, line)
        if not many:
            return self._last_of(table)
        self._arrays[table] = self._arrays.get(table, 0) + 1
        table = self._last_of(table)
        self._note(table, line)
        return table

    def _last_of(self, table: Place) -> Place:
        """The newest table of an array of tables; any other table itself."""
        return (*table, self._arrays[table] - 1) if table in self._arrays else table

    def _entry(self, table: Place) -> None:
        line = self._line()
        place = table
        for part in self._key():
            place = (*place, part)
            self._note(place, line)
        self._expect("=")
        self._take(_SPACE)
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._text.startswith("[", self._at):
            self._array(place)
        elif self._text.startswith("{", self._at):
            self._inline_table(place)
        elif not any(self._take(string) for string in _STRINGS) and not self._take(_BARE):
            raise _NoToml

    def _array(self, place: Place) -> None:
        self._at += 1
        self._take(_BLANK)
        number = 0
        while not self._text.startswith("]", self._at):
            self._note((*place, number), self._line())
            self._value((*place, number))
            number += 1
            self._separator("]")
        self._at += 1

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        self._take(_BLANK)
        while not self._text.startswith("}", self._at):
            self._entry(place)
            self._separator("}")
        self._at += 1

    def _separator(self, end: str) -> None:
        self._take(_BLANK)
        if not self._text.startswith(end, self._at):
            self._expect(",")
            self._take(_BLANK)

    def _key(self) -> list[str]:
        """The parts of a key, as the parser reads them, dots and quotes and escapes undone."""
        begin = self._at
        while True:
            self._take(_SPACE)
            if not self._take(_KEY_PART):
                raise _NoToml
            self._take(_SPACE)
            if not self._text.startswith(".", self._at):
                break
            self._at += 1
        try:
            read = tomllib.loads(f"{self._text[begin : self._at]} = 0")
        except ValueError:
            raise _NoToml from None
        parts = []
        while isinstance(read, dict):
            ((part, read),) = read.items()
            parts.append(part)
        return parts

    def _expect(self, mark: str) -> None:
        self._take(_SPACE)
        if not self._text.startswith(mark, self._at):
            raise _NoToml
        self._at += len(mark)

    def _take(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self._text, self._at)
        if match is None:
            return False
        self._at = match.end()
        return True

    def _line(self) -> int:
        before, line = self._counted
        self._counted = (self._at, line + self._text.count("\n", before, self._at))
        return self._counted[1]

    def _note(self, place: Place, line: int) -> None:
        self.found.setdefault(place, line)
