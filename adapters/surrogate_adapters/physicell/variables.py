"""The substrates that a PhysiCell project's XML declares, and what its cell types and rules do with each.

Sides are held only if the ``Dirichlet_boundary_condition`` of some substrate is on; then each is held as its
``boundary_value`` says, or where it has none as the substrate's condition says (so in PhysiCell 1.10 to 1.14).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from surrogate_adapters.biofvm import Substrate
from surrogate_adapters.physicell.elements import Document, child, is_on

_SIDES = ("xmin", "xmax", "ymin", "ymax")
_CELL_TYPES = "cell_definitions/cell_definition"


@dataclass(frozen=True)
class Variable:
    """One substrate of the XML.

    Attributes
    ----------
    substrate : Substrate
        What decides whether a steady field suits it, by the XML and its rules; what custom code does is not known.
    sides : dict of str to float, field units
        The sides that are held, and at what.
    remark : str or None
        Where the XML looks as if it held sides and does not, why.
    climbed_by : tuple of str
        The cell types with chemotaxis along it.
    """

    substrate: Substrate
    sides: dict[str, float]
    remark: str | None
    climbed_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """What rules and settings call it by."""
        return self.substrate.name


def variables_of(document: Document, folder: Path) -> list[Variable]:
    """The substrates, in PhysiCell's order.

    Parameters
    ----------
    document : Document
    folder : Path
        The project, from which the XML counts the paths of its rules.

    Returns
    -------
    list of Variable

    Raises
    ------
    InvalidProblemError
        If what should be a number is none.
    """
    declared = document.root.findall("microenvironment_setup/variable")
    conditions = any(_condition_is_on(one) for one in declared)
    behaviours = set(_behaviours(document.root, folder))
    return [_variable(document, one, conditions, behaviours) for one in declared]


def _variable(document: Document, declared: Element, conditions: bool, behaviours: set[str]) -> Variable:
    name = declared.get("name", "")
    enabled = _enabled_sides(document, declared, name)
    sides = enabled if conditions else {}
    secreted = f"{name} secretion" in behaviours or _any(document, name, "secretion_rate")
    supplied = f"{name} secretion" in behaviours or _any(document, name, "secretion_rate", "secretion_target")
    exported = f"{name} export" in behaviours or _any(document, name, "net_export_rate")
    taken_up = f"{name} uptake" in behaviours or _any(document, name, "uptake_rate")
    parameters = child(declared, "physical_parameter_set")
    substrate = Substrate(
        name=name,
        diffusivity_um2_per_min=document.number(parameters, "diffusion_coefficient", owner=name),
        decay_per_min=document.number(parameters, "decay_rate", owner=name),
        held=bool(sides),
        supplied=supplied or exported or any(value > 0 for value in sides.values()),
        taken_up=True if secreted or taken_up else None,  # custom code may
    )
    remark = _remark(name, _condition_is_on(declared), enabled, sides)
    return Variable(substrate, sides, remark, tuple(_climbers(document, name, behaviours)))


def _condition_is_on(declared: Element) -> bool:
    return is_on(child(declared, "Dirichlet_boundary_condition").get("enabled"))


def _enabled_sides(document: Document, declared: Element, name: str) -> dict[str, float]:
    """The sides that are held if any are."""
    sides: dict[str, float] = {}
    if _condition_is_on(declared):
        sides = dict.fromkeys(_SIDES, document.number(declared, "Dirichlet_boundary_condition", owner=name))
    for given in declared.findall("Dirichlet_options/boundary_value"):
        side = next((side for side in _SIDES if side in given.get("ID", "")), None)
        if side is None:
            continue
        sides.pop(side, None)
        if is_on(given.get("enabled")):
            sides[side] = document.value(given, f"boundary_value {side}", owner=name)
    return sides


def _remark(name: str, condition: bool, enabled: dict[str, float], sides: dict[str, float]) -> str | None:
    if condition and not enabled:
        return (
            "Its Dirichlet_boundary_condition is enabled, but PhysiCell goes by Dirichlet_options, where no side of "
            f"{name} is: it holds none."
        )
    if enabled and not sides:
        return (
            f"Its Dirichlet_options enable {', '.join(enabled)}, but PhysiCell holds no side of {name} unless a "
            "Dirichlet_boundary_condition is enabled too."
        )
    return None


def _any(document: Document, name: str, *numbers: str) -> bool:
    """Whether any cell type has all of these other than 0: secretion to a target of 0 takes up."""
    cells = document.root.findall(f"{_CELL_TYPES}/phenotype/secretion/substrate")
    return any(
        all(document.number(one, number, owner=name) != 0.0 for number in numbers)
        for one in cells
        if one.get("name") == name
    )


def _climbers(document: Document, name: str, behaviours: set[str]) -> Iterator[str]:
    for cell_type in document.root.findall(_CELL_TYPES):
        options = child(cell_type, "phenotype/motility/options")
        if is_on(options.findtext("advanced_chemotaxis/enabled")):  # PhysiCell then passes the other one over
            given = options.findall("advanced_chemotaxis/chemotactic_sensitivities/chemotactic_sensitivity")
            along = any(
                document.value(one, "chemotactic_sensitivity", owner=name) != 0.0
                for one in given
                if one.get("substrate") == name
            )
        else:
            along = is_on(options.findtext("chemotaxis/enabled")) and options.findtext("chemotaxis/substrate") == name
        if along:
            yield cell_type.get("name", "")
    if behaviours & {f"chemotactic response to {name}", f"chemotactic sensitivity to {name}"}:
        yield "a rule"


def _behaviours(root: Element, folder: Path) -> Iterator[str]:
    """Every field of every rule that is on; a behaviour such as ``oxygen secretion`` is one of them."""
    for rules in root.findall("cell_rules/rulesets/ruleset"):
        path = folder / rules.findtext("folder", "").strip() / rules.findtext("filename", "").strip()
        if not is_on(rules.get("enabled")) or not path.is_file():
            continue  # a file that is missing PhysiCell says itself
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if not line.lstrip().startswith("//"):
                yield from (field.strip() for field in line.split(","))
