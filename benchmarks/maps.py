"""Time what maps of the diffusivity, obstacles and membranes cost: ``python -m benchmarks.maps``.

Each round takes a fresh tissue and asks every method for it in turn, the same tissue with one diffusivity everywhere
among them, so that a machine whose speed drifts slows all of them alike. Printed are medians over the rounds, of times
and of the ratios within each round, the worst error against sparse direct, and the worst certified bound.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import scipy.sparse.linalg
from rich.console import Console
from rich.table import Table

import surrogate_plugin as sp
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.assembly import assemble, known_values, supply, value_unit
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.gallery import tumour_and_vessels
from surrogate_plugin.team import thread_count

Rng = np.random.Generator
#: The tolerance, of the largest imposed value.
_SHARE = 1e-6
_CONSTANT = "multigrid, one diffusivity"


@dataclass(frozen=True)
class Answer:
    """What a method said and how long it took; ``bound`` is None where it gives none."""

    seconds: float
    field: FloatArray
    bound: float | None
    who: str


def main() -> None:
    """Run the cases and print one table each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.maps", description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="pixels along each side of the lattice (default 512)")
    parser.add_argument("--rounds", type=int, default=5, help="tissues per case (default 5)")
    parser.add_argument("--case", action="append", help="only this case; may be repeated")
    options = parser.parse_args()
    console = Console(width=120)
    console.print(
        f"{platform.processor() or platform.machine()}, {thread_count()} threads, {options.side}x{options.side}, "
        f"tolerance {_SHARE:g} of the largest value\n"
    )
    engine = Engine()
    for case, make in _CASES.items():
        if options.case is None or case in options.case:
            console.print(
                _table(case, [_round(engine, make, seed, options.side) for seed in range(options.rounds + 1)])
            )


def two_tissues(rng: Rng, plain: sp.Problem) -> sp.Problem:
    """Contrast 100 in regions some 20 pixels wide, half the lattice each."""
    return plain.replace(diffusivity=np.where(_region(rng, plain.shape, 8.0, 0.5), 0.01, 1.0))


def obstacles(rng: Rng, plain: sp.Problem) -> sp.Problem:
    """Nothing diffuses on 30 % of the lattice, in pieces some 10 pixels wide."""
    return plain.replace(diffusivity=np.where(_region(rng, plain.shape, 4.0, 0.3), 0.0, 1.0))


def membranes(rng: Rng, plain: sp.Problem) -> sp.Problem:
    """Cells of radius 10, 200 on 512 x 512 pixels, behind membranes that pass 1 % of what a face passes."""
    return plain.replace(membranes=sp.Membranes.between(_cells(rng, plain.shape), 0.01))


def noise(rng: Rng, plain: sp.Problem) -> sp.Problem:
    """Contrast 1e6 from pixel to pixel."""
    return plain.replace(diffusivity=10.0 ** rng.uniform(-6.0, 0.0, plain.shape))


_CASES: dict[str, Callable[[Rng, sp.Problem], sp.Problem]] = {
    "two tissues": two_tissues,
    "obstacles": obstacles,
    "membranes": membranes,
    "noise": noise,
}


def _plain(seed: int, side: int) -> sp.Problem:
    """Vessels that hold 38 mmHg; decay of 1/400 and, in regions, up to 1/25."""
    rng = np.random.default_rng([seed, 1])
    shape = (side, side)
    drawn = tumour_and_vessels(rng, shape, vessels=30, michaelis_menten=False, boundary="reflecting", scale=38.0)
    decay = np.where(_region(rng, shape, 10.0, 0.5), rng.uniform(1 / 400, 1 / 25, shape), 1 / 400)
    return sp.Problem(drawn.source, drawn.fixed, decay=decay, boundary="reflecting")


def _region(rng: Rng, shape: tuple[int, int], width: float, share: float) -> BoolArray:
    smooth = scipy.ndimage.gaussian_filter(rng.normal(size=shape), width, mode="wrap")
    return np.asarray(smooth < np.quantile(smooth, share))


