"""Exports hold what was exported, as other libraries read them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.files import exports
from surrogate_plugin.pictures.scene import Scene
from surrogate_plugin.whole_files import UnwritableError
from tests.pictures.footage import DOMAIN, MadeUp

FILM = MadeUp()


def export(path: Path, film: Any = FILM, moments: tuple[int, ...] = (0, 1, 2)) -> list[Path]:
    return exports.export(path, film, moments, film.substrates)


def test_fields_are_at_their_places_for_vtk(tmp_path: Path) -> None:
    import pyvista

    export(tmp_path / "a.vti", moments=(1,))
    read = pyvista.read(tmp_path / "a.vti")
    for index, column, row in ((0, 0, 0), (23, 23, 0), (24, 0, 1), (383, 23, 15)):
        assert read.point_data["oxygen"][index] == row + 100 * column + 1
        x, y = (centres[k] for centres, k in zip(DOMAIN.centres_um(), (column, row), strict=True))
        assert read.points[index].tolist() == [x, y, 0.0]
    assert read.point_data["glucose"][383] == 2 * (15 + 2300 + 1)
    assert np.flatnonzero(read.point_data["oxygen_held"]).tolist() == [2 * 24 + 3]
    assert (read.field_data["oxygen_error_bound"][0], read.field_data["oxygen_units"][0]) == (0.5, "mmHg")


def test_cells_carry_what_they_are_and_read(tmp_path: Path) -> None:
    import pyvista

    export(tmp_path / "a.vtp")
    read, cells = pyvista.read(tmp_path / "a.vtp"), FILM.scene(2, "glucose").cells
    assert cells is not None
    np.testing.assert_array_equal(read.points[:, :2], cells.position_um)
    np.testing.assert_array_equal(read.point_data["glucose"], cells.level)
    assert read.point_data["id"].tolist() == [4, 7, 9]
    assert list(read.point_data["type"]) == list(cells.kind)
    assert read.point_data["type_number"].tolist() == [1, 0, 1]


def test_a_series_lists_every_moment_with_its_time(tmp_path: Path) -> None:
    import pyvista

    written = export(tmp_path / "series" / "run.pvd")
    assert all(path.is_file() for path in written)
    reader = pyvista.get_reader(tmp_path / "series" / "run.pvd")
    assert reader.time_values == [0.0, 60.0, 120.0]
    reader.set_active_time_value(120.0)
    fields, cells = reader.read()
    assert fields.point_data["oxygen"][0] == 2.0
    assert cells.n_points == 3


def test_a_table_has_a_row_for_each_cell_and_moment(tmp_path: Path) -> None:
    export(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == ["4", "7", "4", "7", "4", "7", "9"]
    assert [float(row["time_min"]) for row in rows] == [0.0, 0.0, 60.0, 60.0, 120.0, 120.0, 120.0]
    last, cells = rows[-1], FILM.scene(2, "oxygen").cells
    assert cells is not None
    assert (last["type"], float(last["x_um"]), float(last["y_um"]), float(last["radius_um"])) == ("tumour", 20, 130, 7)
    assert (float(last["oxygen"]), float(last["glucose"])) == (cells.level[2], 2 * cells.level[2])


def test_an_image_of_microscopy_says_where_and_when(tmp_path: Path) -> None:
    import zarr

    export(tmp_path / "a.ome.zarr")
    store = zarr.open_group(tmp_path / "a.ome.zarr", mode="r", zarr_format=2)
    said: Any = dict(store.attrs)
    image = said["multiscales"][0]
    assert (image["version"], [axis["name"] for axis in image["axes"]]) == ("0.4", ["t", "c", "y", "x"])
    assert [axis.get("unit") for axis in image["axes"]] == ["minute", None, "micrometer", "micrometer"]
    scale, move = (each for each in image["datasets"][0]["coordinateTransformations"])
    assert (scale["scale"], move["translation"]) == ([60.0, 1.0, 10.0, 10.0], [0.0, 0.0, 55.0, -95.0])
    data = np.asarray(store["0"])
    assert data.shape == (3, 2, 16, 24)
    for index in range(3):
        for k, name in enumerate(FILM.substrates):
            np.testing.assert_array_equal(data[index, k], FILM.scene(index, name).field)
    assert [channel["label"] for channel in said["omero"]["channels"]] == ["oxygen (mmHg)", "glucose"]
    assert said["omero"]["channels"][0]["window"]["max"] == data[:, 0].max()


class Large:
    """One field of 300 x 520 pixels, which no time is known of."""

    names = ("now",)
    substrates = ("field",)

    def scene(self, index: int, substrate: str) -> Scene:
        rows, columns = np.mgrid[:300, :520]
        domain = sp.Domain((0.0, 0.0), (1040.0, 600.0), (300, 520))
        return Scene("now", domain, rows + 3.0 * columns)


def test_halves_of_a_large_image_lie_over_it(tmp_path: Path) -> None:
    import zarr

    export(tmp_path / "a.ome.zarr", Large(), (0,))
    store = zarr.open_group(tmp_path / "a.ome.zarr", mode="r", zarr_format=2)
    said: Any = dict(store.attrs)
    image = said["multiscales"][0]
    assert [np.asarray(store[each["path"]]).shape[2:] for each in image["datasets"]] == [
        (300, 520),
        (150, 260),
        (75, 130),
    ]
    for level, each in enumerate(image["datasets"]):
        scale, move = (part.get("scale", part.get("translation")) for part in each["coordinateTransformations"])
        # The field is linear, so that a mean is its value in the middle of what it is the mean of.
        y, x = 5 * scale[2] + move[2], 7 * scale[3] + move[3]
        assert np.asarray(store[str(level)])[0, 0, 5, 7] == pytest.approx((y / 2 - 0.5) + 3 * (x / 2 - 0.5), rel=1e-6)


def test_an_image_is_replaced_and_what_is_not_ours_is_not(tmp_path: Path) -> None:
    import zarr

    export(tmp_path / "a.ome.zarr", moments=(0,))
    export(tmp_path / "a.ome.zarr", moments=(0, 1))
    assert zarr.open_array(tmp_path / "a.ome.zarr" / "0", mode="r", zarr_format=2).shape[0] == 2
    (tmp_path / "b.ome.zarr").mkdir()
    (tmp_path / "b.ome.zarr" / "notes.txt").write_text("mine")
    with pytest.raises(UnwritableError, match="holds something other than an export"):
        export(tmp_path / "b.ome.zarr")
    assert (tmp_path / "b.ome.zarr" / "notes.txt").read_text() == "mine"


def test_simularium_has_every_cell_as_a_sphere(tmp_path: Path) -> None:
    pytest.importorskip("simulariumio", reason="the extra simularium is not installed")
    export(tmp_path / "a.simularium")
    said = json.loads((tmp_path / "a.simularium").read_text())
    frames = said["spatialData"]["bundleData"]
    assert [frame["time"] for frame in frames] == [0.0, 60.0, 120.0]
    kinds = {int(number): each["name"] for number, each in said["trajectoryInfo"]["typeMapping"].items()}
    # Eleven numbers a sphere: 1000, id, type, x, y, z, three angles, radius, no further points.
    last = np.array(frames[2]["data"]).reshape(-1, 11)
    assert last[:, 1].tolist() == [4, 7, 9]
    assert [kinds[int(number)] for number in last[:, 2]] == ["tumour", "immune", "tumour"]
    np.testing.assert_allclose(last[:, 3:5], np.array([[-110, -75], [110, 75], [0, 0]]))
    assert last[:, 9].tolist() == [5.0, 6.0, 7.0]
    assert said["trajectoryInfo"]["size"] == {"x": 240.0, "y": 160.0, "z": 10.0}


@pytest.mark.parametrize("name", ["a.csv", "a.vtp", "a.simularium"])
def test_where_there_are_no_cells_it_is_said(tmp_path: Path, name: str) -> None:
    if name.endswith("simularium"):
        pytest.importorskip("simulariumio", reason="the extra simularium is not installed")
    with pytest.raises(sp.InvalidProblemError, match="is of cells, and now holds none, only maps"):
        export(tmp_path / name, Large(), (0,))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"'a\.xyz' is of no kind that is known; \.vti"):
        export(tmp_path / "a.xyz")
