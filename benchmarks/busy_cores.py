"""Time exact solves on idle cores and on busy ones, by one thread and by several: ``python -m benchmarks.busy_cores``.

A host computes too, and clusters pack their nodes: a solver whose threads wait for one another must not become slower
there than one thread alone would be.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.solution import Solution
from surrogate_plugin.gallery import tumour_and_vessels

_ROUNDS = 40


def main() -> None:
    """Print median and fastest milliseconds, all numbers of threads in turn each round."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, nargs="+", default=[512], help="pixels a side (default %(default)s)")
    parser.add_argument("--busy", type=int, default=2, help="busy processes beside (default %(default)s)")
    chosen = parser.parse_args()
    counts = sorted({1, team.thread_count()})
    team.FEW_PIXELS = 0  # else a small lattice has one thread in any case
    for size in chosen.size:
        _compare(size, counts, chosen.busy)


def _compare(size: int, counts: list[int], most_busy: int) -> None:
    """One size of lattice, beside no other process and beside as many busy ones."""
    problem = tumour_and_vessels(np.random.default_rng(0), (size, size), michaelis_menten=False)
    engines = {count: Engine() for count in counts}
    print(f"exact at 1e-6 of the largest value, {size} x {size}, variable decay; ms, median (fastest)")
    for busy in (0, most_busy):
        beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
        try:
            taken = _taken(engines, problem)
        finally:
            for process in beside:
                process.kill()
                process.wait()
        told = ", ".join(
            f"{count} thread{'s' if count > 1 else ''} {1e3 * statistics.median(spent):.1f} ({1e3 * min(spent):.1f})"
            for count, spent in taken.items()
        )
        print(f"beside {busy} busy processes: {told}")


def _taken(engines: dict[int, Engine], problem: Problem) -> dict[int, list[float]]:
    taken: dict[int, list[float]] = {count: [] for count in engines}
    held: dict[int, Solution] = {}  # as a host holds the last field: memory that is given back costs page faults
    for turn in range(-2, _ROUNDS):
        for count, engine in engines.items():
            team.use_threads(count)
            began = time.perf_counter()
            held[count] = engine.solve(problem, method="exact", tolerance=1e-6 * problem.largest_imposed)
            if turn >= 0:
                taken[count].append(time.perf_counter() - began)
    return taken


if __name__ == "__main__":
    main()
