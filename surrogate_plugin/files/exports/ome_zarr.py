"""Fields over time as OME-Zarr (NGFF 0.4, or 0.5), which napari and microscopy's programs read.

One array ``(t, c, y, x)``, a channel a substrate, and halves of it for looking from afar. Row 0 is at the lowest y, and
the transformations say where each pixel is; programs that let y go down show it upside down.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.files.exports.footage import Footage, Moved, time_of
from surrogate_plugin.pictures.scene import Scene
from surrogate_plugin.whole_files import replacing

#: The versions of NGFF that can be written, and the format of Zarr that each is in; by default the first, which more
#: programs read.
VERSIONS: Mapping[str, Literal[2, 3]] = {"0.4": 2, "0.5": 3}
VERSION = "0.4"
#: What of the attributes is this package's own.
_OURS = "surrogate_plugin"
#: Halves are made as long as a side is longer.
_SIDE = 256
_AXES = ("t", "c", "y", "x")
#: How channels are shown: grey, or these in turn.
_COLOURS = ("FFFFFF", "FF6F59", "43AA8B", "F9C74F", "577590", "B388EB")


def is_ours(path: Path) -> bool:
    """Whether a folder is an image that was exported, which may be replaced."""
    import zarr

    try:
        return _OURS in zarr.open_group(path, mode="r").attrs
    except Exception:  # what Zarr makes of other people's files has no common type
        return False


def write_ome_zarr(path: Path, footage: Footage, moved: Moved, version: str = VERSION) -> list[Path]:
    """The store, whole or not at all; in one of `VERSIONS`."""
    import zarr

    with replacing(path) as partial:
        store = zarr.create_group(partial, zarr_format=VERSIONS[version])
        first: Mapping[str, Scene] = {}
        levels: list[Any] = []
        times, bounds = [], []
        lowest, highest = np.inf, -np.inf
        for number, scenes in enumerate(footage):
            stack = np.stack([scene.field for scene in scenes.values()])
            if not first:
                first = scenes
                levels = _levels(store, len(footage.moments), stack.shape, version)
            for level in levels:
                level[number] = stack.astype(np.float32)
                stack = _halved(stack)
            times.append(time_of(scenes, number))
            bounds.append([scene.bound for scene in scenes.values()])
            low = np.array([scene.field.min() for scene in scenes.values()])
            high = np.array([scene.field.max() for scene in scenes.values()])
            lowest, highest = np.minimum(lowest, low), np.maximum(highest, high)
            moved()
        said = _said(path, first, len(levels), times, (lowest, highest))
        ours: dict[str, Any] = {"time_min": times, "error_bound": bounds, "substrates": list(first)}
        store.attrs.update({**_of_version(version, said), _OURS: ours})
        if path.is_dir():
            shutil.rmtree(path)  # an image that was exported before, as `check` has seen
    return [path]


def _levels(store: Any, count: int, shape: tuple[int, ...], version: str) -> list[Any]:
    """Arrays from fine to coarse, a chunk a substrate and moment."""
    made: list[Any] = []
    # Zarr 2 would else put dots between the numbers of a chunk; Zarr 3 names axes in the arrays too.
    form: dict[str, Any] = {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
    if VERSIONS[version] == 3:
        form = {"dimension_names": _AXES}
    channels, rows, columns = shape
    while True:
        made.append(
            store.create_array(
                str(len(made)), shape=(count, channels, rows, columns), chunks=(1, 1, rows, columns), dtype="float32",
                **form,
            )
        )  # fmt: skip
        if max(rows, columns) <= _SIDE or min(rows, columns) < 4:
            return made
        rows, columns = rows // 2, columns // 2


def _halved(stack: FloatArray) -> FloatArray:
    """Means of two by two pixels; an odd row or column at the end is left out."""
    channels, rows, columns = stack.shape
    even = stack[:, : rows - rows % 2, : columns - columns % 2]
    return np.asarray(even.reshape(channels, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4)))


def _said(
    path: Path,
    scenes: Mapping[str, Scene],
    levels: int,
    times: list[float],
    limits: tuple[Any, Any],
) -> dict[str, Any]:
    """What is said of the image in any version: ``multiscales``, one of them, and ``omero``."""
    scene = next(iter(scenes.values()))
    length = {"unit": "micrometer"} if scene.length_units == "um" else {}
    steps = np.diff(times)
    # NGFF has one step of time; where moments are not equally far apart it is their number that counts.
    even = scene.time is not None and len(times) > 1 and bool(np.allclose(steps, steps[0])) and steps[0] > 0
    dt, begin = (float(steps[0]), times[0]) if even else (1.0, 0.0)
    (dy, dx), (x0, y0) = scene.domain.spacings_um, scene.domain.origin_um
    datasets = [
        {
            "path": str(k),
            "coordinateTransformations": [
                {"type": "scale", "scale": [dt, 1.0, dy * 2**k, dx * 2**k]},
                {"type": "translation", "translation": [begin, 0.0, y0 + dy * 2**k / 2, x0 + dx * 2**k / 2]},
            ],
        }
        for k in range(levels)
    ]
    minutes = {"unit": "minute"} if even else {}
    kinds: list[dict[str, str]] = [
        {"type": "time"} | minutes, {"type": "channel"}, {"type": "space"} | length, {"type": "space"} | length
    ]  # fmt: skip
    axes = [{"name": name} | kind for name, kind in zip(_AXES, kinds, strict=True)]
    channels = [
        {
            "label": f"{name} ({each.units})" if each.units else name,
            "color": _COLOURS[k % len(_COLOURS)],
            "active": True,
            "window": {"min": low, "start": low, "max": high, "end": high},
        }
        for k, ((name, each), low, high) in enumerate(
            zip(scenes.items(), *(part.tolist() for part in limits), strict=True)
        )
    ]
    name = path.name.removesuffix(".ome.zarr")
    return {
        "multiscales": [{"name": name, "type": "mean", "axes": axes, "datasets": datasets}],
        "omero": {"name": name, "channels": channels, "rdefs": {"model": "color", "defaultT": 0, "defaultZ": 0}},
    }


def _of_version(version: str, said: dict[str, Any]) -> dict[str, Any]:
    """As a version has it: until 0.4 each part says its version, since then all is under one key."""
    if VERSIONS[version] == 3:
        return {"ome": {"version": version, **said}}
    (image,) = said["multiscales"]
    return {"multiscales": [{"version": version, **image}], "omero": {"version": version, **said["omero"]}}
