"""How fast training samples are made, learnt from and judged by the cycle loss: ``python -m benchmarks.training``.

Samples made one after the other on a core, and together on the device; the cycle loss by compiled kernels and in
tensors; and a training run's own figures: samples a second made and consumed, and the share of time that the network
waited. What is compared takes turns in one run. On a GPU: ``--device cuda``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.document import markdown_table
from surrogate_plugin.team import limit_threads
from surrogate_training.config import TrainConfig, read_config
from surrogate_training.loop.trainer import Trainer
from surrogate_training.losses.batched_cycle import BatchedCycle
from surrogate_training.losses.compiled_cycle import CompiledCycle
from surrogate_training.losses.cycle import tangent
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig, exact_field, make_batch, sample_problem
from surrogate_training.samples.solving import exact_fields

Row = tuple[str, ...]


def main() -> None:
    """Measure, and print the tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ... (default cpu)")
    parser.add_argument("--side", type=int, default=512, help="pixels of a side of the lattice (default 512)")
    parser.add_argument("--problems", type=int, default=32, help="solved together (default 32)")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement, of which the median counts")
    parser.add_argument("--steps", type=int, default=100, help="of the training run; 0: none (default 100)")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw problems, or solve them too")
    parser.add_argument("--threads", type=int, default=1, help="of torch on a CPU (default 1)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    config = read_config("plain", **{"data.shape": (given.side, given.side), "data.other_shapes": 0.0})
    tables: list[tuple[str, Row, list[Row]]] = []
    with limit_threads(0):
        rows = samples(config.data, given.problems, given.rounds, device)
        tables.append(("making samples", ("", "samples a second"), rows))
        tables.append(("the cycle loss, both passes", ("", "ms a sample"), cycles(config.data, given.rounds, device)))
    if given.steps:
        head = ("samples solved by", "made a second", "consumed a second", "share of time waited")
        tables.append(("a training run", head, list(runs(config, given.steps, given.workers, device))))
    for title, headings, rows in tables:
        Console().print(f"{title}, {given.side} x {given.side}, {_named(device)}:\n", soft_wrap=True)
        Console().print("\n".join(markdown_table(headings, rows)) + "\n", markup=False, soft_wrap=True)


def samples(config: DataConfig, count: int, rounds: int, device: torch.device) -> list[Row]:
    """Samples a second, without drawing and encoding them."""
    problems = [sample_problem(config, "train", 0, row) for row in range(count)]
    one, together = _medians(
        device,
        rounds,
        lambda: [exact_field(problem, config.accuracy) for problem in problems],
        lambda: exact_fields(problems, config.accuracy, device),
    )
    return [
        ("one after the other, one core", f"{count / one:.1f}"),
        (f"{count} together, certified", f"{count / together:.1f}"),
    ]


def cycles(config: DataConfig, rounds: int, device: torch.device) -> list[Row]:
    """Milliseconds a sample of what a cycle leaves and of its gradient, set-up included."""
    here = make_batch(config, "train", 0)
    there = here.to(device)
    count = here.target.shape[0]

    def both(way: type[CompiledCycle] | type[BatchedCycle], batch: Batch) -> Callable[[], object]:
        def passes() -> object:
            cycle = way(batch, tangent(batch))
            return cycle.left_transposed(cycle.left(batch.target))

        return passes

    compiled, batched = _medians(device, rounds, both(CompiledCycle, here), both(BatchedCycle, there))
    return [
        ("compiled kernels, one core", f"{1e3 * compiled / count:.2f}"),
        (f"in tensors, {count} together", f"{1e3 * batched / count:.2f}"),
    ]


def runs(config: TrainConfig, steps: int, workers: int, device: torch.device) -> Iterator[Row]:
    """A short run with samples of each kind, and what it says of itself."""
    for way in ("workers", "device"):
        changes = {"samples_on": way, "workers": workers, "device": str(device)}
        optimiser = config.optimiser.model_copy(update={"steps": steps})
        settings = config.model_copy(update=changes | {"optimiser": optimiser, "start": None, "validation_batches": 1})
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(settings, Path(folder))
            trainer.run()
        made, consumed, waited = trainer.rates.row().values()
        yield way, str(made), str(consumed), str(waited)


def _medians(device: torch.device, rounds: int, *works: Callable[[], object]) -> list[float]:
    """Seconds of each, which take turns after a first go."""
    seconds: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for of_it, work in zip(seconds, works, strict=True):
            began = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if number:
                of_it.append(time.perf_counter() - began)
    return [statistics.median(of_it) for of_it in seconds]


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


if __name__ == "__main__":
    main()
