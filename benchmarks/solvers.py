"""Time every solver side by side in one run: ``python -m benchmarks.solvers``.

Each round takes a fresh problem and runs every method on it in turn, so that a machine whose speed drifts slows all of
them alike; medians over the rounds are printed, and ratios to the fastest exact method at the same tolerance as well
as to sparse direct. Errors are against sparse direct with refinement (about 1e-13).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse.linalg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.systems import LinearSystem
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.gallery import paper_discs, tumour_and_vessels
from surrogate_plugin.solvers.direct.solver import SparseDirect
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.team import thread_count

Method = Callable[[Problem], tuple[FloatArray | None, float | None, str]]

_MEMORY_PROBE = """
import numpy as np
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.gallery import tumour_and_vessels
engine = Engine()
problem = tumour_and_vessels(np.random.default_rng(0), ({side}, {side}), michaelis_menten=False, scale=1.0)
for _ in range(3):
    engine.solve(problem, method="exact")
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main() -> None:
    """Run the cases and print one table each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.solvers", description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="pixels along each side of the lattice (default 512)")
    parser.add_argument("--rounds", type=int, default=9, help="problems per case (default 9)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    console = Console(width=120)
    console.print(f"{platform.processor() or platform.machine()}, {_threads()}, {options.side}x{options.side}\n")
    report = {}
    with Progress(console=console, transient=True) as progress:
        for case, make in _cases(options.side).items():
            task = progress.add_task(case, total=options.rounds + 1)
            report[case] = _run(make, _methods(case), options.rounds, lambda task=task: progress.advance(task))  # type: ignore[misc]
            progress.remove_task(task)
            console.print(_table(case, report[case]))
    memory = _peak_memory(options.side)
    if memory is not None:
        console.print(f"Peak memory of a process that makes one fast exact solve: {memory:.0f} MB")
    if options.json:
        options.json.write_text(json.dumps({"cases": report, "peak_memory_mb": memory}, indent=1))


def _cases(side: int) -> dict[str, Callable[[int], Problem]]:
    shape = (side, side)
    return {
        "constant decay, 10 discs": lambda seed: paper_discs(np.random.default_rng(seed), 10, shape),
        "variable decay, vessels and tumour": lambda seed: _tissue(seed, shape, saturating=False),
        "Michaelis-Menten, vessels and tumour": lambda seed: _tissue(seed, shape, saturating=True),
    }


def _tissue(seed: int, shape: tuple[int, int], *, saturating: bool) -> Problem:
    return tumour_and_vessels(
        np.random.default_rng(1000 + seed),
        shape,
        vessels=30,
        michaelis_menten=saturating,
        boundary="reflecting",
        diffusion_length=20.0 + 5.0 * (seed % 5),
        scale=38.0,
    )


def _methods(case: str) -> dict[str, Method]:
    """What is timed, by name; a name's trailing percentage is its tolerance."""
    engines = {policy: Engine(policy=policy) for policy in ("fastest", "surrogate-first")}
    methods: dict[str, Method] = {}
    if "Michaelis" not in case:
        methods["scipy spsolve (COLAMD)"] = _spsolve
        methods["PyAMG Ruge-Stuben + CG, 1e-8"] = _pyamg
    methods["sparse-direct (SuperLU)"] = lambda problem: _solved(SparseDirect(), problem)
    if importlib.util.find_spec("sksparse"):
        methods["sparse-direct (CHOLMOD)"] = methods.pop("sparse-direct (SuperLU)")
    methods["one V(2,2) cycle"] = _cycle()
    for share in (1e-8, 1e-6, 1e-2, 1e-3):
        methods[f"exact at {share:g}"] = _engine(engines["fastest"], "exact", share)
    if "constant" in case:
        methods["multigrid at 1e-08"] = _engine(engines["fastest"], "multigrid", 1e-8)
    network = _forward(engines["fastest"])
    if network is not None:
        methods["surrogate forward"] = network
    for policy, engine in engines.items():
        for share in (1e-2, 1e-3):
            methods[f"guarded at {share:g}, {policy}"] = _engine(engine, "guarded", share)
    return methods


