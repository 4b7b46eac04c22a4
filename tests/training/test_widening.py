"""A retrained model's ranges widen where what it learnt supports that, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surrogate_plugin.guard.applicability import Extent, measure
from surrogate_plugin.surrogate.card import ModelCard, Ranges
from surrogate_training.quality.assessment import CYCLES, Answer
from surrogate_training.retraining.widening import LEAST_STATES, HeldOut, widened
from tests.training.retrain_fixtures import state

RANGES = Ranges(
    shortest_length_px=2.0, longest_length_px=100.0, largest_contrast=50.0, most_sources=10, largest_source_px=500,
    largest_fixed_share=0.2, boundaries=("absorbing",), shortest_side_px=96, longest_side_px=512,
)  # fmt: skip
INSIDE = Extent(3.0, 50.0, 20.0, 5, 100, 0.1, frozenset({"absorbing"}), (128, 128))
BEYOND: dict[str, tuple[str, Any]] = {
    "shortest_length_px": ("shortest_length_px", 1.0),
    "longest_length_px": ("longest_length_px", 180.0),
    "largest_contrast": ("contrast", 90.0),
    "most_sources": ("sources", 40),
    "largest_source_px": ("largest_source_px", 4000),
    "largest_fixed_share": ("fixed_share", 0.5),
    "shortest_side_px": ("shape", (64, 128)),
    "longest_side_px": ("shape", (128, 640)),
    "boundaries": ("boundaries", frozenset({"absorbing", "periodic"})),
    "supplied": ("supplied", True),
    "largest_link_contrast": ("link_contrast", 30.0),
    "largest_blocked_share": ("blocked_share", 0.3),
    "largest_anisotropy": ("anisotropy", 4.0),
}
BAD, GOOD = (Answer(errors={}, bounds=(bound,) * len(CYCLES)) for bound in (0.5, 0.001))


def extent(**changes: Any) -> Extent:
    return Extent(**(vars(INSIDE) | changes))


@pytest.mark.parametrize("name", BEYOND)
def test_a_range_widens_where_that_is_supported_and_only_there(name: str) -> None:
    field, value = BEYOND[name]
    beyond = extent(**{field: value})
    many, few = [beyond] * LEAST_STATES, [beyond] * (LEAST_STATES - 1) + [INSIDE] * 20
    learnt = [HeldOut(beyond, BAD, GOOD)] * 3
    ranges, sentences = widened(RANGES, many, learnt)
    changed = {field for field, kept in RANGES if getattr(ranges, field) != kept}
    assert changed == {name}
    assert len(sentences) == 1
    new = getattr(ranges, name)
    assert new == (("absorbing", "periodic") if name == "boundaries" else pytest.approx(np.array(value).flat[-1])
                   if name == "longest_side_px" else pytest.approx(np.array(value).flat[0]))  # fmt: skip
    for training, held_out in (
        (few, learnt),  # too few states
        (many, [HeldOut(INSIDE, GOOD, GOOD)]),  # nobody knows
        (many, [HeldOut(beyond, GOOD, BAD)] * 3),  # worse than before
        (many, [HeldOut(beyond, BAD, BAD)] * 3),  # no better than useless
        (many, [HeldOut(beyond, GOOD, GOOD)] * 2 + [HeldOut(beyond, GOOD, BAD)]),  # a little worse than before
    ):
        kept, sentences = widened(RANGES, training, held_out)
        assert kept == RANGES
        assert len(sentences) == 1


def test_within_the_ranges_and_without_decay_nothing_changes() -> None:
    endless = extent(longest_length_px=np.inf, contrast=np.inf)
    one_way = extent(anisotropy=np.inf)
    for training in ([INSIDE] * 50, [endless] * 50, [one_way] * 50, []):
        assert widened(RANGES, training, [HeldOut(endless, BAD, GOOD)]) == (RANGES, [])


def test_a_few_outliers_do_not_set_the_limit() -> None:
    training = [extent(longest_length_px=length) for length in [120.0] * 999 + [5000.0]]
    ranges, _ = widened(RANGES, training, [HeldOut(training[0], BAD, GOOD)])
    assert ranges.longest_length_px == pytest.approx(120.0)


def test_measure_and_card_speak_of_the_same_things() -> None:
    assert set(Ranges.model_fields) == set(BEYOND)
    assert measure(state(0)).longest_length_px == pytest.approx(40.0)
    assert ModelCard.model_fields["ranges"].annotation is Ranges
