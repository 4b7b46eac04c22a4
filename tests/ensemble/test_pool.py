"""The pool: what members ask for side by side is what they get alone, in batches, and one that fails is alone in it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin import gallery
from surrogate_plugin.engine.pooling import HERE
from surrogate_plugin.ensemble.apart import Apart
from surrogate_plugin.ensemble.pool import Pool, Stopped
from surrogate_plugin.ensemble.solving import solve_batch
from surrogate_plugin.team import thread_count


def run(pool: Pool | Apart, jobs) -> list:
    """What each job gives on a thread of its own, or what it raised."""
    found: list = [None] * len(jobs)

    def work(k) -> None:
        with pool.slot():
            try:
                found[k] = jobs[k]()
            except Exception as error:
                found[k] = error

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "the pool waits for nobody that does not come"
    return found


def vessel(decay: float, size: int = 24) -> sp.Problem:
    source = np.zeros((size, size))
    source[size // 2, size // 3] = 38.0
    return sp.Problem(source, decay=decay)


def test_members_get_what_they_would_alone() -> None:
    problems = [vessel(0.1), *gallery.nasty_problems(5, 11, max_side=32)]
    jobs = [lambda problem=problem: sp.Engine().solve(problem, tolerance=0.1) for problem in problems]
    pool = Pool(len(jobs), limit=5, running=2, solve=solve_batch)
    for problem, found in zip(problems, run(pool, jobs), strict=True):
        alone = sp.solve(problem, method="exact")
        assert found.error_bound <= 0.1
        assert np.abs(found.field - alone.field).max() <= found.error_bound + 1e-9
    assert pool.batches.problems == len(problems)


def test_members_that_step_alike_are_solved_in_one_batch_a_step() -> None:
    def stepping(decay: float):
        backend = sp.Backend(
            sp.BackendConfig(
                domain=sp.Domain.from_lattice((16, 16), spacing_um=20.0),
                diffusivity_um2_per_min=1e5,
                decay_per_min=decay,
            )
        )

        def steps() -> list[float]:
            vessels = [sp.Vessels([(100.0 + 20 * k, 160.0)], radius_um=15.0, value=38.0) for k in range(4)]
            return [float(backend.step(sp.TissueState(vessels=each)).field.mean()) for each in vessels]

        return steps

    pool = Pool(6, limit=100, running=6, solve=solve_batch)
    found = run(pool, [stepping(0.1 * (k + 1)) for k in range(6)])
    assert (pool.batches.count, pool.batches.problems, pool.batches.largest) == (4, 24, 6)
    alone = [stepping(0.1 * (k + 1))() for k in range(6)]
    assert np.allclose(found, alone, rtol=1e-9), "the pool changes no field"


def test_a_full_pool_waits_for_nobody() -> None:
    busy, asked = threading.Event(), threading.Event()

    def held() -> str:
        busy.set()
        assert asked.wait(120), "the others are answered while this one computes"
        return "held"

    def asks() -> float:
        assert busy.wait(120)
        found = sp.solve(vessel(0.1)).error_bound
        asked.set()
        return found

    assert run(Pool(2, limit=1, running=2, solve=solve_batch), [held, asks])[0] == "held"


def test_a_problem_that_fails_fails_for_its_member_alone() -> None:
    jobs = [
        lambda: sp.solve(vessel(0.1), method="exact").method,
        lambda: sp.solve(vessel(0.1), method="no-such-method"),
        lambda: sp.solve(sp.Problem(np.zeros((8, 8)), boundary="reflecting", decay=0.0, production=1.0)),
        lambda: sp.solve("no problem"),
    ]
    found = run(Pool(4, limit=4, running=4, solve=solve_batch), jobs)
    assert found[0] == "spectral"
    assert isinstance(found[1], sp.UnsupportedProblemError)
    assert isinstance(found[2], sp.InvalidProblemError)
    assert isinstance(found[3], sp.InvalidProblemError)


def test_what_breaks_a_batch_reaches_all_that_wait() -> None:
    def broken(engine, asked):
        raise MemoryError("all of it")

    found = run(Pool(3, limit=3, running=3, solve=broken), [lambda: sp.solve(vessel(0.1))] * 3)
    assert [type(each) for each in found] == [MemoryError] * 3


def test_engines_of_another_kind_are_not_asked() -> None:
    asked_of = []

    def solve(engine, asked):
        asked_of.append((engine.policy, len(asked)))
        return solve_batch(engine, asked)

    engines = [sp.Engine(policy="fastest"), sp.Engine(policy="surrogate-first"), sp.Engine(policy="fastest")]
    jobs = [lambda engine=engine: engine.solve(vessel(0.1), method="exact").method for engine in engines]
    assert run(Pool(3, limit=3, running=3, solve=solve), jobs) == ["spectral"] * 3
    assert sorted(asked_of) == [("fastest", 2), ("surrogate-first", 1)]


def test_steps_in_time_are_pooled_and_keep_their_bounds() -> None:
    def advanced() -> sp.Solution:
        return sp.advance(vessel(0.1), np.full((24, 24), 5.0), 0.5, tolerance=1e-3)

    pool = Pool(2, limit=2, running=2, solve=solve_batch)
    found = run(pool, [advanced, advanced])
    exact = sp.advance(vessel(0.1), np.full((24, 24), 5.0), 0.5, method="exact")
    assert pool.batches.problems == 2
    for each in found:
        assert each.error_bound <= 1e-3
        assert np.abs(each.field - exact.field).max() <= each.error_bound + 1e-9


def test_outside_of_members_nobody_hands_anything_over() -> None:
    pool = Pool(1, limit=1, running=1, solve=solve_batch)
    with pool.slot():
        assert HERE.get() is pool
    assert HERE.get() is None
    with pytest.raises(RuntimeError), Pool(1, limit=1, running=1, solve=solve_batch).slot():
        raise RuntimeError
    assert HERE.get() is None


def test_what_a_member_asks_for_at_once_is_one_batch_with_what_others_ask() -> None:
    problems = [vessel(0.05 * (k + 1)) for k in range(4)]

    def at_once() -> list:
        return sp.solve_many([*problems, "no problem"], tolerance=[0.1, 0.2, 0.3, None, None], errors="return")

    pool = Pool(2, limit=100, running=2, solve=solve_batch)
    found = run(pool, [at_once, lambda: sp.solve_many(problems, method="exact")])
    assert (pool.batches.count, pool.batches.largest) == (1, 9)
    assert isinstance(found[0][4], sp.InvalidProblemError)
    for near, exact, tolerance in zip(found[0], found[1], (0.1, 0.2, 0.3, 0.38), strict=False):
        assert near.error_bound <= tolerance
        assert np.abs(near.field - exact.field).max() <= near.error_bound + 1e-9


def test_a_member_hears_of_the_first_of_its_problems_that_fails() -> None:
    told = []
    jobs = [lambda: sp.solve_many([vessel(0.1), "none", None], callback=lambda *each: told.append(each))]
    (error,) = run(Pool(1, limit=1, running=1, solve=solve_batch), jobs)
    assert isinstance(error, sp.InvalidProblemError)
    assert "problem 1 of 3" in error.__notes__[0]
    assert told == [(3, 3)]


def test_a_pool_that_is_stopped_ends_members_that_wait_and_those_that_ask_later() -> None:
    pool = Pool(3, limit=3, running=3, solve=solve_batch)
    ended: list[type[BaseException]] = []
    waiting = threading.Barrier(3, timeout=120)

    def member(asks_late: bool) -> None:
        with pool.slot():
            try:
                waiting.wait()
                if asks_late:
                    assert stopped.wait(120)
                sp.solve(vessel(0.1))
            except BaseException as error:
                ended.append(type(error))

    stopped = threading.Event()
    threads = [threading.Thread(target=member, args=(late,)) for late in (False, True)]
    for thread in threads:
        thread.start()
    waiting.wait()
    pool.stop()
    stopped.set()
    for thread in threads:
        thread.join(120)
    assert ended == [Stopped, Stopped]
    assert not issubclass(Stopped, Exception), "a member that catches all errors does not go on"


def test_members_compute_on_their_own_thread_and_batches_on_all() -> None:
    counted = []

    def solve(engine, asked):
        counted.append(("batch", thread_count()))
        return solve_batch(engine, asked)

    def member() -> None:
        counted.append(("member", thread_count()))
        sp.solve(vessel(0.1))
        counted.append(("member", thread_count()))

    before = thread_count()
    sp.use_threads(3)
    try:
        run(Pool(2, limit=2, running=2, solve=solve), [member, member])
        alone = []
        run(Pool(1, limit=1, running=1, solve=solve_batch), [lambda: alone.append(thread_count())])
    finally:
        sp.use_threads(None)
    assert set(counted) == {("member", 1), ("batch", 3)}
    assert alone == [3], "one that is alone has all of them"
    assert thread_count() == before


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_nobody_sleeps_on_when_there_is_a_batch_to_solve(limit) -> None:
    """Members that ask at all times, and end at all times."""

    def echo(engine, asked):
        return [one.problem for one in asked]

    def asking(times: int):
        problem = vessel(0.1, 4 + times)
        return lambda: [sp.Engine(device="cpu").solve(problem) is problem for _ in range(times)]

    pool = Pool(12, limit=limit, running=5, solve=echo)
    found = run(pool, [asking(5 * k) for k in range(12)])
    assert found == [[True] * (5 * k) for k in range(12)]
    assert pool.batches.problems == 5 * sum(range(12))


def test_who_hands_in_while_a_batch_is_solved_is_woken_after_it() -> None:
    """The first batch is not through before the other member waits; neither ends before both are answered."""
    waits, answered = threading.Event(), threading.Barrier(2, timeout=120)

    class Watched(Pool):
        def _batch_if_due(self):
            batch = super()._batch_if_due()
            if not batch:
                waits.set()
            return batch

    def echo(engine, asked):
        assert waits.wait(120)
        return [one.problem for one in asked]

    def member() -> bool:
        found = engine.solve(problem) is problem
        answered.wait()
        return found

    problem, engine = vessel(0.1), sp.Engine(device="cpu")
    pool = Watched(2, limit=1, running=2, solve=echo)
    assert run(pool, [member, member]) == [True, True]
    assert pool.batches.count == 2


def test_members_apart_solve_for_themselves_each_with_an_engine() -> None:
    """Two of them solve at once, though both ask the one engine that all share."""
    inside, engines = threading.Barrier(2, timeout=120), []
    solve = sp.Engine.solve

    def meeting(self, *given, **said):
        if HERE.get() is None:
            engines.append(self)
            inside.wait()
        return solve(self, *given, **said)

    def twice() -> list:
        return [sp.solve(vessel(0.1), method="exact"), sp.solve(vessel(0.2), "exact"), thread_count()]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sp.Engine, "solve", meeting)
        found = run(Apart(), [twice, twice])
    assert len(set(map(id, engines))) == 2, "each keeps its engine"
    alone = [sp.solve(vessel(decay), method="exact").field for decay in (0.1, 0.2)]
    for first, second, threads in found:
        assert np.array_equal(first.field, alone[0])
        assert np.array_equal(second.field, alone[1])
        assert threads == 1
    (error, several) = run(
        Apart(),
        [
            lambda: sp.solve(vessel(0.1), method="no-such-method"),
            lambda: sp.solve_many([vessel(0.1), vessel(0.2), "none"], method="exact", errors="return"),
        ],
    )
    assert isinstance(error, sp.UnsupportedProblemError)
    assert [np.array_equal(one.field, other) for one, other in zip(several[:2], alone, strict=True)] == [True, True]
    assert isinstance(several[2], sp.InvalidProblemError)


def test_members_apart_that_are_stopped_end_at_the_next_question() -> None:
    apart, ended = Apart(), []

    def member() -> None:
        with apart.slot():
            sp.solve(vessel(0.1))
            apart.stop()
            try:
                sp.solve(vessel(0.1))
            except BaseException as error:
                ended.append(type(error))

    member()
    assert ended == [Stopped]
    assert HERE.get() is None
