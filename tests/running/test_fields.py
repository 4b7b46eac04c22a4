"""A run without a host comes to the fields of its settings: those of an independent solve, and of a Backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import surrogate_plugin as sp
from tests.running.scenes import DOMAIN, DOSE, DRUG, OXYGEN, TIME, VESSEL, going, mask

SHAPE, H = (12, 16), 10.0


def field_of(folder: Path, *parts: str, name: str = "oxygen") -> np.ndarray:
    run = going(folder, *parts)
    assert run.run()
    assert run.last is not None
    assert run.last.bounds[name] <= (run.told[name].tolerance or np.inf)
    return run.last.fields[name]


def exact(
    fixed: np.ndarray,
    value: np.ndarray,
    decay: np.ndarray,
    production: np.ndarray,
    diffusivity: float,
    wall: float = np.inf,
) -> np.ndarray:
    """The 5-point equation in a closed box, each face by itself, with a wall around the fixed pixels."""
    number = np.arange(fixed.size).reshape(fixed.shape)
    matrix = scipy.sparse.lil_matrix((fixed.size, fixed.size))
    right = production.ravel().astype(float).copy()
    matrix.setdiag(decay.ravel())
    for axis in (0, 1):
        one = np.moveaxis(number, axis, 0)[:-1].ravel()
        other = np.moveaxis(number, axis, 0)[1:].ravel()
        for i, j in zip(one, other, strict=True):
            between = fixed.flat[i] != fixed.flat[j]
            link = 1.0 / (H / diffusivity + (1.0 / wall if between else 0.0)) / H
            matrix[i, i] += link
            matrix[j, j] += link
            matrix[i, j] -= link
            matrix[j, i] -= link
    for k in np.flatnonzero(fixed):
        matrix[k, :] = 0.0
        matrix[k, k], right[k] = 1.0, value.flat[k]
    return scipy.sparse.linalg.spsolve(matrix.tocsr(), right).reshape(fixed.shape)


def disc() -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (-20.0 + (x + 0.5) * H - 45.0) ** 2 + (5.0 + (y + 0.5) * H - 60.0) ** 2 <= 14.0**2


ZERO = np.zeros(SHAPE)


def test_a_vessel_and_production_give_the_field_of_an_independent_solve(tmp_path: Path) -> None:
    field = field_of(tmp_path, "tolerance = 1e-7\n", DOMAIN, OXYGEN, "production_per_min = 3.0\n", VESSEL)
    expected = exact(disc(), 38.0 * disc(), ZERO + 2.0, ZERO + 3.0, 1e4)
    assert np.abs(field - expected).max() <= 1e-7 + 1e-9


def test_a_picture_is_held_where_it_is_bright_with_or_without_a_wall(tmp_path: Path) -> None:
    held = disc()
    held[0, 0] = True
    mask(tmp_path / "vessels.png", held)
    source = "[[sources]]\nfile = 'vessels.png'\nvalue = 38.0\n"
    domain = "[domain]\nspacing_um = 10.0\n"
    field = field_of(tmp_path, "tolerance = 1e-7\n", domain, OXYGEN, source)
    assert np.abs(field - exact(held, 38.0 * held, ZERO + 2.0, ZERO, 1e4)).max() <= 1e-6
    leaky = field_of(tmp_path, "tolerance = 1e-7\n", domain, OXYGEN, source, "permeability_um_per_min = 50.0\n")
    assert np.abs(leaky - exact(held, 38.0 * held, ZERO + 2.0, ZERO, 1e4, wall=50.0)).max() <= 1e-6
    assert field[~held].min() > leaky[~held].max()


def test_two_walls_that_meet_are_one_behind_the_other(tmp_path: Path) -> None:
    held = disc()
    mask(tmp_path / "vessels.png", held)
    source = "[[sources]]\nfile = 'vessels.png'\nvalue = 38.0\npermeability_um_per_min = {}\n"
    field = field_of(tmp_path, "tolerance = 1e-7\n", DOMAIN, OXYGEN, source.format(100.0), source.format(50.0))
    expected = exact(held, 38.0 * held, ZERO + 2.0, ZERO, 1e4, wall=1.0 / (1 / 100.0 + 1 / 50.0))
    assert np.abs(field - expected).max() <= 1e-6


def test_cells_of_a_table_take_up_by_their_type(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text(
        "x_um;y_um;volume_um3;type\n5;30;800;tumour\n75;30;500;stroma\n75;31;250;tumour\n"
    )
    cells = "[cells]\nfile = 'cells.csv'\ndeposit = 'voxel'\n"
    rates = (
        "uptake_by_type = { tumour = 20.0 }\nproduction_by_type = { stroma = 8.0 }\ndecay_by_type = { stroma = 0.5 }\n"
    )
    field = field_of(tmp_path, "tolerance = 1e-7\n", DOMAIN, OXYGEN, rates, VESSEL, cells)
    decay, production = ZERO + 2.0, ZERO.copy()
    decay[2, 2] += 0.8 * 20.0
    decay[2, 9] += 0.25 * 20.0 + 0.5 * (0.5 - 2.0)
    production[2, 9] += 0.5 * 8.0
    expected = exact(disc(), 38.0 * disc(), decay, production, 1e4)
    assert np.abs(field - expected).max() <= 1e-6


def test_maps_of_coefficients_take_the_place_of_numbers(tmp_path: Path) -> None:
    decay = 1.0 + np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) / 50.0
    np.savetxt(tmp_path / "decay.csv", decay, delimiter=",")
    field = field_of(tmp_path, "tolerance = 1e-7\n", DOMAIN, OXYGEN, "decay_file = 'decay.csv'\n", VESSEL)
    assert np.abs(field - exact(disc(), 38.0 * disc(), decay, ZERO, 1e4)).max() <= 1e-6


def test_vessels_of_a_table_are_those_that_are_described(tmp_path: Path) -> None:
    (tmp_path / "vessels.csv").write_text(
        "x_um,y_um,end_x_um,end_y_um,radius_um,value\n45,60,100,60,14,38\n0,20,0,20,5,10\n"
    )
    table = field_of(tmp_path, DOMAIN, OXYGEN, "[[sources]]\nfile = 'vessels.csv'\n")
    described = field_of(
        tmp_path, DOMAIN, OXYGEN, VESSEL, "end_um = [100, 60]\n",
        "[[vessels]]\nposition_um = [0, 20]\nradius_um = 5\nvalue = 10\n",
    )  # fmt: skip
    assert np.array_equal(table, described)


def test_sides_michaelis_and_axes_are_as_a_backend_has_them(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("x_um,y_um\n5,30\n75,30\n")
    field = field_of(
        tmp_path, "method = 'exact'\ntolerance = 1e-7\n", DOMAIN, "[substrates.oxygen]\ndecay_per_min = 0.1\n",
        "diffusivity_um2_per_min = { x = 1e4, y = 2e3 }\nmichaelis_km = 5.0\nuptake_by_type = { cell = 30.0 }\n"
        "sides = { left = 38.0, xmax = { flux = 20.0 }, top = { exchange = 4.0, value = 9.0 } }\n",
        "[cells]\nfile = 'cells.csv'\nradius_um = 8.0\n",
    )  # fmt: skip
    domain = sp.Domain.from_lattice(SHAPE, H, (-20.0, 5.0))
    sides = {"left": 38.0, "right": sp.Flux(20.0), "top": sp.Exchange(4.0, 9.0), "bottom": "reflecting"}
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=sp.PerAxis(x=1e4, y=2e3), decay_per_min=0.1, boundary=sides,
        michaelis_km=5.0, method="exact", tolerance=1e-7,
    )  # fmt: skip
    cells = sp.Cells([(5.0, 30.0), (75.0, 30.0)], radius_um=8.0, uptake_per_min=30.0)
    assert np.array_equal(field, sp.Backend(config).step(sp.TissueState(cells)).field)


def test_the_largest_uptake_of_a_type_is_that_of_its_cells(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("x_um,y_um,type\n5,30,tumour\n75,30,stroma\n40,40,tumour\n")
    field = field_of(
        tmp_path, "method = 'exact'\ntolerance = 1e-7\n", DOMAIN, "[substrates.oxygen]\ndecay_per_min = 0.1\n",
        "diffusivity_um2_per_min = 1e4\nmichaelis_km = 5.0\nmax_uptake_by_type = { tumour = 150.0 }\n"
        "sides = { left = 38.0 }\n",
        "[cells]\nfile = 'cells.csv'\nradius_um = 8.0\n",
    )  # fmt: skip
    sides = {"left": 38.0, "right": "reflecting", "top": "reflecting", "bottom": "reflecting"}
    config = sp.BackendConfig(
        domain=sp.Domain.from_lattice(SHAPE, H, (-20.0, 5.0)), diffusivity_um2_per_min=1e4, decay_per_min=0.1,
        boundary=sides, michaelis_km=5.0, method="exact", tolerance=1e-7,
    )  # fmt: skip
    cells = sp.Cells([(5.0, 30.0), (75.0, 30.0), (40.0, 40.0)], 8.0, uptake_per_min=[30.0, 0.0, 30.0])
    result = sp.Backend(config).step(sp.TissueState(cells))
    assert np.abs(field - result.field).max() <= 2 * result.record.bound + 1e-9
    assert result.field.min() < sp.Backend(config).step(sp.TissueState()).field.min() - 0.5


def test_a_field_in_time_is_that_of_certified_steps(tmp_path: Path) -> None:
    field = field_of(tmp_path, DOMAIN, DRUG, DOSE, "until_min = 1.75\n", TIME, name="drug")
    held = sp.Problem(5.0 * disc(), fixed=disc(), diffusivity=600.0, decay=0.05, spacing=H, boundary="reflecting")
    free = sp.Problem(ZERO, diffusivity=600.0, decay=0.05, spacing=H, boundary="reflecting")
    stepped, error = ZERO + 2.0, 0.0
    # The dose ends within a step, which is taken in two for it.
    for problem, dt in [(held, 0.5)] * 3 + [(held, 0.25), (free, 0.25)] + [(free, 0.5)] * 6:
        solution = sp.advance(problem, stepped, dt, method="exact", tolerance=1e-9, field_error=error)
        stepped, error = solution.field, solution.error_bound
    assert error < 1e-7
    assert np.abs(field - stepped).max() <= 1e-6 + error


def test_a_steady_field_beside_it_follows_what_comes_and_goes(tmp_path: Path) -> None:
    run = going(
        tmp_path, DOMAIN, OXYGEN, DRUG, DOSE, "[[vessels]]\nsubstrate = 'oxygen'\n", VESSEL.split("\n", 1)[1],
        "from_min = 3.0\n", TIME, "[output]\nfiles = ['a.pvd']\n",
    )  # fmt: skip
    assert run.run()
    assert run.saved is not None
    highest = {step: run.saved.moment(step).fields["oxygen"].max() for step in run.saved.steps()}
    assert [step for step, value in highest.items() if value == 38.0] == [7, 8, 9, 10]
    assert {value for step, value in highest.items() if step < 7} == {0.0}
    assert run.told["oxygen"].methods["held"] == 8


def test_only_the_last_moment_is_kept_for_files_of_one(tmp_path: Path) -> None:
    run = going(tmp_path, DOMAIN, DRUG, DOSE, TIME, "[output]\nevery_min = 1.0\nfiles = ['a.png', 'a.vti']\n")
    assert run.run()
    assert run.saved is not None
    assert run.saved.steps() == [10]


@pytest.mark.parametrize("every", [1.0, 2.5])
def test_moments_are_kept_as_often_as_is_asked(tmp_path: Path, every: float) -> None:
    run = going(tmp_path, DOMAIN, DRUG, DOSE, TIME, f"[output]\nevery_min = {every}\nfiles = ['a.pvd']\n")
    assert run.run()
    assert run.saved is not None
    kept = [run.saved.moment(step).time_min for step in run.saved.steps()]
    assert kept == [each for each in np.arange(0.5, 5.5, 0.5).tolist() if each % every == 0]
