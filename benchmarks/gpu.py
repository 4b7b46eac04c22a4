"""What a GPU makes of batches of fields: ``make bench-gpu``, once, on a machine that has one.

The suite of `surrogate_plugin.batched` runs first and has to pass. Then batches of tissues with variable decay are
certified at 1 %: this engine from the network's fields and from nothing, in turn, so that a clock that drifts slows
both; and others on the same problems. Beside each figure stand the bound that was proven, of all fields, and the error
of some against an exact solver on the CPU. Last a network learns for some steps from samples made on the device.

``--device cpu --quick`` tries the command itself, on CPU tensors; its figures say nothing of a GPU, and no document
takes them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from benchmarks.gpu_methods import CASE, OURS, RIVALS, Fields, Way, Work, problem_of
from surrogate_plugin.equation.problem import FloatArray, Problem

#: Fields of a batch that are held to an exact solver.
_JUDGED = 4


@dataclass(frozen=True)
class Row:
    """What one way made of one batch.

    Attributes
    ----------
    seconds : float
        A batch, the median.
    certified, error : float
        The largest bound of all fields and the largest error of those judged, over the largest value; NaN if unknown.
    settled : float
        The share of fields within the target.
    cycles : float
        The mean; NaN if unknown.
    """

    name: str
    batch: int
    seconds: float
    certified: float
    error: float
    settled: float
    cycles: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for and print it, or put it into a document."""
    options = _options(arguments)
    if options.suite:
        _run_the_suite()
    device = torch.device(options.device)
    shape = (options.side, options.side)
    rows: list[Row] = []
    left_out: list[str] = []
    for batch in options.batches:
        print(f"batch of {batch}", file=sys.stderr)
        problems = [problem_of(seed, shape) for seed in range(batch)]
        exact = [sp.solve(problem, method="exact").field for problem in problems[:_JUDGED]]
        rows += list(_ours(problems, exact, options.target, options.rounds, device))
    if not options.alone:
        few = list(range(min(options.rivals, max(options.batches))))
        found, left_out = _rivals(few, shape, options.target, options.rounds, device)
        rows += found
    training = None if options.alone else _training(options.steps, device)
    text = "\n".join([*_about(options, device), "", *_table(rows), "", *_said(rows, left_out, training)]) + "\n"
    print(text)
    if options.json:
        figures = {"device": _card(device), "rows": [asdict(row) for row in rows], "training": training}
        options.json.write_text(json.dumps(figures, indent=1))
    if options.document:
        from surrogate_training.documents import write_into

        write_into(options.document, "benchmarks.gpu", text)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu (default cuda)")
    parser.add_argument("--side", type=int, default=512, help="pixels along each side (default 512)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64, 256], help="problems at once")
    parser.add_argument("--rounds", type=int, default=7, help="times each batch is solved (default 7)")
    parser.add_argument("--target", type=float, default=1e-2, help="certified error over the largest value (1e-2)")
    parser.add_argument("--rivals", type=int, default=32, help="problems that others solve (default 32)")
    parser.add_argument("--steps", type=int, default=200, help="that a network learns for (default 200)")
    parser.add_argument("--alone", action="store_true", help="neither other solvers nor training")
    parser.add_argument("--quick", action="store_true", help="small problems, once: does the command work")
    parser.add_argument(
        "--suite", action="store_true", help="run the tests of the device engine first; stop if one fails"
    )
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--document", type=Path, help="write the table between the markers of this Markdown file")
    options = parser.parse_args(arguments)
    if options.device != "cpu" and not torch.cuda.is_available():
        parser.error("torch finds no GPU here; --device cpu --quick tries the command on CPU tensors.")
    if options.document and (options.device == "cpu" or options.quick):
        parser.error("a document takes the figures of a GPU alone, and whole ones: neither --device cpu nor --quick.")
    if options.quick:
        options.side, options.batches, options.rounds, options.rivals, options.steps = 32, [1, 3], 1, 2, 3
    return options


def _run_the_suite() -> None:
    """The tests of the device engine, which take the GPU where there is one."""
    ran = subprocess.run([sys.executable, "-m", "pytest", "-n", "0", "-q", "tests/batched"], check=False)
    if ran.returncode:
        sys.exit("The suite of the device engine fails here, so that its figures would mean nothing.")


def _ours(
    problems: Sequence[Problem], exact: Sequence[FloatArray], target: float, rounds: int, device: torch.device
) -> Iterator[Row]:
    """All ways of this engine, one after the other in each round."""
    batch = len(problems)
    ways = [way for way in OURS if (way.largest is None or batch <= way.largest) and _makes_sense(way, device)]
    works = [way.ready(problems, target, device) for way in ways]
    last = [work() for work in works]  # compiles kernels, loads libraries
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for number, work in enumerate(works):
            last[number], took = _timed(work, device)
            seconds[number].append(took)
    for way, fields, each in zip(ways, last, seconds, strict=True):
        yield _row(way.name, problems, fields, exact, target, each)


def _makes_sense(way: Way, device: torch.device) -> bool:
    """Graphs and kernels are a GPU's."""
    return device.type == "cuda" or not (way.graphs or way.kernels is not None)


def _rivals(
    seeds: Sequence[int], shape: tuple[int, int], target: float, rounds: int, device: torch.device
) -> tuple[list[Row], list[str]]:
    """Others on the same problems; and who is left out, and why."""
    problems = [problem_of(seed, shape) for seed in seeds]
    exact = [sp.solve(problem, method="exact").field for problem in problems[:_JUDGED]]
    rows, left_out = [], []
    for rival in RIVALS:
        missing = rival.missing(device)
        if missing is None:
            print(rival.name, file=sys.stderr)
            try:
                work = rival.ready(seeds, shape, target, device)
                fields = work()
                each = []
                for _ in range(min(3, rounds)):
                    fields, took = _timed(work, device)
                    each.append(took)
                rows.append(_row(rival.name, problems, fields, exact, target, each))
            except (RuntimeError, ImportError, AttributeError, TypeError) as error:  # somebody else's library
                missing = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        if missing is not None:
            left_out.append(f"{rival.name} ({missing})")
    return rows, left_out


def _timed(work: Work, device: torch.device) -> tuple[Fields, float]:
    _wait(device)
    began = time.perf_counter()
    result = work()
    _wait(device)
    return result, time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _row(
    name: str, problems: Sequence[Problem], found: Fields, exact: Sequence[FloatArray], target: float,
    seconds: Sequence[float],
) -> Row:  # fmt: skip
    """Judge a batch, as far as bounds came with it, or by `sp.certify`."""
    largest = np.array([problem.largest_imposed for problem in problems])
    bounds = found.bounds
    if bounds is None:
        given = zip(problems, found.fields, strict=True)
        bounds = np.array([sp.certify(problem, np.maximum(_array(field), 0.0)).error_bound for problem, field in given])
    errors = [
        float(np.abs(_array(field) - known).max()) for field, known in zip(found.fields, exact, strict=False)
    ] / largest[: len(exact)]
    cycles = math.nan if found.cycles is None else float(np.mean(found.cycles))
    relative = bounds / largest
    return Row(
        name, len(problems), statistics.median(seconds), float(relative.max()), float(errors.max()),
        float(np.mean(relative <= target)), cycles,
    )  # fmt: skip


def _array(field: object) -> FloatArray:
    return field.cpu().numpy() if isinstance(field, torch.Tensor) else np.asarray(field)


def _training(steps: int, device: torch.device) -> dict[str, float | None]:
    """Samples a second made and learnt from, and the share of time that the network waited, by the command."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "surrogate_plugin", "train", "default", "--out", folder, "--json"]
        command += ["--steps", str(steps), "--device", device.type]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"Training failed: {ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else ran.returncode}")
    said = json.loads(ran.stdout)
    return {name: said[name] for name in ("made_per_second", "consumed_per_second", "waited")}


def _about(options: argparse.Namespace, device: torch.device) -> list[str]:
    card = _card(device)
    lines = [
        f"{card}; torch {torch.__version__}, {os.cpu_count()} cores beside it. {CASE.capitalize()}, {options.side} x "
        f"{options.side} pixels, each field certified to {options.target:.0%} of its largest value. Medians of "
        f"{options.rounds} runs.",
    ]
    if device.type == "cpu":
        lines += ["", "**CPU tensors: a trial of the command. No figure here says anything of a GPU.**"]
    return lines


def _card(device: torch.device) -> str:
    if device.type == "cpu":
        return "No GPU"
    return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"


def _table(rows: Sequence[Row]) -> list[str]:
    headings = ("way", "batch", "ms a batch", "fields/s", "cycles", "settled", "certified to", "largest error")
    return markdown_table(headings, [
        [
            row.name, str(row.batch), f"{1e3 * row.seconds:,.2f}", f"{row.batch / row.seconds:,.0f}",
            "" if math.isnan(row.cycles) else f"{row.cycles:.1f}", f"{row.settled:.0%}", f"{row.certified:.2%}",
            f"{row.error:.3%}",
        ]
        for row in rows
    ])  # fmt: skip


def _said(rows: Sequence[Row], left_out: Sequence[str], training: dict[str, float | None] | None) -> Iterator[str]:
    """What the table comes to."""
    guarded, nothing = ({row.batch: row.seconds for row in rows if row.name == way.name} for way in OURS[:2])
    ratios = ", ".join(f"{nothing[batch] / guarded[batch]:.2f} at {batch}" for batch in guarded)
    yield f"Throughput of the guarded step over the same from nothing: {ratios}."
    if left_out:
        yield ""
        yield f"Left out: {'; '.join(left_out)}."
    if training is not None:
        made, consumed, waited = training.values()
        yield ""
        yield (
            f"Training on the device (`train default`): {_rate(made)} samples/s can be made, {_rate(consumed)} "
            f"samples/s were learnt from; the network waited {0.0 if waited is None else waited:.0%} of the time."
        )


def _rate(value: float | None) -> str:
    return "no" if value is None else f"{value:,.1f}"


if __name__ == "__main__":
    main()
