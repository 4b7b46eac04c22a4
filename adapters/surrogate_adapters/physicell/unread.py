"""Elements of the settings that PhysiCell passes over in silence, and missing ones that it takes for 0."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from surrogate_adapters.physicell.elements import Document, line_of
from surrogate_adapters.physicell.variables import SIDES

__all__ = ["unread"]

_AXES = tuple(f"{axis}_{end}" for axis in "xyz" for end in ("min", "max"))

#: Where elements stand, those that PhysiCell reads there, and those without which it counts with 0.
_READ: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "domain": ((*_AXES, "dx", "dy", "dz", "use_2D"), ()),
    "overall": (
        ("max_time", "time_units", "space_units", "dt_diffusion", "dt_mechanics", "dt_phenotype", "dt_intracellular"),
        ("max_time",),
    ),
    "microenvironment_setup/variable": (
        ("physical_parameter_set", "initial_condition", "Dirichlet_boundary_condition", "Dirichlet_options"),
        ("physical_parameter_set", "initial_condition"),
    ),
    "microenvironment_setup/variable/physical_parameter_set": (
        ("diffusion_coefficient", "decay_rate"),
        ("diffusion_coefficient", "decay_rate"),
    ),
    "cell_definitions/cell_definition/phenotype/secretion/substrate": (
        ("secretion_rate", "secretion_target", "uptake_rate", "net_export_rate"),
        (),
    ),
}


def unread(document: Document) -> Iterator[str]:
    """A sentence each, in the order of the places.

    Examples
    --------
    >>> from pathlib import Path
    >>> from xml.etree.ElementTree import fromstring
    >>> domain = fromstring("<PhysiCell_settings><domain><x_mim>0</x_mim></domain></PhysiCell_settings>")
    >>> print(*unread(Document(Path("settings.xml"), domain)))
    x_mim of domain is nothing that PhysiCell reads; did you mean x_min?
    """
    for place, (known, needed) in _READ.items():
        for parent in document.root.findall(place):
            owner = _called(parent)
            for element in parent:
                if element.tag not in known:
                    near = _near(element.tag, known)
                    yield f"{_at(element)}{element.tag} of {owner} is nothing that PhysiCell reads{near}"
            for name in needed:
                if parent.find(name) is None:
                    yield f"{_at(parent)}{owner} has no {name}, for which PhysiCell takes 0."
    for option in document.root.findall("microenvironment_setup/variable/Dirichlet_options/boundary_value"):
        given = option.get("ID", "")
        if not any(side in given for side in SIDES):
            yield f"{_at(option)}boundary_value {given!r} is of no side{_near(given, SIDES)}"


def _called(element: Element) -> str:
    name = element.get("name")
    return element.tag if name is None else f"{element.tag} {name!r}"


def _at(element: Element) -> str:
    line = line_of(element)
    return f"Line {line}: " if line else ""


def _near(given: str, known: tuple[str, ...]) -> str:
    """The end of a sentence: the nearest key, or all."""
    nearest = difflib.get_close_matches(given, known, 1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; it reads {', '.join(known)}."
