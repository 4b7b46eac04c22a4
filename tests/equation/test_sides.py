"""Sides by name: a mapping says what it says, and the host says the rest."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.equation.sides import SIDES, Boundary, Side
from surrogate_plugin.errors import InvalidProblemError

OWN = ["absorbing", "reflecting", "periodic", 38.0, {"bottom": 5.0, "top": "reflecting"}]
NAMED = [{}, {"left": 38.0, "right": "absorbing"}, {"bottom": "reflecting", "top": 2.0}, dict.fromkeys(SIDES, 1.0)]


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("own", [*OWN, Boundary.parse({"left": "periodic", "right": "periodic"})])
def test_each_side_is_what_the_mapping_names_or_else_the_hosts_own(own, named):
    sides = Boundary.parse(named, unnamed=own)
    for name in SIDES:
        expected = Boundary.parse(named[name]).left if name in named else getattr(Boundary.parse(own), name)
        assert getattr(sides, name) == expected


@pytest.mark.parametrize("whole", ["reflecting", 3.0, Boundary.parse("periodic")])
def test_what_names_all_sides_leaves_none_to_the_host(whole):
    assert Boundary.parse(whole, unnamed=38.0) == Boundary.parse(whole)


def test_without_a_host_unnamed_sides_absorb():
    assert Boundary.parse({"left": "reflecting"}).top == Side("value", 0.0)


@pytest.mark.parametrize(
    ("boundary", "own", "words"),
    [
        ({"north": 1.0}, "reflecting", "unknown side 'north'; the sides are left, right, bottom, top"),
        ({"left": 1.0}, "open", "boundary .all sides. is 'open'"),
        ({"left": 1.0}, "periodic", "names 'left', .* without 'right' across from it; name both"),
        ({"left": "periodic"}, "reflecting", r"boundary\['left'\] is periodic but boundary\['right'\] is not"),
    ],
)
def test_sides_that_cannot_be_are_refused_in_a_sentence_about_what_was_named(boundary, own, words):
    with pytest.raises(InvalidProblemError, match=words) as caught:
        Boundary.parse(boundary, unnamed=own)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("value", [38, np.int64(38), np.float32(38.0), np.array(38.0)])
def test_a_side_of_any_kind_of_number_is_one_of_that_float(value) -> None:
    side = Side("value", value)
    assert side == Side("value", 38.0)
    assert type(side.value) is float
    walls = Boundary(side, side, side, side).walls()
    assert walls.value.dtype == np.float64
    assert (walls.value == 38.0).all()
