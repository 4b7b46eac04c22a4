"""`PhysiCell_settings.xml` as PhysiCell reads it: lattice, times, substrates, cell types, rules and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import surrogate_plugin as sp
from surrogate_adapters.physicell.cell_types import CellType, cell_types_of
from surrogate_adapters.physicell.elements import NOTHING, Document, UnreadableError, child, is_on, line_of
from surrogate_adapters.physicell.lattice import Lattice, lattice_of, nodes_of
from surrogate_adapters.physicell.placed import Placed, read_placed
from surrogate_adapters.physicell.rules import Rule, Ruleset, located, rulesets_of
from surrogate_adapters.physicell.starting import field_of
from surrogate_adapters.physicell.state import FloatArray, Nodes
from surrogate_adapters.physicell.variables import SIDES, Variable, variables_of
from surrogate_plugin.session.posing import problem_of, raster_of

__all__ = ["CONFIGURATION", "File", "Lattice", "Saves", "Settings", "Times", "read_settings"]

#: Where PhysiCell looks if it is not told otherwise.
CONFIGURATION = "config/PhysiCell_settings.xml"


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

    def nodes(self, name: str) -> Nodes:
        """The Dirichlet nodes of one substrate at the start: where it is held, (H, W) bool, and at what, (H, W)."""
        self.variable(name)
        return nodes_of(self.lattice.domain, self.variables, name)

    def initial(self, name: str) -> float | FloatArray:
        """The field of one substrate at the start, field units: a number, or (H, W) where a file has it.

        Raises
        ------
        InvalidProblemError
            If the file cannot be read, or has not a number for each voxel.
        """
        variable, file = self.variable(name), self.initial_condition
        if file is None:
            return variable.initial
        return field_of(file.path, file.kind, self.lattice, self.names, name, variable.initial)

    def placed(self) -> Placed:
        """The cells that stand in the file of positions; none where there is none, as custom code may place them.

        Raises
        ------
        InvalidProblemError
            If the file cannot be read: one sentence with the line.
        """
        file = self.cell_positions
        return Placed.none() if file is None else read_placed(file.path, file.kind, self.cell_types, self.lattice)

    def tissue(self, name: str, cells: sp.Cells | None = None) -> sp.TissueState:
        """What the field of one substrate depends on at the start: its nodes, and cells: those placed if not given."""
        fixed, value = self.nodes(name)
        return sp.TissueState(self.placed().cells(name) if cells is None else cells, voxels=sp.Voxels(fixed, value))

    def backend_config(self, name: str, **further: Any) -> sp.BackendConfig:
        """How the field of one substrate is answered for; ``further`` options as of `BackendConfig`.

        Of itself PhysiCell lets nothing through its outer faces, and its cells live in the voxels of their centres.

        Raises
        ------
        InvalidProblemError
            If a coefficient or an option is not allowed.
        UnsupportedProblemError
            If the lattice has layers, or less than two voxels along an axis.
        """
        variable = self.variable(name)
        ours: dict[str, Any] = {"boundary": "reflecting", "deposit": "voxel", "outside": "clamp"}
        if further.get("stepping", "steady") != "steady":
            ours["initial"] = self.initial(name)
        return sp.BackendConfig(
            domain=self.lattice.domain,
            diffusivity_um2_per_min=variable.diffusivity_um2_per_min,
            decay_per_min=variable.decay_per_min,
            **{**ours, **further},
        )

    def problem(self, name: str, cells: sp.Cells | None = None) -> sp.Problem:
        """The problem of one substrate's steady field at the start; cells are those placed if not given.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            As `backend_config`, `placed` and `Problem` do.
        """
        config = self.backend_config(name)
        return problem_of(raster_of(self.tissue(name, cells), config), config)


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
        raise UnreadableError(f"{path} is no configuration of PhysiCell: it has no PhysiCell_settings/domain.")
    lattice = lattice_of(document)
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
