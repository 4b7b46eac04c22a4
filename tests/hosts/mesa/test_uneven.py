"""Cells of a grid, and pixels of a continuous space, that are not square: which numbers are allowed."""

from __future__ import annotations

import mesa
import pytest
from mesa.experimental.continuous_space import ContinuousSpace

import surrogate_plugin as sp
from tests.hosts.mesa.models import attached, still


def test_height_and_width_are_those_of_the_domain() -> None:
    link = attached(still(cells=3, vessels=1), spacing_um=(12.0, 20.0), thickness_um=20.0)
    domain = link.backend("oxygen").config.domain
    assert (domain.spacings_um, domain.size_um) == ((12.0, 20.0), (17 * 20.0, 11 * 12.0))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"spacing_um": (12.0, 20.0, 20.0)}, r"spacing_um is \(12.0, 20.0, 20.0\); a number, or two, \(dy, dx\)"),
        ({"spacing_um": (12.0, -20.0)}, r"spacing_um\[1\] is -20"),
        ({"spacing_um": (12.0, 20.0)}, "thickness_um is None, but pixels are 20 um along x and 12 um along y"),
    ],
)
def test_what_are_no_cells_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match=sentence):
        attached(still(vessels=1), **given)


def test_each_side_of_a_continuous_space_is_of_whole_pixels() -> None:
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[0, 260], [0, 160]], random=model.random)
    with pytest.raises(
        sp.InvalidProblemError, match="spacing_um is 13; what divides the sides of the space, here 160 um"
    ):
        attached(model, spacing_um=(13.0, 20.0), thickness_um=20.0)
