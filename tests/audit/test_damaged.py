"""What cannot be audited says so in one sentence that names the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import surrogate_plugin as sp
from surrogate_plugin.audit.auditing import audit
from surrogate_plugin.audit.reading import open_run
from tests.audit.files import write_run
from tests.hosts.pyphysicell.tissue import tissue


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return write_run(tmp_path, [tissue(1, vessels=0)])


def sentence(path: Path, **options: object) -> str:
    with pytest.raises((sp.InvalidProblemError, sp.UnsupportedProblemError)) as raised:
        audit(open_run(path, **options))
    said = str(raised.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def edited(output: Path, old: str, new: str) -> None:
    path = output / "output00000000.xml"
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text))


@pytest.mark.parametrize("file", ["output00000000_cells.mat", "output00000000_microenvironment0.mat"])
def test_a_file_that_is_missing(output: Path, file: str) -> None:
    (output / file).unlink()
    assert f"{file} is missing" in sentence(output)


@pytest.mark.parametrize("file", ["output00000000_cells.mat", "output00000000_microenvironment0.mat"])
@pytest.mark.parametrize("kept", [0, 3, 30, 500])
def test_a_file_that_is_cut_short(output: Path, file: str, kept: int) -> None:
    path = output / file
    path.write_bytes(path.read_bytes()[:kept])
    assert f"{file} is damaged or cut short" in sentence(output)


def test_a_file_of_something_else(output: Path) -> None:
    (output / "output00000000_cells.mat").write_bytes(b"\x89PNG" + bytes(range(256)) * 9)
    assert "is damaged" in sentence(output)


def test_xml_that_is_none(output: Path) -> None:
    (output / "output00000000.xml").write_text("<MultiCellDS><metadata>")
    assert "output00000000.xml" in sentence(output)


def test_another_xml(output: Path) -> None:
    (output / "output00000000.xml").write_text("<svg/>")
    assert "<MultiCellDS>" in sentence(output)


def test_a_version_that_saves_no_rates(output: Path) -> None:
    edited(output, "uptake_rates", "something")
    assert "no label uptake_rates" in sentence(output)
    assert "1.10" in sentence(output)


def test_layers_along_z(output: Path) -> None:
    edited(output, r'<z_coordinates delimiter=" ">0', '<z_coordinates delimiter=" ">-10 10')
    assert "2 layers" in sentence(output)


def test_a_lattice_of_uneven_spacing(output: Path) -> None:
    edited(output, r'(<x_coordinates delimiter=" ">)\S+', r"\1-135")
    assert "evenly spaced" in sentence(output)


def test_a_matrix_of_another_size(output: Path) -> None:
    edited(output, r'(<y_coordinates delimiter=" ">)\S+ ', r"\1")
    assert "voxels" in sentence(output)


def test_no_settings(output: Path) -> None:
    (output.parent / "config" / "PhysiCell_settings.xml").unlink()
    assert "--settings" in sentence(output)


def test_settings_that_are_none(output: Path, tmp_path: Path) -> None:
    (tmp_path / "other.xml").write_text("<a/>")
    assert "other.xml" in sentence(output, settings=tmp_path / "other.xml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y\n0,50\n", "columns x, y and at least one of oxygen"),
        ("x,y,oxygen\n0,50,much\n", "finite numbers"),
        ("x,y,oxygen\n0,-5000,38\n", "off the domain"),
        ("", "columns x, y"),
    ],
)
def test_nodes_that_are_none(output: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "nodes.csv").write_text(text)
    assert said in sentence(output, nodes=str(tmp_path / "nodes.csv"))


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    assert "physicell" in sentence(tmp_path)


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    assert "does not exist" in sentence(tmp_path / "nowhere")


def test_a_substrate_that_is_not_there(output: Path) -> None:
    with pytest.raises(sp.InvalidProblemError, match="'oxigen', which the run does not have; it has oxygen"):
        audit(open_run(output), substrates=["oxigen"])
