"""Sweeps: what is asked for, evenly, and the same members whenever they are asked for again."""

from __future__ import annotations

import json

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from surrogate_plugin.ensemble.members import Link, members_of


def test_a_grid_has_each_combination_once() -> None:
    members = ensemble.grid({"a": [1, 2, 3], "b": ["x", "y"], "c": np.array([0.5, 0.25])})
    assert len({json.dumps(each) for each in members}) == 12
    assert members[0] == {"a": 1, "b": "x", "c": 0.5}
    assert members[1] == {"a": 1, "b": "x", "c": 0.25}


def test_a_latin_hypercube_has_one_point_in_each_part_of_each_range() -> None:
    points = ensemble.latin_hypercube({"a": (0.0, 1.0), "b": (1e-3, 1e3)}, 20, seed=4, log=["b"])
    assert sorted(int(20 * each["a"]) for each in points) == list(range(20))
    assert sorted(int(20 * (np.log10(each["b"]) + 3) / 6) for each in points) == list(range(20))


def test_a_sobol_sequence_fills_the_box_evenly_and_grows() -> None:
    over = {"a": (2.0, 4.0), "b": (-1.0, 1.0)}
    points = ensemble.sobol(over, 64, seed=3)
    halves = [(each["a"] > 3.0, each["b"] > 0.0) for each in points]
    assert [halves.count(each) for each in ((False, False), (False, True), (True, False), (True, True))] == [16] * 4
    assert ensemble.sobol(over, 100, seed=3)[:64] == points
    assert ensemble.sobol(over, 1, seed=3) == points[:1]


def test_a_member_is_known_again_by_its_parameters_in_any_order_and_place() -> None:
    one = members_of([{"a": 5, "b": "x"}, {"a": 6, "b": "x"}], "grow", repeats=2, seed=0)
    other = members_of([{"b": "x", "a": 6.0}, {"b": "x", "a": 5.0}], "grow", repeats=3, seed=0)
    assert {each.key for each in one} < {each.key for each in other}
    others = members_of([{"a": 5, "b": "x"}], "die", repeats=2, seed=0)
    assert not {each.key for each in one} & {each.key for each in others}
    assert len({each.key for each in one}) == 4


def test_the_same_set_of_parameters_twice_is_one() -> None:
    members = members_of([{"a": 1}, {"a": 2}, {"a": 1.0}], "grow", repeats=1, seed=0)
    assert [(each.index, each.parameters["a"]) for each in members] == [(0, 1), (1, 2)]


def test_random_numbers_are_those_of_the_member(tmp_path) -> None:
    members = members_of([{"a": 1}, {"a": 2}], "grow", repeats=2, seed=0)
    again = members_of([{"a": 2}, {"a": 1}], "grow", repeats=2, seed=0)
    drawn = {each.key: Link.of(each, tmp_path).rng.random() for each in members}
    assert drawn == {each.key: Link.of(each, tmp_path).rng.random() for each in again}
    assert len(set(drawn.values())) == 4
    seeded = [Link.of(each, tmp_path).seed for each in members_of([{"a": 1}], "grow", repeats=2, seed=1)]
    assert not set(seeded) & {Link.of(each, tmp_path).seed for each in members}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: ensemble.grid({}), "grid has {}; a table of at least one parameter is allowed."),
        (lambda: ensemble.grid({"a": "xyz"}), "a is 'xyz'; a list of values is allowed."),
        (lambda: ensemble.grid({"a": []}), "a has no values; a list of at least one is allowed."),
        (lambda: ensemble.grid({"a": [np.nan]}), "a is nan; a finite number, true, false or text is allowed."),
        (lambda: ensemble.grid({"a/b": [1]}), "a parameter is called 'a/b'; text without / is allowed"),
        (lambda: ensemble.grid({"seconds": [1]}), "a parameter is called 'seconds', as a column of each table"),
        (lambda: ensemble.sobol({"a": (2, 1)}, 4), "a is (2, 1); two finite numbers, the lower one first"),
        (lambda: ensemble.sobol({"a": (0, 1)}, 4, log=["a"]), "a begins at 0; a number > 0 is allowed for a logarithm"),
        (lambda: ensemble.sobol({"a": (0, 1)}, 4, log=["b"]), "log names 'b'; allowed are 'a'."),
        (lambda: ensemble.sobol({"a": (0, 1)}, 0), "count is 0; a whole number of at least 1"),
        (lambda: ensemble.latin_hypercube({"a": 3}, 4), "a is 3; two numbers, the lowest and the highest"),
    ],
)
def test_what_is_no_sweep_is_told_in_a_sentence(ask, said) -> None:
    with pytest.raises(sp.InvalidProblemError) as told:
        ask()
    assert said in str(told.value)
