"""Solving on another lattice than CompuCell3D's own: slopes without stairs, and a bound of what is written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.hosts.compucell3d.double import compucell3d_driving as driving
from tests.hosts.compucell3d.double.compucell3d_tissue import expected, oxygen, steppable, tissue

OTHERS = [{"coarsen": 2}, {"shape": (9, 14)}, {"shape": (36, 56)}, {"shape": (27, 42)}]


@pytest.fixture(scope="module", autouse=True)
def _double() -> Iterator[None]:
    with driving.double_on_the_path():
        yield


def solved(field, size=(28, 18, 1), **options):
    surrogate = steppable({"oxygen": field}, **options)
    simulation = tissue(surrogate, size)
    simulation.start()
    return surrogate, simulation, np.asarray(simulation.field("oxygen"), dtype=np.float64)


@pytest.mark.parametrize("options", OTHERS)
@pytest.mark.parametrize("uptake", [20.0, 2.0, 0.2])
def test_the_bound_is_that_of_what_is_written_on_the_hosts_own_lattice(options, uptake):
    surrogate, simulation, field = solved(oxygen(uptake_per_min={"Tumour": uptake}), **options)
    off = np.abs(field - expected(simulation, {1: uptake}, {3: 38.0})).max()
    assert off <= surrogate.history[-1].bound <= 3.0 * off
    assert surrogate.result("oxygen").solution.error_bound < 1e-6  # of the lattice that was solved on


def test_the_bound_is_that_of_what_is_written_where_uptake_saturates():
    fields = {}
    for options in ({}, {"coarsen": 2}):
        surrogate, _, fields[len(options)] = solved(oxygen(michaelis_km=5.0), **options)
    off = np.abs(fields[1] - fields[0]).max()
    assert off <= surrogate.history[-1].bound <= 4.0 * off


@pytest.mark.parametrize("coarsen", [2, 4])
def test_between_two_sides_the_slope_is_the_same_everywhere(coarsen):
    """A straight rise over 32 pixels; in stairs all slopes inside coarse pixels are 0."""
    sides = oxygen(decay_per_min=0.0, uptake_per_min={}, fixed={}, boundary={"left": 0.0, "right": 38.0})
    _, _, field = solved(sides, (32, 32, 1), coarsen=coarsen)
    slopes = np.diff(field, axis=1)
    assert np.abs(slopes - 38.0 / (32 + coarsen)).max() < 1e-4


def test_slopes_in_a_tissue_are_those_of_the_hosts_own_lattice():
    rates = {"Tumour": 0.5, "Stroma": 0.2}
    _, _, exact = solved(oxygen(uptake_per_min=rates))
    _, simulation, field = solved(oxygen(uptake_per_min=rates), coarsen=2)
    free = (simulation.types()[:, 1:] != 3) & (simulation.types()[:, :-1] != 3)
    slopes, right = (np.diff(each, axis=1)[free] for each in (field, exact))
    assert np.abs(slopes - right).sum() < 0.25 * np.abs(right).sum()  # in stairs as much as they are


@pytest.mark.parametrize("options", OTHERS)
def test_vessels_keep_their_values_on_any_lattice(options):
    surrogate, simulation, field = solved(oxygen(), **options)
    assert surrogate.result("oxygen").field.shape == surrogate.problem("oxygen").shape != (18, 28)
    assert (field[simulation.types() == 3] == 38.0).all()
    assert field.max() == 38.0


def test_on_a_finer_lattice_of_whole_pixels_what_the_cells_take_up_is_what_the_field_gives():
    surrogate, simulation, field = solved(oxygen(), shape=(36, 56))
    result, problem = surrogate.result("oxygen"), surrogate.problem("oxygen")
    by_the_host = 20.0 * field[simulation.types() == 1].sum() * 25.0
    uptake = np.asarray(problem.decay) - 0.1
    by_the_field = float((uptake * result.field).sum()) * surrogate.backend("oxygen").config.domain.spacing_um ** 2
    assert by_the_host == pytest.approx(by_the_field, rel=1e-5)


def test_a_finer_lattice_comes_nearer_to_the_limit_of_all_lattices():
    exact = {times: solved(oxygen(), shape=(18 * times, 28 * times))[2] for times in (1, 2, 4)}
    assert np.abs(exact[4] - exact[2]).max() < np.abs(exact[2] - exact[1]).max()


def test_an_even_field_is_even_on_any_lattice():
    _, _, field = solved(oxygen(decay_per_min=0.0, uptake_per_min={}), coarsen=2)
    assert np.allclose(field, 38.0, rtol=1e-6)


def test_a_vessel_that_moves_by_less_than_a_coarse_pixel_is_seen():
    """What is solved for stays the same, and the bound is that of the worst of what was written."""
    surrogate, simulation, field = solved(oxygen(), coarsen=2)
    cells, off, bounds = simulation.handles.cell_field, [], []
    for there, gone in ((1, None), (0, 1), (1, 0)):
        if gone is not None:
            cells[there, 15, 0] = cells[gone, 15, 0]
            cells[gone, 15, 0] = None
            simulation.turn()
            field = np.asarray(simulation.field("oxygen"), dtype=np.float64)
        assert field[15, there] == 38.0 > field[15, 1 - there]
        off.append(np.abs(field - expected(simulation, {1: 20.0}, {3: 38.0})).max())
        bounds.append(surrogate.history[0].bound)
    assert len(surrogate.history) == 1
    assert max(off) <= bounds[-1]
    assert bounds == sorted(bounds)


def test_the_bound_goes_by_the_description_that_holds_now():
    surrogate, simulation, _ = solved(oxygen(), coarsen=2)
    surrogate.change("oxygen", decay_per_min=5.0, diffusivity_um2_per_min=500.0)
    simulation.turn()
    field = np.asarray(simulation.field("oxygen"), dtype=np.float64)
    exact = expected(simulation, {1: 20.0}, {3: 38.0}, background=5.0, diffusivity=500.0)
    off = np.abs(field - exact).max()
    assert off <= surrogate.history[-1].bound <= 3.0 * off


def test_on_the_hosts_own_lattice_the_bound_covers_its_float32():
    surrogate, simulation, field = solved(oxygen(), tolerance=1e-11)
    rounded = np.abs(field - surrogate.result("oxygen").field).max()
    assert 1e-7 < rounded <= surrogate.history[-1].bound < 1.01 * rounded
    assert simulation.field("oxygen").dtype == np.float32


@pytest.mark.parametrize("options", [{}, {"coarsen": 2}, {"shape": (27, 42)}])
@pytest.mark.parametrize("periodic", ["", "x"])
def test_slopes_of_what_is_written_are_those_of_the_steady_field_within_their_bound(options, periodic):
    surrogate = steppable({"oxygen": oxygen(boundary={"top": 12.0})}, **options)
    simulation = tissue(surrogate, periodic=periodic)
    simulation.start()
    sides = dict.fromkeys(("left", "right"), "periodic" if periodic else "reflecting") | {"bottom": "reflecting"}
    exact = expected(simulation, {1: 20.0}, {3: 38.0}, boundary={**sides, "top": 12.0})
    wide = np.pad(exact, ((0, 0), (1, 1)), mode="wrap" if periodic else "edge")
    high = np.vstack([exact[:1], exact, np.full_like(exact[:1], 12.0)])
    slopes = np.stack([(wide[:, 2:] - wide[:, :-2]).T, (high[2:] - high[:-2]).T]) / 10.0
    off = np.abs(surrogate.gradient("oxygen") - slopes).max()
    assert off <= surrogate.gradient_bound("oxygen") == surrogate.history[-1].bound / 5.0
    surrogate.finish()
    with pytest.raises(RuntimeError, match="the simulation is over, and its fields with it"):
        surrogate.gradient("oxygen")