def _cells(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    ids, placed = np.zeros(shape, dtype=np.int64), 0
    while placed < 200 * math.prod(shape) // 512**2:
        row, column = rng.uniform((0.0, 0.0), shape)
        inside = (y - row) ** 2 + (x - column) ** 2 < rng.uniform(8.0, 12.0) ** 2
        if not ids[inside].any():
            placed += 1
            ids[inside] = placed
    return ids


def _round(
    engine: Engine, make: Callable[[Rng, sp.Problem], sp.Problem], seed: int, side: int
) -> dict[str, Answer | None]:
    """Every method on one tissue; None where one refuses it."""

    def posed() -> sp.Problem:  # a fresh object, so that nothing is kept from the method before
        return make(np.random.default_rng([seed, 2]), _plain(seed, side))

    answers = {"scipy spsolve (COLAMD)": _timed(posed(), _spsolve)}
    answers[_CONSTANT] = _timed(_plain(seed, side), _asked(engine, "multigrid"))
    for method in ("sparse-direct", "multigrid", "algebraic", "exact"):
        answers[method] = _timed(posed(), _asked(engine, method))
    return answers


Method = Callable[[sp.Problem], tuple[FloatArray, float | None, str]]


def _timed(problem: sp.Problem, method: Method) -> Answer | None:
    began = time.perf_counter()
    try:
        field, bound, who = method(problem)
    except UnsupportedProblemError:
        return None
    return Answer(time.perf_counter() - began, field, bound, who)


def _asked(engine: Engine, method: str) -> Method:
    def run(problem: sp.Problem) -> tuple[FloatArray, float, str]:
        solution = engine.solve(problem, method=method, tolerance=_SHARE * problem.largest_imposed)
        cycles = solution.stats.cycles
        return solution.field, solution.error_bound, solution.method + (f", {cycles} cycles" if cycles else "")

    return run


def _spsolve(problem: sp.Problem) -> tuple[FloatArray, None, str]:
    graph, unit = assemble(problem), value_unit(problem)
    field = problem.known.copy()
    rhs = graph.residual(known_values(problem, unit), supply(problem, unit))
    field[problem.unknown] = scipy.sparse.linalg.spsolve(graph.matrix(), rhs) * unit
    return field, None, ""


def _table(case: str, rounds: list[dict[str, Answer | None]]) -> Table:
    """One line a method; the first round compiles, loads and calibrates, and does not count."""
    table = Table(title=case, title_justify="left")
    for heading in ("method", "median ms", "x spsolve", "x sparse direct", "to constant", "error", "bound", "by"):
        table.add_column(heading, justify="left" if heading in ("method", "by") else "right")
    for name in rounds[0]:
        answers = [(each[name], each) for each in rounds[1:]]
        taken = [(answer, each) for answer, each in answers if answer is not None]
        if not taken:
            table.add_row(name, "refuses")
            continue
        alone = name == _CONSTANT  # another problem
        errors = [_error(answer, each) for answer, each in taken]
        bounds = [answer.bound / _largest(each) for answer, each in taken if answer.bound is not None]
        table.add_row(
            name,
            f"{1e3 * statistics.median(answer.seconds for answer, _ in taken):.1f}",
            f"{_ratio('scipy spsolve (COLAMD)', taken):.0f}",
            f"{_ratio('sparse-direct', taken):.1f}",
            f"{1.0 / _ratio(_CONSTANT, taken):.2f}",
            "" if alone else f"{max(errors):.1e}",
            f"{max(bounds):.1e}" if bounds else "",
            taken[-1][0].who,
        )
    return table


def _ratio(other: str, taken: list[tuple[Answer, dict[str, Answer | None]]]) -> float:
    """How many times as long another method takes on the same tissue, median."""
    pairs = [(each[other], answer) for answer, each in taken]
    return statistics.median(theirs.seconds / ours.seconds for theirs, ours in pairs if theirs is not None)


def _largest(each: dict[str, Answer | None]) -> float:
    reference = each["sparse-direct"]
    assert reference is not None
    return float(reference.field.max())


def _error(answer: Answer, each: dict[str, Answer | None]) -> float:
    reference = each["sparse-direct"]
    assert reference is not None
    return float(np.abs(answer.field - reference.field).max()) / _largest(each)


if __name__ == "__main__":
    main()
