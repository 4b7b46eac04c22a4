"""Pixels of two sides: what lands on them, what is solved on them, and what is read between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp

SEEDS = st.integers(0, 2**32 - 1)


def lattice(rng: np.random.Generator) -> sp.Domain:
    shape = tuple(int(side) for side in rng.integers(5, 16, 2))
    return sp.Domain.from_lattice(shape, rng.uniform(1.0, 4.0, 2), rng.uniform(-9, 9, 2), thickness_um=2.5)


def places(rng: np.random.Generator, domain: sp.Domain, count: int) -> np.ndarray:
    return rng.uniform(0.0, 1.0, (count, 2)) * domain.size_um + domain.origin_um


@given(SEEDS, st.sampled_from(["area", "voxel"]), st.sampled_from(["reflecting", "periodic"]))
def test_all_that_cells_take_up_and_make_lands_on_the_lattice(seed, deposit, boundary):
    rng = np.random.default_rng(seed)
    domain, count = lattice(rng), int(rng.integers(1, 12))
    cells = sp.Cells(
        places(rng, domain, count), rng.uniform(0.0, 8.0, count), rng.uniform(0, 9, count),
        production_per_min=rng.uniform(0, 9, count),
    )  # fmt: skip
    raster = domain.rasterise(sp.TissueState(cells), deposit=deposit, boundary=boundary)
    for made, rate in (
        (raster.uptake_per_min, cells.uptake_per_min),
        (raster.production_per_min, cells.production_per_min),
    ):
        amount = math.fsum(cells.volume_um3 * rate)
        assert np.sum(made) * domain.voxel_volume_um3 == pytest.approx(amount, rel=1e-12)


@given(SEEDS)
def test_a_disc_is_round(seed):
    """Spread and fixed as on square pixels so fine that whole ones make up an uneven one."""
    rng = np.random.default_rng(seed)
    coarse = sp.Domain.from_lattice((8, 10), (3.0, 2.0), thickness_um=1.0)
    fine = sp.Domain.from_lattice((24, 20), 1.0, thickness_um=1.0)
    cells = sp.Cells(rng.uniform(6.0, 14.0, (3, 2)), rng.uniform(0.1, 6.0, 3), rng.uniform(1, 9, 3))
    few, many = (np.asarray(each.rasterise(sp.TissueState(cells)).uptake_per_min) for each in (coarse, fine))
    assert few == pytest.approx(many.reshape(8, 3, 10, 2).mean(axis=(1, 3)), rel=1e-9, abs=1e-12)
    start, end = rng.uniform(0, 20, (2, 2, 2))
    vessels = sp.Vessels(start, rng.uniform(2.0, 5.0, 2), 1.0, end)
    fixed = coarse.rasterise(sp.TissueState(vessels=vessels), outside="drop").fixed
    x, y = coarse.centres_um()
    expected = np.zeros(coarse.shape, dtype=bool)
    for k in range(2):
        along, length2 = end[k] - start[k], ((end[k] - start[k]) ** 2).sum()
        t = ((x[np.newaxis, :] - start[k, 0]) * along[0] + (y[:, np.newaxis] - start[k, 1]) * along[1]) / length2
        t = np.clip(t, 0.0, 1.0)
        away = np.hypot(x[np.newaxis, :] - start[k, 0] - t * along[0], y[:, np.newaxis] - start[k, 1] - t * along[1])
        expected |= away <= vessels.radius_um[k]
    assert np.array_equal(fixed, expected)


@given(SEEDS)
def test_a_thin_vessel_is_an_unbroken_chain(seed):
    rng = np.random.default_rng(seed)
    domain = sp.Domain.from_lattice((14, 17), (1.0, 3.0), thickness_um=1.0)
    start, end = places(rng, domain, 1), places(rng, domain, 1)
    fixed = domain.rasterise(sp.TissueState(vessels=sp.Vessels(start, 0.05, 1.0, end))).fixed
    column, row = (np.array([start[0], end[0]]) / np.array([3.0, 1.0])).T
    assert fixed[int(row[0]), int(column[0])]
    assert fixed[int(row[1]), int(column[1])]
    assert fixed.sum() > max(np.ptp(row.astype(int)), np.ptp(column.astype(int)))


def test_the_field_is_that_of_the_same_tissue_on_square_pixels():
    """A vessel at a distance to which second order is all that the lattices differ by."""
    fields = []
    for spacing in ((20.0, 30.0), 10.0, 5.0):
        dy, dx = np.broadcast_to(spacing, 2)
        shape = (round(600 / dy), round(900 / dx))
        domain = sp.Domain.from_lattice(shape, spacing, thickness_um=20.0)
        x, y = domain.centres_um()
        bump = np.exp(-((x[np.newaxis, :] - 450) ** 2 + (y[:, np.newaxis] - 300) ** 2) / 2 / 100.0**2)
        config = sp.BackendConfig(
            domain=domain, diffusivity_um2_per_min=1e3, decay_per_min=0.1, boundary="reflecting", method="exact",
            tolerance=1e-6,
        )  # fmt: skip
        result = sp.Backend(config).step(sp.TissueState(voxels=sp.Voxels(production_per_min=bump)))
        fields.append(result.sample([(450.0, 300.0), (300.0, 300.0), (450.0, 420.0), (10.0, 10.0)]))
    scale = fields[2].max()
    assert np.abs(fields[0] - fields[2]).max() < 0.02 * scale
    assert np.abs(fields[1] - fields[2]).max() < 0.003 * scale


def test_one_spacing_is_asked_of_square_pixels_alone():
    domain = sp.Domain.from_lattice((8, 9), (20.0, 30.0), thickness_um=10.0)
    assert (domain.spacings_um, domain.pixel_area_um2, domain.voxel_volume_um3) == ((20.0, 30.0), 600.0, 6000.0)
    with pytest.raises(sp.InvalidProblemError, match=r"30 um along x and 20 um along y; domain\.spacings_um has both"):
        _ = domain.spacing_um
    with pytest.raises(sp.InvalidProblemError, match=r"domain\.thickness_um is None"):
        sp.Domain.from_lattice((8, 9), (20.0, 30.0))
    with pytest.raises(sp.InvalidProblemError, match=r"Domain\.from_lattice"):
        sp.Domain((0.0, 0.0), (270.0, 160.0), (8, 9))
    for wrong in ((1.0, 2.0, 3.0), (1.0, -2.0), "ab", None):
        with pytest.raises(sp.InvalidProblemError, match=r"domain\.spacing_um"):
            sp.Domain.from_lattice((8, 9), wrong, thickness_um=1.0)


def test_points_on_the_rim_go_by_what_flux_and_exchange_make_of_it():
    """Between a flux and an exchange the field is a straight line, to the very rim."""
    domain = sp.Domain.from_lattice((6, 12), (7.0, 5.0), thickness_um=5.0)
    flux, rate, diffusivity = 3.0, 2.0, 50.0
    sides = {"left": sp.Flux(flux), "right": sp.Exchange(rate, 4.0), "bottom": "reflecting", "top": "reflecting"}
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=diffusivity, decay_per_min=0.0, boundary=sides, method="exact",
        tolerance=1e-9,
    )  # fmt: skip
    result = sp.Backend(config).step(sp.TissueState())
    x = np.array([0.0, 1.0, 13.0, 58.0, 60.0])
    # What is outside is a spacing and the resistance of the side away from the last centre, at 57.5 um.
    expected = 4.0 + flux / rate + flux / diffusivity * (62.5 - x)
    assert result.sample(np.column_stack([x, np.full(5, 3.3)])) == pytest.approx(expected, rel=1e-6)
    flat = domain.sample(result.field, [(0.0, 3.3)], boundary=sides)
    assert flat == pytest.approx(result.field[0, :1])
