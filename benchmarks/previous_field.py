"""What a host's step may start from, and what the engine takes: ``python -m benchmarks.previous_field``.

A tissue of cells that all moved a little: the bound after so many cycles from the field of the step before, from the
network's, and from nothing; what the engine chooses under either policy, and why; and what becomes of the difference of
the two steps, whose equation has the residual of the field before in the place of everything that is imposed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration
from surrogate_plugin.surrogate.model import load

_SPACING_UM = 20.0


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="pixels along x and y")
    parser.add_argument("--cells", type=int, default=8_000)
    parser.add_argument("--moved", type=float, default=0.4, help="how far each cell moves, pixels")
    parser.add_argument("--tolerance", type=float, default=0.38, help="of vessels at 38 mmHg")
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=9)
    chosen = parser.parse_args()
    before, after = _problems(chosen.side, chosen.cells, chosen.moved)
    previous = sp.Engine().solve(before, tolerance=chosen.tolerance).field
    network = load("default", "cpu")
    said, says = network.predict(before), network.predict(after)
    corrected = np.maximum(previous + (says - said), 0.0)
    starts = {"previous": previous, "network": says, "previous, corrected by the network": corrected, "nothing": None}
    _bounds(after, starts, chosen.cycles)
    _choices(before, after, chosen.tolerance, chosen.repeats)
    _difference(after, previous, {"The network, which starts over,": says, "The network as a corrector": corrected})


def _problems(side: int, cells: int, moved: float) -> tuple[Problem, Problem]:
    """The tissue before and after its cells moved by so many pixels, each its own way."""
    rng, width = np.random.default_rng(0), side * _SPACING_UM
    domain = sp.Domain((0.0, 0.0), (width, width), (side, side))
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, boundary="reflecting", outside="clamp"
    )
    backend = sp.Backend(config)
    places = rng.uniform(0.0, width, (cells, 2))
    vessels = sp.Vessels(rng.uniform(0.0, width, (40, 2)), radius_um=30.0, value=38.0)
    away = rng.normal(size=(cells, 2))
    away *= moved * _SPACING_UM / np.linalg.norm(away, axis=1)[:, None]

    def problem(where: FloatArray) -> Problem:
        return backend.problem(
            sp.TissueState(cells=sp.Cells(where, radius_um=8.4, uptake_per_min=10.0), vessels=vessels)
        )

    return problem(places), problem(places + away)


def _bounds(problem: Problem, starts: dict[str, FloatArray | None], cycles: int) -> None:
    operator, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
    rows = []
    for name, start in starts.items():
        bounds = []
        for count in range(cycles + 1):
            iteration = Iteration(operator, hierarchy, start)
            for _ in range(count):
                iteration.advance()
            iteration.smooth()
            bounds.append(Certifier(operator, hierarchy).bound(iteration.field, 0.0).value)
        rows.append([name, *(f"{bound:.2g}" for bound in bounds)])
    print("\n".join(markdown_table(["bound from", *(f"{count} cycles" for count in range(cycles + 1))], rows)), "\n")


def _choices(before: Problem, after: Problem, tolerance: float, repeats: int) -> None:
    """What an engine that was asked for the step before starts from; then one that was not."""
    rows, reasons = [], []
    for policy in ("fastest", "surrogate-first"):
        for name in ("the step before", "nothing"):
            engine = sp.Engine(policy=policy)
            start = engine.solve(before, tolerance=tolerance).field if name == "the step before" else None

            def solve(engine: sp.Engine = engine, start: FloatArray | None = start) -> sp.Solution:
                return engine.solve(after, tolerance=tolerance, previous=start)

            solve()
            seconds = statistics.median(_seconds(solve) for _ in range(repeats))
            solution = solve()
            taken, ms = solution.stats.cycles, f"{1e3 * seconds:.1f}"
            rows.append([f"{policy}, {name}", solution.stats.start, str(taken), ms, f"{solution.error_bound:.2g}"])
            reasons.append(f"{policy}, {name}: {solution.stats.why}")
    print("\n".join(markdown_table(["policy, at hand", "chosen", "cycles", "ms", "bound"], rows)), "\n")
    print("\n".join(reasons), "\n")


def _difference(problem: Problem, previous: FloatArray, others: dict[str, FloatArray]) -> None:
    """What cycles leave of the difference of two steps, and how far off are those who would spare some of them."""
    exact = sp.solve(problem, method="exact", tolerance=1e-6).field
    operator, hierarchy = Operator(problem), Hierarchy(problem.shape, problem.walls)
    iteration = Iteration(operator, hierarchy, previous)
    lacking = iteration.pixels_above(0.1)
    left = [float(np.abs(previous - exact).max())]
    for _ in range(3):
        iteration.advance()
        left.append(float(np.abs(iteration.field[1:-1, 1:-1] - exact).max()))
    print(f"The difference is driven by {lacking} of {exact.size} pixels, and is at most {left[0]:.2g}; cycles leave")
    print(", ".join(f"{each:.2g} ({each / left[0]:.1%})" for each in left[1:]), "of it.")
    for name, field in others.items():
        print(f"{name} is {np.abs(field - exact).max():.2g} off.")


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
