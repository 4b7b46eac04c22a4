"""A run of any length keeps a bounded number of records, and its summary counts every step."""

from __future__ import annotations

import copy
import pickle
import tracemalloc

import pytest

import surrogate_plugin as sp
from surrogate_plugin.session.steps import HELD, StepRecord, Summary
from tests.session.scenes import config, tissue


def run(backend: sp.Backend, steps: int) -> list[StepRecord]:
    """Three steps of each state: one that solves and two that hold."""
    return [backend.step(tissue(step // 3, cells=40 if step else 0)).record for step in range(steps)]


def test_the_newest_are_kept_and_all_are_counted() -> None:
    backend = sp.Backend(config(policy="surrogate-first", outside="drop"), keep=5)
    every = run(backend, 12)
    assert backend.records == every[-5:]
    assert (backend.records[0].step, backend.records[-1].step, len(backend.records)) == (7, 11, 5)
    assert backend.summary() == Summary.of(every)
    assert backend.summary().answered[HELD] == 7


def test_the_median_is_over_the_newest_solves_whether_or_not_their_records_are_there() -> None:
    backend = sp.Backend(config(), keep=2)
    solves = [record for record in run(backend, 12) if record.method != HELD]
    assert len(solves) > 2
    assert [record.method for record in backend.records] == [HELD, HELD]
    assert backend.summary().median_seconds == pytest.approx(sum(one.total_seconds for one in solves[-2:]) / 2)


def test_none_keeps_all() -> None:
    backend = sp.Backend(config(), keep=None)
    state = tissue(0)
    for _ in range(10_050):
        backend.step(state)
    assert [record.step for record in backend.records] == list(range(10_050))


def test_ten_thousand_are_kept_if_nothing_is_said() -> None:
    backend, state = sp.Backend(config()), tissue(0)
    for _ in range(10_050):
        backend.step(state)
    assert [record.step for record in backend.records] == list(range(50, 10_050))
    assert backend.summary().answered[HELD] == 10_049


def test_held_steps_take_no_memory() -> None:
    backend, state = sp.Backend(config(), keep=100), tissue(0)
    for _ in range(500):
        backend.step(state)
    tracemalloc.start()
    try:
        backend.step(state)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5_000):
            backend.step(state)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100 * 1_000  # what a hundred records take, and not what 5,000 do


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda backend: pickle.loads(pickle.dumps(backend))])
def test_a_copy_counts_by_itself_from_where_the_original_was(duplicate) -> None:
    backend = sp.Backend(config(), keep=2)
    run(backend, 5)
    twin = duplicate(backend)
    assert twin.records == backend.records
    assert twin.summary() == backend.summary()
    for _ in range(3):
        twin.step(tissue(1))
    assert (twin.summary().steps, backend.summary().steps) == (8, 5)
    assert [record.step for record in twin.records] == [6, 7]
    assert [record.step for record in backend.records] == [3, 4]


def test_a_list_emptied_by_its_owner_costs_nothing_but_the_records() -> None:
    backend = sp.Backend(config(outside="drop"))
    stray = sp.TissueState(sp.Cells([(1e4, 1e4)], 8.0))
    backend.step(stray)
    backend.records.clear()
    held = backend.step(stray).record
    assert (held.step, held.method, held.left_out) == (1, HELD, 1)
    assert backend.summary().steps == 2


@pytest.mark.parametrize("keep", [0, -1, 2.0, True, "all"])
def test_how_many_are_kept_is_a_whole_number(keep) -> None:
    with pytest.raises(sp.InvalidProblemError, match=r"keep is .*; None or a whole number >= 1 is allowed"):
        sp.Backend(config(), keep=keep)
