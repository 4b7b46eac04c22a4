"""What ``solve`` says: a table for people, or one JSON object for programs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape

from surrogate_plugin.cli.console import print_json, stderr, stdout, table
from surrogate_plugin.equation.per_axis import PerAxis
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.files import Census, Told

if TYPE_CHECKING:
    from surrogate_plugin.engine.discretisation import DiscretisationEstimate
    from surrogate_plugin.equation.solution import Solution


@dataclass(frozen=True, eq=False)
class Answer:
    """A solution, and how it came about.

    Attributes
    ----------
    problem : Problem
    solution : Solution
    told : Told
        Method, bound, tolerance and units, as the outputs have them.
    seconds : float
        From the question to the answer, with what was imported, loaded and compiled for it.
    rule : str
        How the held pixels were told.
    notes, warnings : tuple of str
    written : tuple of Path
    verbose : bool
        Whether the table says where the solve started, why, and what was counted.
    discretisation : DiscretisationEstimate, optional
        What the lattice costs, if that was asked for.
    """

    problem: Problem
    solution: Solution
    told: Told
    seconds: float
    rule: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    written: tuple[Path, ...]
    verbose: bool = False
    discretisation: DiscretisationEstimate | None = None

    @property
    def solving(self) -> float:
        """Seconds of the solve itself, without what had to be loaded first."""
        return sum(spent for name, spent in self.solution.stats.seconds.items() if name != "load")

    @property
    def reached(self) -> bool:
        """Whether the bound is within the tolerance; where there is none, whether there is a bound at all."""
        from surrogate_plugin.equation.solution import Reason

        if any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in self.solution.flags):
            return False
        return self.solution.error_bound <= (math.inf if self.told.tolerance is None else self.told.tolerance) and (
            math.isfinite(self.solution.error_bound)
        )

    @cached_property
    def census(self) -> Census:
        """The held pixels."""
        return Census.take(self.problem.source, self.problem.fixed)


def rows(answer: Answer) -> list[tuple[str, str]]:
    """Who answered, how sure, what was held, how long it took: a name and what it is, each."""
    solution, problem, told = answer.solution, answer.problem, answer.told
    units = f" {told.units}" if told.units else ""
    lengths = f" {told.length_units}" if told.length_units else ""
    return [
        ("answered by", solution.method),
        ("error at most", f"{solution.error_bound:.3g}{units}{_against(answer)}"),
        *([("discretisation", answer.discretisation.sentence(told.units))] if answer.discretisation else []),
        ("values", f"{solution.field.min():.6g} to {solution.field.max():.6g}{units}"),
        ("held", f"{answer.census}{units if answer.census.pixels else ''}"),
        ("told by", answer.rule),
        *(("note", note) for note in answer.notes),
        (
            "lattice",
            f"{problem.shape[0]} x {problem.shape[1]} (rows x columns), spacing {spacing_of(problem)}{lengths}",
        ),
        *([("decay", _range(problem.decay))] if isinstance(problem.decay, np.ndarray) else []),
        *_of_tissue(problem),
        ("time", f"{1e3 * answer.solving:.1f} ms{_stages(solution)}"),
        ("loading", f"{answer.seconds - answer.solving:.1f} s of libraries and kernels, once a process"),
        *(_verbose(solution) if answer.verbose else ()),
        *(("flag", str(flag)) for flag in solution.flags),
        *(("written", str(path)) for path in answer.written),
    ]


def print_table(answer: Answer) -> None:
    """The rows as a table."""
    made = table("Solution", "", "")
    made.show_header = False
    for name, value in rows(answer):
        made.add_row(name, escape(value))
    stdout().print(made)
    if not answer.reached:
        stderr().print("The tolerance was not reached.", style="bold red")


def _verbose(solution: Solution) -> list[tuple[str, str]]:
    """What only those want to know who asked."""
    stats = solution.stats
    counted = ", ".join(f"{count} {name}" for name, count in stats.counts.items())
    rows = [("started from", stats.start), ("why", stats.why), ("counted", counted)]
    return [(name, said) for name, said in rows if said]


def _of_tissue(problem: Problem) -> list[tuple[str, str]]:
    """What the table says of the tissue, where it is not the same everywhere and every way."""
    given, found = problem.diffusivity, []
    if isinstance(given, PerAxis):
        found += [(f"diffusivity {axis}", _range(value)) for axis, value in (("x", given.x), ("y", given.y))]
    elif isinstance(given, np.ndarray):
        found.append(("diffusivity", _range(given)))
    if problem.membranes is not None:
        count = sum(int(np.count_nonzero(np.isfinite(each))) for each in problem.membranes.of_shape)
        found.append(("membranes", f"on {count} faces"))
    return found


def spacing_of(problem: Problem) -> str:
    """The spacing as people read it: one number, or that of the rows by that of the columns."""
    return " x ".join(f"{h:g}" for h in dict.fromkeys(problem.spacings))


def print_answer(answer: Answer) -> None:
    """One line of JSON; a bound that is infinite is null."""
    solution, problem, told, census = answer.solution, answer.problem, answer.told, answer.census
    said: dict[str, Any] = {
        "method": solution.method,
        "error_bound": solution.error_bound,
        "tolerance": told.tolerance,
        "tolerance_reached": answer.reached,
        "discretisation": answer.discretisation and _estimate(answer.discretisation),
        "values": {"lowest": float(solution.field.min()), "highest": float(solution.field.max())},
        "units": told.units or None,
        "length_units": told.length_units or None,
        "shape": list(problem.shape),
        "spacing": list(problem.spacing) if isinstance(problem.spacing, tuple) else problem.spacing,
        "held": {
            "pixels": census.pixels,
            "groups": census.groups,
            "different_values": census.different,
            "values": list(census.values),
            "told_by": answer.rule,
        },
        "notes": list(answer.notes),
        "warnings": list(answer.warnings),
        "flags": [{"reason": str(flag.reason), "message": flag.message} for flag in solution.flags],
        "start": solution.stats.start or None,
        "why": solution.stats.why or None,
        "counts": solution.stats.counts,
        "seconds": {"total": answer.seconds, "solve": answer.solving, **solution.stats.seconds},
        "written": [str(path) for path in answer.written],
    }
    print_json(said)


def _estimate(found: DiscretisationEstimate) -> dict[str, Any]:
    return {
        "estimate": found.largest,
        "uncertainty": found.uncertainty,
        "order": found.expected_order if found.order is None else found.order,
        "reliable": found.reliable,
        "spacings": [list(each) for each in found.spacings],
    }


def _against(answer: Answer) -> str:
    tolerance = answer.told.tolerance
    return "" if tolerance is None else f" (tolerance {tolerance:.3g}{'' if answer.reached else ', not reached'})"


def _range(values: Any) -> str:
    return f"{float(np.min(values)):.6g} to {float(np.max(values)):.6g}"


def _stages(solution: Solution) -> str:
    parts = [f"{name} {1e3 * spent:.1f}" for name, spent in solution.stats.seconds.items() if name != "load"]
    return f" ({', '.join(parts)})" if parts else ""
