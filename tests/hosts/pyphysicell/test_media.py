"""What types, cells, places and sides do to a substrate of pyphysicell, on voxels that need not be square."""

from __future__ import annotations

import numpy as np
import pyphysicell as pc
import pytest

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import Medium, attach
from tests.equation.assembled import solved

DX, DY, DZ = 30.0, 20.0, 10.0
ROWS, COLUMNS = 8, 11
VOXEL = DX * DY * DZ
#: Where the cells sit, (row, column): eaters, walls and cysts, each of which fills its voxel.
PLACES = {"eater": [(2, 3), (5, 7)], "wall": [(1, 6), (2, 6), (3, 6), (4, 6)], "cyst": [(5, 2), (6, 2)]}


def simulation(decay: float = 0.5) -> pc.Simulation:
    kinds = [pc.CellType(name, cycle=pc.Cycle(transition_rates={(0, 0): 0.0})) for name in PLACES]
    kinds[0].secretion["oxygen"] = pc.SecretionEntry(uptake_rate=6.0)
    faces = {"xmax": (True, 10.0)}
    domain = pc.Domain(0.0, COLUMNS * DX, 0.0, ROWS * DY, -DZ / 2, DZ / 2, DX, DY, DZ)
    oxygen = pc.Substrate("oxygen", 1e5, decay, 10.0, dirichlet_faces=faces)
    sim = pc.Simulation(pc.Model(domain=domain, substrates=[oxygen], cell_types=kinds), seed=1)
    for name, places in PLACES.items():
        sim.add_cells([((j + 0.4) * DX, (i + 0.6) * DY, 0.0) for i, j in places], name)
    sim.cells.volume_total[: sim.cells.n] = VOXEL
    return sim


def given(**changes) -> np.ndarray:
    """The field by the dense reference, face by face, with what a test changes."""
    source, fixed = np.zeros((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS), dtype=bool)
    source[:, -1], fixed[:, -1] = 10.0, True
    decay = np.full((ROWS, COLUMNS), 0.5)
    parts = {"diffusivity": 1e5, "decay": decay, "spacing": (DY, DX), "boundary": "reflecting"} | changes
    parts["decay"] = np.array(parts["decay"])
    for place in PLACES["eater"]:
        parts["decay"][place] += 6.0
    return solved(sp.Problem(source, fixed=fixed, **parts))


def found(medium: Medium | None, sim: pc.Simulation | None = None) -> np.ndarray:
    sim = simulation() if sim is None else sim
    media = None if medium is None else {"oxygen": medium}
    with attach(sim, tolerance=1e-8, media=media):
        sim.microenvironment.step(0.01)
        return sim.microenvironment["oxygen"][0]


def test_voxels_need_not_be_square():
    """PhysiCell's own data have voxels of 30 x 20 um."""
    np.testing.assert_allclose(found(None), given(), atol=1e-7)


def test_types_conduct_and_decay_as_is_said():
    conducts, decay = np.full((ROWS, COLUMNS), 1e5), np.full((ROWS, COLUMNS), 0.5)
    for place in PLACES["wall"]:
        conducts[place] = 0.0
    for place in PLACES["cyst"]:
        conducts[place], decay[place] = 2e3, 0.05
    medium = Medium(diffusivity_by_type_um2_per_min={"wall": 0.0, "cyst": 2e3}, decay_by_type_per_min={"cyst": 0.05})
    np.testing.assert_allclose(found(medium), given(diffusivity=conducts, decay=decay), atol=1e-7)


def walls(permeability: float) -> sp.Membranes:
    """Around each voxel of a cyst; between the two of them there are two."""
    across_x, across_y = np.full((ROWS, COLUMNS - 1), np.inf), np.full((ROWS - 1, COLUMNS), np.inf)
    for i, j in PLACES["cyst"]:
        across_x[i, j - 1 : j + 1] = permeability
    across_y[4, 2], across_y[5, 2], across_y[6, 2] = permeability, permeability / 2.0, permeability
    return sp.Membranes(x=across_x, y=across_y)


def test_types_have_membranes_and_sides_let_something_through():
    boundary = {"left": sp.Flux(500.0), "top": sp.Exchange(40.0, 30.0), "right": "reflecting", "bottom": "reflecting"}
    medium = Medium(
        membrane_by_type_um_per_min={"cyst": 3.0}, sides={"xmin": sp.Flux(500.0), "ymax": sp.Exchange(40.0, 30.0)}
    )
    np.testing.assert_allclose(found(medium), given(membranes=walls(3.0), boundary=boundary), atol=1e-6)


def test_cells_and_places_have_their_own():
    places = np.full((ROWS, COLUMNS), 5e4)
    places[:, 4:6] = 1e5
    conducts = places.copy()
    conducts[PLACES["eater"][0]] = 7e3

    def own(sim):
        each = np.full(sim.cells.n, np.nan)
        each[0] = 7e3
        return {"diffusivity_um2_per_min": each}

    medium = Medium(cells=own, voxels={"diffusivity_um2_per_min": places})
    np.testing.assert_allclose(found(medium), given(diffusivity=conducts), atol=1e-7)


def test_decay_by_type_is_in_the_place_of_what_the_place_has():
    decay = np.linspace(0.2, 2.0, ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    medium = Medium(decay_by_type_per_min={"cyst": 0.05}, voxels={"decay_per_min": decay.copy()})
    for place in PLACES["cyst"]:
        decay[place] = 0.05
    np.testing.assert_allclose(found(medium), given(decay=decay), atol=1e-7)


def test_an_obstacle_that_moves_is_solved_for_though_it_exchanges_nothing():
    sim, conducts = simulation(), np.full((ROWS, COLUMNS), 1e5)
    sim._next_phenotype = 6.0
    with attach(sim, tolerance=1e-8, media={"oxygen": Medium(diffusivity_by_type_um2_per_min={"wall": 0.0})}) as link:
        sim.microenvironment.step(0.01)
        sim.cells.position[2:6, 0] += DX
        sim.microenvironment.step(0.01)
        for i, j in PLACES["wall"]:
            conducts[i, j + 1] = 0.0
        np.testing.assert_allclose(sim.microenvironment["oxygen"][0], given(diffusivity=conducts), atol=1e-7)
        assert [entry.reason for entry in link.history] == ["first", "moved"]


def test_what_the_host_does_not_have_is_refused_by_name():
    for medium, sentence in (
        (
            Medium(decay_by_type_per_min={"cist": 1.0}),
            "decay_by_type_per_min names 'cist'; the cell types are eater, wall",
        ),
        (Medium(sides={"left": 3.0}), "sides names 'left'; allowed are xmin, xmax, ymin, ymax"),
    ):
        with pytest.raises(sp.InvalidProblemError, match=f"media of 'oxygen': {sentence}"):
            found(medium)
    with pytest.raises(sp.InvalidProblemError, match="media names 'oxigen'; the substrates attached are oxygen"):
        attach(simulation(), media={"oxigen": Medium()})
