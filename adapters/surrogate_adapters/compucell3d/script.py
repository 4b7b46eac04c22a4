"""The fields of a CompuCell3D XML script: what its solvers and its Secretion plugin do to each, as a `LatticeField`."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.fields import LatticeField
from surrogate_adapters.compucell3d.sides import ConstantDerivative

__all__ = ["Script", "read_script"]

#: The solvers whose equation is ours, and where they hold a value that a side has.
_AT_ONCE = "SteadyStateDiffusionSolver2D"
_SOLVERS = {"DiffusionSolverFE": "outside", _AT_ONCE: "edge"}
_SIDES = {("x", "min"): "left", ("x", "max"): "right", ("y", "min"): "bottom", ("y", "max"): "top"}
#: Elements of a field that are no part of the equation, or are read below.
_READ = {
    "FieldName", "DiffusionConstant", "GlobalDiffusionConstant", "DecayConstant", "GlobalDecayConstant",
    "DiffusionCoefficient", "DecayCoefficient", "ConcentrationFileName", "InitialConcentrationExpression",
    "Secretion", "SecretionOnContact", "ConstantConcentration",
}  # fmt: skip


@dataclass(frozen=True)
class Script:
    """What the XML says.

    Attributes
    ----------
    path : Path
    fields : mapping of str to LatticeField
        Those that can be solved for.
    refused : mapping of str to str
        For each other one, a sentence on what it has that no field here does.
    periodic : (bool, bool)
        Whether the cells' lattice wraps around, along x and along y.
    at_once : tuple of str
        Fields that the host solves for at rest, by a stencil of its own.
    """

    path: Path
    fields: Mapping[str, LatticeField]
    refused: Mapping[str, str]
    periodic: tuple[bool, bool]
    at_once: tuple[str, ...] = ()


def read_script(path: Path) -> Script:
    """Read a CC3DML file.

    Raises
    ------
    InvalidProblemError
        If it cannot be read, or is no XML.
    """
    try:
        root = ET.fromstring(path.read_bytes())
    except OSError as error:
        raise sp.InvalidProblemError(f"cannot read '{path}': {error.strerror}.") from None
    except (ET.ParseError, ValueError, LookupError) as error:
        raise sp.InvalidProblemError(f"{path} is not XML: {' '.join(str(error).split())}.") from None
    plugin = {each.get("Name", ""): each for each in root.iterfind("Plugin[@Name='Secretion']/Field")}
    fields: dict[str, LatticeField] = {}
    refused: dict[str, str] = {}
    at_once = []
    for name, solver, element in _described(root):
        at_once += [name] if solver == _AT_ONCE else []
        try:
            fields[name] = _field(name, solver, element, plugin.get(name))
        except sp.InvalidProblemError as error:
            refused[name] = str(error)
    potts = root.find("Potts")
    text = ["" if potts is None else (potts.findtext(f"Boundary_{axis}") or "").strip() for axis in "xy"]
    periodic = text[0].lower() == "periodic", text[1].lower() == "periodic"
    return Script(path, fields, refused, periodic, tuple(at_once))


def _described(root: ET.Element) -> Iterator[tuple[str, str, ET.Element]]:
    """Each field with its name, its solver and its element."""
    for solver in root.iterfind("Steppable"):
        for element in solver.iterfind("DiffusionField"):
            name = (element.get("Name") or element.findtext("DiffusionData/FieldName") or "").strip()
            if name:
                yield name, solver.get("Type", ""), element


def _field(name: str, solver: str, element: ET.Element, plugin: ET.Element | None) -> LatticeField:
    if solver not in _SOLVERS:
        raise sp.InvalidProblemError(f"{name} is solved by {solver}; fields of {' and '.join(_SOLVERS)} are audited.")
    data = element.find("DiffusionData")
    data = ET.Element("DiffusionData") if data is None else data
    made = [each for each in (element.find("SecretionData"), plugin) if each is not None]
    for each in (child for part in (data, *made) for child in part):
        _check(name, each)
    diffusivity = _number(name, data, "GlobalDiffusionConstant", "DiffusionConstant")
    if diffusivity <= 0.0:
        raise sp.InvalidProblemError(f"{name} has the diffusion constant {diffusivity:g}; one above 0 is audited.")
    return LatticeField(
        diffusivity_pixel2_per_mcs=diffusivity,
        decay_per_mcs=_number(name, data, "GlobalDecayConstant", "DecayConstant"),
        diffusivity_by_type_pixel2_per_mcs=_by_type(name, [data], "DiffusionCoefficient", "CellType"),
        decay_by_type_per_mcs=_by_type(name, [data], "DecayCoefficient", "CellType"),
        production_per_mcs=_by_type(name, made, "Secretion", "Type"),
        production_on_contact_per_mcs=_on_contact(name, made),
        fixed=_by_type(name, made, "ConstantConcentration", "Type"),
        boundary=_boundary(name, element.find("BoundaryConditions")),
        boundary_at=_where(solver, element.find("BoundaryConditions")),
    )


def _check(name: str, element: ET.Element) -> None:
    """Refuse what would change the equation."""
    neutral = {"DeltaX": 1.0, "DeltaT": 1.0}
    if element.tag in neutral and _value(name, element) == neutral[element.tag]:
        return
    if element.tag not in _READ:
        raise sp.InvalidProblemError(f"{name} has <{element.tag}>, which no field that is solved for here has.")


def _value(name: str, element: ET.Element, text: str | None = None) -> float:
    said = (element.text if text is None else text) or ""
    try:
        number = float(said)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise sp.InvalidProblemError(f"<{element.tag}> of {name} is {said.strip()[:60]!r}; a finite number is allowed.")
    return number


def _number(name: str, data: ET.Element, *tags: str) -> float:
    """Of the first of these that is there; 0 where none is."""
    found = next((each for tag in tags if (each := data.find(tag)) is not None), None)
    return 0.0 if found is None else _value(name, found)


def _by_type(name: str, parts: list[ET.Element], tag: str, attribute: str) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for element in (each for part in parts for each in part.iterfind(tag)):
        found[element.get(attribute, "")] = _value(name, element)
    return found


def _on_contact(name: str, parts: list[ET.Element]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for element in (each for part in parts for each in part.iterfind("SecretionOnContact")):
        touched = found.setdefault(element.get("Type", ""), {})
        for other in (element.get("SecreteOnContactWith") or "").split(","):
            touched[other.strip()] = _value(name, element)
    return found


def _boundary(name: str, conditions: ET.Element | None) -> dict[str, Any] | None:
    """The sides that the XML names; the solver's own are without a flux, whatever the cells' lattice does."""
    sides: dict[str, Any] = dict.fromkeys(_SIDES.values(), "reflecting")
    for plane in () if conditions is None else conditions.iterfind("Plane"):
        axis = plane.get("Axis", "").lower()
        for condition in plane:
            ends = ("min", "max") if condition.tag == "Periodic" else (condition.get("PlanePosition", "").lower(),)
            for end in ends:
                if (axis, end) in _SIDES:
                    sides[_SIDES[axis, end]] = _side(name, condition)
    return sides


def _side(name: str, condition: ET.Element) -> Any:
    if condition.tag == "Periodic":
        return "periodic"
    value = _value(name, condition, condition.get("Value", ""))
    if condition.tag == "ConstantValue":
        return value
    if condition.tag == "ConstantDerivative":
        return ConstantDerivative(value) if value else "reflecting"
    raise sp.InvalidProblemError(f"{name} has the side <{condition.tag}>; values, derivatives and periods are audited.")


def _where(solver: str, conditions: ET.Element | None) -> Any:
    """Where values of sides are held; nothing to say where none is."""
    held = conditions is not None and conditions.find("Plane/ConstantValue") is not None
    return _SOLVERS[solver] if held else "outside"
