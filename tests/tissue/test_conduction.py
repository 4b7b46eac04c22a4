"""What cells conduct and what their membranes hold back: on the pixels, and on the faces between them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.tissue.raster import Raster

SEEDS = st.integers(0, 2**32 - 1)
DEPOSITS = st.sampled_from(["area", "voxel"])
AROUND = 1e3


def random_cells(rng: np.random.Generator, domain: sp.Domain, count: int) -> dict[str, np.ndarray]:
    (x0, y0), (width, height) = domain.origin_um, domain.size_um
    return {
        "position_um": np.stack([rng.uniform(x0, x0 + width, count), rng.uniform(y0, y0 + height, count)], axis=1),
        "radius_um": rng.uniform(0.0, 3.0, count) * max(domain.spacings_um),
        "uptake_per_min": rng.uniform(0, 5, count),
        "diffusivity_um2_per_min": rng.choice([0.0, 10.0, 2e3, math.nan], count),
        "membrane_um_per_min": rng.choice([0.0, 0.5, 20.0, math.inf], count),
        "decay_change_per_min": rng.uniform(-1.0, 1.0, count),
    }


def lattice(rng: np.random.Generator) -> sp.Domain:
    shape = tuple(int(side) for side in rng.integers(4, 14, 2))
    return sp.Domain.from_lattice(shape, rng.uniform(1.0, 3.0, 2), origin_um=rng.uniform(-50, 50, 2), thickness_um=2.0)


def maps(raster: Raster, shape: tuple[int, int], boundary: str = "reflecting") -> dict[str, np.ndarray]:
    """What is posed: decay, diffusivity and the resistances of the faces."""
    ring = boundary == "periodic"
    found = raster.membranes and raster.membranes.on(shape, (ring, ring))
    membranes = found or sp.Membranes()
    rows, columns = shape
    with np.errstate(divide="ignore"):
        faces = {
            "x": np.ones((rows, columns - 1 + ring)) / membranes.x,
            "y": np.ones((rows - 1 + ring, columns)) / membranes.y,
        }
    return {
        "decay": raster.decay(0.5) * np.ones(shape),
        "diffusivity": raster.diffusivity(AROUND) * np.ones(shape),
        **faces,
    }


def agree(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.allclose(one[name], other[name], rtol=1e-9, atol=1e-9) for name in one)


@given(SEEDS, DEPOSITS)
def test_the_order_of_cells_makes_no_difference(seed, deposit):
    rng = np.random.default_rng(seed)
    domain = lattice(rng)
    cells, order = random_cells(rng, domain, 12), rng.permutation(12)
    here = domain.rasterise(sp.TissueState(sp.Cells(**cells)), deposit=deposit)
    there = domain.rasterise(sp.TissueState(sp.Cells(**{k: v[order] for k, v in cells.items()})), deposit=deposit)
    assert agree(maps(here, domain.shape), maps(there, domain.shape))


@given(SEEDS, DEPOSITS, st.sampled_from([0, 1]))
def test_mirrored_cells_have_mirrored_maps(seed, deposit, axis):
    rng = np.random.default_rng(seed)
    domain = lattice(rng)
    cells = random_cells(rng, domain, 9)
    turned = dict(cells, position_um=cells["position_um"].copy())
    column = 1 - axis
    turned["position_um"][:, column] = (
        2 * domain.origin_um[column] + domain.size_um[column] - cells["position_um"][:, column]
    )
    here, there = (
        maps(domain.rasterise(sp.TissueState(sp.Cells(**each)), deposit=deposit, outside="clamp"), domain.shape)
        for each in (cells, turned)
    )
    assert agree({name: np.flip(values, axis) for name, values in here.items()}, there)


@given(SEEDS, st.booleans())
def test_the_pixel_of_a_cell_conducts_by_the_areas_of_what_is_in_it(seed, overlapping):
    rng = np.random.default_rng(seed)
    domain = sp.Domain.from_lattice((9, 11), (1.0, 1.5), thickness_um=1.0)
    at = np.array([[4.0, 3.0], [4.4, 3.3] if overlapping else [11.0, 6.0]]) + rng.uniform(-0.4, 0.4, (2, 2))
    radius, own = rng.uniform(0.3, 2.5, 2), np.array([50.0, 0.0])
    made = domain.rasterise(sp.TissueState(sp.Cells(at, radius, diffusivity_um2_per_min=own))).diffusivity(AROUND)
    fine = 40
    x = (np.arange(11 * fine) + 0.5) / fine * 1.5
    y = (np.arange(9 * fine) + 0.5) / fine
    cover = [
        np.hypot(x[np.newaxis, :] - px, y[:, np.newaxis] - py) <= r for (px, py), r in zip(at, radius, strict=True)
    ]
    share = [mask.reshape(9, fine, 11, fine).mean(axis=(1, 3)) for mask in cover]
    total = share[0] + share[1]
    expected = (share[0] * own[0] + share[1] * own[1]) / np.maximum(total, 1.0) + np.maximum(1 - total, 0.0) * AROUND
    assert made == pytest.approx(expected, abs=AROUND * 3 / fine)


@given(SEEDS)
def test_diffusivities_of_cells_are_the_map_given_by_hand_where_cells_fill_voxels(seed):
    rng = np.random.default_rng(seed)
    domain = sp.Domain.from_lattice((6, 7), 20.0)
    own = rng.choice([0.0, 10.0, 300.0, math.nan], 42)
    cells = sp.Cells(
        voxel=np.arange(42), volume_um3=domain.voxel_volume_um3, uptake_per_min=rng.uniform(0.1, 1, 42),
        diffusivity_um2_per_min=own,
    )  # fmt: skip
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=AROUND, decay_per_min=0.1, boundary=5.0, deposit="voxel"
    )
    by_cells = sp.Backend(config).problem(sp.TissueState(cells))
    by_hand = np.where(np.isnan(own), AROUND, own).reshape(6, 7)
    same = sp.Voxels(diffusivity_um2_per_min=by_hand, uptake_per_min=cells.uptake_per_min.reshape(6, 7))
    by_voxels = sp.Backend(config).problem(sp.TissueState(voxels=same))
    assert np.array_equal(by_cells.diffusivity * np.ones((6, 7)), by_voxels.diffusivity * np.ones((6, 7)))
    assert by_cells.fingerprint == by_voxels.fingerprint


@given(st.floats(-7.0, 0.0), DEPOSITS, st.booleans())
def test_a_cell_that_grazes_an_obstacle_is_no_contrast_that_is_refused(exponent, deposit, per_axis):
    """The left half is an obstacle. The cell reaches into it by a part of a pixel, whose part of its diffusivity may
    be less than a problem takes; such a pixel goes on as the obstacle it was, any other conducts its part."""
    medium = np.full((5, 8), 1e5)
    medium[:, :4] = 0.0
    domain = sp.Domain.from_lattice((5, 8), 10.0, thickness_um=10.0)
    if deposit == "area":
        position, volume = [[45.0 - 10.0**exponent, 25.0]], 4 / 3 * math.pi * 5.0**3
    else:
        position, volume = [[35.0, 25.0]], 1e3 * 10.0**exponent
    cells = sp.Cells(position_um=position, volume_um3=[volume], diffusivity_um2_per_min=[1.0])
    voxels = sp.Voxels(diffusivity_um2_per_min=sp.PerAxis(x=medium, y=2 * medium) if per_axis else medium)
    raster = domain.rasterise(sp.TissueState(cells=cells, voxels=voxels), deposit=deposit)
    posed = raster.diffusivity(1.0)
    expected = np.asarray(raster.own_diffusivity_um2_per_min)[2, 3]
    for given_medium, of_axis in zip((medium, 2 * medium), (posed.x, posed.y) if per_axis else (posed,), strict=False):
        kept = expected >= 1e-8 * given_medium.max() * (2 if per_axis and given_medium is medium else 1)
        assert of_axis[2, 3] == (expected if kept else 0.0)
    problem = sp.Problem(
        np.zeros((5, 8)), diffusivity=posed, decay=1.0, production=1.0, boundary="reflecting", spacing=10.0
    )
    assert np.isfinite(sp.solve(problem, method="exact").field).all()


@given(SEEDS, st.booleans())
def test_membranes_are_between_cells_and_what_is_outside_of_them_alone(seed, ring):
    rng = np.random.default_rng(seed)
    domain = lattice(rng)
    cells = random_cells(rng, domain, 8)
    sides = "periodic" if ring else "reflecting"
    raster = domain.rasterise(sp.TissueState(sp.Cells(**cells)), boundary=sides)
    rows, columns = domain.shape
    x, y = domain.centres_um()
    # With one more pixel, beyond the last one: on a ring the image of the first.
    beyond_x, beyond_y = np.append(x, x[-1] + domain.spacings_um[1]), np.append(y, y[-1] + domain.spacings_um[0])
    near = range(-4, 5) if ring else [0]  # no disc reaches farther around
    turns = [(i * domain.size_um[0], j * domain.size_um[1]) for i in near for j in near]
    with np.errstate(divide="ignore", invalid="ignore"):
        resistance = {"x": np.zeros((rows, columns - 1 + ring)), "y": np.zeros((rows - 1 + ring, columns))}
        for (px, py), radius, permeability in zip(
            cells["position_um"], cells["radius_um"], cells["membrane_um_per_min"], strict=True
        ):
            for dx, dy in turns:
                inside = np.hypot(beyond_x[np.newaxis, :] - px - dx, beyond_y[:, np.newaxis] - py - dy) <= radius
                across = np.where(inside[:-1, 1:] != inside[:-1, :-1], 1 / permeability, 0.0)
                resistance["x"] += across[:, : columns - 1 + ring]
                along = np.where(inside[1:, :-1] != inside[:-1, :-1], 1 / permeability, 0.0)
                resistance["y"] += along[: rows - 1 + ring]
    made = maps(raster, domain.shape, sides)
    for name, expected in resistance.items():
        assert np.allclose(made[name], expected), name


def test_a_voxels_membrane_is_as_its_cells_have_it_by_volume_whatever_their_number():
    domain = sp.Domain.from_lattice((1, 4), 10.0)
    cells = sp.Cells(
        voxel=[1, 1, 1, 2], volume_um3=[100.0, 100.0, 200.0, 50.0], membrane_um_per_min=[2.0, 2.0, math.inf, 0.5]
    )
    membranes = domain.rasterise(sp.TissueState(cells), deposit="voxel").membranes
    # The mean resistance of the three is a quarter; that of the one is 2; between the two voxels are both.
    assert membranes.x == pytest.approx(np.array([[1 / 0.25, 1 / 2.25, 1 / 2.0]]))


def test_membranes_of_voxels_and_of_cells_are_in_series():
    domain = sp.Domain.from_lattice((2, 3), 10.0)
    cells = sp.Cells(voxel=[(0, 1)], volume_um3=100.0, membrane_um_per_min=2.0)
    voxels = sp.Voxels(membranes=sp.Membranes(x=[[2.0, math.inf], [4.0, 0.0]]))
    membranes = domain.rasterise(sp.TissueState(cells, voxels=voxels), deposit="voxel").membranes
    assert np.allclose(membranes.x, [[1.0, 2.0], [4.0, 0.0]])
    assert np.allclose(membranes.y, [[math.inf, 2.0, math.inf]])


@given(SEEDS, DEPOSITS)
def test_cells_in_a_shell_that_nothing_passes_live_by_themselves(seed, deposit):
    """What a tight cell holds inside does not depend on what is outside of it."""
    rng = np.random.default_rng(seed)
    domain = sp.Domain.from_lattice((12, 12), 1.0)
    cells = {"position_um": [(6.2, 5.9)], "radius_um": 3.1, "secretion_per_min": 2.0, "secretion_target": 7.0}
    around = rng.uniform(0.0, 50.0)
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=5.0, decay_per_min=0.3, boundary=around, method="exact",
        tolerance=1e-8, deposit=deposit,
    )  # fmt: skip
    tight = sp.TissueState(sp.Cells(**cells, membrane_um_per_min=0.0))
    x, y = domain.centres_um()
    inside = np.hypot(x[np.newaxis, :] - 6.2, y[:, np.newaxis] - 5.9) <= 3.1
    if deposit == "voxel":
        inside = np.zeros(domain.shape, dtype=bool)
        inside[5, 6] = True
    field = sp.Backend(config).step(tight).field
    alone = sp.Backend(config.replace(boundary="absorbing")).step(tight).field
    assert field[inside] == pytest.approx(alone[inside], rel=1e-6)
    given = np.asarray(domain.rasterise(tight, deposit=deposit).secretion_per_min)[inside]
    # What the cell gives in is what decays inside.
    assert ((given * (7.0 - field[inside])).sum()) == pytest.approx(0.3 * field[inside].sum(), rel=1e-5)


def test_decay_below_the_background_is_as_a_cell_has_it_and_never_below_nothing():
    domain = sp.Domain.from_lattice((1, 3), 10.0)
    cells = sp.Cells(
        voxel=[0, 1, 1], volume_um3=[500.0, 1000.0, 1000.0], uptake_per_min=[0.0, 0.2, 0.0],
        decay_change_per_min=[-0.4, -0.4, -0.4],
    )  # fmt: skip
    raster = domain.rasterise(sp.TissueState(cells), deposit="voxel")
    assert raster.decay(0.5) == pytest.approx(np.array([[0.3, 0.2, 0.5]]))
    assert raster.decay(0.5, with_uptake=False) == pytest.approx(np.array([[0.3, 0.0, 0.5]]))


def test_what_a_host_has_per_voxel_is_in_the_place_of_the_background():
    domain = sp.Domain.from_lattice((8, 9), 10.0)
    rng = np.random.default_rng(5)
    voxels = sp.Voxels(
        diffusivity_um2_per_min=sp.PerAxis(x=rng.uniform(1, 9, (8, 9)), y=3.0), decay_per_min=rng.uniform(0, 1, (8, 9))
    )
    config = sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1.0, decay_per_min=0.5)
    problem = sp.Backend(config).problem(sp.TissueState(voxels=voxels))
    assert np.array_equal(problem.diffusivities[1], voxels.diffusivity_um2_per_min.x)
    assert problem.diffusivities[0] == 3.0
    assert np.array_equal(problem.decay, voxels.decay_per_min)


def test_a_state_that_rasterises_as_the_last_one_is_answered_with_the_field_held():
    domain = sp.Domain.from_lattice((8, 9), 10.0)
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=1e3, decay_per_min=0.5, boundary=3.0, deposit="voxel"
    )
    backend = sp.Backend(config)
    first = backend.step(sp.TissueState(sp.Cells([(12.0, 33.0)], 4.0, uptake_per_min=2.0)))
    again = backend.step(sp.TissueState(sp.Cells([(15.0, 35.0)], 4.0, uptake_per_min=2.0)))
    assert again.record.method == "held"
    assert again.field is first.field
    assert backend.step(sp.TissueState(sp.Cells([(25.0, 35.0)], 4.0, uptake_per_min=2.0))).record.method != "held"


@pytest.mark.parametrize(
    ("name", "wrong", "allowed"),
    [
        ("diffusivity_um2_per_min", -1.0, "or NaN"),
        ("diffusivity_um2_per_min", math.inf, "or NaN"),
        ("membrane_um_per_min", math.nan, "or inf"),
        ("membrane_um_per_min", -2.0, "or inf"),
        ("decay_change_per_min", math.nan, "in size"),
        ("decay_change_per_min", -1e200, "in size"),
        ("membrane_um_per_min", [1.0, 2.0], "one an item"),
    ],
)
def test_what_is_no_property_of_a_cell_is_refused(name, wrong, allowed):
    with pytest.raises(sp.InvalidProblemError, match=rf"cells\.{name}.*{allowed}"):
        sp.Cells([(0.0, 0.0)], 1.0, **{name: wrong})


def test_maps_of_another_lattice_are_refused():
    domain = sp.Domain.from_lattice((8, 9), 10.0)
    for name, value in (
        ("diffusivity_um2_per_min", np.ones((9, 8)) + np.eye(9, 8)),
        ("diffusivity_um2_per_min", sp.PerAxis(x=1.0, y=np.ones((9, 8)) + np.eye(9, 8))),
        ("decay_per_min", np.ones((9, 8)) + np.eye(9, 8)),
    ):
        with pytest.raises(sp.InvalidProblemError, match=rf"voxels\.{name}.* has shape \(9, 8\)"):
            domain.rasterise(sp.TissueState(voxels=sp.Voxels(**{name: value})))
