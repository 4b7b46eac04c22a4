"""Beside strong baselines: ``python -m benchmarks.baselines``.

Each round takes fresh problems, so that nothing is kept from before, and asks every method in turn, so that a machine
whose speed drifts slows all alike. What is asked is a field within ``--target`` of the largest value, by its
*certificate*: each iterative baseline may stop at the loosest relative residual, a half power of ten, whose field
`sp.certify` shows to be within it, which is found out beforehand and not timed. Direct methods are as good as they are.

Timed are, apart: the set-up (ordering, factors or hierarchy); the first solve; and one more for other values imposed on
the same operator, with what can be kept. Assembly of the matrix, which this package does without, is in a row of its
own. Our times have everything, the certificate too. Each method has solved a small problem before, and ours one of the
same size, so that libraries are loaded and kernels compiled.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from benchmarks.baseline_methods import METHODS, Method
from benchmarks.document import markdown_table
from benchmarks.systems import LinearSystem
from surrogate_plugin import gallery
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.team import thread_count

#: What is noted of a method: seconds, and the certified error over the largest value.
Figures = dict[str, list[float]]
OURS, ASSEMBLY = "this package, `exact`", "assembly of the matrix"


def main() -> None:
    """Run the cases and print one table each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baselines", description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512, 1024], help="pixels along each side")
    parser.add_argument("--rounds", type=int, default=5, help="problems per case and size (default 5)")
    parser.add_argument("--target", type=float, default=1e-6, help="certified error over the largest value (1e-6)")
    parser.add_argument("--case", action="append", choices=list(cases(8)), help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--document", type=Path, help="write the tables between the markers of this Markdown file")
    options = parser.parse_args()
    methods = [method for method in METHODS if method.installed]
    for method in methods:
        warm_up(method)
    report: dict[str, dict[int, dict[str, Figures]]] = defaultdict(dict)
    for side in options.sides:
        for case, make in cases(side).items():
            if options.case and case not in options.case:
                continue
            print(f"{case}, {side} x {side}", file=sys.stderr)
            report[case][side] = measured(make, methods, options.rounds, options.target)
    text = "\n".join([*_about(options.target, options.rounds), "", *_tables(report)]) + "\n"
    print(text)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    if options.document:
        from surrogate_training.documents import write_into

        write_into(options.document, "benchmarks.baselines", text)


def cases(side: int) -> dict[str, Callable[[int], Problem]]:
    """What is solved, by name: a problem of each seed."""
    shape, plain = (side, side), {"michaelis_menten": False, "boundary": "reflecting", "scale": 38.0}
    tissue: dict[str, Any] = plain | {"diffusion_length": 20.0}
    return {
        "constant decay, 10 discs": lambda seed: gallery.paper_discs(_rng(seed), 10, shape),
        "variable decay, vessels and a tumour": lambda seed: gallery.tumour_and_vessels(
            _rng(seed), shape, vessels=30, **tissue
        ),
        "two tissues, contrast 100": lambda seed: gallery.two_tissues(_rng(seed), shape, 100.0, **tissue),
        "membranes around cells": lambda seed: gallery.cells_with_membranes(_rng(seed), shape, **tissue),
    }


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(1000 + seed)


def measured(make: Callable[[int], Problem], methods: list[Method], rounds: int, target: float) -> dict[str, Figures]:
    """Set-up, first and repeated solve of each method, seconds, and what its field is certified to."""
    engine = sp.Engine()
    for seed in (-1, -2):  # the second takes what the first may have had no use for
        _ours(engine, make(seed), target)
    found: dict[str, Figures] = defaultdict(lambda: defaultdict(list))
    for seed in range(rounds):
        problem = make(seed)
        again = _other_values(problem)
        system, assembling = _timed(lambda problem=problem: LinearSystem.of(problem))  # type: ignore[misc]
        found[ASSEMBLY]["set-up"].append(assembling)
        for name, figure in _ours(engine, make(seed), target).items():
            found[OURS][name].append(figure)
        for method in methods:
            if method.applies(problem):
                for name, figure in _one(method, system, LinearSystem.of(again), target):
                    found[method.name][name].append(figure)
    return {name: dict(figures) for name, figures in found.items()}


def _ours(engine: sp.Engine, problem: Problem, target: float) -> dict[str, float]:
    """What `Engine.solve` takes, with its certificate."""
    tolerance, again = target * problem.largest_imposed, _other_values(problem)
    solution, first = _timed(lambda: engine.solve(problem, method="exact", tolerance=tolerance))
    _, repeated = _timed(lambda: engine.solve(again, method="exact", tolerance=tolerance))
    return {"first": first, "again": repeated, "certified": solution.error_bound / problem.largest_imposed}


def _one(method: Method, system: LinearSystem, again: LinearSystem, target: float) -> Iterator[tuple[str, float]]:
    threads = thread_count()
    relative = loosest(method, method.prepare(system, threads), system, target) if method.iterative else 0.0
    solve, setting_up = _timed(lambda: method.prepare(system, threads))
    values, first = _timed(lambda: solve(system.rhs, relative))
    _, repeated = _timed(lambda: solve(again.rhs, relative))
    yield from {"set-up": setting_up, "first": first, "again": repeated}.items()
    yield "certified", certified(system, values)


def loosest(method: Method, solve: Any, system: LinearSystem, target: float) -> float:
    """The largest half power of ten whose field, as a relative residual, is certified to be within the target."""

    def within(halves: int) -> bool:
        return certified(system, solve(system.rhs, 10.0 ** (-halves / 2))) <= target

    halves = 2 * round(-math.log10(target))  # where to begin
    if within(halves):
        while halves > 1 and within(halves - 1):
            halves -= 1
    else:
        while not within(halves := halves + 1):
            if halves > 26:
                print(f"{method.name} does not come within {target:g}", file=sys.stderr)
                break
    return float(10.0 ** (-halves / 2))


def certified(system: LinearSystem, values: FloatArray) -> float:
    """The bound on the error of a field, over the largest value imposed."""
    return sp.certify(system.problem, system.fill(values)).error_bound / system.problem.largest_imposed


def _other_values(problem: Problem) -> Problem:
    """The same operator with other values imposed."""
    share = 1.0 - 0.3 * np.arange(problem.shape[1]) / problem.shape[1]
    return problem.replace(source=problem.source * share)


def warm_up(method: Method) -> None:
    """Load what it needs."""
    system = LinearSystem.of(gallery.paper_discs(_rng(0), 2, (64, 64)))
    method.prepare(system, thread_count())(system.rhs, 1e-6)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def _about(target: float, rounds: int) -> list[str]:
    said = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    threads = f"{thread_count()} threads" + "".join(f", {name}={value}" for name, value in said.items())
    lines = [
        f"{_processor()}, {os.cpu_count()} cores, {threads}. Medians of {rounds} problems, ms; every field is "
        f"certified to {target:g} of the largest value or better. A cell is *set-up + first solve / one more*; of this "
        "package, which has no set-up of its own, *first solve / one more*.",
    ]
    missing = [f"{method.name} ({method.install})" for method in METHODS if not method.installed]
    return lines + (["", f"Left out, since they are not installed: {'; '.join(missing)}."] if missing else [])


def _processor() -> str:
    try:
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        return names[0].partition(":")[2].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def _tables(report: dict[str, dict[int, dict[str, Figures]]]) -> Iterator[str]:
    shared = {method.name: method.threads for method in METHODS} | {OURS: "own", ASSEMBLY: "1"}
    for case, sizes in report.items():
        yield f"## {case.capitalize()}"
        yield ""
        names = [
            name
            for name in (OURS, *(method.name for method in METHODS), ASSEMBLY)
            if name in next(iter(sizes.values()))
        ]
        rows = []
        for name in names:
            each = [sizes[side][name] for side in sizes]
            worst = max((max(one["certified"]) for one in each if "certified" in one), default=None)
            rows.append([
                name, shared[name], *(_cell(one) for one in each), "" if worst is None else f"{worst:.0e}"
            ])  # fmt: skip
        heading = ("method", "threads", *(f"{side}²" for side in sizes), "certified to")
        yield from markdown_table(heading, rows)
        yield ""


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:,.0f}" if seconds > 0.1 else f"{1e3 * seconds:.2g}"


def _cell(figures: Figures) -> str:
    """Set-up + first / again."""
    ms = {name: _ms(statistics.median(each)) for name, each in figures.items()}
    if "first" not in ms:
        return ms["set-up"]
    kept = statistics.median(figures.get("set-up", [0.0])) > 1e-4  # else it prepares nothing
    return (f"{ms['set-up']} + " if kept else "") + f"{ms['first']} / {ms['again']}"


if __name__ == "__main__":
    main()
