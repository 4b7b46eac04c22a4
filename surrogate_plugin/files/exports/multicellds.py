"""Fields and cells over time as a folder of MultiCellDS moments, in PhysiCell's layout, which pcdl reads.

What cells take up and release is in no moment of a film, so that these files are for looking at, and not for auditing.
"""

from __future__ import annotations

import datetime
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

import surrogate_plugin
from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.files.exports.footage import Footage, Moved, cells_of, time_of
from surrogate_plugin.pictures.scene import Dots, Scene
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.whole_files import replacing

_SOFTWARE = "surrogate-plugin"
_MESH = "initial_mesh0.mat"
#: What pcdl asks of every cell and no moment of a film knows; it is -1, which stands for nothing there.
_UNKNOWN = ("cycle_model", "current_phase", "chemotaxis_index")
#: What is said of each cell: its label, how many rows it has, and their unit.
_LABELS = (
    ("ID", 1, "none"),
    ("position", 3, "microns"),
    ("total_volume", 1, "cubic microns"),
    ("cell_type", 1, "none"),
    ("dead", 1, "none"),
    ("radius", 1, "microns"),
    *((label, 1, "none") for label in _UNKNOWN),
)
_GRAPHS = ("neighbor_graph", "attached_cells_graph")


def is_ours(path: Path) -> bool:
    """Whether a folder holds moments that were exported, which may be replaced."""
    try:
        root = ET.parse(path / f"{_name(0)}.xml").getroot()
    except (OSError, ET.ParseError):
        return False
    return root.findtext("metadata/software/name") == _SOFTWARE


def write_multicellds(path: Path, footage: Footage, moved: Moved) -> list[Path]:
    """The folder, whole or not at all."""
    with replacing(path) as partial:
        partial.mkdir()
        kinds: dict[str, int] = {}
        for number, scenes in enumerate(footage):
            _write_moment(partial, number, scenes, time_of(scenes, number), kinds)
            moved()
        if path.is_dir():
            shutil.rmtree(path)  # moments that were exported before, as `check` has seen
    return [path]


def _name(number: int) -> str:
    return f"output{number:08d}"


def _write_moment(
    folder: Path, number: int, scenes: Mapping[str, Scene], time_min: float, kinds: dict[str, int]
) -> None:
    from scipy.io import savemat

    name, first = _name(number), next(iter(scenes.values()))
    dots = cells_of(scenes)
    mesh = _voxels(first.domain)
    if number == 0:
        savemat(folder / _MESH, {"mesh": mesh}, format="4")
    fields = [scene.field.reshape(1, -1) for scene in scenes.values()]
    held = {"multiscale_microenvironment": np.concatenate([mesh, *fields])}
    savemat(folder / f"{name}_microenvironment0.mat", held, format="4")
    savemat(folder / f"{name}_cells.mat", {"cells": _cells(dots, kinds)}, format="4")
    for graph in _GRAPHS:
        (folder / f"{name}_{graph}.txt").write_text("")  # who touches whom is not known
    document = _document(name, scenes, time_min, kinds)
    ET.indent(document)
    ET.ElementTree(document).write(folder / f"{name}.xml", encoding="utf-8", xml_declaration=True)


def _voxels(domain: Domain) -> FloatArray:
    """Centre (x, y, z) and volume of each voxel, (4, n)."""
    x, y = np.meshgrid(*_axes(domain))
    volume = np.full(x.size, domain.voxel_volume_um3)
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size), volume])


