"""How the compiled loops are shared out among threads, and that nothing else depends on how many there are."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import jit, team
from surrogate_plugin.gallery import tumour_and_vessels
from surrogate_plugin.sharing_kernels import CHUNKS, claim, place, settle, tickets
from surrogate_plugin.team import limit_threads, thread_count

SMALL, LARGE = 50 * 40, 512 * 512


@jit.exact
def add_up(team, values, sums, rounds):
    """Every round adds each chunk's values to its sum: a chunk done twice, or left out, shows."""
    for _ in range(rounds):
        chunk = claim(team, CHUNKS)
        while chunk < CHUNKS:
            for i in range(chunk * values.size // CHUNKS, (chunk + 1) * values.size // CHUNKS):
                sums[chunk] += values[i]
            chunk = claim(team, CHUNKS)
        settle(team, CHUNKS)


@jit.exact
def fails_in_the_second_chunk(team, values):
    chunk = claim(team, CHUNKS)
    while chunk < CHUNKS:
        if chunk == 1:
            raise ValueError("as asked")
        values[chunk] += 1.0
        chunk = claim(team, CHUNKS)
    settle(team, CHUNKS)


@jit.exact
def claimed(team, most):
    """The chunks that a thread gets, which asks ``most`` times."""
    return [claim(team, CHUNKS) for _ in range(most)]


@pytest.fixture
def threads(monkeypatch):
    """Set how many threads this test's kernels are shared out among."""
    monkeypatch.delenv("SURROGATE_PLUGIN_THREADS", raising=False)
    yield sp.use_threads
    sp.use_threads(None)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_chunk_is_done_once_in_every_region(threads, count) -> None:
    threads(count)
    values = np.arange(1000.0)
    for _ in range(50):
        sums = np.zeros(CHUNKS)
        team.run(add_up, values, sums, 40)
        assert sums.sum() == 40 * values.sum()


def test_threads_claim_from_both_ends_until_they_meet() -> None:
    counters = tickets()
    one, other = (counters, place()), (counters, place(from_the_end=True))
    assert claimed(one, 2) == [0, 1]
    assert claimed(other, 3) == [CHUNKS - 1, CHUNKS - 2, CHUNKS - 3]
    assert claimed(one, CHUNKS) == [2, 3, 4, *[CHUNKS] * (CHUNKS - 3)]
    assert claimed(other, 1) == [CHUNKS]


def test_an_error_in_any_thread_reaches_the_caller_and_the_next_call_works(threads) -> None:
    threads(3)
    for _ in range(50):
        with pytest.raises(ValueError, match="as asked"):
            team.run(fails_in_the_second_chunk, np.zeros(CHUNKS))
        sums = np.zeros(CHUNKS)
        team.run(add_up, np.ones(64), sums, 3)
        assert sums.sum() == 3 * 64


def test_the_field_is_the_same_to_the_bit_whatever_the_number_of_threads(threads) -> None:
    for seed in range(6):
        problem = tumour_and_vessels(np.random.default_rng(seed), (150, 131))
        fields = []
        for count in (1, 2, 4):
            threads(count)
            fields.append(sp.Engine().solve(problem, method="exact").field)
        assert np.array_equal(fields[0], fields[1])
        assert np.array_equal(fields[0], fields[2])


def test_threads_of_the_caller_solve_side_by_side(threads) -> None:
    """Whoever comes while the helpers are busy goes alone; each gets its own field."""
    problems = [tumour_and_vessels(np.random.default_rng(seed), (120, 120)) for seed in range(4)]
    wanted = [sp.Engine().solve(problem, method="multigrid").field for problem in problems]
    found: dict[int, bool] = {}

    def work(index: int) -> None:
        engine = sp.Engine()
        fields = [engine.solve(problems[index], method="multigrid").field for _ in range(5)]
        found[index] = all(np.array_equal(field, wanted[index]) for field in fields)

    callers = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == dict.fromkeys(range(4), True)


def test_a_small_lattice_has_one_thread_and_the_others_come_back() -> None:
    before = thread_count()
    with limit_threads(SMALL):
        assert thread_count() == 1
        with limit_threads(LARGE):
            assert thread_count() == 1
    assert thread_count() == before
    with limit_threads(LARGE):
        assert thread_count() == before


def test_the_others_come_back_after_an_error_too() -> None:
    before = thread_count()
    with pytest.raises(sp.UnsupportedProblemError):
        sp.solve(sp.Problem(np.eye(16), decay=np.eye(16)), method="spectral")
    assert thread_count() == before


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "2"}, 2),
        ({"NUMBA_NUM_THREADS": "2", "SURROGATE_PLUGIN_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "3", "SURROGATE_PLUGIN_THREADS": "²"}, 3),
        ({"SURROGATE_PLUGIN_THREADS": "1000000"}, 256),
        ({"SURROGATE_PLUGIN_THREADS": "9" * 5000}, 256),
    ],
)
def test_the_number_of_threads_is_what_the_environment_says(monkeypatch, variables, count) -> None:
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "SURROGATE_PLUGIN_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    team._usual_count.cache_clear()
    assert thread_count() == count
    monkeypatch.undo()
    team._usual_count.cache_clear()


def test_a_host_says_how_many_threads_it_has_all_over_the_process(threads) -> None:
    before = thread_count()
    threads(5)
    elsewhere: list[int] = []
    other = threading.Thread(target=lambda: elsewhere.append(thread_count()))
    other.start()
    other.join()
    assert (thread_count(), elsewhere) == (5, [5])
    with limit_threads(SMALL):
        assert thread_count() == 1
    threads(None)
    assert thread_count() == before


def test_the_variable_of_this_package_has_the_last_word(threads, monkeypatch) -> None:
    monkeypatch.setenv("SURROGATE_PLUGIN_THREADS", "3")
    team._usual_count.cache_clear()
    threads(5)
    assert thread_count() == 3
    monkeypatch.undo()
    team._usual_count.cache_clear()


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "2", [2]])
def test_no_number_of_threads_is_refused_in_a_sentence(threads, count) -> None:
    with pytest.raises(
        sp.InvalidProblemError, match=r"threads is .*; a whole number of at least 1, or None, is allowed\."
    ):
        threads(count)


def test_a_lattice_of_128_a_side_has_one_thread() -> None:
    with limit_threads(128 * 128):
        assert thread_count() == 1
