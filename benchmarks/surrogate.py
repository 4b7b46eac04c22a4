"""What the shipped network knows and what it is worth: ``python -m benchmarks.surrogate``.

Test problems that the network never saw and that selected nothing, at 512x512: its errors, the share of states
certified after so many multigrid cycles, the cycles it saves, and the time of a guarded solve beside the exact solver
at the same tolerance, problem by problem in one run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks.document import markdown_table
from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.surrogate.model import Model, load
from surrogate_training.documents import write_into
from surrogate_training.problems.distributions import Distribution, Paper, Vessels
from surrogate_training.quality import guard_metrics, metrics
from surrogate_training.samples.dataset import DataConfig, exact_field, sample_problem

#: Over the largest imposed value: of the fields that errors are taken from.
_ACCURACY = 1e-7
_TOLERANCES = (0.01, 0.001)
_NAMES = {
    "relative_l2": "relative L2",
    "mae": "mean, whole lattice",
    "max": "largest",
    "field": "mean, free pixels",
    "r1": "mean, field 0.2 to 1",
    "r2": "mean, field 0.1 to 0.2",
    "r3": "mean, field 0.05 to 0.1",
}
_STATISTICS = ("median", "mean", "p95", "p99", "largest")


def cases() -> dict[str, Distribution]:
    """The distributions by name; none of them is exactly what the network was trained on."""
    return {
        "vessels, first-order uptake": Vessels(constant_decay=0.0),
        "vessels, Michaelis-Menten uptake": Vessels(constant_decay=0.0, saturating=1.0),
        "the study's discs": Paper(),
    }


def main() -> None:
    """Measure each case and print its tables, as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.surrogate", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default", help="a registered model, or its .safetensors file")
    parser.add_argument("--problems", type=int, default=200, help="of each distribution (default 200)")
    parser.add_argument("--timed", type=int, default=24, help="of these, how many are timed (default 24)")
    parser.add_argument("--side", type=int, default=512, help="pixels along each side of the lattice (default 512)")
    parser.add_argument("--seed", type=int, default=97, help="of the problems")
    parser.add_argument("--document", type=Path, help="write the tables between the markers of this Markdown file")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    console, model, report = Console(stderr=True), load(options.model), {}
    with Progress(console=console, transient=True) as progress:
        for name, distribution in cases().items():
            data = DataConfig(
                distribution=distribution, seed=options.seed, batch=1, shape=(options.side,) * 2, other_shapes=0.0
            )
            task = progress.add_task(name, total=2 * options.problems + options.timed)
            problems = [sample_problem(data, "test", index, 0) for index in range(options.problems)]
            report[name] = _measure(model, problems, options.timed, lambda task=task: progress.advance(task))  # type: ignore[misc]
            progress.remove_task(task)
    text = "\n".join(_report(name, figures) for name, figures in report.items())
    print(text)
    if options.document:
        write_into(options.document, "benchmarks.surrogate", text + "\n")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


def _measure(model: Model, problems: Sequence[Problem], timed: int, advance: Callable[[], None]) -> dict[str, Any]:
    errors = []
    for problem in problems:
        largest = problem.largest_imposed
        exact = exact_field(problem, _ACCURACY) / largest
        errors.append(metrics.measure(model.predict(problem) / largest, exact, problem.fixed))
        advance()
    worth = guard_metrics.measure(
        model, problems, tolerances=_TOLERANCES, measure_cost=True, callback=lambda done, text: advance()
    )
    return {
        "problems": len(problems),
        "errors": metrics.summarise(errors),
        "forward_cycles": worth.forward_cycles,
        "worth": {str(tolerance): asdict(found) for tolerance, found in worth.at.items()},
        "seconds": _time(model, problems[:timed], advance),
    }


def _time(model: Model, problems: Sequence[Problem], advance: Callable[[], None]) -> dict[str, Any]:
    """Medians of the seconds of each route, and of the ratio guarded to exact, problem by problem."""
    engine = Engine(model=model)
    seconds: dict[str, list[float]] = {"forward": []}
    ratios: dict[str, list[float]] = {}
    answered: dict[str, list[bool]] = {}
    for index, problem in enumerate(problems):
        began = time.perf_counter()
        model.predict(problem)
        forward = time.perf_counter() - began
        for tolerance in _TOLERANCES:
            taken = {}
            for method in ("exact", "guarded"):
                began = time.perf_counter()
                solution = engine.solve(problem, method=method, tolerance=tolerance * problem.largest_imposed)
                taken[method] = time.perf_counter() - began
            if index == 0:
                continue  # compiles and allocates
            for method, spent in taken.items():
                seconds.setdefault(f"{method} at {tolerance:g}", []).append(spent)
            ratios.setdefault(f"{tolerance:g}", []).append(taken["guarded"] / taken["exact"])
            answered.setdefault(f"{tolerance:g}", []).append(solution.method == "surrogate")
        if index:
            seconds["forward"].append(forward)
        advance()
    return {
        "median": {name: statistics.median(values) for name, values in seconds.items()},
        "guarded_to_exact": {name: statistics.median(values) for name, values in ratios.items()},
        "by_surrogate": {name: statistics.fmean(values) for name, values in answered.items()},
    }


def _report(name: str, figures: dict[str, Any]) -> str:
    """The figures of one distribution as Markdown."""
    errors = figures["errors"]
    lines = [f"### {name}", "", f"{figures['problems']} problems; errors in % of the largest imposed value.", ""]
    lines += markdown_table(
        ("error of the network's own field", *_STATISTICS),
        [
            (_NAMES[error], *(f"{100 * errors[error][statistic]:.3f}" for statistic in _STATISTICS))
            for error in _NAMES
            if error in errors
        ],
    )
    timed = figures["seconds"]
    rows = []
    for tolerance, found in figures["worth"].items():
        key = f"{float(tolerance):g}"
        rows.append(
            (
                f"{100 * float(tolerance):g} %",
                *(f"{100 * share:.1f} %" for share in found["certified"][1:4]),
                *(f"{found[column]:.2f}" for column in ("cycles_from_nothing", "cycles", "saved")),
                f"{figures['forward_cycles']:.2f}",
                f"{found['worth']:.2f}",
                *(f"{1e3 * timed['median'][f'{method} at {key}']:.1f}" for method in ("guarded", "exact")),
                f"{timed['guarded_to_exact'][key]:.2f}",
            )
        )
    headings = ("tolerance", "certified after 1 cycle", "2", "3", "cycles from nothing", "with the network", "saved")
    lines += [
        "",
        *markdown_table((*headings, "forward, in cycles", "worth", "guarded, ms", "exact, ms", "ratio"), rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
