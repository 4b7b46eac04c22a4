"""What a GPU makes of batches of fields: ``make bench-gpu``, once, on a machine that has one.

Batches of tissues with variable decay are certified at 1 %: by this engine from the network's fields and from nothing,
in turn, so that a clock that drifts slows both; then by its other ways. A network learns for some steps from samples
made on the device, and others solve the same problems. Beside each figure stand the bound that was proven, of all
fields, and the error of some against an exact solver on the CPU.

Each figure is printed when it is there, what fails is left out and said, and after some minutes nothing more is begun.
The suite of `surrogate_plugin.batched` comes last, since it compiles kernels for hundreds of lattices, and has to pass:
else no document takes the figures.

``--device cpu --quick`` tries the command itself, on CPU tensors; its figures say nothing of a GPU, and no document
takes them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

import surrogate_plugin as sp
from benchmarks.gpu_figures import OF_TRAINING, Figures
from benchmarks.gpu_methods import OURS, RIVALS, Fields, Rival, Way, Work, problems_of
from benchmarks.gpu_profile import where_time_goes
from benchmarks.gpu_rows import judged
from surrogate_plugin.equation.problem import FloatArray, Problem

#: Fields of a batch that are held to an exact solver.
_JUDGED = 4
_NO_TIME = "no time was left"


class _Clock:
    """What is left of the time that the command has; what comes last is left out where none is."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60.0 * minutes

    def left(self) -> float:
        """Seconds, at least 0."""
        return max(self._end - time.monotonic(), 0.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for and print it, or put it into a document."""
    options = _options(arguments)
    device, clock = torch.device(options.device), _Clock(options.minutes)
    shape = (options.side, options.side)
    figures = Figures(options, device)
    try:
        _measure(figures, options, shape, device, clock)
    finally:
        text = figures.text()
        print(text, flush=True)
    if options.suite:
        _run_the_suite()
        text += "\nThe suite of the device engine passes there.\n"
    if not any(row.name == OURS[0].name for row in figures.rows):
        sys.exit("There is no figure of the guarded step.")
    if options.document:
        from surrogate_training.documents import write_into

        write_into(options.document, "benchmarks.gpu", text)


def _measure(
    figures: Figures, options: argparse.Namespace, shape: tuple[int, int], device: torch.device, clock: _Clock
) -> None:
    """What matters most comes first: this engine from a network and from nothing, then its other ways, then others."""
    problems = problems_of(max(options.batches), shape)
    exact = [sp.solve(problem, method="exact").field for problem in problems[:_JUDGED]]
    largest = max(options.batches)
    for ways in (OURS[:2], *((way,) for way in OURS[2:])):
        for batch in sorted(options.batches, key=lambda batch: (batch != largest, batch)):
            some = [way for way in ways if (way.largest or batch) >= batch and _makes_sense(way, device)]
            _compare(figures, some, problems[:batch], exact, options, device, clock)
    for batch in sorted({options.batches[0], options.batches[-1]}):
        _look_inside(figures, problems[:batch], options, device, clock)
    if options.alone:
        return
    try:
        figures.training = _training(options.steps, device, clock)
    except Exception as error:  # a command of its own
        figures.leave_out("training", error)
    few = list(range(min(options.rivals, max(options.batches))))
    for rival in RIVALS:
        _rival(figures, rival, few, (problems, exact), options, device, clock)


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
        "--suite", action="store_true", help="then run the tests of the device engine; no document if one fails"
    )
    parser.add_argument("--minutes", type=float, default=8.0, help="after these nothing more is begun (default 8)")
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
    workers = max(1, min(8, (os.cpu_count() or 1) // 2))
    ran = subprocess.run([sys.executable, "-m", "pytest", "-n", str(workers), "-q", "tests/batched"], check=False)
    if ran.returncode:
        sys.exit("The suite of the device engine fails here, so that its figures mean nothing; no document has them.")


def _compare(
    figures: Figures, ways: Sequence[Way], problems: Sequence[Problem], exact: Sequence[FloatArray],
    options: argparse.Namespace, device: torch.device, clock: _Clock,
) -> None:  # fmt: skip
    """Some ways of this engine, one after the other in each round; one that fails is left out, and so is its memory."""
    works: dict[Way, Work] = {}
    for way in ways:
        name = f"{way.name}, batch of {len(problems)}"
        if not clock.left():
            figures.leave_out(name, _NO_TIME)
            continue
        try:
            work = way.ready(problems, options.target, device)
            for _ in range(2):  # compiles kernels, loads libraries, records graphs, and finds its memory
                work()
            _wait(device)
            works[way] = work
        except Exception as error:  # the others' figures are worth having all the same
            figures.leave_out(name, error)
    seconds: dict[Way, list[float]] = {way: [] for way in works}
    last: dict[Way, Fields] = {}
    memory: dict[Way, float] = {}
    for number in range(options.rounds):
        for way, work in list(works.items()):
            if number and not clock.left():
                continue
            try:
                _forget_peak(device)
                last[way], took = _timed(work, device)
                seconds[way].append(took)
                memory[way] = _peak(device) / (len(problems) * problems[0].source.size)
            except Exception as error:
                figures.leave_out(f"{way.name}, batch of {len(problems)}", error)
                del works[way]
    for way in works:
        try:
            figures.add(judged(way.name, problems, last[way], exact, options.target, seconds[way], memory[way]))
        except Exception as error:
            figures.leave_out(f"{way.name}, batch of {len(problems)}", error)


def _look_inside(
    figures: Figures, problems: Sequence[Problem], options: argparse.Namespace, device: torch.device, clock: _Clock
) -> None:
    """Which kernels the time of the guarded step goes to, for whoever wants to make it less."""
    if device.type != "cuda" or not clock.left():
        return
    name = f"{OURS[0].name}, batch of {len(problems)}"
    try:
        lines = where_time_goes(OURS[0].ready(problems, options.target, device), device)
        figures.profiles[name] = lines
        print("\n".join([name, *lines]), file=sys.stderr, flush=True)
    except Exception as error:
        figures.leave_out(f"a look inside {name}", error)


def _makes_sense(way: Way, device: torch.device) -> bool:
    """Graphs and kernels are a GPU's."""
    return device.type == "cuda" or not (way.graphs or way.kernels is not None)


def _rival(
    figures: Figures, rival: Rival, seeds: Sequence[int], known: tuple[Sequence[Problem], Sequence[FloatArray]],
    options: argparse.Namespace, device: torch.device, clock: _Clock,
) -> None:  # fmt: skip
    """Somebody else on the same problems, or why not."""
    problems, exact = known[0][: len(seeds)], known[1][: len(seeds)]
    missing = rival.missing(device) or (None if clock.left() else _NO_TIME)
    if missing is not None:
        figures.leave_out(rival.name, missing)
        return
    print(rival.name, file=sys.stderr, flush=True)
    try:
        work = rival.ready(seeds, problems[0].shape, options.target, device)
        fields, each = work(), []
        for number in range(min(3, options.rounds)):
            if not number or clock.left():
                fields, took = _timed(work, device)
                each.append(took)
        figures.add(judged(rival.name, problems, fields, exact, options.target, each))
    except Exception as error:  # somebody else's library
        figures.leave_out(rival.name, error)


def _timed(work: Work, device: torch.device) -> tuple[Fields, float]:
    _wait(device)
    began = time.perf_counter()
    result = work()
    _wait(device)
    return result, time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: torch.device) -> float:
    """The most bytes that were allocated; NaN where nobody counts."""
    return float(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else math.nan


def _training(steps: int, device: torch.device, clock: _Clock) -> dict[str, float | None]:
    """Samples a second made and learnt from, and the share of time that the network waited, by the command."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "surrogate_plugin", "train", "default", "--out", folder, "--json"]
        command += ["--steps", str(steps), "--device", device.type]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=clock.left() or 1.0)
    if ran.returncode:
        raise RuntimeError(
            ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else f"it ended with {ran.returncode}"
        )
    said_of_it = json.loads(ran.stdout)
    return {name: said_of_it[name] for name in OF_TRAINING}


if __name__ == "__main__":
    main()
