"""`PhysiCell_settings.xml` as PhysiCell reads it: lattice, times, substrates, cell types, rules and files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import surrogate_plugin as sp
from surrogate_adapters.physicell.cell_types import CellType, cell_types_of
from surrogate_adapters.physicell.elements import NOTHING, Document, child, is_on, line_of
from surrogate_adapters.physicell.rules import Rule, Ruleset, located, rulesets_of
from surrogate_adapters.physicell.state import domain_of
from surrogate_adapters.physicell.variables import SIDES, Variable, variables_of

__all__ = ["CONFIGURATION", "File", "Lattice", "Saves", "Settings", "Times", "read_settings"]

#: Where PhysiCell looks if it is not told otherwise.
CONFIGURATION = "config/PhysiCell_settings.xml"


@dataclass(frozen=True)
class Lattice:
    """The voxels of a microenvironment.

    Attributes
    ----------
    nodes : (nx, ny, nz)
        Voxels along each axis.
    spacing_um : (dx, dy, dz), um
    origin_um : (x, y, z), um
        The corner with the lowest coordinates.
    flat : bool
        Whether the XML says ``use_2D``.
    unit : str
        What the XML calls the unit of length; PhysiCell counts in micrometres whatever it says.
    """

    nodes: tuple[int, int, int]
    spacing_um: tuple[float, float, float]
    origin_um: tuple[float, float, float]
    flat: bool
    unit: str

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height, um."""
        return self.nodes[0] * self.spacing_um[0], self.nodes[1] * self.spacing_um[1]

    @property
    def domain(self) -> sp.Domain:
        """The lattice as the core has it.

        Raises
        ------
        UnsupportedProblemError
            If there is more than one layer of voxels, or less than two voxels along x or y.
        """
        return domain_of(self.nodes, self.spacing_um, self.origin_um[:2])


@dataclass(frozen=True)
class Times:
    """The steps of a simulation, and its end.

    Attributes
    ----------
    diffusion_min, mechanics_min, phenotype_min : float, min
        By default those of PhysiCell: 0.01, 0.1 and 6.
    end_min : float, min
        ``max_time``.
    unit : str
        What the XML calls the unit of time; PhysiCell counts in minutes whatever it says.
    """

    diffusion_min: float
    mechanics_min: float
    phenotype_min: float
    end_min: float
    unit: str


@dataclass(frozen=True)
class Saves:
    """What is saved of a simulation.

    Attributes
    ----------
    folder : str
        From where the simulation runs.
    enabled : bool
        Whether everything is saved every so often (``full_data``).
    interval_min : float, min
    """

    folder: str
    enabled: bool
    interval_min: float


@dataclass(frozen=True)
class File:
    """A file that the settings name and turn on.

    Attributes
    ----------
    path : Path
        Where it is, or where the settings have it if it is missing.
    kind : str
        Its type, ``"csv"`` or ``"matlab"``, in lower case.
    line : int
        Where the XML names it.
    """

    path: Path
    kind: str
    line: int


@dataclass(frozen=True)
class Settings:
    """What a simulation of PhysiCell is told, every number in micrometres, minutes and the substrate's unit.

    Attributes
    ----------
    path, folder : Path
        The XML, and the folder that the simulation runs in, from which the XML counts its paths.
    lattice : Lattice
    times : Times
    saves : Saves
    variables : tuple of Variable
        The substrates; none where custom code sets the microenvironment up.
    cell_types : tuple of CellType
        What they inherit included.
    rulesets : tuple of Ruleset
        The files of rules that are turned on.
    initial_condition, cell_positions : File or None
        Those that are turned on.
    dirichlet_nodes : File or None
        The same; PhysiCell up to 1.14 passes it over.

    """

    path: Path
    folder: Path
    lattice: Lattice
    times: Times
    saves: Saves
    variables: tuple[Variable, ...]
    cell_types: tuple[CellType, ...]
    rulesets: tuple[Ruleset, ...]
    initial_condition: File | None
    cell_positions: File | None
    dirichlet_nodes: File | None

    @property
    def names(self) -> list[str]:
        """The substrates, in PhysiCell's order."""
        return [one.name for one in self.variables]

    @property
    def rules(self) -> list[Rule]:
        """The rules of all files that are turned on."""
        return [rule for ruleset in self.rulesets for rule in ruleset.rules]

    def variable(self, name: str) -> Variable:
        """One substrate.

        Raises
        ------
        InvalidProblemError
            If there is none of that name.
        """
        for one in self.variables:
            if one.name == name:
                return one
        raise sp.InvalidProblemError(
            f"{self.path} has no substrate {name!r}; it has {', '.join(self.names) or 'none'}."
        )


