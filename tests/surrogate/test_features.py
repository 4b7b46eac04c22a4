"""What the network reads depends on no unit, shows the boundary, and comes back as the field it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_plugin.gallery import random_problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.features import BLOCK, CHANNELS, WIDER_CHANNELS, PaddedLattice

seeds = st.integers(0, 2**32 - 1)
shapes = st.tuples(st.integers(8, 70), st.integers(8, 70))


def framed(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """An (H, W) image inside the padded lattice, zero around it."""
    padded = np.zeros(PaddedLattice.around(shape).padded, np.float32)
    inner(padded, shape)[:] = image
    return padded


def inner(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    row, column = PaddedLattice.around(shape).first
    return image[row : row + shape[0], column : column + shape[1]]


@given(shapes)
def test_every_side_has_a_margin_and_blocks_are_whole(shape: tuple[int, int]) -> None:
    lattice = PaddedLattice.around(shape)
    for side, blocks, first in zip(shape, lattice.blocks, lattice.first, strict=True):
        assert first >= 1
        assert blocks * BLOCK - side - first >= 1
        assert blocks * BLOCK - side - 2 < BLOCK


@given(seeds, shapes)
def test_values_and_mask_are_the_problem_s(seed: int, shape: tuple[int, int]) -> None:
    problem = random_problem(np.random.default_rng(seed), shape=shape)
    image = features.encode(problem)
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    np.testing.assert_array_equal(inner(image[1], shape), problem.fixed.astype(np.float32))
    expected = np.where(problem.fixed, problem.source / features.value_scale(problem), 0.0)
    np.testing.assert_allclose(inner(image[0], shape), expected, rtol=1e-6, atol=1e-30)


@given(seeds, st.floats(1e-6, 1e6), st.floats(1e-3, 1e3), st.floats(1e-4, 1e4), st.booleans())
def test_no_unit_matters(seed: int, value: float, length: float, rate: float, saturating: bool) -> None:
    """Field units, length units (spacing and diffusivity) and time units change no feature."""
    rng = np.random.default_rng(seed)
    source = np.where(rng.random((24, 30)) < 0.05, rng.uniform(0.1, 1.0, (24, 30)), 0.0)
    source[3, 4] = 1.0
    decay, vmax = rng.uniform(1e-3, 0.1, source.shape), rng.uniform(0.0, 0.1, source.shape)
    uptake = MichaelisMenten(vmax, 0.3) if saturating else None
    scaled = MichaelisMenten(vmax * rate * value, 0.3 * value) if saturating else None
    plain = Problem(source, decay=decay, uptake=uptake, boundary={"left": 0.5, "right": "reflecting"})
    other = Problem(
        source * value,
        fixed=source > 0,
        diffusivity=rate * length**2,
        decay=decay * rate,
        uptake=scaled,
        spacing=length,
        boundary={"left": 0.5 * value, "right": "reflecting"},
    )
    np.testing.assert_allclose(features.encode(other), features.encode(plain), rtol=1e-5, atol=1e-5)
    assert features.saturation(other) == pytest.approx(features.saturation(plain))


@given(seeds, st.booleans())
def test_uptake_reads_as_the_equation_s_own(seed: int, saturating: bool) -> None:
    """At any field the channels and the saturation give ``h^2 / D`` times decay and uptake over the field."""
    rng = np.random.default_rng(seed)
    source = np.where(rng.random((20, 17)) < 0.1, rng.uniform(0.1, 3.0, (20, 17)), 0.0)
    source[3, 4] = 3.0
    decay, vmax = rng.uniform(0.0, 0.1, source.shape), rng.uniform(0.0, 0.1, source.shape)
    uptake = MichaelisMenten(vmax, 0.7) if saturating else None
    problem = Problem(source, decay=decay, uptake=uptake, diffusivity=2.0, spacing=3.0)
    field = rng.uniform(0.1, 3.0, source.shape)
    image = features.encode(problem)
    first_order, rate = inner(image[2], source.shape), inner(image[3], source.shape)
    found = first_order + rate / (1.0 + features.saturation(problem) * field / 3.0)
    taken = decay + (vmax / (0.7 + field) if saturating else 0.0)
    np.testing.assert_allclose(found, np.where(problem.fixed, 0.0, taken * 4.5), rtol=1e-5)


@pytest.mark.parametrize("zero", [0.0, np.zeros((16, 16))])
def test_no_decay_is_finite(zero: float | np.ndarray) -> None:
    source = np.zeros((16, 16))
    source[5, 5] = 1.0
    assert np.isfinite(features.encode(Problem(source, decay=zero))).all()


@pytest.mark.parametrize(("boundary", "value"), [("absorbing", 0.0), (0.5, 0.25), (4.0, 1.0)])
def test_beyond_a_side_that_holds_a_value_lie_fixed_pixels(boundary: BoundaryLike, value: float) -> None:
    source = np.zeros((14, 20))
    source[0, 3] = 2.0
    values, mask, *uptake = features.encode(Problem(source, boundary=boundary))
    outside = np.ones(mask.shape, np.bool_)
    inner(outside, source.shape)[:] = False
    assert (mask[outside] == 1.0).all()
    np.testing.assert_allclose(values[outside], value)
    assert not any(channel[outside].any() for channel in uptake)


def test_beyond_a_reflecting_side_lies_the_mirror_image() -> None:
    rng = np.random.default_rng(5)
    source = np.where(rng.random((12, 12)) < 0.3, rng.uniform(0.1, 1.0, (12, 12)), 0.0)
    source[6, 6] = 1.0
    before = PaddedLattice.around(source.shape).first[0]
    after = PaddedLattice.around(source.shape).padded[0] - 12 - before
    decay = rng.uniform(0.1, 0.2, source.shape)
    seen = features.encode(Problem(source, decay=decay, boundary="reflecting"))
    for channel, there in ((0, source), (1, source > 0), (2, np.where(source > 0, 0.0, decay))):
        np.testing.assert_allclose(seen[channel], np.pad(there, (before, after), mode="symmetric"), rtol=1e-6)


def test_each_side_keeps_its_own_kind() -> None:
    source = np.zeros((14, 14))
    source[7, 7] = 1.0
    kinds: BoundaryLike = {"left": 0.25, "right": "reflecting", "bottom": 0.5, "top": "absorbing"}
    values, mask, *_ = features.encode(Problem(source, boundary=kinds))
    middle = mask.shape[0] // 2
    assert values[middle, 0] == 0.25
    assert values[0, middle] == 0.5
    assert (values[-1, middle], mask[-1, middle]) == (0.0, 1.0)
    assert mask[middle, -1] == 0.0
    upright = features.encode(Problem(source, boundary={"bottom": 0.25, "top": "reflecting"}))[1]
    assert (upright[0, middle], upright[-1, middle]) == (1.0, 0.0)


@given(seeds, shapes)
def test_what_the_network_writes_comes_back_with_fixed_values_imposed(seed: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, shape=shape)
    scale = features.value_scale(problem)
    image = rng.uniform(-0.5, 1.5, shape).astype(np.float32)
    field = features.decode(framed(image, shape), problem)
    assert field.dtype == np.float64
    highest = np.inf if np.any(np.asarray(problem.supply) > 0) else 1.0
    expected = np.where(problem.fixed, problem.source, np.clip(image.astype(np.float64), 0.0, highest) * scale)
    np.testing.assert_allclose(field, expected, rtol=1e-12)
    np.testing.assert_array_equal(field[problem.fixed], problem.source[problem.fixed])


def test_a_nan_of_the_network_is_seen() -> None:
    problem = Problem(np.eye(16))
    image = np.full((16, 16), 0.5, np.float32)
    image[2, 9] = np.nan
    field = features.decode(framed(image, (16, 16)), problem)
    assert np.isnan(field[2, 9])
    assert np.isfinite(field).sum() == 16 * 16 - 1


def test_the_published_network_reads_the_source_image() -> None:
    source = np.zeros((40, 70))
    source[3, 4], source[9, 60] = 2.0, 1.0
    image = features.source_image(Problem(source), 32)
    assert image.shape == (1, 64, 96)
    np.testing.assert_array_equal(image[0, :40, :70], source / 2)
    assert not image[0, 40:].any()
    assert not image[0, :, 70:].any()


def test_what_is_given_to_write_to_is_written_whole() -> None:
    for boundary, channels in (("absorbing", CHANNELS), ("reflecting", CHANNELS), ("periodic", WIDER_CHANNELS)):
        problem = Problem(np.eye(9), boundary=boundary)
        out = np.full((channels, *PaddedLattice.around((9, 9)).padded), np.nan, np.float32)
        assert features.encode(problem, out) is out
        assert np.isfinite(out).all()
