"""The summaries of the metrics: percentiles, and each number of sources apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrogate_training.quality.metrics import SOURCE_COUNT, by_sources, summarise


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
def test_a_summary_is_in_order_and_finds_the_99th_percentile(values: list[float]) -> None:
    found = summarise({"mae": value} for value in values)["mae"]
    assert found["median"] <= found["p95"] <= found["p99"] <= found["largest"] == max(values)
    assert found["p99"] == pytest.approx(np.quantile(values, 0.99))


def test_each_number_of_sources_is_summarised_apart() -> None:
    samples = [
        {"mae": 1.0, SOURCE_COUNT: 2},
        {"mae": 3.0, SOURCE_COUNT: 2, "r3": 7.0},
        {"mae": 5.0, SOURCE_COUNT: 1},
        {"mae": 100.0},
    ]
    table = by_sources(samples)
    assert list(table) == [1, 2]
    assert table[1]["mae"]["mean"] == 5.0
    assert table[2]["mae"] == pytest.approx({"mean": 2.0, "median": 2.0, "p95": 2.9, "p99": 2.98, "largest": 3.0})
    assert table[2]["r3"]["largest"] == 7.0
    assert SOURCE_COUNT not in table[2]
    assert SOURCE_COUNT not in summarise(samples)
