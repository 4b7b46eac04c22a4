"""A finished CompuCell3D run: the lattices that it saved as .vtk, and the XML that it ran with."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.script import Script, read_script
from surrogate_adapters.compucell3d.substrate import Substrate
from surrogate_adapters.compucell3d.tissue import Tissue, check_types
from surrogate_plugin.audit.run import Moment, RunFacts, Seen

__all__ = ["CompuCell3DRun", "read_run"]

#: What the host calls its lists of saved lattices.
_LIST = "*.dml"
_STEP = re.compile(r"_(\d+)$")
_NOTES = (
    "Lengths are in pixels and times in Monte Carlo steps, where tables say um and min.",
    "Coefficients and sides are those of the XML; what steppables of Python changed or secreted is in no file.",
)


def read_run(path: Path, settings: Path | None = None, nodes: str | None = None) -> CompuCell3DRun | None:
    """The run in a folder, None if it holds no list of saved lattices.

    Parameters
    ----------
    path : Path
        The output folder of a run with ``--output-frequency``, or its ``LatticeData``.
    settings : Path, optional
        The XML that it ran with, where it is not in the output.
    nodes : str, optional
        Of other hosts: what is held here, the XML says.

    Raises
    ------
    InvalidProblemError
        If a file is missing or damaged, or the lattice is none that can be solved on.
    """
    places = (path, path / "LatticeData") if path.is_dir() else (path.parent,) if path.suffix == ".dml" else ()
    lists = [found for place in places for found in sorted(place.glob(_LIST))]
    if not lists:
        return None
    if nodes is not None:
        raise sp.InvalidProblemError(f"nodes is {nodes!r}, but the XML of CompuCell3D says what is held; leave it out.")
    script = _script_of(lists[0].parent) if settings is None else Path(settings)
    if script is None:
        raise sp.InvalidProblemError(
            f"there is no XML in Simulation/ beside {lists[0].parent}; name the one that the run had, which has the "
            "diffusion constants (--settings)."
        )
    return CompuCell3DRun(lists[0], *_lattice_of(lists[0]), read_script(script))


@dataclass(frozen=True, eq=False)
class CompuCell3DRun:
    """A run; nothing but the list of its lattices and its XML is read before a moment is asked for.

    Attributes
    ----------
    source : Path
        The list of saved lattices.
    shape : (int, int)
        Rows and columns.
    type_ids : mapping of type name to number
    listed : tuple of str
        The names of its concentration fields.
    script : Script
    """

    source: Path
    shape: tuple[int, int]
    type_ids: Mapping[str, int]
    listed: tuple[str, ...]
    script: Script

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Its moments, in order."""
        steps = [path for path in self.source.parent.glob("*.vtk") if _STEP.search(path.stem)]
        return tuple(path.stem for path in sorted(steps, key=lambda path: _mcs(path.stem)))

    @property
    def facts(self) -> RunFacts:
        """What the list and the XML say."""
        notes = list(_NOTES)
        if any(field.diffusivity_by_type_pixel2_per_mcs for field in self.script.fields.values()):
            notes.append(
                "Between voxels that conduct differently the steady field has the harmonic mean and CompuCell3D the "
                "arithmetic one, which is part of the difference."
            )
        if self.script.at_once:
            notes.append(
                f"CompuCell3D's steady solver, which has {', '.join(self.script.at_once)}, mirrors in the middle of "
                "edge pixels and spreads its pixels over one more than there are, which is part of the difference."
            )
        return RunFacts(
            host="CompuCell3D",
            source=self.source.parent,
            substrates=self.listed,
            held_min=1.0,
            notes=tuple(notes),
            beside=(str(self.script.path),),
        )

    @cached_property
    def _domain(self) -> sp.Domain:
        return sp.Domain.from_lattice(self.shape, 1.0)

    @cached_property
    def _posed(self) -> dict[str, Substrate | str]:
        """For each field how it is posed, or why it is not."""
        return {name: self._pose(name) for name in self.listed}

    def _pose(self, name: str) -> Substrate | str:
        field = self.script.fields.get(name)
        if field is None:
            return self.script.refused.get(name, f"{self.script.path.name} has no solver for {name}.")
        try:
            check_types(name, field, self.type_ids)
            physical = field.physical(um_per_pixel=1.0, minutes_per_mcs=1.0)
            return Substrate(name, physical, self._domain, self._domain, self.script.periodic, per="mcs")
        except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
            return str(error)

    def moment(self, name: str) -> Moment:
        """One saved lattice with all its fields."""
        path = self.source.parent / f"{name}.vtk"
        arrays = _arrays(path, self.shape, ("CellType", "CellId", *self.listed))
        types, ids = arrays["CellType"].astype(np.uint8), arrays["CellId"].astype(np.int32)
        tissue = Tissue(types, ids, {}, self.type_ids, self.script.periodic)
        cells, first = np.unique(ids[ids > 0], return_index=True)
        kind = types[ids > 0][first]
        position = _middles(ids, cells, self.script.periodic)
        column, row = np.floor(position).astype(np.int64).T if len(cells) else np.zeros((2, 0), dtype=np.int64)
        called = {number: title for title, number in self.type_ids.items()}
        pixels = np.bincount(ids.ravel())[cells] if len(cells) else np.zeros(0)
        return Moment(
            name=name,
            time_min=float(_mcs(name)),
            domain=self._domain,
            position_um=position,
            voxel=np.clip(row, 0, self.shape[0] - 1) * self.shape[1] + np.clip(column, 0, self.shape[1] - 1),
            cell_id=cells.astype(np.int64),
            alive=np.ones(len(cells), dtype=np.bool_),
            seen={field: self._seen(field, arrays[field], tissue) for field in self.listed},
            kind=tuple(called.get(int(each), str(each)) for each in kind),
            radius_um=np.sqrt(pixels / np.pi),
        )

    def _seen(self, name: str, field: npt.NDArray[np.float64], tissue: Tissue) -> Seen:
        posed = self._posed[name]
        if isinstance(posed, str):
            return Seen(field, 0.0, 0.0, None, refusal=posed)
        said = posed.field
        return Seen(
            field, said.diffusivity_um2_per_min, said.decay_per_min, posed.state(tissue), boundary=posed.boundary
        )


