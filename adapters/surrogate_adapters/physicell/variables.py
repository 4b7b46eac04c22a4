"""The substrates that PhysiCell_settings.xml declares: what they are, how they get about, and where they are held.

Sides are held only if the ``Dirichlet_boundary_condition`` of some substrate is on; then each is held as its
``boundary_value`` says, or where it has none as the substrate's condition says (so in PhysiCell 1.10 to 1.14).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from surrogate_adapters.physicell.elements import Document, child, is_on, line_of

__all__ = ["SIDES", "Held", "Variable", "variables_of"]

#: In the order in which PhysiCell makes nodes of them: the later wins where two meet.
SIDES = ("xmin", "xmax", "ymin", "ymax", "zmin", "zmax")


@dataclass(frozen=True)
class Held:
    """A value of the XML that holds a substrate if it is enabled.

    Attributes
    ----------
    enabled : bool
    value : float, field units
    """

    enabled: bool
    value: float


@dataclass(frozen=True)
class Variable:
    """One substrate of the XML.

    Attributes
    ----------
    name, unit : str
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
    initial : float, field units
        The initial condition, unless a file has others.
    condition : Held
        Its ``Dirichlet_boundary_condition``.
    options : mapping of side to Held
        Its ``Dirichlet_options``, those that are written.
    enabled_sides : mapping of side to float, field units
        Those that both together turn on; those along z only where the lattice has layers.
    sides : mapping of side to float, field units
        Those that PhysiCell holds, and at what: the enabled ones, or none.
    line : int
        Where the XML has it.
    """

    name: str
    unit: str
    diffusivity_um2_per_min: float
    decay_per_min: float
    initial: float
    condition: Held
    options: Mapping[str, Held]
    enabled_sides: Mapping[str, float]
    sides: Mapping[str, float]
    line: int


def variables_of(document: Document, sides: tuple[str, ...]) -> list[Variable]:
    """The substrates, in PhysiCell's order.

    Parameters
    ----------
    document : Document
    sides : tuple of str
        Those that there are: `SIDES`, or the first four of them.

    Raises
    ------
    InvalidProblemError
        If what should be a number is none, a substrate has no name, or two have the same.
    """
    declared = document.root.findall("microenvironment_setup/variable")
    any_held = any(is_on(child(one, "Dirichlet_boundary_condition").get("enabled")) for one in declared)
    found: dict[str, Variable] = {}
    for element in declared:
        one = _variable(document, element, sides, any_held)
        if one.name in found:
            raise document.error(
                element,
                f"variable {one.name!r} is there twice, at first on line {found[one.name].line}; once is allowed.",
            )
        found[one.name] = one
    return list(found.values())


def _variable(document: Document, declared: Element, sides: tuple[str, ...], any_held: bool) -> Variable:
    name = declared.get("name", "")
    if not name:
        raise document.error(declared, "variable has no name; one is needed, by which cells and rules call it.")
    parameters = child(declared, "physical_parameter_set")
    condition = _held(document, child(declared, "Dirichlet_boundary_condition"), "Dirichlet_boundary_condition", name)
    options: dict[str, Held] = {}
    for option in declared.findall("Dirichlet_options/boundary_value"):
        side = next((side for side in SIDES if side in option.get("ID", "")), None)
        if side is not None:
            options[side] = _held(document, option, f"boundary_value {side}", name)
    each = {side: options.get(side, condition) for side in sides}
    enabled = {side: held.value for side, held in each.items() if held.enabled}
    return Variable(
        name=name,
        unit=declared.get("units", ""),
        diffusivity_um2_per_min=document.number(parameters, "diffusion_coefficient", owner=name),
        decay_per_min=document.number(parameters, "decay_rate", owner=name),
        initial=document.number(declared, "initial_condition", owner=name),
        condition=condition,
        options=options,
        enabled_sides=enabled,
        sides=enabled if any_held else {},
        line=line_of(declared),
    )


def _held(document: Document, element: Element, what: str, owner: str) -> Held:
    return Held(is_on(element.get("enabled")), document.value(element, what, owner=owner))
