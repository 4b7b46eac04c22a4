"""Vessels whose walls let through: as much as they have wall, as in a Krogh cylinder, and between closed and held."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import iv, kv

import surrogate_plugin as sp

SEEDS = st.integers(0, 2**32 - 1)
#: Of the tissue cylinder: radii of vessel and cylinder, um, diffusivity, decay, blood.
VESSEL, CYLINDER, D, DECAY, BLOOD = 20.0, 80.0, 1e3, 0.5, 40.0


def cylinder(columns: int, permeability: float) -> tuple[sp.Domain, sp.TissueState]:
    """A vessel along the axis of a cylinder of tissue that nothing leaves: obstacles are around it."""
    domain = sp.Domain.from_lattice((columns, columns), 2 * CYLINDER / columns, origin_um=(-CYLINDER, -CYLINDER))
    tissue = np.where(radius(domain) <= CYLINDER, D, 0.0)
    vessel = sp.Vessels([(0.0, 0.0)], VESSEL, BLOOD, permeability_um_per_min=permeability)
    return domain, sp.TissueState(vessels=vessel, voxels=sp.Voxels(diffusivity_um2_per_min=tissue))


def radius(domain: sp.Domain) -> np.ndarray:
    x, y = domain.centres_um()
    return np.hypot(x[np.newaxis, :], y[:, np.newaxis])


def solved(domain: sp.Domain, state: sp.TissueState, decay: float = DECAY) -> np.ndarray:
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=D, decay_per_min=decay, boundary="reflecting", method="exact",
        tolerance=1e-6,
    )  # fmt: skip
    return sp.Backend(config).step(state).field


def krogh(r: np.ndarray, permeability: float) -> np.ndarray:
    """``D (c'' + c' / r) = k c``, with ``-D c' = P (blood - c)`` at the wall and no flux at the cylinder's surface."""
    q = math.sqrt(DECAY / D)
    values, slopes = (iv(0, q * VESSEL), kv(0, q * VESSEL)), (iv(1, q * VESSEL), -kv(1, q * VESSEL))
    wall = [permeability * value - D * q * slope for value, slope in zip(values, slopes, strict=True)]
    a, b = np.linalg.solve([[iv(1, q * CYLINDER), -kv(1, q * CYLINDER)], wall], [0.0, permeability * BLOOD])
    return a * iv(0, q * r) + b * kv(0, q * r)


@pytest.mark.parametrize("permeability", [1.0, 10.0, 100.0])
def test_a_krogh_cylinder_with_a_leaky_wall_is_as_the_analytic_solution(permeability):
    errors = []
    for columns in (24, 48, 96, 192):
        domain, state = cylinder(columns, permeability)
        r, h = radius(domain), domain.spacing_um
        there = (r > VESSEL + 2 * h) & (r < CYLINDER - 2 * h)
        expected = krogh(r[there], permeability)
        errors.append(np.abs(solved(domain, state)[there] - expected).max() / expected.max())
    # First order, a raster's rim apart: eight times finer is at least three times closer.
    assert errors[-1] < 0.02
    assert errors[-1] < max(errors[0], errors[1]) / 2.5


def random_vessels(rng: np.random.Generator, domain: sp.Domain, permeability: float) -> sp.Vessels:
    """Discs and capsules, thinner and thicker than a pixel, well inside and apart from each other."""
    (x0, y0), (width, height) = domain.origin_um, domain.size_um
    at = np.array([[(x0 + 0.25 * width), (y0 + 0.25 * height)], [(x0 + 0.72 * width), (y0 + 0.7 * height)]])
    end = at + np.array([[0.0, 0.0], rng.uniform(-0.1, 0.1, 2) * (width, height)])
    radius = 0.1 * min(width, height) * 10 ** rng.uniform(-1.5, 0, 2)
    return sp.Vessels(at, radius, [30.0, 10.0], end, permeability_um_per_min=permeability)


@given(SEEDS, st.booleans())
def test_all_of_a_wall_exchanges(seed, even):
    rng = np.random.default_rng(seed)
    spacing = rng.uniform(0.5, 2.0, 2) if not even else float(rng.uniform(0.5, 2.0))
    domain = sp.Domain.from_lattice((24, 30), spacing, thickness_um=7.0)
    vessels = random_vessels(rng, domain, 3.0)
    raster = domain.rasterise(sp.TissueState(vessels=vessels))
    wall = 3.0 * (2 * math.pi * vessels.radius_um + 2 * vessels.length_um) * domain.thickness_um
    assert np.sum(raster.exchange_per_min) * domain.voxel_volume_um3 == pytest.approx(wall.sum(), rel=1e-9)
    supplied = np.sum(raster.production_per_min) * domain.voxel_volume_um3
    assert supplied == pytest.approx((wall * vessels.value).sum(), rel=1e-9)
    assert not np.any(raster.exchange_per_min[raster.fixed])
    assert np.array_equal(np.asarray(raster.own_share) * np.ones(domain.shape) == 1.0, raster.fixed)


def test_a_wall_of_joined_pieces_has_no_ends_between_them():
    domain = sp.Domain.from_lattice((40, 60), 1.0)
    along = np.linspace(10.3, 50.3, 9)
    points = np.column_stack([along, np.full(9, 20.2)])
    pieces = sp.Vessels.from_segments(points[:-1], points[1:], 3.0, 20.0, permeability_um_per_min=2.0)
    whole = sp.Vessels.from_segments(points[:1], points[-1:], 3.0, 20.0, permeability_um_per_min=2.0)
    one, other = (domain.rasterise(sp.TissueState(vessels=vessels)) for vessels in (pieces, whole))
    assert np.sum(one.exchange_per_min) == pytest.approx(np.sum(other.exchange_per_min), rel=0.03)
    assert np.array_equal(one.fixed, other.fixed)


@given(SEEDS)
def test_mirrored_and_reordered_vessels_have_mirrored_and_the_same_walls(seed):
    rng = np.random.default_rng(seed)
    domain = sp.Domain.from_lattice((20, 26), (1.5, 1.0), origin_um=(-13.0, -15.0), thickness_um=1.0)
    count = int(rng.integers(1, 5))
    start, end = rng.integers(-10, 11, (2, count, 2)) * np.array([1.0, 1.0])
    # Off the edges of pixels: there, rounding decides on which side of an edge a wall lies, and so does its image's.
    start, end = start + rng.uniform(-0.5, 0.5, start.shape), end + rng.uniform(-0.5, 0.5, end.shape)
    parts = (rng.choice([0.3, 1.0, 2.5], count), rng.uniform(1, 40, count))
    leaks = rng.choice([0.0, 1.0, 50.0], count)
    here = walls(domain, start, parts, end, leaks)
    for axis, sign in ((1, (-1.0, 1.0)), (0, (1.0, -1.0))):
        there = walls(domain, start * sign, parts, end * sign, leaks)
        assert there == pytest.approx(np.flip(here, axis + 1), rel=1e-6, abs=1e-9)
    order = rng.permutation(count)
    there = walls(domain, start[order], tuple(part[order] for part in parts), end[order], leaks[order])
    assert there == pytest.approx(here, rel=1e-9, abs=1e-12)


def walls(domain, start, parts, end, leaks) -> np.ndarray:
    vessels = sp.Vessels(start, *parts, end, permeability_um_per_min=leaks)
    raster = domain.rasterise(sp.TissueState(vessels=vessels), outside="clamp")
    maps = (raster.exchange_per_min, raster.production_per_min, raster.source, raster.fixed)
    return np.stack([np.broadcast_to(each, domain.shape).astype(float) for each in maps])


def test_a_wall_that_lets_nothing_through_is_an_obstacle_and_one_that_lets_all_through_holds_its_value():
    domain = sp.Domain.from_lattice((48, 48), 2.0)
    side = {"left": 10.0, "right": "absorbing", "bottom": "reflecting", "top": "reflecting"}

    def field(**wall: float) -> np.ndarray:
        state = sp.TissueState(vessels=sp.Vessels([(50.0, 45.0)], 11.0, BLOOD, **wall))
        config = sp.BackendConfig(
            domain=domain, diffusivity_um2_per_min=D, decay_per_min=0.1, boundary=side, method="exact", tolerance=1e-6
        )
        return sp.Backend(config).step(state).field

    x, y = domain.centres_um()
    inside = np.hypot(x[np.newaxis, :] - 50.0, y[:, np.newaxis] - 45.0) <= 11.0
    obstacle = sp.Voxels(diffusivity_um2_per_min=np.where(inside, 0.0, D))
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=D, decay_per_min=0.1, boundary=side, method="exact", tolerance=1e-6
    )
    around = sp.Backend(config).step(sp.TissueState(voxels=obstacle)).field
    closed = field(permeability_um_per_min=0.0)
    assert closed[~inside] == pytest.approx(around[~inside], abs=1e-6)
    assert (closed[inside] == BLOOD).all()
    held = field()
    assert np.array_equal(held, field(permeability_um_per_min=math.inf))
    # The wall stands in the first pixels outside, which is a pixel's difference from a vessel that holds its value.
    far = np.hypot(x[np.newaxis, :] - 50.0, y[:, np.newaxis] - 45.0) > 15.0
    assert field(permeability_um_per_min=1e7)[far] == pytest.approx(held[far], abs=0.12 * BLOOD)
    leaks = [float(field(permeability_um_per_min=p)[~inside].sum()) for p in (0.0, 1.0, 10.0, 100.0, 1e7)]
    assert leaks == sorted(leaks)


def test_a_vessel_thinner_than_a_pixel_leaks_into_the_pixel_it_is_in():
    domain = sp.Domain.from_lattice((8, 9), 20.0)
    vessel = sp.Vessels([(50.0, 30.0)], 3.0, BLOOD, permeability_um_per_min=5.0)
    raster = domain.rasterise(sp.TissueState(vessels=vessel))
    assert not raster.fixed.any()
    assert np.argwhere(raster.exchange_per_min).tolist() == [[1, 2]]
    assert raster.exchange_per_min[1, 2] == pytest.approx(5.0 * 2 * math.pi * 3.0 / 400.0, rel=1e-12)
    assert raster.diffusivity(7.0) == 7.0


@pytest.mark.parametrize("wrong", [-1.0, math.nan, "tight", [1.0, 2.0]])
def test_a_permeability_that_is_none_is_refused(wrong):
    with pytest.raises(sp.InvalidProblemError, match=r"vessels\.permeability_um_per_min"):
        sp.Vessels([(0.0, 0.0)], 1.0, 1.0, permeability_um_per_min=wrong)
