"""Cells as spheres for the Simularium viewer, by simulariumio, an optional extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.exports.footage import Footage, Moved, needed_cells, time_of
from surrogate_plugin.pictures.scene import Dots, Scene
from surrogate_plugin.whole_files import replacing

#: What simulariumio puts at the end of a name by itself.
_SUFFIX = ".simularium"
#: Of a sphere, as simulariumio has it.
_SPHERE = 1000.0


def check() -> None:
    """Refuse where simulariumio is not installed.

    Raises
    ------
    InvalidProblemError
    """
    try:
        import simulariumio  # noqa: F401
    except ImportError:
        raise InvalidProblemError(
            "a .simularium needs simulariumio, which `pip install 'surrogate-plugin[simularium]'` brings."
        ) from None


def write_simularium(path: Path, footage: Footage, moved: Moved) -> list[Path]:
    """All moments; what is known of cells but place, size and type is for other kinds of files."""
    from simulariumio import JsonWriter, MetaData, TrajectoryData, UnitData

    times, moments, scene = [], [], None
    for number, scenes in enumerate(footage):
        scene = next(iter(scenes.values()))
        times.append(time_of(scenes, number))
        moments.append(needed_cells(scenes, "a .simularium"))
        moved()
    assert scene is not None
    data = TrajectoryData(
        meta_data=MetaData(box_size=np.array([*scene.domain.size_um, scene.domain.thickness_um])),
        agent_data=_agents(scene, np.array(times), moments),
        time_units=UnitData("min"),
        spatial_units=UnitData("µm"),
    )
    with replacing(path) as partial:
        JsonWriter.save(data, str(partial).removesuffix(_SUFFIX), validate_ids=False)
    return [path]


def _agents(scene: Scene, times: Any, moments: list[Dots]) -> Any:
    """Arrays of as many cells as the fullest moment has; Simularium has its zero in the middle of the box."""
    from simulariumio import AgentData

    counts = np.array([len(dots) for dots in moments])
    shape = (len(moments), int(counts.max()))
    (x0, y0), (width, height) = scene.domain.origin_um, scene.domain.size_um
    names, radii, positions = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros((*shape, 3))
    kinds = []
    for k, dots in enumerate(moments):
        names[k, : len(dots)], radii[k, : len(dots)] = dots.name, dots.radius_um
        positions[k, : len(dots), :2] = dots.position_um - (x0 + width / 2, y0 + height / 2)
        kinds.append(list(dots.kind or ("cell",) * len(dots)))
    return AgentData(
        times=times, n_agents=counts, viz_types=np.full(shape, _SPHERE), unique_ids=names, types=kinds,
        positions=positions, radii=radii,
    )  # fmt: skip
