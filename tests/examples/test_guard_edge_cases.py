"""The guard's edge cases: the network is as wrong as the example says, and nothing that it says gets past the guard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from tests.exact import exact_field
from tests.examples.running import run
from tests.examples.scripts import script


@dataclass(frozen=True)
class Row:
    network_error: float
    network_bound: float
    error: float
    bound: float
    cycles: int
    method: str


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guard")
    said = run("guard_edge_cases.py", "--small", "-o", "picture.png", folder=folder)
    rows = {}
    for line in said.splitlines()[2:]:
        if not line:
            break
        *numbers, cycles, method = line[25:].split()
        rows[line[:25].strip()] = Row(*map(float, numbers), int(cycles), method)
    return rows, said, folder / "picture.png"


def test_every_error_is_within_its_bound_and_every_answer_within_the_tolerance(shown):
    rows, _, _ = shown
    assert len(rows) == 8
    for row in rows.values():
        assert row.network_error <= 1.05 * row.network_bound  # two digits are printed
        assert row.error <= max(1.05 * row.bound, 1e-10)
        assert row.bound <= 0.01


def test_damaged_weights_are_as_wrong_as_can_be_and_cost_cycles(shown):
    rows, said, _ = shown
    ordinary, damaged = rows["an ordinary tissue"], rows["damaged weights"]
    assert ordinary.network_error < 0.05 < 0.5 < damaged.network_error
    assert (ordinary.method, damaged.method) == ("surrogate", "surrogate")
    assert damaged.cycles > ordinary.cycles
    assert "damaged weights: " not in said.split("has to say")[1]


def test_what_is_far_from_the_training_data_is_not_asked_of_the_network(shown):
    rows, said, _ = shown
    for name in set(rows) - {"an ordinary tissue", "damaged weights"}:
        assert f"\n{name}: outside-card: " in said
        assert rows[name].method != "surrogate"
    for name in ("pixel noise", "fibres", "a labyrinth"):
        assert rows[name].network_error > 0.2


def test_in_a_closed_box_the_network_is_right_and_nobody_can_know(shown):
    row = shown[0]["a closed box"]
    assert row.network_error < 0.01
    assert row.network_bound > 10 * row.network_error


def test_errors_are_those_from_an_independent_solve(shown, tmp_path):
    rows, _, _ = shown
    example = script("guard_edge_cases")
    cases = example.cases(64, tmp_path)
    for name in ("damaged weights", "fibres"):
        verdict = example.judged(cases[name])
        exact = exact_field(cases[name].problem)
        assert np.abs(verdict.network - exact).max() == pytest.approx(rows[name].network_error, rel=0.05)
        assert (np.abs(verdict.network - exact) <= verdict.certificate.error_map + 1e-12).all()
        assert np.abs(verdict.answer.field - exact).max() <= verdict.answer.error_bound


def test_the_picture_shows_three_columns(shown):
    with Image.open(shown[2]) as picture:
        assert picture.height > picture.width > 600
