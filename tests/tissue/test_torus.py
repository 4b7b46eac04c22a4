"""Around periodic sides: a tissue that is moved around a torus gives the same maps and the same field, moved."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.equation.sides import Boundary
from surrogate_plugin.tissue.raster import Raster

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 20))
TORUS = Boundary.parse("periodic")
RINGS = {
    "both": TORUS,
    "x": Boundary.parse({"left": "periodic", "right": "periodic", "bottom": "reflecting", "top": 3.0}),
    "y": Boundary.parse({"bottom": "periodic", "top": "periodic"}),
}
WHICH = st.sampled_from(sorted(RINGS))
#: Sums of such numbers are exact, so that a tissue that is moved gives the same maps to the last bit.
SPACING, GRAIN = 16.0, 1 / 64


def grains(rng: np.random.Generator, low: float, high: float, size: tuple[int, ...] | int) -> np.ndarray:
    return np.asarray(rng.integers(math.ceil(low / GRAIN), math.floor(high / GRAIN) + 1, size) * GRAIN)


def random_tissue(rng: np.random.Generator, shape: tuple[int, int], widest: float = 3.0) -> sp.TissueState:
    """Cells, discs and segments, thin and thick, anywhere on a domain of ``shape`` pixels; positions in grains."""
    rows, columns = shape

    def points(count: int) -> np.ndarray:
        return np.stack([grains(rng, 0, columns - GRAIN, count), grains(rng, 0, rows - GRAIN, count)], axis=1)

    cells, vessels = int(rng.integers(0, 8)), int(rng.integers(1, 5))
    start = points(vessels)
    end = np.where(rng.random((vessels, 1)) < 0.5, start, points(vessels))
    return sp.TissueState(
        sp.Cells(
            points(cells) * SPACING,
            SPACING * rng.uniform(0, widest, cells),
            uptake_per_min=rng.uniform(0, 10, cells),
            secretion_per_min=rng.uniform(0, 1, cells),
            secretion_target=rng.uniform(0, 5, cells),
        ),
        sp.Vessels(
            start * SPACING, SPACING * rng.choice([0.0, 0.25, 0.75, 2.0, widest], vessels),
            rng.uniform(0, 40, vessels), end * SPACING,
        ),
    )  # fmt: skip


def moved(state: sp.TissueState, by_pixels: tuple[float, float]) -> sp.TissueState:
    """The tissue moved by so many (rows, columns)."""
    by = SPACING * np.array(by_pixels[::-1])
    cells, vessels = state.cells, state.vessels
    return sp.TissueState(
        sp.Cells(
            cells.position_um + by, cells.radius_um,
            cells.uptake_per_min, cells.secretion_per_min, cells.secretion_target,
        ),
        sp.Vessels(vessels.position_um + by, vessels.radius_um, vessels.value, vessels.end_um + by),
    )  # fmt: skip


def maps(raster: Raster) -> dict[str, np.ndarray]:
    shape = raster.fixed.shape
    found = {name: value for name, value in vars(raster).items() if name != "left_out" and value is not None}
    return {name: np.broadcast_to(value, shape) for name, value in found.items()}


def random_move(rng: np.random.Generator, shape: tuple[int, int], sides: Boundary) -> tuple[int, int]:
    """Whole pixels along each axis that closes, some turns around included."""
    rows, columns = (
        int(rng.integers(-3 * size, 3 * size + 1)) * ring for size, ring in zip(shape, sides.rings, strict=True)
    )
    return rows, columns


@given(SEEDS, SHAPES, WHICH, st.sampled_from(["area", "voxel"]))
def test_a_tissue_moved_around_gives_the_same_maps_moved(seed, shape, which, deposit):
    rng = np.random.default_rng(seed)
    sides, domain = RINGS[which], sp.Domain.from_lattice(shape, SPACING)
    state, by = random_tissue(rng, shape), random_move(rng, shape, RINGS[which])
    here = maps(domain.rasterise(state, deposit=deposit, boundary=sides))
    there = maps(domain.rasterise(moved(state, by), deposit=deposit, boundary=sides))
    for name, values in here.items():
        assert np.array_equal(there[name], np.roll(values, by, axis=(0, 1))), name


@given(SEEDS, SHAPES, WHICH, st.floats(0.01, 60.0))
def test_all_that_cells_take_up_and_secrete_lands_on_a_ring_however_wide_they_are(seed, shape, which, widest):
    rng = np.random.default_rng(seed)
    domain, cells = sp.Domain.from_lattice(shape, SPACING), random_tissue(rng, shape, widest).cells
    raster = domain.rasterise(sp.TissueState(cells), boundary=RINGS[which])
    fraction = cells.volume_um3 / domain.voxel_volume_um3
    for made, rate in (
        (raster.uptake_per_min, cells.uptake_per_min),
        (raster.secretion_per_min, cells.secretion_per_min),
        (raster.production_per_min, cells.secretion_per_min * cells.secretion_target),
    ):
        assert np.min(made) >= 0
        count = math.prod(shape) if np.ndim(made) == 0 else 1
        assert np.sum(made) * count == pytest.approx(math.fsum(fraction * rate), rel=1e-12, abs=0)


@given(SEEDS, st.tuples(st.integers(1, 9), st.integers(1, 9)), WHICH, st.sampled_from([0.4, 2.0, 12.0]))
def test_the_maps_are_those_of_image_copies_side_by_side(seed, shape, which, widest):
    rng = np.random.default_rng(seed)
    sides, state = RINGS[which], random_tissue(rng, shape, widest)
    # So many copies to each side that no disc or axis beyond them reaches the middle; and as much room again.
    copies = [(math.ceil(widest / size) + 2) * ring for size, ring in zip(shape, sides.rings, strict=True)]
    wide = sp.Domain.from_lattice([(4 * n + 1) * size for n, size in zip(copies, shape, strict=True)], SPACING)
    middle = tuple(slice(2 * n * size, (2 * n + 1) * size) for n, size in zip(copies, shape, strict=True))
    turns = [range(n, 3 * n + 1) for n in copies]
    tissue = joined([moved(state, (i * shape[0], j * shape[1])) for i in turns[0] for j in turns[1]])
    expected = maps(wide.rasterise(tissue))
    for name, made in maps(sp.Domain.from_lattice(shape, SPACING).rasterise(state, boundary=sides)).items():
        assert made == pytest.approx(expected[name][middle], rel=1e-10, abs=1e-12 * float(made.max())), name


def joined(states: list[sp.TissueState]) -> sp.TissueState:
    """All that is in several states."""
    rates = ("uptake_per_min", "secretion_per_min", "secretion_target", "production_per_min")
    parts = {"cells": ("position_um", "radius_um", *rates), "vessels": tuple(vars(states[0].vessels))}
    cells, vessels = (
        {name: np.concatenate([getattr(getattr(state, kind), name) for state in states]) for name in names}
        for kind, names in parts.items()
    )
    return sp.TissueState(sp.Cells(**cells), sp.Vessels(**vessels))


@given(SEEDS, SHAPES, WHICH)
def test_a_point_is_read_where_it_comes_to_lie(seed, shape, which):
    rng = np.random.default_rng(seed)
    sides, domain, field = RINGS[which], sp.Domain.from_lattice(shape, SPACING), rng.uniform(0, 5, shape)
    points = np.stack([grains(rng, 0, size - GRAIN, 9) for size in shape[::-1]], axis=1) * SPACING
    by = random_move(rng, shape, sides)
    there = points + SPACING * np.array(by[::-1])
    here = domain.sample(field, points, boundary=sides)
    assert np.array_equal(domain.sample(np.roll(field, by, axis=(0, 1)), there, boundary=sides), here)


@pytest.mark.parametrize("deposit", ["area", "voxel"])
@pytest.mark.parametrize("vessels", ["disc", "segment"])
@pytest.mark.parametrize("which", sorted(RINGS))
def test_the_field_of_a_tissue_on_the_seam_is_that_of_the_same_tissue_inside(which, vessels, deposit):
    sides, shape = RINGS[which], (24, 32)
    backend = sp.Backend(
        sp.BackendConfig(
            domain=sp.Domain.from_lattice(shape, SPACING), diffusivity_um2_per_min=1e5, decay_per_min=1.0,
            boundary=sides, deposit=deposit, method="exact", tolerance=1e-7,
        )
    )  # fmt: skip
    end = [(16.0 * SPACING, 19.0 * SPACING)] if vessels == "segment" else None
    inside = sp.TissueState(
        sp.Cells([(20.25 * SPACING, 9.5 * SPACING), (11.0 * SPACING, 14.0 * SPACING)], 2.2 * SPACING, 30.0),
        sp.Vessels([(16.0 * SPACING, 12.0 * SPACING)], 2.5 * SPACING, 38.0, end),
    )
    middle = backend.step(inside)
    by = (12 * sides.periodic_y, 16 * sides.periodic_x)
    seam = backend.step(moved(inside, by))
    assert np.abs(seam.field - np.roll(middle.field, by, axis=(0, 1))).max() <= 4e-7
    cells = inside.cells.position_um
    away = cells + SPACING * np.array(by[::-1])
    assert seam.sample(away) == pytest.approx(middle.sample(cells), abs=4e-7)


def test_along_a_ring_nothing_is_off_the_domain_and_across_it_is():
    domain, sides = sp.Domain.from_lattice((10, 20), 10.0), RINGS["x"]
    beside, above = (-35.0, 50.0), (-35.0, 105.0)
    assert domain.contains([beside, above], boundary=sides).tolist() == [True, False]
    raster = domain.rasterise(sp.TissueState(sp.Cells([beside], 5.0, 1.0)), deposit="voxel", boundary=sides)
    assert np.argwhere(raster.uptake_per_min).tolist() == [[5, 16]]
    for state in (sp.TissueState(sp.Cells([above], 5.0, 1.0)), sp.TissueState(vessels=sp.Vessels([above], 2.0, 38.0))):
        with pytest.raises(sp.InvalidProblemError, match=r"\[0\] is at \(-35, 105\) um, off the domain"):
            domain.rasterise(state, boundary=sides)
        assert domain.rasterise(state, boundary=sides, outside="drop").left_out == 1
        clamped = domain.rasterise(state, boundary=sides, outside="clamp", deposit="voxel")
        assert np.argwhere(clamped.fixed | (clamped.uptake_per_min > np.zeros((10, 20)))).tolist() == [[9, 16]]


def test_a_vessel_beyond_the_end_of_a_ring_is_clamped_across_and_goes_on_around():
    domain, sides = sp.Domain.from_lattice((4, 6), 1.0), RINGS["x"]
    along = sp.Vessels.from_segments([(4.5, 7.0)], [(7.5, 7.0)], 0.0, 38.0)
    raster = domain.rasterise(sp.TissueState(vessels=along), boundary=sides, outside="clamp")
    assert np.argwhere(raster.fixed).tolist() == [[3, 0], [3, 1], [3, 4], [3, 5]]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (sp.TissueState(sp.Cells([(0.0, 0.0)], 1e9, 1.0)), r"cells.radius_um\[0\] is 1e\+09, so that its disc meets"),
        (
            sp.TissueState(vessels=sp.Vessels.from_segments([(0.0, 0.0)], [(1e6, 0.0)], 1.0, 1.0)),
            r"vessels.end_um\[0\] is 1.25e\+04 times the domain away .*; at most 100 times around",
        ),
    ],
)
def test_what_goes_around_too_often_is_refused_in_a_sentence(state, words):
    domain = sp.Domain.from_lattice((8, 8), 10.0)
    with pytest.raises(sp.InvalidProblemError, match=words) as caught:
        domain.rasterise(state, boundary="periodic")
    assert str(caught.value).endswith(".")