def _run(
    make: Callable[[int], Problem], methods: dict[str, Method], rounds: int, advance: Callable[[], None]
) -> dict[str, dict[str, Any]]:
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    worst: dict[str, float] = {}
    bounds: dict[str, float] = {}
    answered: dict[str, str] = {}
    for seed in range(rounds + 1):
        reference = _solved(SparseDirect(), make(seed))[0]
        assert reference is not None
        largest = float(reference.max())
        for name, method in methods.items():
            problem = make(seed)  # a fresh object, so that nothing is kept from the method before
            began = time.perf_counter()
            field, bound, who = method(problem)
            taken = time.perf_counter() - began
            if seed == 0:
                continue  # compiles, loads and calibrates
            seconds[name].append(taken)
            answered[name] = who
            if field is not None:
                error = float(np.abs(field - reference).max()) / largest
                worst[name] = max(worst.get(name, 0.0), error)
                if bound is not None and error > bound / largest + 1e-12:
                    raise AssertionError(
                        f"{name}, problem {seed}: error {error:.2e} above its bound {bound / largest:.2e}"
                    )
            if bound is not None:
                bounds[name] = max(bounds.get(name, 0.0), bound / largest)
        advance()
    return {
        name: {
            "ms": 1e3 * statistics.median(seconds[name]),
            "error": worst.get(name),
            "bound": bounds.get(name),
            "answered": answered[name],
        }
        for name in methods
    }


def _table(case: str, figures: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=case, title_justify="left")
    for heading in (
        "method",
        "median ms",
        "x spsolve",
        "x sparse direct",
        "to exact",
        "worst error",
        "worst bound",
        "by",
    ):
        table.add_column(heading, justify="left" if heading in ("method", "by") else "right")
    direct = next(figures[name]["ms"] for name in figures if name.startswith("sparse-direct"))
    spsolve = figures.get("scipy spsolve (COLAMD)", {}).get("ms")
    for name, figure in figures.items():
        same = next((e for e in figures if e.startswith("exact at") and f"{e.split()[-1]}," in name), None)
        table.add_row(
            name,
            f"{figure['ms']:.1f}",
            f"{spsolve / figure['ms']:.0f}" if spsolve else "",
            f"{direct / figure['ms']:.0f}",
            f"{figure['ms'] / figures[same]['ms']:.2f}" if same else "",
            "" if figure["error"] is None else f"{figure['error']:.1e}",
            "" if figure["bound"] is None else f"{figure['bound']:.1e}",
            figure["answered"],
        )
    return table


def _spsolve(problem: Problem) -> tuple[FloatArray, None, str]:
    system = LinearSystem.of(problem)
    return system.fill(scipy.sparse.linalg.spsolve(system.matrix, system.rhs)), None, ""


def _pyamg(problem: Problem) -> tuple[FloatArray, None, str]:
    import pyamg

    system = LinearSystem.of(problem)
    hierarchy = pyamg.ruge_stuben_solver(system.matrix.tocsr())
    return system.fill(hierarchy.solve(system.rhs, tol=1e-8, accel="cg")), None, ""


def _solved(solver: SparseDirect, problem: Problem) -> tuple[FloatArray, None, str]:
    return solver.solve(solver.prepare(problem), problem).field, None, ""


def _cycle() -> Method:
    kept: dict[tuple[int, int], Hierarchy] = {}

    def run(problem: Problem) -> tuple[None, None, str]:
        hierarchy = kept[problem.shape]
        hierarchy.v_cycle(hierarchy.vectors[1], hierarchy.vectors[0])
        return None, None, ""

    def prepared(problem: Problem) -> tuple[None, None, str]:
        if problem.shape not in kept:
            hierarchy = Hierarchy(problem.shape, problem.walls)
            hierarchy.rebuild(~problem.fixed, np.broadcast_to(problem.decay, problem.shape).copy())
            hierarchy.vectors[0][1:-1, 1:-1] = 1.0
            kept[problem.shape] = hierarchy
        return run(problem)

    return prepared


def _forward(engine: Engine) -> Method | None:
    from surrogate_plugin.surrogate.failures import ModelError
    from surrogate_plugin.surrogate.model import load

    try:
        model = load("default")
    except ModelError:
        return None

    def run(problem: Problem) -> tuple[FloatArray, None, str]:
        return model.predict(problem), None, ""

    return run


def _engine(engine: Engine, method: str, share: float) -> Method:
    def run(problem: Problem) -> tuple[FloatArray, float, str]:
        solution = engine.solve(problem, method=method, tolerance=share * problem.largest_imposed)
        return solution.field, solution.error_bound, solution.method

    return run


def _peak_memory(side: int) -> float | None:
    """MB by the kernel's own count (a child's ``ru_maxrss`` starts at its parent's); None where there is no /proc."""
    if not Path("/proc/self/status").exists():
        return None
    probe = [sys.executable, "-c", _MEMORY_PROBE.format(side=side)]
    return int(subprocess.run(probe, capture_output=True, text=True, check=True).stdout) / 1024


def _threads() -> str:
    return f"{thread_count()} threads"


if __name__ == "__main__":
    main()