def read_settings(path: str | Path, folder: str | Path | None = None) -> Settings:
    """Read the settings of a simulation.

    Parameters
    ----------
    path : str or Path
        The XML: of a project, or the copy in its output.
    folder : str or Path, optional
        Where the simulation runs. If not given, the folder of the XML, or the one above if that is called ``config``.

    Returns
    -------
    Settings

    Raises
    ------
    InvalidProblemError
        If it cannot be read, is not XML, is not PhysiCell's, or has something else where a number should be: one
        sentence with the path, and the line where there is one.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> axes = "".join(f"<{a}_max>80</{a}_max><d{a}>20</d{a}>" for a in "xyz")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "PhysiCell_settings.xml"
    ...     _ = path.write_text(f"<PhysiCell_settings><domain>{axes}</domain></PhysiCell_settings>")
    ...     read_settings(path).lattice.nodes
    (4, 4, 4)
    """
    path = Path(path)
    beside = path.parent
    root = Path(folder) if folder is not None else beside.parent if beside.resolve().name == "config" else beside
    folders = [root, beside]
    document = Document.read(path)
    if document.root.tag != "PhysiCell_settings" or document.root.find("domain") is None:
        raise sp.InvalidProblemError(f"{path} is no configuration of PhysiCell: it has no PhysiCell_settings/domain.")
    lattice = _lattice(document)
    return Settings(
        path=path,
        folder=root,
        lattice=lattice,
        times=_times(document),
        saves=_saves(document),
        variables=tuple(variables_of(document, SIDES[:4] if lattice.flat else SIDES)),
        cell_types=tuple(cell_types_of(document)),
        rulesets=tuple(rulesets_of(document, folders)),
        initial_condition=_file(document, "microenvironment_setup/options/initial_condition", folders),
        cell_positions=_file(document, "initial_conditions/cell_positions", folders),
        dirichlet_nodes=_file(document, "microenvironment_setup/options/dirichlet_nodes", folders),
    )


def _lattice(document: Document) -> Lattice:
    domain = child(document.root, "domain")
    flat = is_on(domain.findtext("use_2D"))
    (dx, nx), (dy, ny) = _axis(document, domain, "x"), _axis(document, domain, "y")
    dz, nz = (document.number(domain, "dz", positive=True), 1) if flat else _axis(document, domain, "z")
    x, y = document.number(domain, "x_min"), document.number(domain, "y_min")
    z = -dz / 2.0 if flat else document.number(domain, "z_min")
    unit = document.root.findtext("overall/space_units", "").strip()
    return Lattice((nx, ny, nz), (dx, dy, dz), (x, y, z), flat, unit)


def _axis(document: Document, domain: Element, axis: str) -> tuple[float, int]:
    """The spacing along one axis, um, and the number of voxels."""
    spacing = document.number(domain, f"d{axis}", positive=True)
    length = document.number(domain, f"{axis}_max") - document.number(domain, f"{axis}_min")
    if not 0 < length <= 1e9 * spacing:
        raise document.error(
            domain,
            f"{axis}_max - {axis}_min is {length:g} and d{axis} is {spacing:g}; 1 to 1e9 voxels along an axis are "
            "allowed.",
        )
    return spacing, math.ceil(length / spacing)


def _times(document: Document) -> Times:
    overall = child(document.root, "overall")

    def step(name: str, default: float) -> float:
        found = overall.find(name)
        return default if found is None or not found.text else document.value(found, name, positive=True)

    return Times(
        diffusion_min=step("dt_diffusion", 0.01),
        mechanics_min=step("dt_mechanics", 0.1),
        phenotype_min=step("dt_phenotype", 6.0),
        end_min=document.number(overall, "max_time"),
        unit=overall.findtext("time_units", "").strip(),
    )


def _saves(document: Document) -> Saves:
    save = child(document.root, "save")
    full = child(save, "full_data")
    folder = save.findtext("folder", "").strip()
    return Saves(folder, is_on(full.findtext("enable")), document.number(full, "interval", owner="full_data"))


def _file(document: Document, where: str, folders: list[Path]) -> File | None:
    """A file that is named and turned on."""
    element = child(document.root, where)
    if element is NOTHING or not is_on(element.get("enabled")):
        return None
    folder, name = (element.findtext(tag, "").strip() for tag in ("folder", "filename"))
    if not name:
        raise document.error(element, f"{element.tag} is enabled and has no filename; the name of a file is needed.")
    path = located(f"{folder}/{name}" if folder else name, folders)
    return File(path, element.get("type", "").lower(), line_of(element))
