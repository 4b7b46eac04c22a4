"""The cell types that PhysiCell_settings.xml defines, with what each inherits: volume, exchange, and what it climbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

from surrogate_adapters.physicell.elements import NOTHING, Document, child, is_on, line_of

__all__ = ["CellType", "Rates", "cell_types_of"]

#: What PhysiCell gives a cell whose type says nothing of it, um^3.
_VOLUME_UM3 = 2494.0

#: The XML's names of the numbers of `Rates`.
_RATES = {
    "uptake_rate": "uptake_per_min",
    "secretion_rate": "secretion_per_min",
    "secretion_target": "secretion_target",
    "net_export_rate": "net_export",
}


@dataclass(frozen=True)
class Rates:
    """What one cell exchanges of one substrate.

    Attributes
    ----------
    uptake_per_min, secretion_per_min : float, 1 / min
    secretion_target : float, field units
    net_export : float, field units um^3 / min
    """

    uptake_per_min: float = 0.0
    secretion_per_min: float = 0.0
    secretion_target: float = 0.0
    net_export: float = 0.0

    @property
    def pull(self) -> float:
        """Uptake and secretion rate, 1 / min."""
        return self.uptake_per_min + self.secretion_per_min

    @property
    def supplies(self) -> bool:
        """Whether anything comes of it: secretion to a target of 0 takes up."""
        return (self.secretion_per_min != 0.0 and self.secretion_target != 0.0) or self.net_export != 0.0

    @property
    def anchors(self) -> bool:
        """Whether it pulls the substrate to a value."""
        return self.uptake_per_min != 0.0 or self.secretion_per_min != 0.0


@dataclass(frozen=True)
class CellType:
    """One cell definition, what it inherits included.

    Attributes
    ----------
    name : str
    number : int
        Its ID, which positions may call it by.
    parent : str or None
        The type it inherits from; None for the first, and for the default.
    asked_parent : str or None
        Its ``parent_type``, which PhysiCell passes over where no such type stands above it.
    volume_um3 : float, um^3
    rates : mapping of substrate to Rates
        Those that are written for it or for a type it inherits them from; all others exchange nothing.
    climbs : frozenset of str
        The substrates it has chemotaxis along.
    line : int
        Where the XML has it.
    """

    name: str
    number: int = 0
    parent: str | None = None
    asked_parent: str | None = None
    volume_um3: float = _VOLUME_UM3
    rates: Mapping[str, Rates] = field(default_factory=dict)
    climbs: frozenset[str] = frozenset()
    line: int = 0


def cell_types_of(document: Document) -> list[CellType]:
    """The cell types, in the order of the XML.

    A type inherits everything from its ``parent_type``, if that stands above it; without one, all but its exchange and
    chemotaxis from the default: the type of that name or with the ID 0 (so in PhysiCell 1.10.1 to 1.14).

    Raises
    ------
    InvalidProblemError
        If what should be a number is none, or a volume is not above 0.
    """
    copied = is_on(document.root.findtext("options/legacy_cell_defaults_copy"))
    default, found = CellType("default"), dict[str, CellType]()
    for element in document.root.findall("cell_definitions/cell_definition"):
        name, is_default = element.get("name", ""), _is_default(element)
        asked = element.get("parent_type")
        start = found.get(asked, None) if asked else None
        parent = start.name if start is not None else None
        if start is None:
            start = default if is_default or copied else replace(default, rates={}, climbs=frozenset())
            parent = None if is_default else start.name
        made = _read(document, element, replace(start, name=name, parent=parent, asked_parent=asked))
        found[name] = made
        if is_default:
            default = made
    return list(found.values())


def _is_default(element: Element) -> bool:
    return element.get("name") == "default" or element.get("ID") == "0"


def _read(document: Document, element: Element, inherited: CellType) -> CellType:
    """A type with what is written for it in the place of what it inherits."""
    phenotype = child(element, "phenotype")
    volume = phenotype.find("volume/total")
    owner = inherited.name
    return replace(
        inherited,
        number=_number(document, element),
        volume_um3=inherited.volume_um3
        if volume is None
        else document.value(volume, "volume/total", owner=owner, positive=True),
        rates={**inherited.rates, **_rates(document, phenotype, inherited)},
        climbs=_climbs(document, child(phenotype, "motility/options"), inherited.climbs),
        line=line_of(element),
    )


def _number(document: Document, element: Element) -> int:
    text = element.get("ID", "0").strip()
    try:
        return int(text)
    except ValueError:
        name = element.get("name", "")
        raise document.error(
            element, f"ID of cell_definition {name!r} is {text[:60]!r}; a whole number is allowed."
        ) from None


def _rates(document: Document, phenotype: Element, inherited: CellType) -> dict[str, Rates]:
    found: dict[str, Rates] = {}
    for one in phenotype.findall("secretion/substrate"):
        name = one.get("name", "")
        written = {
            ours: document.value(number, theirs, owner=f"{name} in cell type {inherited.name!r}")
            for theirs, ours in _RATES.items()
            if (number := one.find(theirs)) is not None
        }
        found[name] = replace(found.get(name) or inherited.rates.get(name, Rates()), **written)
    return found


def _climbs(document: Document, options: Element, inherited: frozenset[str]) -> frozenset[str]:
    """Advanced chemotaxis passes the other over where both are on."""
    advanced, plain = child(options, "advanced_chemotaxis"), child(options, "chemotaxis")
    if is_on(advanced.findtext("enabled")):
        given = advanced.findall("chemotactic_sensitivities/chemotactic_sensitivity")
        numbers = {
            one.get("substrate", ""): document.value(one, "chemotactic_sensitivity", owner=one.get("substrate", ""))
            for one in given
        }
        return frozenset(name for name, number in numbers.items() if number != 0.0)
    if is_on(plain.findtext("enabled")):
        return frozenset({plain.findtext("substrate", "")})
    return inherited if advanced is NOTHING and plain is NOTHING else frozenset()
