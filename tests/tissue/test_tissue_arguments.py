"""Tissues, domains, settings, points and lattices of any kind: taken for what they are, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from tests.junk import NO_NUMBERS, SOURCE, Evasive, one_sentence

DOMAIN = sp.Domain.from_lattice((8, 9), 10.0)
CONFIG = {"domain": DOMAIN, "diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1}
AT = [(45.0, 35.0)]
NUMBERS = {name: value for name, value in NO_NUMBERS.items() if name not in ("cube", "negative")}

#: Makes something of the value of one argument, which errors call by the name before it.
TAKERS: list[tuple[str, Callable[[Any], object]]] = [
    ("cells.position_um", lambda value: sp.Cells(value, 8.0)),
    ("cells.radius_um", lambda value: sp.Cells(AT, value)),
    ("cells.uptake_per_min", lambda value: sp.Cells(AT, 8.0, value)),
    ("cells.secretion_target", lambda value: sp.Cells(AT, 8.0, secretion_target=value)),
    ("cells.production_per_min", lambda value: sp.Cells(AT, 8.0, production_per_min=value)),
    ("cells.volume_um3", lambda value: sp.Cells(AT, volume_um3=value)),
    ("cells.voxel", lambda value: sp.Cells(voxel=value, radius_um=8.0)),
    ("vessels.position_um", lambda value: sp.Vessels(value, 8.0, 38.0)),
    ("vessels.end_um", lambda value: sp.Vessels(AT, 8.0, 38.0, value)),
    ("vessels.value", lambda value: sp.Vessels(AT, 8.0, value)),
    ("voxels.fixed", lambda value: sp.Voxels(fixed=value)),
    ("voxels.value", lambda value: sp.Voxels(value=value)),
    ("voxels.production_per_min", lambda value: sp.Voxels(production_per_min=value)),
    ("domain.origin_um", lambda value: sp.Domain(value, (90.0, 80.0), (8, 9))),
    ("domain.origin_um", lambda value: sp.Domain((0.0, value), (90.0, 80.0), (8, 9))),
    ("domain.size_um", lambda value: sp.Domain((0.0, 0.0), (value, value), (8, 9))),
    ("domain.shape", lambda value: sp.Domain((0.0, 0.0), (90.0, 80.0), value)),
    ("domain.shape", lambda value: sp.Domain.from_lattice((8, value), 10.0)),
    ("domain.spacing_um", lambda value: sp.Domain.from_lattice((8, 9), value)),
    ("domain.thickness_um", lambda value: sp.Domain.from_lattice((8, 9), 10.0, thickness_um=value)),
    ("points_um", DOMAIN.contains),
    ("points_um", lambda value: DOMAIN.sample(SOURCE, value, outside="clamp")),
    ("field", lambda value: DOMAIN.sample(value, AT)),
    ("boundary", lambda value: DOMAIN.sample(SOURCE, AT, boundary=value)),
    ("outside", lambda value: DOMAIN.sample(SOURCE, AT, outside=value)),
    ("state", DOMAIN.rasterise),
    ("deposit", lambda value: DOMAIN.rasterise(sp.TissueState(), deposit=value)),
    ("state.cells", lambda value: sp.TissueState(cells=value)),
    ("state.vessels", lambda value: sp.TissueState(vessels=value)),
    ("state.voxels", lambda value: sp.TissueState(voxels=value)),
    ("field", sp.MichaelisMenten(SOURCE, 1.0).rate),
    ("field", sp.MichaelisMenten(SOURCE, 1.0).slope),
    ("values", lambda value: sp.regrid(value, (4, 4))),
    ("shape", lambda value: sp.regrid(SOURCE, value)),
    ("fixed", lambda value: sp.regrid_fixed(value, SOURCE, (4, 4))),
    ("value", lambda value: sp.regrid_fixed(SOURCE > 0, value, (4, 4))),
    ("config", sp.Backend),
    ("engine", lambda value: sp.Backend(sp.BackendConfig(**CONFIG), engine=value)),
    ("recorder", lambda value: sp.Backend(sp.BackendConfig(**CONFIG), recorder=value)),
    ("state", sp.Backend(sp.BackendConfig(**CONFIG)).step),
    ("state", sp.Backend(sp.BackendConfig(**CONFIG)).problem),
    *((f"BackendConfig.{name}", lambda value, name=name: sp.BackendConfig(**CONFIG | {name: value})) for name in (
        "domain", "diffusivity_um2_per_min", "decay_per_min", "tolerance", "model", "boundary", "method", "policy",
        "device", "michaelis_km", "deposit", "outside",
    )),
]  # fmt: skip


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(("name", "take"), TAKERS)
def test_what_it_is_not_is_refused_in_one_sentence(name: str, take: Callable[[Any], object], kind: str) -> None:
    value = NUMBERS[kind]
    if kind == "empty" and name.endswith(("position_um", "end_um", "points_um", "voxel")):
        return  # nobody, nowhere: which is fine
    if kind in ("gradients", "bfloat16") and name == "engine":
        return  # a tensor has a method `solve`, which is all that a wrapper of an engine needs
    if kind in ("text", "bytes") and name.endswith(("model", "method")):
        return  # names, if of nothing
    if kind == "too large for its square" and name.endswith("tolerance"):
        return  # easily reached
    with pytest.raises(sp.InvalidProblemError) as caught:
        take(value)
    one_sentence(caught.value, name)


STRANGERS = {"none": None, "truth": True, "number": 3, "evasive": Evasive(), "class": sp.Problem}


@pytest.mark.parametrize("kind", STRANGERS)
def test_strangers_are_refused_in_one_sentence(kind: str) -> None:
    for take in (sp.Backend, TAKERS[-1][1], DOMAIN.rasterise, lambda junk: sp.Engine(model=junk)):
        with pytest.raises(sp.InvalidProblemError) as caught:
            take(STRANGERS[kind])
        one_sentence(caught.value, "config", "state", "model", "outside")


def test_a_state_is_not_the_same_as_a_stranger() -> None:
    assert not sp.TissueState().same_as(None)


@pytest.mark.parametrize("points", [np.ones((2, 3)), np.ones(4), np.ones(2), [(0.0, 0.0, 0.0)], [(np.nan, 0.0)], 5.0])
def test_points_are_pairs_of_numbers(points: object) -> None:
    for take in (DOMAIN.contains, lambda given: DOMAIN.sample(SOURCE, given, outside="clamp")):
        with pytest.raises(sp.InvalidProblemError) as caught:
            take(points)
        one_sentence(caught.value, "points_um")


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_field_that_is_not_finite_is_refused_where_it_is_read(wrong: float) -> None:
    field = np.ones((8, 9))
    field[0, 0] = wrong
    assert DOMAIN.sample(field, AT).tolist() == [1.0]
    with pytest.raises(sp.InvalidProblemError) as caught:
        DOMAIN.sample(field, [*AT, (8.0, 8.0)])
    one_sentence(caught.value, "points_um[1]")


@pytest.mark.parametrize("radius_um", [150.0, 1e4, 1e19, 1e30])
@pytest.mark.parametrize("position_um", [(0.0, 0.0), (45.0, 35.0), (90.0, 80.0)])
def test_a_cell_that_covers_the_domain_is_spread_evenly_however_large_it_is(
    radius_um: float, position_um: tuple[float, float]
) -> None:
    raster = DOMAIN.rasterise(sp.TissueState(sp.Cells([position_um], radius_um, uptake_per_min=1.0)))
    voxels = 4 / 3 * np.pi * radius_um**3 / DOMAIN.voxel_volume_um3
    np.testing.assert_allclose(raster.uptake_per_min, voxels / 72, rtol=1e-10)


def test_a_cell_of_more_voxels_than_float64_takes_is_refused() -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        DOMAIN.rasterise(sp.TissueState(sp.Cells(AT * 2, [1.0, 1e90], uptake_per_min=1.0)))
    one_sentence(caught.value, "cells.radius_um[1]")


def test_uptake_that_overflows_is_refused_where_the_problem_is_posed() -> None:
    cells = sp.Cells(AT, 1e30, uptake_per_min=1e100, secretion_per_min=1e100, secretion_target=1e100)
    for michaelis_km in (None, 1e100):
        backend = sp.Backend(sp.BackendConfig(**CONFIG, michaelis_km=michaelis_km, deposit="voxel"))
        with pytest.raises(sp.InvalidProblemError) as caught:
            backend.step(sp.TissueState(cells))
        one_sentence(caught.value, "decay", "production", "uptake")


@pytest.mark.parametrize("outside", ["error", "drop", "clamp"])
def test_an_axis_that_ends_beyond_the_resolution_of_float64_is_refused(outside: str) -> None:
    vessels = sp.Vessels.from_segments([(0.0, 0.0)], [(1e20, 1e20)], radius_um=8.0, value=38.0)
    with pytest.raises(sp.InvalidProblemError) as caught:
        DOMAIN.rasterise(sp.TissueState(vessels=vessels), outside=outside)
    one_sentence(caught.value, "vessels.end_um[0]")


def test_a_domain_too_far_from_0_for_its_pixels_is_refused() -> None:
    sp.Domain.from_lattice((8, 9), 1.0, origin_um=(1e8, -1e8))
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.Domain.from_lattice((8, 9), 1.0, origin_um=(1e16, 0.0))
    one_sentence(caught.value, "domain.origin_um")


@pytest.mark.parametrize("name", ["diffusivity_um2_per_min", "decay_per_min"])
def test_a_map_of_the_settings_has_the_shape_of_the_domain(name: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"shape \(9, 8\), but the domain has \(8, 9\)") as caught:
        sp.BackendConfig(**CONFIG | {name: np.ones((9, 8)) + np.eye(9, 8)})
    one_sentence(caught.value, f"BackendConfig.{name}")


def test_settings_keep_their_numbers_when_the_host_reuses_its_buffers() -> None:
    decay = 0.1 + np.eye(8, 9)
    config = sp.BackendConfig(**CONFIG | {"decay_per_min": decay})
    decay[:] = np.nan
    np.testing.assert_array_equal(config.decay_per_min, 0.1 + np.eye(8, 9))
    assert sp.BackendConfig(**CONFIG | {"decay_per_min": np.full((8, 9), 0.1)}).decay_per_min == 0.1


def test_only_what_is_held_is_looked_at_by_regrid_fixed() -> None:
    held, value = SOURCE > 0, np.where(SOURCE > 0, SOURCE, np.nan)
    assert sp.regrid_fixed(held, value, (4, 4))[1].max() == 38.0
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.regrid_fixed(~held, value, (4, 4))
    one_sentence(caught.value, "value")
