"""What types, cells, places and sides do to a substrate of PhysiCell, on voxels that need not be square."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from benchmarks.stand_ins.physicell import driver
from tests.equation.assembled import solved
from tests.hosts.physicell import fixtures as physicell_fixtures

pytestmark = physicell_fixtures.MARKS
library = physicell_fixtures.library

DX, DY, DZ = 30.0, 20.0, 10.0
ROWS, COLUMNS = 8, 11
#: Where the cells sit, (row, column), each of which fills its voxel: eaters, walls and cysts.
EATERS, WALLS, CYSTS = [(2, 3), (5, 7)], [(1, 6), (2, 6), (3, 6), (4, 6)], [(5, 2), (6, 2)]
PLACES = [*EATERS, *WALLS, *CYSTS]


@pytest.fixture
def host(library):
    made = driver.StandIn(
        library,
        (COLUMNS, ROWS),
        [("oxygen", 1e5, 0.5, 10.0)],
        spacing_um=(DX, DY, DZ),
        corner_um=(0.0, 0.0),
        times_min=(0.01, 0.1, 6.0),
    )
    made.set_threads(1)
    for row in range(ROWS):
        made.fix(row, COLUMNS - 1, "oxygen", 10.0)
    rates = np.zeros((len(PLACES), 1, 4))
    rates[: len(EATERS), 0, 0] = 6.0
    place = np.array([((j + 0.4) * DX, (i + 0.6) * DY) for i, j in PLACES])
    made.put(place, np.full(len(PLACES), DX * DY * DZ), rates)
    for agent in range(len(PLACES)):
        made.set_kind(agent, 0 if agent < 2 else 1 if agent < 6 else 2)
    yield made
    made.release()


def field(host, folder, table: str = "", head: str = "") -> np.ndarray:
    path = folder / "surrogate.toml"
    path.write_text(f"tolerance = 1e-8\n{head}[substrates.oxygen]\n{table}")
    host.attach(path)
    host.advance()
    return host.density("oxygen")


def given(**changes) -> np.ndarray:
    """The field by the dense reference, face by face, with what a test changes."""
    source, fixed = np.zeros((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS), dtype=bool)
    source[:, -1], fixed[:, -1] = 10.0, True
    decay = np.full((ROWS, COLUMNS), 0.5)
    parts = {"diffusivity": 1e5, "decay": decay, "spacing": (DY, DX), "boundary": "reflecting"} | changes
    parts["decay"] = np.array(parts["decay"])
    for place in EATERS:
        parts["decay"][place] += 6.0
    return solved(sp.Problem(source, fixed=fixed, **parts))


def test_voxels_need_not_be_square(host, tmp_path):
    """PhysiCell's own data have voxels of 30 x 20 um."""
    np.testing.assert_allclose(field(host, tmp_path), given(), atol=1e-7)


def test_types_and_cells_conduct_and_decay_as_is_said(host, tmp_path):
    conducts, decay = np.full((ROWS, COLUMNS), 1e5), np.full((ROWS, COLUMNS), 0.5)
    for place in WALLS:
        conducts[place] = 0.0
    for place in CYSTS:
        conducts[place], decay[place] = 2e3, 0.05
    conducts[EATERS[1]], decay[CYSTS[1]] = 7e3, 1.5
    host.set_variable(1, "D oxygen", 7e3)
    host.set_variable(7, "decay", 1.5)
    table = """
        diffusivity_by_type = { wall = 0.0, cyst = 2e3 }
        diffusivity_variable = "D oxygen"
        decay_by_type = { cyst = 0.05 }
        decay_variable = "decay"
    """
    np.testing.assert_allclose(field(host, tmp_path, table), given(diffusivity=conducts, decay=decay), atol=1e-7)


def test_types_have_membranes_and_sides_let_something_through(host, tmp_path):
    across_x, across_y = np.full((ROWS, COLUMNS - 1), np.inf), np.full((ROWS - 1, COLUMNS), np.inf)
    for i, j in CYSTS:
        across_x[i, j - 1 : j + 1] = 3.0
    across_y[4, 2], across_y[5, 2], across_y[6, 2] = 3.0, 1.5, 3.0
    boundary = {"left": sp.Flux(500.0), "top": sp.Exchange(40.0, 30.0), "right": "reflecting", "bottom": "reflecting"}
    expected = given(membranes=sp.Membranes(x=across_x, y=across_y), boundary=boundary)
    table = """
        membrane_by_type = { cyst = 3.0 }
        sides = { xmin = { flux = 500.0 }, ymax = { exchange = 40.0, value = 30.0 } }
    """
    np.testing.assert_allclose(field(host, tmp_path, table), expected, atol=1e-6)


@pytest.mark.parametrize("ending", ["npy", "csv"])
def test_places_have_their_own(host, tmp_path, ending):
    places = np.random.default_rng(2).uniform(1e3, 1e5, (ROWS, COLUMNS))
    path = tmp_path / f"places.{ending}"
    if ending == "npy":
        np.save(path, places)
    else:
        np.savetxt(path, places, delimiter=",", fmt="%.17g")
    found = field(host, tmp_path, f"diffusivity_file = '{path}'\n")
    np.testing.assert_allclose(found, given(diffusivity=places), atol=1e-7)


def test_decay_by_type_is_in_the_place_of_what_the_place_has(host, tmp_path):
    decay = np.linspace(0.2, 2.0, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    np.save(tmp_path / "decay.npy", decay)
    for place in CYSTS:
        decay[place] = 0.05
    table = f"decay_file = '{tmp_path / 'decay.npy'}'\ndecay_by_type = {{ cyst = 0.05 }}\n"
    np.testing.assert_allclose(field(host, tmp_path, table), given(decay=decay), atol=1e-7)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("decay_by_type = { cist = 1.0 }", "decay_by_type names 'cist'; the cell types are stroma, wall, cyst"),
        ("diffusivity_by_type = { wall = -1.0 }", "diffusivity_by_type"),
        ("sides = { xmin = { flux = 1.0, exchange = 2.0 } }", r"\{ flux = ... \} or \{ exchange = ..., value = ... \}"),
        ("sides = { left = { flux = 1.0 } }", "sides"),
        ("decay_file = 'nowhere.npy'", "cannot read 'nowhere.npy'"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(host, tmp_path, monkeypatch, table, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(driver.HostError, match=sentence):
        field(host, tmp_path, f"{table}\n")
