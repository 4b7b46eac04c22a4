"""Settings pose the problems that a microenvironment has at the start: nodes, placed cells, initial fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

import surrogate_plugin as sp
from surrogate_adapters.physicell.settings import Settings, read_settings
from tests.exact import exact_field
from tests.fuzzing import assert_one_sentence
from tests.hosts.physicell.settings_files import cell_type, variable, write

SMALL = {"x_min": -60, "x_max": 60, "y_min": -40, "y_max": 40}
UPTAKE = {"uptake_rate": 10}
POSITIONS = (
    '<initial_conditions><cell_positions type="csv" enabled="true"><folder>./config</folder>'
    "<filename>cells.csv</filename></cell_positions></initial_conditions>"
)


def placed(folder: Path, text: str, *variables: str, cells: str = "") -> Settings:
    path = write(folder, *(variables or (variable("oxygen"),)), cells=cells, more=POSITIONS, domain=SMALL)
    (folder / "config" / "cells.csv").write_text(text)
    return read_settings(path)


def test_a_corner_belongs_to_the_last_side_that_any_substrate_is_held_at(tmp_path: Path) -> None:
    off = dict.fromkeys(("xmin", "xmax", "ymin", "ymax"), ("false", 0))
    oxygen = variable("oxygen", options=off | {"xmin": ("true", 38)})
    drug = variable("drug", options=off | {"ymin": ("true", 5), "xmax": ("true", 7)})
    found = read_settings(write(tmp_path, oxygen, drug, domain=SMALL))
    fixed, value = found.nodes("oxygen")
    assert fixed[1:, 0].all()
    assert fixed.sum() == 3  # the drug's side along y takes the corner, and lets oxygen go there
    assert value[1, 0] == 38.0
    fixed, value = found.nodes("drug")
    assert value[0].tolist() == [5.0] * 6
    assert value[1:, -1].tolist() == [7.0] * 3
    assert fixed.sum() == 9
    alone = read_settings(write(tmp_path, oxygen, domain=SMALL)).nodes("oxygen")[0]
    assert alone[:, 0].all()


def test_the_problem_of_the_start_is_that_of_its_equation(tmp_path: Path) -> None:
    """Its field against a dense solve of an equation written down by hand."""
    cells = cell_type("A", 'ID="0"', 4000, oxygen={"uptake_rate": 8, "net_export_rate": 1600.0}) + cell_type(
        "B", 'ID="1" parent_type="A"', 2000, oxygen={"secretion_rate": 2, "secretion_target": 20}
    )
    found = placed(tmp_path, "-50,-30,0,0\n-50,-30,0,1\n15,25,0,1\n", cells=cells)
    decay, production = np.full((4, 6), 0.1), np.zeros((4, 6))
    decay[0, 0] += 4000 / 8000 * 8 + 2000 / 8000 * (8 + 2)
    production[0, 0] = 1600 / 8000 + 2000 / 8000 * 2 * 20 + 1600 / 8000
    decay[3, 3] += 2000 / 8000 * 10
    production[3, 3] = 2000 / 8000 * 2 * 20 + 1600 / 8000
    fixed = np.ones((4, 6), dtype=bool)
    fixed[1:-1, 1:-1] = False
    by_hand = sp.Problem(
        np.where(fixed, 38.0, 0.0),
        fixed=fixed,
        diffusivity=1e5,
        decay=decay,
        production=production,
        spacing=20.0,
        boundary="reflecting",
    )
    np.testing.assert_allclose(exact_field(found.problem("oxygen")), exact_field(by_hand), rtol=1e-12)
    field = sp.solve(found.problem("oxygen"), tolerance=1e-6).field
    np.testing.assert_allclose(field, exact_field(by_hand), atol=1e-6)


def test_cells_of_ones_own_take_the_place_of_those_placed(tmp_path: Path) -> None:
    found = placed(tmp_path, "0,0,0,0\n", cells=cell_type("A", 'ID="0"', oxygen=UPTAKE))
    none = found.problem("oxygen", sp.Cells.none())
    assert np.ndim(none.decay) == 0
    assert np.max(found.problem("oxygen").decay) == pytest.approx(0.1 + 10 * 2494 / 8000)


def test_columns_say_more_of_single_cells_and_others_go_by_their_type(tmp_path: Path) -> None:
    text = "x,y,z,type,volume,oxygen uptake\n0,0,0,A,1000,3\n0,0,0,A,,skip\n0,0,0,A\n0,0,0,nobody,1,1\n500,0,0,A\n\n"
    found = placed(tmp_path, text, cells=cell_type("A", oxygen=UPTAKE)).placed()
    assert found.volume_um3.tolist() == [1000.0, 2494.0, 2494.0]
    assert found.cells("oxygen").uptake_per_min.tolist() == [3.0, 10.0, 10.0]
    assert (len(found), found.left_out) == (3, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0,0,0,0\n0,0,wide,0\n", "line 2: z is 'wide'"),
        ("0,0,0,0\n\n0,0,0\n", "line 3: there are 3 columns"),
        ("x,y,z,type,volume\n0,0,0,A,-1\n", "line 2: volume is -1"),
        ("x,y,z,type,volume\n0,0,0,A,large\n", "line 2: volume is 'large'"),
    ],
)
def test_a_line_that_places_no_cell_is_named(tmp_path: Path, text: str, says: str) -> None:
    found = placed(tmp_path, text, cells=cell_type("A", 'ID="0"'))
    with pytest.raises(sp.InvalidProblemError, match=says) as error:
        found.placed()
    assert str(tmp_path / "config" / "cells.csv") in str(error.value)
    assert_one_sentence(error.value)


def test_negative_export_is_refused_with_its_type(tmp_path: Path) -> None:
    cells = cell_type("drain", 'ID="0"', oxygen={"net_export_rate": -2})
    with pytest.raises(sp.UnsupportedProblemError, match="'drain' has net export -2 of oxygen"):
        placed(tmp_path, "0,0,0,0\n", cells=cells).problem("oxygen")


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_all_that_cells_take_up_and_make_is_in_the_problem(tmp_path_factory, data: st.DataObject) -> None:
    """Whatever the types and places: sums over voxels are sums over cells."""
    number = st.floats(0.0, 100.0)
    rates = data.draw(
        st.lists(st.tuples(number, number, number, number, st.floats(1.0, 5000.0)), min_size=1, max_size=3)
    )
    place = st.tuples(st.floats(-60, 60), st.floats(-40, 40), st.integers(0, len(rates) - 1))
    cells = data.draw(st.lists(place, max_size=12))
    names = ("uptake_rate", "secretion_rate", "secretion_target", "net_export_rate")
    types = "".join(
        cell_type(f"t{k}", f'ID="{k}"', one[4], oxygen=dict(zip(names, one[:4], strict=True)))
        for k, one in enumerate(rates)
    )
    text = "".join(f"{x!r},{y!r},0,{k}\n" for x, y, k in cells)
    found = placed(tmp_path_factory.mktemp("placed"), text, variable("oxygen", decay=0.0), cells=types)
    problem, size = found.problem("oxygen"), (4, 6)
    pull = sum(rates[k][4] * (rates[k][0] + rates[k][1]) for *_, k in cells) / 8000
    make = sum(rates[k][4] * rates[k][1] * rates[k][2] + rates[k][3] for *_, k in cells) / 8000
    assert np.broadcast_to(problem.decay, size).sum() == pytest.approx(pull, rel=1e-9, abs=1e-12)
    assert np.broadcast_to(problem.production, size).sum() == pytest.approx(make, rel=1e-9, abs=1e-12)


def initial(folder: Path, kind: str, filename: str) -> Settings:
    file = (
        f'<initial_condition type="{kind}" enabled="true"><filename>./config/{filename}</filename></initial_condition>'
    )
    return read_settings(write(folder, variable("oxygen"), variable("drug", initial=3), options=file, domain=SMALL))


def test_initial_fields_come_from_files(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.arange(-50, 60, 20.0), np.arange(-30, 40, 20.0))
    wanted = x + 10 * y
    rows = np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel(), wanted.ravel(), 2 * wanted.ravel()])
    found = initial(tmp_path, "csv", "start.csv")
    body = "".join(",".join(f"{number:g}" for number in row[:4]) + "\n" for row in rows)
    (tmp_path / "config" / "start.csv").write_text(f"x,y,z,oxygen\n{body}")
    np.testing.assert_array_equal(found.initial("oxygen"), wanted)
    assert (found.initial("drug") == 3.0).all()
    found = initial(tmp_path, "matlab", "start.mat")
    savemat(tmp_path / "config" / "start.mat", {"start": rows}, format="4")
    np.testing.assert_array_equal(found.initial("drug"), 2 * wanted)


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("csv", "1,2,3,4\n", "its first line should be x,y,z"),
        ("csv", "x,y,z,oxygen\n1,2,3\n", "3 columns of numbers for x, y, z, oxygen"),
        ("csv", "x,y,z,oxygen\n1,2,3,nan\n", "a finite number for each of these 4"),
        ("matlab", "no matrix", "is no initial condition"),
        ("scene", "", "is of type 'scene'; 'csv' and 'matlab' are allowed"),
    ],
)
def test_what_is_no_initial_field_is_one_sentence(tmp_path: Path, kind: str, content: str, says: str) -> None:
    found = initial(tmp_path, kind, "start")
    (tmp_path / "config" / "start").write_text(content)
    with pytest.raises(sp.InvalidProblemError, match=says) as error:
        found.initial("oxygen")
    assert_one_sentence(error.value)


def test_a_field_that_goes_on_in_time_starts_from_the_initial_condition(tmp_path: Path) -> None:
    found = read_settings(write(tmp_path, variable("oxygen", initial=12), domain=SMALL))
    assert found.backend_config("oxygen", stepping="implicit-euler").initial == 12.0
    assert found.backend_config("oxygen", tolerance=0.5).tolerance == 0.5
