"""Processes started after a solve: forked, spawned or by a fork server, each solves as its parent did."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.engine.request import Request
from surrogate_plugin.gallery import tumour_and_vessels

METHODS = ("guarded", "exact", "multigrid", "surrogate", "sparse-direct")
#: Large enough that kernels are shared out among threads.
SHAPE = (112, 101)


def solved(method: str) -> np.ndarray:
    problem = tumour_and_vessels(np.random.default_rng(7), SHAPE)
    return sp.solve(problem, method=method, tolerance=0.01 * problem.largest_imposed).field


def _forked(target: Callable[..., object], *args: object) -> int | None:
    """The exit code of a forked child that does this; None if it hangs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = multiprocessing.get_context("fork").Process(target=target, args=args)
        child.start()
        child.join(timeout=60)
    exit_code = child.exitcode
    child.kill()
    return exit_code


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_solves_after_a_solve_in_the_parent(start) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {start}")
    here = [solved(method) for method in METHODS]
    with warnings.catch_warnings():
        # Python 3.12 warns of every fork beside threads; ours wait for work and are made anew in the child.
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context(start).Pool(2) as pool:
            there = pool.map_async(solved, METHODS).get(timeout=300)
    assert all(np.array_equal(one, other) for one, other in zip(here, there, strict=True))


def test_a_forked_child_of_a_forked_child_solves_too() -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork")
    solved("multigrid")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = multiprocessing.get_context("fork").Process(target=_solve_and_fork)
        child.start()
        child.join(timeout=300)
    assert child.exitcode == 0


def _solve_and_fork() -> None:
    solved("multigrid")
    grandchild = multiprocessing.get_context("fork").Process(target=solved, args=("multigrid",))
    grandchild.start()
    grandchild.join(timeout=200)
    assert grandchild.exitcode == 0


def test_a_fork_in_the_middle_of_another_thread_s_solve_leaves_the_child_free() -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork")
    engine = sp.Engine()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with engine._lock:
            held.set()
            done.wait(timeout=300)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(timeout=60)
    problem = tumour_and_vessels(np.random.default_rng(7), SHAPE)
    exit_code = _forked(engine.solve, problem)
    done.set()
    holder.join()
    assert exit_code == 0


def test_a_fork_while_another_thread_computes_what_is_kept_leaves_the_child_free(monkeypatch) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no fork")
    problem = sp.Problem(np.eye(24, 32), decay=0.1)
    in_the_middle, done = threading.Event(), threading.Event()

    def slow(_self) -> sp.Problem:
        in_the_middle.set()
        done.wait(timeout=300)
        return problem

    # As when another thread poses a problem of a large lattice: a property that is kept has one lock in Python 3.11.
    monkeypatch.setattr(Request.__dict__["equation"], "func", slow)
    computing = threading.Thread(target=lambda: Request(problem).equation)
    computing.start()
    in_the_middle.wait(timeout=60)
    monkeypatch.undo()
    exit_code = _forked(sp.solve, problem, "multigrid")
    done.set()
    computing.join()
    assert exit_code == 0


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))])
def test_an_engine_goes_to_another_process_as_another_of_the_same_options(duplicate) -> None:
    engine, problem = sp.Engine(device="cpu", policy="surrogate-first"), sp.Problem(np.eye(24, 32), decay=0.1)
    expected = engine.solve(problem, method="multigrid")
    twin = duplicate(engine)
    assert twin is not engine
    assert twin.options == engine.options
    assert np.array_equal(twin.solve(problem, method="multigrid").field, expected.field)
