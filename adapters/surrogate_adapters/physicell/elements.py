"""Numbers and flags in one of PhysiCell's XML files, read as PhysiCell reads them, and the lines they stand on."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

import surrogate_plugin as sp
from surrogate_plugin.plain_files import read_plain

#: No file that says how a simulation is set up, or what a moment of it holds beside its matrices, is longer.
_MOST_BYTES = 2**28


class UnreadableError(sp.InvalidProblemError):
    """A file that is not there, is no XML or is none of PhysiCell's, so that nothing can be said of what is in it."""


class Line(ET.Element):
    """An element that knows the line it begins on; 0 in the place of one that is not there."""

    line: int = 0


#: In the place of an element that is not there.
NOTHING = Line("nothing")


@dataclass(frozen=True)
class Document:
    """One file, by whose path errors call it.

    Attributes
    ----------
    path : Path
    root : Element
    """

    path: Path
    root: ET.Element

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a file.

        Raises
        ------
        UnreadableError
            If it cannot be read, or is not XML.
        """
        try:
            return cls(path, _parsed(read_plain(path, _MOST_BYTES)))
        except OSError as error:
            raise UnreadableError(f"cannot read '{path}': {error.strerror}.") from None
        except (expat.ExpatError, ValueError, LookupError) as error:  # the last two where there is no such encoding
            raise UnreadableError(f"{path} is not XML: {' '.join(str(error).split())}.") from None

    def number(self, parent: ET.Element, name: str, *, owner: str = "", positive: bool = False) -> float:
        """The number in a child of an element; 0 where there is none."""
        found = parent.find(name)
        return self.value(_standing_at(parent) if found is None else found, name, owner=owner, positive=positive)

    def value(self, element: ET.Element, name: str, *, owner: str = "", positive: bool = False) -> float:
        """The number in an element.

        Raises
        ------
        InvalidProblemError
            If it is no finite number, or not above 0 where it has to be.
        """
        text = (element.text or "").strip()
        try:
            number = float(text or "0")
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (positive and number <= 0):
            of = f" of {owner}" if owner else ""
            allowed = "a finite number > 0" if positive else "a finite number"
            raise self.error(element, f"{name}{of} is {text[:60]!r}; {allowed} is allowed.")
        return number

    def error(self, element: ET.Element, sentence: str) -> sp.InvalidProblemError:
        """An error that names the file and the line of an element."""
        line = line_of(element)
        return sp.InvalidProblemError(f"{self.path}{f', line {line}' if line else ''}: {sentence}")


def child(parent: ET.Element, path: str) -> ET.Element:
    """The first element at a path, or `NOTHING`, which has no text and no attributes."""
    found = parent.find(path)
    return NOTHING if found is None else found


def line_of(element: ET.Element) -> int:
    """The line an element begins on, or 0."""
    return element.line if isinstance(element, Line) else 0


def is_on(text: str | None) -> bool:
    """Whether a flag is on, by its first letter.

    Examples
    --------
    >>> is_on("True"), is_on("1"), is_on("false"), is_on(None)
    (True, True, False, False)
    """
    return bool(text) and str(text)[0] in "1tTyY"


def _standing_at(parent: ET.Element) -> Line:
    """An empty child, on the line of its parent."""
    made = Line(parent.tag)
    made.line = line_of(parent)
    return made


def _parsed(content: bytes) -> ET.Element:
    """The root; the parser of the standard library has no lines, so its tree is built by hand."""
    builder = ET.TreeBuilder(element_factory=Line)
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = builder.start(tag, attributes)
        assert isinstance(element, Line), "the factory makes no others"
        element.line = parser.CurrentLineNumber

    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.Parse(content, True)
    return builder.close()
