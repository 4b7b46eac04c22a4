"""Micrometres to pixels and back: all of it lands on the lattice, where it should, and is read back right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.state import Cells, TissueState, Vessels, Voxels

SHAPES = st.tuples(st.integers(8, 24), st.integers(8, 24))
SEEDS = st.integers(0, 2**32 - 1)


def random_domain(rng: np.random.Generator, shape: tuple[int, int]) -> Domain:
    return Domain.from_lattice(
        shape,
        spacing_um=float(10 ** rng.uniform(-1, 2)),
        origin_um=rng.uniform(-1e3, 1e3, 2),
        thickness_um=float(rng.uniform(1, 50)),
    )


def points_on(rng: np.random.Generator, domain: Domain, count: int) -> np.ndarray:
    """Points on a domain; a good part of them exactly on its border and on pixel edges."""
    rows, columns = domain.shape
    x, y = rng.uniform(0, columns, count), rng.uniform(0, rows, count)
    snap = rng.random((2, count)) < 0.3
    x, y = np.where(snap[0], np.round(x), x), np.where(snap[1], np.round(y), y)
    points = np.stack([x, y], axis=1) * domain.spacing_um + domain.origin_um
    return np.clip(points, domain.origin_um, np.add(domain.origin_um, domain.size_um))


def random_cells(rng: np.random.Generator, domain: Domain, count: int) -> Cells:
    radius = domain.spacing_um * 10 ** rng.uniform(-3, 1, count) * (rng.random(count) > 0.1)
    return Cells(
        points_on(rng, domain, count),
        radius,
        uptake_per_min=10 ** rng.uniform(-6, 3, count),
        secretion_per_min=rng.uniform(0, 5, count),
        secretion_target=rng.uniform(0, 40, count),
    )


@given(SEEDS, SHAPES, st.sampled_from(["area", "voxel"]), st.integers(0, 40))
def test_all_that_cells_take_up_and_secrete_lands_on_the_lattice(seed, shape, deposit, count):
    rng = np.random.default_rng(seed)
    domain = random_domain(rng, shape)
    cells = random_cells(rng, domain, count)
    raster = domain.rasterise(TissueState(cells), deposit=deposit, outside="clamp")
    fraction = cells.volume_um3 / domain.voxel_volume_um3
    pairs = (
        (raster.uptake_per_min, cells.uptake_per_min),
        (raster.secretion_per_min, cells.secretion_per_min),
        (raster.production_per_min, cells.secretion_per_min * cells.secretion_target),
    )
    for made, rate in pairs:
        assert np.min(made) >= 0
        assert np.sum(made) == pytest.approx(math.fsum(fraction * rate), rel=1e-12, abs=0)


@given(SEEDS, SHAPES)
def test_a_cell_is_spread_by_the_area_of_its_disc_on_each_pixel(seed, shape):
    rng = np.random.default_rng(seed)
    domain = Domain.from_lattice(shape, 1.0)
    centre, radius = points_on(rng, domain, 1)[0], float(10 ** rng.uniform(-1, 1))
    raster = domain.rasterise(TissueState(Cells([centre], radius, uptake_per_min=1.0)))
    fine = 64
    x, y = ((np.arange(n * fine) + 0.5) / fine - middle for n, middle in zip(shape[::-1], centre, strict=True))
    inside = x[np.newaxis, :] ** 2 + y[:, np.newaxis] ** 2 <= radius**2
    area = inside.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3))
    area_total = area.sum()
    if area_total > 0:
        expected = area / area_total
        made = np.asarray(raster.uptake_per_min) / np.sum(raster.uptake_per_min)
        assert np.abs(made - expected).max() < 4 * (radius + 1) / fine / max(area_total, math.pi * radius**2 / 4)


@given(SEEDS, SHAPES)
def test_voxel_deposit_puts_each_cell_whole_into_the_voxel_that_holds_it(seed, shape):
    rng = np.random.default_rng(seed)
    domain = Domain.from_lattice(shape, 20.0, origin_um=(-100.0, -50.0))
    index = rng.integers(0, shape, (1, 2))[0]
    centre = (index[::-1] + rng.uniform(0.01, 0.99, 2)) * 20.0 + domain.origin_um
    raster = domain.rasterise(TissueState(Cells([centre], 30.0, uptake_per_min=2.0)), deposit="voxel")
    made = np.asarray(raster.uptake_per_min)
    assert np.argwhere(made).tolist() == [index.tolist()]
    assert made[tuple(index)] == pytest.approx(2.0 * 4 / 3 * math.pi * 30.0**3 / 20.0**3, rel=1e-14)


@given(st.integers(8, 600), st.floats(0.01, 100.0), st.floats(-1e3, 1e3))
def test_a_cell_on_the_edge_of_a_voxel_falls_where_a_lattice_host_has_it(columns, spacing, origin):
    domain = Domain.from_lattice((8, columns), spacing, origin_um=(origin, 0.0))
    x = origin + np.arange(columns) * spacing
    cells = Cells(np.column_stack([x, np.zeros(columns)]), 1.0, uptake_per_min=np.arange(1.0, columns + 1))
    made = domain.rasterise(TissueState(cells), deposit="voxel", outside="clamp").uptake_per_min
    host = np.clip(((x - origin) / spacing).astype(int), 0, columns - 1)
    weights = cells.uptake_per_min * cells.volume_um3 / domain.voxel_volume_um3
    assert np.asarray(made)[0] == pytest.approx(np.bincount(host, weights=weights, minlength=columns), rel=1e-12)


def distance_to_axis(domain: Domain, vessels: Vessels, item: int) -> np.ndarray:
    x, y = domain.centres_um()
    start, axis = vessels.position_um[item], vessels.end_um[item] - vessels.position_um[item]
    px, py = x[np.newaxis, :] - start[0], y[:, np.newaxis] - start[1]
    length2 = float(axis @ axis)
    t = np.clip((px * axis[0] + py * axis[1]) / length2, 0, 1) if length2 > 0 else np.zeros(())
    return np.hypot(px - t * axis[0], py - t * axis[1])


@given(SEEDS, SHAPES, st.integers(1, 8), st.booleans())
def test_a_vessel_fixes_the_pixels_it_covers_and_the_largest_value_wins(seed, shape, count, segments):
    rng = np.random.default_rng(seed)
    domain = random_domain(rng, shape)
    h = domain.spacing_um
    start = points_on(rng, domain, count)
    end = points_on(rng, domain, count) if segments else None
    vessels = Vessels(start, h * rng.uniform(0.5, 6, count), rng.uniform(0, 40, count), end)
    raster = domain.rasterise(TissueState(vessels=vessels))
    expected = np.full(shape, -1.0)
    sure = np.ones(shape, dtype=bool)
    alone = np.zeros(shape, dtype=bool)
    for item in range(count):
        distance = distance_to_axis(domain, vessels, item)
        covered = distance <= vessels.radius_um[item]
        if not covered.any():
            # Between four centres: the pixel that holds the axis is fixed, one of those at the least distance.
            alone |= distance <= h
            continue
        expected[covered] = np.maximum(expected[covered], vessels.value[item])
        sure &= np.abs(distance - vessels.radius_um[item]) > 1e-9 * h
    look = sure & ~alone
    assert np.array_equal(raster.fixed[look], (expected >= 0)[look])
    assert np.array_equal(raster.source[look], np.maximum(expected, 0)[look])
    assert (raster.source[~raster.fixed] == 0).all()
    assert raster.fixed.any()


@given(SEEDS, SHAPES)
@example(390, (14, 9))  # from edge to edge of pixels, where whole steps skip one when rounded
@example(390, (14, 8))
def test_a_vessel_thinner_than_a_pixel_fixes_an_unbroken_chain_along_its_axis(seed, shape):
    rng = np.random.default_rng(seed)
    domain = random_domain(rng, shape)
    ends = points_on(rng, domain, 2)
    radius = domain.spacing_um * float(rng.choice([0.0, 1e-3, 0.3, 0.49]))
    vessel = Vessels.from_segments(ends[:1], ends[1:], radius, 38.0)
    raster = domain.rasterise(TissueState(vessels=vessel))
    pixels = np.argwhere(raster.fixed)
    reach = np.abs((ends[1] - ends[0]) / domain.spacing_um).max()
    assert len(pixels) >= max(1, math.floor(reach))
    assert (distance_to_axis(domain, vessel, 0)[raster.fixed] <= domain.spacing_um).all()
    chain = {tuple(pixel) for pixel in pixels.tolist()}
    linked, front = set(), [next(iter(chain))]
    while front:
        row, column = front.pop()
        if (row, column) in chain - linked:
            linked.add((row, column))
            front += [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    assert linked == chain


def test_a_capsule_that_reaches_far_beyond_the_lattice_fixes_what_crosses_it():
    domain = Domain.from_lattice((10, 30), 1.0)
    through = Vessels.from_segments([(-1e12, 4.5)], [(1e12, 4.5)], radius_um=0.1, value=2.0)
    raster = domain.rasterise(TissueState(vessels=through))
    assert raster.fixed[4].all()
    assert int(raster.fixed.sum()) == 30


@given(SEEDS, SHAPES)
def test_voxels_of_a_host_are_taken_over_exactly(seed, shape):
    rng = np.random.default_rng(seed)
    domain = Domain.from_lattice(shape, 20.0)
    fixed, value = rng.random(shape) < 0.2, rng.uniform(0, 38, shape)
    uptake, production = rng.uniform(0, 1, (2, *shape))
    raster = domain.rasterise(TissueState(voxels=Voxels(fixed, value, uptake, production)))
    assert np.array_equal(raster.fixed, fixed)
    assert np.array_equal(raster.source, np.where(fixed, value, 0))
    assert np.array_equal(raster.decay(0.5), 0.5 + uptake)
    assert np.array_equal(raster.production_per_min, production)


def test_without_cells_the_coefficients_stay_numbers():
    raster = Domain.from_lattice((16, 16), 20.0).rasterise(
        TissueState(Cells([(10.0, 10.0)], 8.0, uptake_per_min=0.0), Vessels([(100.0, 100.0)], 30.0, 38.0))
    )
    assert isinstance(raster.decay(0.1), float)
    assert raster.decay(0.1) == 0.1


@given(SEEDS, SHAPES)
def test_sampling_reproduces_planes_and_pixel_values(seed, shape):
    rng = np.random.default_rng(seed)
    domain = random_domain(rng, shape)
    x, y = domain.centres_um()
    a, b, c = rng.uniform(-3, 3, 3)
    plane = a * x[np.newaxis, :] + b * y[:, np.newaxis] + c
    h = domain.spacing_um
    inner = points_on(rng, domain, 20)
    inner = np.clip(inner, np.add(domain.origin_um, h / 2), np.add(domain.origin_um, domain.size_um) - h / 2)
    scale = np.abs(plane).max() + 1
    expected = a * inner[:, 0] + b * inner[:, 1] + c
    assert np.abs(domain.sample(plane, inner) - expected).max() <= 1e-9 * scale
    row, column = int(rng.integers(shape[0])), int(rng.integers(shape[1]))
    assert domain.sample(plane, [(x[column], y[row])])[0] == pytest.approx(plane[row, column], abs=1e-9 * scale)


@given(SEEDS, SHAPES, st.sampled_from(["absorbing", "reflecting", "periodic", 7.0]))
def test_the_outer_half_pixel_leans_on_what_the_boundary_holds(seed, shape, boundary):
    rng = np.random.default_rng(seed)
    domain = Domain.from_lattice(shape, 2.0)
    field = rng.uniform(0, 5, shape)
    y = domain.centres_um()[1]
    at_left = domain.sample(field, np.stack([np.zeros(shape[0]), y], axis=1), boundary=boundary)
    ghost = {"absorbing": 0.0, "reflecting": field[:, 0], "periodic": field[:, -1]}.get(boundary, 7.0)
    assert at_left == pytest.approx((field[:, 0] + ghost) / 2, rel=1e-12)
    top = domain.size_um[1]
    at_top = domain.sample(field, np.stack([domain.centres_um()[0], np.full(shape[1], top)], axis=1), boundary=boundary)
    ghost = {"absorbing": 0.0, "reflecting": field[-1], "periodic": field[0]}.get(boundary, 7.0)
    assert at_top == pytest.approx((field[-1] + ghost) / 2, rel=1e-12)


def test_what_lies_off_the_domain_is_refused_left_out_or_moved_as_asked():
    domain = Domain.from_lattice((10, 20), 10.0)
    cells = Cells([(50.0, 50.0), (-35.0, 205.0)], 5.0, uptake_per_min=[1.0, 2.0])
    vessels = Vessels([(50.0, 50.0), (230.0, 50.0)], 12.0, 38.0)
    with pytest.raises(sp.InvalidProblemError, match=r"cells.position_um\[1\] is at \(-35, 205\) um, off the domain"):
        domain.rasterise(TissueState(cells))
    with pytest.raises(sp.InvalidProblemError, match=r"vessels.position_um\[1\]"):
        domain.rasterise(TissueState(vessels=vessels))
    dropped = domain.rasterise(TissueState(cells, vessels), deposit="voxel", outside="drop")
    assert dropped.left_out == 2
    assert np.count_nonzero(dropped.uptake_per_min) == 1
    moved = domain.rasterise(TissueState(cells, vessels), deposit="voxel", outside="clamp")
    assert moved.left_out == 0
    assert np.asarray(moved.uptake_per_min)[9, 0] > 0
    assert moved.fixed[4:6, 19].any()
    assert moved.fixed.sum() > dropped.fixed.sum()


def test_sampling_off_the_domain_is_refused_or_moved_as_asked():
    domain = Domain.from_lattice((10, 20), 10.0)
    field = np.arange(200.0).reshape(10, 20)
    with pytest.raises(sp.InvalidProblemError, match=r"points_um\[1\] is at \(50, 101\) um"):
        domain.sample(field, [(50.0, 50.0), (50.0, 101.0)])
    assert domain.sample(field, [(-99.0, -99.0)], outside="clamp").tolist() == [0.0]
    with pytest.raises(sp.InvalidProblemError, match="field has shape"):
        domain.sample(field.T, [(50.0, 50.0)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Domain((0, 0), (100, 100), (10, 20)), "pixels of 5 um along x and 10 um along y"),
        (lambda: Domain((0, 0), (100, -1), (10, 10)), "domain.size_um"),
        (lambda: Domain((0, math.nan), (100, 100), (10, 10)), "domain.origin_um"),
        (lambda: Domain((0, 0), (100, 100), (10.5, 10)), "domain.shape"),
        (lambda: Domain((0, 0), (100, 100), (10, 10), thickness_um=0.0), "domain.thickness_um"),
        (lambda: Domain.from_lattice((10, 10), spacing_um=math.inf), "domain.spacing_um"),
        (lambda: Cells([(0.0, 0.0, 0.0)], 8.0), r"cells.position_um has shape \(1, 3\)"),
        (lambda: Cells([(0.0, 0.0)], [8.0, 8.0]), r"cells.radius_um has shape \(2,\)"),
        (lambda: Cells([(0.0, 0.0)], 8.0, uptake_per_min=[-1.0]), r"cells.uptake_per_min\[0\] is -1"),
        (lambda: Cells([(0.0, math.nan)], 8.0), r"cells.position_um\[0\]"),
        (lambda: Vessels([(0.0, 0.0)], 8.0, math.inf), "vessels.value is inf"),
        (lambda: Vessels.from_segments([(0.0, 0.0)], [(1.0, 1.0)] * 2, 8.0, 1.0), "vessels.end_um has 2 points"),
        (lambda: Voxels(fixed=np.zeros((8, 8))), "voxels.fixed has dtype float64"),
        (lambda: Voxels(uptake_per_min=np.full((8, 8), -1.0)), r"voxels.uptake_per_min is -1 at \(row 0, column 0\)"),
        (lambda: TissueState(cells=[(0.0, 0.0)]), r"state.cells is \[\(0.0, 0.0\)\]; an object of Cells"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, message):
    with pytest.raises(sp.InvalidProblemError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_voxels_of_another_shape_are_refused():
    domain = Domain.from_lattice((8, 16), 20.0)
    for voxels in (Voxels(np.ones((16, 8), bool)), Voxels(uptake_per_min=np.ones((16, 8)))):
        with pytest.raises(sp.InvalidProblemError, match=r"has shape \(16, 8\), but the domain has \(8, 16\)"):
            domain.rasterise(TissueState(voxels=voxels))


def test_a_state_keeps_its_numbers_when_the_host_reuses_its_buffers():
    position, uptake = np.array([(10.0, 10.0)]), np.array([1.0])
    state = TissueState(Cells(position, 8.0, uptake))
    position[:], uptake[:] = 99.0, 99.0
    assert state.cells.position_um.tolist() == [[10.0, 10.0]]
    assert state.cells.uptake_per_min.tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        state.cells.uptake_per_min[0] = 2.0


def test_states_are_the_same_when_every_number_is():
    def state(**changed):
        cells = {"position_um": [(10.0, 10.0)], "radius_um": 8.0, "uptake_per_min": 1.0}
        voxels = {"fixed": np.eye(8, dtype=bool), "value": 3.0}
        for group in (cells, voxels):
            group.update({name: value for name, value in changed.items() if name in group})
        return TissueState(Cells(**cells), Vessels([(1.0, 1.0)], 2.0, changed.get("held", 5.0)), Voxels(**voxels))

    assert state().same_as(state())
    for changed in (
        {"position_um": [(10.0, 10.5)]},
        {"radius_um": 8.5},
        {"uptake_per_min": 0.0},
        {"held": 6.0},
        {"value": 4.0},
        {"fixed": None},
    ):
        assert not state().same_as(state(**changed))
        assert not state(**changed).same_as(state())
    assert not state().same_as(TissueState(state().cells, state().vessels))
