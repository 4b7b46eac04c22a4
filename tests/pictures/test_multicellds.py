"""Moments exported as MultiCellDS are what pcdl looks for: its names, its orders, and every number of the film."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

import surrogate_plugin as sp
from surrogate_adapters.physicell.multicellds import Saved
from surrogate_plugin.files import exports
from surrogate_plugin.whole_files import UnwritableError
from tests.pictures.footage import DOMAIN, MadeUp

FILM = MadeUp()
#: What pcdl 4.1 asks of each moment beyond fields and places, or fails.
ASKED = {"ID", "position", "cell_type", "dead", "cycle_model", "current_phase", "chemotaxis_index"}
PLACES = (
    "metadata/software/version",
    "metadata/created",
    "metadata/current_runtime",
    "microenvironment/domain/mesh/bounding_box",
    "cellular_information/cell_populations/cell_population/custom/neighbor_graph/filename",
    "cellular_information/cell_populations/cell_population/custom/attached_cells_graph/filename",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run.multicellds"
    assert exports.export(path, FILM, (0, 1, 2), FILM.substrates) == [path]
    return path


def read(folder: Path, number: int) -> tuple[ET.Element, np.ndarray, dict[str, np.ndarray]]:
    """The XML, the fields' matrix, and the cells' rows by label."""
    root = ET.parse(folder / f"output{number:08d}.xml").getroot()
    domain = root.find("microenvironment/domain")
    data = root.find("cellular_information//simplified_data[@source='PhysiCell']")
    assert domain is not None
    assert data is not None
    fields = loadmat(folder / str(domain.findtext("data/filename")))["multiscale_microenvironment"]
    cells = loadmat(folder / str(data.findtext("filename")))["cells"]
    rows = {}
    for label in data.iterfind("labels/label"):
        start, size = (int(label.get(name, "")) for name in ("index", "size"))
        rows[str(label.text)] = cells[start : start + size]
    assert sum(len(row) for row in rows.values()) == len(cells)
    return root, fields, rows


@pytest.mark.parametrize("number", range(3))
def test_every_value_is_in_its_voxel(folder: Path, number: int) -> None:
    root, fields, _ = read(folder, number)
    mesh = root.find("microenvironment/domain/mesh")
    assert mesh is not None
    x, y = (np.array(str(mesh.findtext(f"{axis}_coordinates")).split(), dtype=float) for axis in "xy")
    np.testing.assert_array_equal(x, DOMAIN.centres_um()[0])
    np.testing.assert_array_equal(y, DOMAIN.centres_um()[1])
    names = [variable.get("name") for variable in root.iterfind("microenvironment/domain/variables/variable")]
    assert names == list(FILM.substrates)
    for column in fields.T:
        row_of, column_of = int(np.argmin(abs(y - column[1]))), int(np.argmin(abs(x - column[0])))
        for name, value in zip(names, column[4:], strict=True):
            assert value == FILM.scene(number, str(name)).field[row_of, column_of]
    np.testing.assert_allclose(fields[3], DOMAIN.voxel_volume_um3)
    np.testing.assert_array_equal(loadmat(folder / str(mesh.findtext("voxels/filename")))["mesh"], fields[:4])


@pytest.mark.parametrize("number", range(3))
def test_every_cell_is_there_with_its_type(folder: Path, number: int) -> None:
    root, _, rows = read(folder, number)
    dots = FILM.scene(number, "oxygen").cells
    assert dots is not None
    assert set(rows) >= ASKED
    np.testing.assert_array_equal(rows["ID"][0], dots.name)
    np.testing.assert_array_equal(rows["position"][:2].T, dots.position_um)
    np.testing.assert_array_equal(rows["dead"][0] == 0, dots.alive)
    np.testing.assert_allclose(rows["total_volume"][0], 4 / 3 * np.pi * dots.radius_um**3)
    types = {str(each.get("ID")): each.text for each in root.iterfind(".//cell_types/type")}
    assert tuple(types[str(int(each))] for each in rows["cell_type"][0]) == dots.kind


def test_moments_have_their_times_and_all_that_is_asked(folder: Path) -> None:
    for number, time in enumerate((0.0, 60.0, 120.0)):
        root, _, _ = read(folder, number)
        assert float(str(root.findtext("metadata/current_time"))) == time
        assert [place for place in PLACES if not root.findtext(place)] == []
        for name in root.iter("filename"):
            assert (folder / str(name.text)).is_file()


def test_it_is_replaced_by_another_export_and_nothing_else_is(folder: Path, tmp_path: Path) -> None:
    exports.export(folder, FILM, (2,), ("oxygen",))
    assert len(list(folder.glob("output*.xml"))) == 1
    other = tmp_path / "mine.multicellds"
    other.mkdir()
    (other / "output00000000.xml").write_text("<MultiCellDS/>")
    with pytest.raises(UnwritableError, match="holds something other than an export"):
        exports.export(other, FILM, (0,), FILM.substrates)
    assert (other / "output00000000.xml").read_text() == "<MultiCellDS/>"


def test_a_film_without_cells_has_moments_without_cells(tmp_path: Path) -> None:
    class Maps(MadeUp):
        def cells(self, index: int, field: np.ndarray) -> Any:
            return None

    exports.export(tmp_path / "maps.multicellds", Maps(), (0,), ("oxygen",))
    _, fields, rows = read(tmp_path / "maps.multicellds", 0)
    assert fields.shape == (5, 384)
    assert {row.shape[1] for row in rows.values()} == {0}


def test_an_audit_says_that_they_hold_no_rates(folder: Path) -> None:
    with pytest.raises(sp.InvalidProblemError, match="has no label uptake_rates"):
        Saved.read(folder / "output00000000.xml")
