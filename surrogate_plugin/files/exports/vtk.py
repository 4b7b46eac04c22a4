"""For ParaView and pyvista: fields as .vti, cells as .vtp, and a .pvd that lists both over time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from surrogate_plugin.files.exports.footage import Footage, Moved, cells_of, needed_cells, time_of
from surrogate_plugin.pictures.scene import Dots, Scene
from surrogate_plugin.pictures.view import Series, image_data, point_data, save_scene
from surrogate_plugin.tissue.state import Cells


def write_vti(path: Path, footage: Footage, moved: Moved) -> list[Path]:
    """The fields of the last moment, one point a pixel centre."""
    scenes = footage.at(footage.moments[-1])
    made = image_data(_domain(scenes), **_fields(scenes))
    for name, value in _told(scenes).items():
        made.field_data[name] = [value]
    save_scene(made, path)
    moved()
    return [path]


def write_vtp(path: Path, footage: Footage, moved: Moved) -> list[Path]:
    """The cells of the last moment, one point each."""
    scenes = footage.at(footage.moments[-1])
    dots = needed_cells(scenes, "a .vtp")
    save_scene(point_data(_cells(dots), **_values(dots, scenes)), path)
    moved()
    return [path]


def write_pvd(path: Path, footage: Footage, moved: Moved) -> list[Path]:
    """All moments beside the .pvd that ParaView opens."""
    series = Series(path.parent, path.name.removesuffix(path.suffix))
    for number, scenes in enumerate(footage):
        dots = cells_of(scenes)
        cells, values = (None, None) if dots is None else (_cells(dots), _values(dots, scenes))
        series.add(time_of(scenes, number), _domain(scenes), _fields(scenes), cells, values, _told(scenes))
        moved()
    return [path, *series.written]


def _domain(scenes: Mapping[str, Scene]) -> Any:
    return next(iter(scenes.values())).domain


def _fields(scenes: Mapping[str, Scene]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: scene.field for name, scene in scenes.items()}
    held = {f"{name}_held": scene.held for name, scene in scenes.items() if scene.held is not None}
    return fields | held


def _told(scenes: Mapping[str, Scene]) -> dict[str, str | float]:
    told: dict[str, str | float] = {}
    for name, scene in scenes.items():
        of = "" if len(scenes) == 1 else f"{name}_"
        told |= {} if scene.bound is None else {f"{of}error_bound": scene.bound}
        told |= {f"{of}units": scene.units} if scene.units else {}
        told |= {"length_units": scene.length_units} if scene.length_units else {}
    return told


def _cells(dots: Dots) -> Cells:
    return Cells(position_um=dots.position_um, radius_um=dots.radius_um)


def _values(dots: Dots, scenes: Mapping[str, Scene]) -> dict[str, Any]:
    """What each cell carries; types as numbers too, since programs colour by numbers."""
    values: dict[str, Any] = {"id": dots.name, "alive": dots.alive.astype(np.uint8)}
    if dots.kind:
        names, numbers = np.unique(np.array(dots.kind), return_inverse=True)
        values |= {"type": names[numbers], "type_number": numbers}
    levels = {name: scene.cells.level for name, scene in scenes.items() if scene.cells is not None}
    return values | levels