def _axes(domain: Domain) -> tuple[FloatArray, FloatArray]:
    (rows, columns), (dy, dx), (x0, y0) = domain.shape, domain.spacings_um, domain.origin_um
    x, y = x0 + dx * (np.arange(columns) + 0.5), y0 + dy * (np.arange(rows) + 0.5)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def _cells(dots: Dots | None, kinds: dict[str, int]) -> FloatArray:
    """The rows of `_LABELS`; types that are new get the next number."""
    if dots is None:
        return np.empty((sum(size for _, size, _ in _LABELS), 0))
    for kind in dots.kind or ("cell",):
        kinds.setdefault(kind, len(kinds))
    number = [kinds[kind] for kind in dots.kind or ("cell",) * len(dots)]
    volume = 4.0 / 3.0 * np.pi * dots.radius_um**3
    rows = [dots.name, *dots.position_um.T, np.zeros(len(dots)), volume, number, ~dots.alive, dots.radius_um]
    rows += len(_UNKNOWN) * [np.full(len(dots), -1.0)]
    return np.stack([np.asarray(row, dtype=np.float64) for row in rows])


def _document(name: str, scenes: Mapping[str, Scene], time_min: float, kinds: Mapping[str, int]) -> ET.Element:
    first = next(iter(scenes.values()))
    root = ET.Element("MultiCellDS", version="2", type="snapshot/simulation")
    about = ET.SubElement(root, "metadata")
    software = ET.SubElement(about, "software")
    _text(software, "name", _SOFTWARE)
    _text(software, "version", surrogate_plugin.__version__)
    _text(about, "current_time", f"{time_min:.17g}", units="min")
    _text(about, "current_runtime", "0", units="sec")
    _text(about, "created", datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    domain = ET.SubElement(ET.SubElement(root, "microenvironment"), "domain", name="microenvironment")
    _mesh(domain, first)
    variables = ET.SubElement(domain, "variables")
    for number, (substrate, scene) in enumerate(scenes.items()):
        _variable(variables, number, substrate, scene)
    data = ET.SubElement(domain, "data", type="matlab")
    _text(data, "filename", f"{name}_microenvironment0.mat")
    populations = ET.SubElement(ET.SubElement(root, "cellular_information"), "cell_populations")
    custom = ET.SubElement(ET.SubElement(populations, "cell_population", type="individual"), "custom")
    # pcdl looks for what is said in PhysiCell's way by this attribute.
    simple = ET.SubElement(custom, "simplified_data", type="matlab", source="PhysiCell", data_version="2")
    types, labels, index = ET.SubElement(simple, "cell_types"), ET.SubElement(simple, "labels"), 0
    for kind, value in kinds.items():
        _text(types, "type", kind, ID=str(value), type=str(value))
    for label, size, unit in _LABELS:
        _text(labels, "label", label, index=str(index), size=str(size), units=unit)
        index += size
    _text(simple, "filename", f"{name}_cells.mat")
    for graph in _GRAPHS:
        _text(ET.SubElement(custom, graph, type="text"), "filename", f"{name}_{graph}.txt")
    return root


def _mesh(domain: ET.Element, scene: Scene) -> None:
    units = "micron" if scene.length_units in ("um", "") else scene.length_units
    mesh = ET.SubElement(domain, "mesh", type="Cartesian", uniform="true", regular="true", units=units)
    (x0, y0), (width, height), depth = scene.domain.origin_um, scene.domain.size_um, scene.domain.thickness_um
    box = (x0, y0, -depth / 2, x0 + width, y0 + height, depth / 2)
    _text(mesh, "bounding_box", _numbers(box), type="axis-aligned", units=units, delimiter=" ")
    for axis, centres in zip("xyz", (*_axes(scene.domain), np.zeros(1)), strict=True):
        _text(mesh, f"{axis}_coordinates", _numbers(centres), delimiter=" ")
    voxels = ET.SubElement(mesh, "voxels", type="matlab")
    _text(voxels, "filename", _MESH)


def _variable(variables: ET.Element, number: int, substrate: str, scene: Scene) -> None:
    variable = ET.SubElement(variables, "variable", name=substrate, units=scene.units or "none", ID=str(number))
    parameters = ET.SubElement(variable, "physical_parameter_set")
    for tag, unit in (("diffusion_coefficient", "micron^2/min"), ("decay_rate", "1/min")):
        _text(parameters, tag, "nan", units=unit)  # a field's file does not tell cells from what is between them


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.17g}" for value in values)
