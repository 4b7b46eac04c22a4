"""Time `solve_many` beside a loop of `solve` on the same problems: ``python -m benchmarks.many``.

Both answer the same problems in turn, round by round; each round poses them anew, since a problem remembers what was
once found out about it. A figure is worth something on idle cores only.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from surrogate_plugin import team
from surrogate_plugin.gallery import tumour_and_vessels
from surrogate_training.documents import write_into


def _secreted(rng: np.random.Generator, shape: tuple[int, int]) -> sp.Problem:
    """A factor that a tenth of the pixels secretes and another tenth takes up: nothing is held anywhere."""
    secretes, takes = rng.random(shape) < 0.1, rng.random(shape) < 0.1
    decay = 0.002 + 0.05 * takes * rng.random(shape)
    return sp.Problem(np.zeros(shape), decay=decay, production=secretes * rng.random(shape), boundary="reflecting")


_FIRST_ORDER = functools.partial(tumour_and_vessels, variable_decay=True, michaelis_menten=False)
_SATURATING = functools.partial(tumour_and_vessels, variable_decay=True, michaelis_menten=True)
_CONSTANT = functools.partial(tumour_and_vessels, variable_decay=False, michaelis_menten=False)

#: How many problems of how many pixels a side, what they are, and who poses them.
_CASES: tuple[tuple[int, int, str, Callable[..., sp.Problem]], ...] = (
    (64, 512, "variable decay", _FIRST_ORDER),
    (1000, 64, "variable decay", _FIRST_ORDER),
    (64, 512, "Michaelis-Menten", _SATURATING),
    (1000, 64, "Michaelis-Menten", _SATURATING),
    (1000, 64, "constant decay", _CONSTANT),
    (1000, 64, "a secreted factor", _secreted),
)
_HEADINGS = (
    "problems",
    "a loop of `sp.solve`, ms each",
    "`sp.solve_many`, ms each",
    "ratio",
    "exact to 1e-6, ms each",
    "ratio",
)


def main() -> None:
    """Print a table as Markdown, with the ratio of the two."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="pairs of each case (default %(default)s)")
    parser.add_argument("--case", type=int, nargs="+", choices=range(len(_CASES)), help="only these")
    parser.add_argument("--document", type=Path, help="write the table between the markers of this Markdown file")
    options = parser.parse_args()
    cases = [_CASES[number] for number in options.case or range(len(_CASES))]
    rows = [_row(*case, options.rounds) for case in cases]
    text = f"On {team.thread_count()} threads; medians of {options.rounds} pairs.\n\n"
    text += "\n".join(markdown_table(_HEADINGS, rows)) + "\n"
    print(text)
    if options.document:
        write_into(options.document, "benchmarks.many", text)


def _row(count: int, side: int, what: str, posed: Callable[..., sp.Problem], rounds: int) -> tuple[str, ...]:
    rng = np.random.default_rng(side)
    problems = [posed(rng, (side, side)) for _ in range(count)]
    cells = [f"{count:,} of {side} x {side}, {what}"]
    for options in ({}, {"method": "exact", "tolerance": 1e-6}):
        loop, many = _compared(problems, options, rounds)
        per = 1e3 / count
        ratio = statistics.median(one / other for one, other in zip(loop, many, strict=True))
        named = (f"{per * statistics.median(loop):.3g}",) if not options else ()
        cells += [*named, f"{per * statistics.median(many):.3g}", f"{ratio:.2f}"]
        print(f"{cells[0]}, {options or 'guarded'}: {ratio:.2f} times", file=sys.stderr)
    return tuple(cells)


def _compared(problems: list[sp.Problem], options: dict[str, Any], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each round of a loop and of `solve_many`; the rounds before count for nothing, since they compile."""
    loop, many = [], []
    method, share = options.get("method", "guarded"), options.get("tolerance")
    tolerances = [None if share is None else share * sp.solve(problem).field.max() for problem in problems]

    def one_by_one(posed: list[sp.Problem]) -> list[sp.Solution]:
        return [sp.solve(each, method, tolerance) for each, tolerance in zip(posed, tolerances, strict=True)]

    def together(posed: list[sp.Problem]) -> list[sp.Solution]:
        return sp.solve_many(posed, method, tolerances)

    one_by_one(_anew(problems))
    together(_anew(problems))
    for _ in range(rounds):
        loop.append(_seconds(one_by_one, problems))
        many.append(_seconds(together, problems))
    return loop, many


def _anew(problems: list[sp.Problem]) -> list[sp.Problem]:
    """The same problems, of which nothing is known yet."""
    return [problem.replace() for problem in problems]


def _seconds(solve: Callable[[list[sp.Problem]], list[sp.Solution]], problems: list[sp.Problem]) -> float:
    posed = _anew(problems)
    began = time.perf_counter()
    solutions = solve(posed)
    spent = time.perf_counter() - began
    assert len(solutions) == len(problems)
    return spent


if __name__ == "__main__":
    main()