def _mcs(name: str) -> int:
    found = _STEP.search(name)
    return int(found[1]) if found else 0


def _script_of(folder: Path) -> Path | None:
    """The XML that the host copied beside its output, which the project's own file there names."""
    for place in (folder.parent, folder):
        for project in sorted(place.glob("*.cc3d")):
            try:
                named = (ET.fromstring(project.read_bytes()).findtext("XMLScript") or "").strip()
            except (OSError, ET.ParseError, ValueError):
                continue
            if named and (place / named).is_file():
                return place / named
        found = sorted((place / "Simulation").glob("*.xml"))
        if found:
            return found[0]
    return None


def _lattice_of(path: Path) -> tuple[tuple[int, int], dict[str, int], tuple[str, ...]]:
    """Rows and columns, the numbers of the types, and the names of the concentration fields."""
    try:
        root = ET.fromstring(path.read_bytes())
        size = {axis: int(root.find("Dimensions").get(axis, "0")) for axis in "xyz"}  # type: ignore[union-attr]
        types = {each.get("TypeName", ""): int(each.get("TypeId", "")) for each in root.iterfind("CellType")}
    except (OSError, ET.ParseError, AttributeError, ValueError) as error:
        raise sp.InvalidProblemError(f"{path} is no list of lattices of CompuCell3D ({error}).") from None
    lattice = root.find("Lattice")
    form = "Square" if lattice is None else lattice.get("Type", "Square")
    if form != "Square" or size["z"] != 1 or min(size.values()) < 1:
        raise sp.InvalidProblemError(
            f"{path}: the lattice is {form}, {size['x']} x {size['y']} x {size['z']}; a square one of one layer along "
            "z is allowed."
        )
    fields = [each.get("Name", "") for each in root.iterfind("Fields/Field") if each.get("Type") == "ConField"]
    return (size["y"], size["x"]), types, tuple(fields)


def _arrays(path: Path, shape: tuple[int, int], names: tuple[str, ...]) -> dict[str, npt.NDArray[np.float64]]:
    """The arrays of one saved lattice, (rows, columns)."""
    import pyvista

    found = {}
    with pyvista.vtk_verbosity("off"):
        try:
            data = pyvista.read(path)
            held = {name: np.asarray(data.point_data[name]) for name in data.point_data.keys()}  # noqa: SIM118
        except Exception as error:  # a damaged file fails in any way
            raise sp.InvalidProblemError(f"{path} cannot be read as a saved lattice ({error}).") from None
    for name in names:
        array = held.get(name)
        if array is None or array.size != shape[0] * shape[1]:
            raise sp.InvalidProblemError(
                f"{path} holds no {name} of {shape[1]} x {shape[0]} pixels; it is damaged or of another run."
            )
        found[name] = np.ascontiguousarray(array.reshape(shape), dtype=np.float64)
        if not np.isfinite(found[name]).all():
            raise sp.InvalidProblemError(f"{path}: {name} holds values that are not finite; it is damaged.")
    return found


def _middles(
    ids: npt.NDArray[np.int32], cells: npt.NDArray[np.int32], periodic: tuple[bool, bool]
) -> npt.NDArray[np.float64]:
    """The middle of each cell, (n, 2), (x, y) in pixels; along an axis that wraps around, that of its angles."""
    row, column = np.nonzero(ids > 0)
    index = np.searchsorted(cells, ids[row, column])
    count = np.bincount(index, minlength=len(cells))
    found = np.empty((len(cells), 2))
    for axis, (place, length) in enumerate(((column, ids.shape[1]), (row, ids.shape[0]))):
        middle = place + 0.5
        if periodic[axis]:
            angle = (
                np.bincount(index, np.sin(2 * np.pi * middle / length), len(cells)),
                np.bincount(index, np.cos(2 * np.pi * middle / length), len(cells)),
            )
            found[:, axis] = np.arctan2(*angle) * length / (2 * np.pi) % length
        else:
            found[:, axis] = np.bincount(index, middle, len(cells)) / np.maximum(count, 1)
    return found
