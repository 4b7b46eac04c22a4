"""The rules (CSV) that PhysiCell_settings.xml turns on, as far as they change what cells do with substrates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import surrogate_plugin as sp
from surrogate_adapters.physicell.elements import Document, is_on, line_of

__all__ = ["Rule", "Ruleset", "exchange", "located", "rulesets_of"]

#: What follows the name of a substrate in the name of a behaviour, and what it changes.
_EXCHANGES = {
    "secretion": "secretion",
    "secretion target": "secretion target",
    "secretion saturation density": "secretion target",
    "uptake": "uptake",
    "export": "export",
}
_CLIMBS = ("chemotactic response to ", "chemotactic sensitivity to ")


def exchange(behaviour: str, substrate: str) -> str | None:
    """What a behaviour is of a substrate's exchange: ``"secretion"``, ``"uptake"`` and so on, or None.

    Examples
    --------
    >>> exchange("oxygen secretion saturation density", "oxygen"), exchange("migration speed", "oxygen")
    ('secretion target', None)
    """
    start = f"{substrate} "
    return _EXCHANGES.get(behaviour.removeprefix(start)) if behaviour.startswith(start) else None


@dataclass(frozen=True)
class Rule:
    """One line of a file of rules.

    Attributes
    ----------
    fields : tuple of str
        Its columns: in the present format cell type, signal, response, behaviour, value at saturation, half-maximum,
        Hill power, and whether it is for dead cells too.
    path : Path
    line : int
    """

    fields: tuple[str, ...]
    path: Path
    line: int

    @property
    def cell_type(self) -> str:
        """Whose behaviour changes."""
        return self.fields[0]

    def exchange(self, substrate: str) -> str | None:
        """What it changes of a substrate: ``"secretion"``, ``"secretion target"``, ``"uptake"``, ``"export"`` or None.

        Examples
        --------
        >>> rule = Rule(("A", "oxygen", "increases", "oxygen uptake", "10", "21.5", "4", "0"), Path("rules.csv"), 1)
        >>> rule.exchange("oxygen"), rule.exchange("glucose")
        ('uptake', None)
        """
        # Earlier formats have other columns, so the behaviour is found by its name.
        return next(filter(None, (exchange(field, substrate) for field in self.fields)), None)

    def climbs(self, substrate: str) -> bool:
        """Whether it changes how cells move along the gradient of a substrate."""
        return any(one == f"{start}{substrate}" for one in self.fields for start in _CLIMBS)


@dataclass(frozen=True)
class Ruleset:
    """One file of rules that is turned on.

    Attributes
    ----------
    path : Path
        The file, or where the XML has it if it is missing.
    found : bool
    rules : tuple of Rule
    line : int
        Where the XML names it.
    """

    path: Path
    found: bool
    rules: tuple[Rule, ...]
    line: int


def rulesets_of(document: Document, folders: list[Path]) -> list[Ruleset]:
    """The files that are turned on; one that is missing has no rules, since PhysiCell itself says so.

    Parameters
    ----------
    document : Document
    folders : list of Path
        Where to look for them, the first in which one is wins.
    """
    found = document.root.findall("cell_rules/rulesets/ruleset")
    return [_ruleset(one, folders) for one in found if is_on(one.get("enabled"))]


def _ruleset(element: Element, folders: list[Path]) -> Ruleset:
    folder, name = (element.findtext(tag, "").strip() for tag in ("folder", "filename"))
    path = located(f"{folder}/{name}", folders)
    found = os.path.isfile(path)
    return Ruleset(path, found, tuple(_rules(path)) if found else (), line_of(element))


def located(name: str, folders: list[Path]) -> Path:
    """Where a file is that the XML names from where the simulation runs: there, or copied beside the XML."""
    places = [folders[0] / name, *(folder / Path(name).name for folder in folders[1:])]
    return next((place for place in places if os.path.isfile(place)), places[0])


def _rules(path: Path) -> Iterator[Rule]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise sp.InvalidProblemError(f"cannot read the rules '{path}': {error.strerror}.") from None
    for number, line in enumerate(text.splitlines(), 1):
        fields = tuple(field.strip() for field in line.split(","))
        if len(fields) > 1 and not line.lstrip().startswith("//"):
            yield Rule(fields, path, number)
