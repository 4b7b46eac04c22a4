"""Numbers and flags in one of PhysiCell's XML files, read as PhysiCell reads them."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import surrogate_plugin as sp

#: In the place of an element that is not there.
NOTHING = ET.Element("nothing")


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
        InvalidProblemError
            If it cannot be read, or is not XML.
        """
        try:
            return cls(path, ET.parse(path).getroot())
        except OSError as error:
            raise sp.InvalidProblemError(f"cannot read '{path}': {error.strerror}.") from None
        except (ET.ParseError, ValueError, LookupError) as error:  # the last two where there is no such encoding
            raise sp.InvalidProblemError(f"{path} is not XML: {' '.join(str(error).split())}.") from None

    def number(self, parent: ET.Element, name: str, *, owner: str = "", positive: bool = False) -> float:
        """The number in a child of an element; 0 where there is none."""
        return self.value(child(parent, name), name, owner=owner, positive=positive)

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
            raise sp.InvalidProblemError(f"{self.path}: {name}{of} is {text[:60]!r}; {allowed} is allowed.")
        return number


def child(parent: ET.Element, path: str) -> ET.Element:
    """The first element at a path, or `NOTHING`, which has no text and no attributes."""
    found = parent.find(path)
    return NOTHING if found is None else found


def is_on(text: str | None) -> bool:
    """Whether a flag is on, by its first letter.

    Examples
    --------
    >>> is_on("True"), is_on("1"), is_on("false"), is_on(None)
    (True, True, False, False)
    """
    return bool(text) and str(text)[0] in "1tTyY"
