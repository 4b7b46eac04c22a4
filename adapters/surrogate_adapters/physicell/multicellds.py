"""One moment that PhysiCell saved: its MultiCellDS XML and the two MATLAB files that it names."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.physicell.elements import NOTHING, Document, child

FloatArray = npt.NDArray[np.float64]

#: What cells have to say of a substrate: MultiCellDS' labels, in the order that `Saved.rates` has them.
RATES = ("uptake_rates", "secretion_rates", "saturation_densities", "net_export_rates")
#: Units that say nothing.
_NO_UNITS = ("", "none", "dimensionless", "NULL")


@dataclass(frozen=True, eq=False)
class Saved:
    """What one moment's files hold.

    Attributes
    ----------
    time_min : float, min
    version : str
        PhysiCell's.
    domain : Domain
    names, units : tuple of str
        Of the substrates.
    diffusivity, decay : tuple of float, um^2 / min and 1 / min
    fields : (substrates, H, W) float64
    cells : (rows, n) float64
        All that is saved of each cell.
    rows : dict of str to (int, int)
        Where a label's rows begin, and how many there are.
    kinds : dict of int to str
        The names of cell types.
    """

    time_min: float
    version: str
    domain: sp.Domain
    names: tuple[str, ...]
    units: tuple[str, ...]
    diffusivity: tuple[float, ...]
    decay: tuple[float, ...]
    fields: FloatArray
    cells: FloatArray
    rows: dict[str, tuple[int, int]]
    kinds: dict[int, str]

    @classmethod
    def read(cls, path: Path) -> Saved:
        """Read the XML of a moment and what it names.

        Raises
        ------
        InvalidProblemError
            If a file is missing or damaged, or is none of MultiCellDS' of a version that saves what cells exchange.
        UnsupportedProblemError
            If there is more than one layer of voxels.
        """
        document = Document.read(path)
        root = document.root
        if root.tag != "MultiCellDS":
            raise sp.InvalidProblemError(
                f"{path} is <{root.tag}>; the XML of a saved moment, <MultiCellDS>, is allowed."
            )
        variables = root.findall("microenvironment/domain/variables/variable")
        names = tuple(one.get("name", "") for one in variables)
        if not names:
            raise sp.InvalidProblemError(f"{path} declares no substrate; at least one is allowed.")
        domain, fields = _fields(document, len(names))
        rows, cells, kinds = _cells(document, len(names))
        parameters = [child(one, "physical_parameter_set") for one in variables]
        return cls(
            document.number(child(root, "metadata"), "current_time"),
            (root.findtext("metadata/software/version") or "").strip(),
            domain,
            names,
            tuple(_units(one) for one in variables),
            tuple(document.number(one, "diffusion_coefficient") for one in parameters),
            tuple(document.number(one, "decay_rate") for one in parameters),
            fields,
            cells,
            rows,
            kinds,
        )

    def label(self, name: str) -> FloatArray:
        """The rows of a label, (size, n)."""
        start, size = self.rows[name]
        return self.cells[start : start + size]

    def rates(self, substrate: int) -> FloatArray:
        """Uptake and secretion (1 / min), target (field units) and net export (field units um^3 / min), (4, n)."""
        return np.stack([self.label(name)[substrate] for name in RATES])


def _units(variable: Element) -> str:
    given = variable.get("units", "").strip()
    return "" if given in _NO_UNITS else given


def _fields(document: Document, substrates: int) -> tuple[sp.Domain, FloatArray]:
    """The lattice and the fields on it."""
    mesh = child(document.root, "microenvironment/domain/mesh")
    x, y, z = (_numbers(document, mesh, f"{axis}_coordinates") for axis in "xyz")
    if len(z) != 1:
        raise sp.UnsupportedProblemError(
            f"{document.path} has {len(z)} layers of voxels along z; one is allowed: 3-D runs cannot be audited."
        )
    if min(len(x), len(y)) < 2:
        raise sp.UnsupportedProblemError(
            f"{document.path} has {len(x)} x {len(y)} voxels; at least 2 along x and y are allowed."
        )
    path = _named(document, child(document.root, "microenvironment/domain/data"))
    saved = _matrix(path, "multiscale_microenvironment")
    shape = (4 + substrates, len(x) * len(y))
    if saved.shape != shape:
        raise sp.InvalidProblemError(
            f"{path} holds {saved.shape[0]} x {saved.shape[1]} numbers, but {document.path.name} tells of "
            f"{substrates} substrates on {shape[1]} voxels: {shape[0]} x {shape[1]} are allowed."
        )
    dx, dy = _spacing(document, "x", x), _spacing(document, "y", y)
    spacing = dx if math.isclose(dx, dy, rel_tol=1e-9) else (dy, dx)
    domain = sp.Domain.from_lattice(
        (len(y), len(x)), spacing, (x[0] - dx / 2, y[0] - dy / 2), thickness_um=float(saved[3, 0]) / (dx * dy)
    )
    return domain, np.ascontiguousarray(saved[4:].reshape(substrates, *domain.shape))


def _cells(document: Document, substrates: int) -> tuple[dict[str, tuple[int, int]], FloatArray, dict[int, str]]:
    """Where labels are, what is saved of the cells, and the names of their types."""
    data = child(document.root, "cellular_information/cell_populations/cell_population/custom/simplified_data")
    rows: dict[str, tuple[int, int]] = {}
    for label in data.findall("labels/label"):
        start, size = (int(document.value(_text(label.get(key)), f"{key} of a label")) for key in ("index", "size"))
        rows.setdefault((label.text or "").strip(), (start, size))
    needed = {"ID": 1, "position": 3, "total_volume": 1, **dict.fromkeys(RATES, substrates)}
    for name, size in needed.items():
        if name not in rows or rows[name][1] != size:
            said = f"gives {name} {rows[name][1]} rows" if name in rows else f"has no label {name}"
            raise sp.InvalidProblemError(
                f"{document.path} {said}; {size} rows of it are allowed, as PhysiCell saves them since version 1.10."
            )
    kinds = {
        int(document.value(_text(one.get("ID")), "ID of a cell type")): (one.text or "").strip()
        for one in data.findall("cell_types/type")
    }
    path = _named(document, data)
    cells = _matrix(path, "cells")
    last = max(start + size for start, size in rows.values())
    if cells.shape[0] != last and cells.size:
        raise sp.InvalidProblemError(
            f"{path} holds {cells.shape[0]} numbers a cell, but the labels of {document.path.name} name {last}."
        )
    return rows, cells if cells.size else np.empty((last, 0)), kinds


def _text(given: str | None) -> Element:
    element = Element("text")
    element.text = given
    return element


def _numbers(document: Document, mesh: Element, name: str) -> FloatArray:
    element = child(mesh, name)
    try:
        numbers = np.array((element.text or "").replace(element.get("delimiter", " ") or " ", " ").split(), dtype=float)
    except ValueError:
        numbers = np.empty(0)
    if not len(numbers) or not np.isfinite(numbers).all():
        raise sp.InvalidProblemError(f"{document.path}: {name} of the mesh is no list of finite numbers.")
    return numbers


def _spacing(document: Document, axis: str, centres: FloatArray) -> float:
    apart = np.diff(centres)
    spacing = float(np.mean(apart))
    if not spacing > 0 or not np.allclose(apart, spacing, rtol=1e-6, atol=1e-6 * abs(spacing)):
        raise sp.InvalidProblemError(
            f"{document.path}: {axis}_coordinates are not evenly spaced; that alone is allowed."
        )
    return spacing


def _named(document: Document, data: Element) -> Path:
    """The file that an element names, beside the XML."""
    name = "" if data is NOTHING else (data.findtext("filename") or "").strip()
    if not name:
        raise sp.InvalidProblemError(f"{document.path} names no file of fields or cells; MultiCellDS 2 is allowed.")
    return document.path.parent / name


def _matrix(path: Path, name: str) -> FloatArray:
    """The one matrix of a MATLAB file, (rows, columns) float64."""
    from scipy.io import loadmat

    if not path.is_file():
        raise sp.InvalidProblemError(f"{path} is missing.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a file cut short is told of by a warning alone, at times
            found: dict[str, Any] = loadmat(path)
        values = np.asarray(found[name], dtype=np.float64)
    except KeyError:
        raise sp.InvalidProblemError(f"{path} has no matrix {name!r}, as PhysiCell writes it.") from None
    except Exception as error:  # scipy raises whatever a damaged file happens to run into
        reason = " ".join(str(error).split()) or type(error).__name__
        raise sp.InvalidProblemError(f"{path} is damaged or cut short ({reason}).") from None
    if values.ndim != 2 or not np.isfinite(values[: 4 if name != "cells" else None]).all():
        raise sp.InvalidProblemError(f"{path} holds numbers that are not finite; finite ones are allowed.")
    return values
