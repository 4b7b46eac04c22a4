"""``python -m surrogate_training``: train the surrogate from a configuration file, publish what came of it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from surrogate_training.config import read_config
from surrogate_training.publish import publish
from surrogate_training.train import Trainer

#: Option of the command line to field of the configuration.
_CHANGES = {
    "minutes": "optimiser.minutes",
    "steps": "optimiser.steps",
    "batch": "data.batch",
    "seed": "seed",
    "data_seed": "data.seed",
    "device": "device",
    "precision": "precision",
    "threads": "threads",
    "workers": "workers",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, or 2 for a wrong configuration or a missing run."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "train":
            changes = {field: getattr(given, option) for option, field in _CHANGES.items()}
            given.changes = {field: value for field, value in changes.items() if value is not None}
            _train(given)
        else:
            _publish(given)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _train(given: argparse.Namespace) -> None:
    trainer = Trainer(read_config(given.config, **given.changes), given.out)
    if trainer.progress.step:
        print(f"{given.out} is at step {trainer.progress.step}; going on with the configuration it was started with.")
    with _bar() as (bar, console):
        task, said = bar.add_task("training", total=1.0), 0.0

        def report(done: float, text: str) -> None:
            nonlocal said
            measured = text.startswith("{")
            if measured or (bar.disable and time.monotonic() - said > 30):
                console.print(f"{100 * done:.1f} %  {text}", markup=False, highlight=False, soft_wrap=True)
                said = time.monotonic()
            if not measured:
                bar.update(task, completed=done, description=text)

        trainer.run(report)


def _publish(given: argparse.Namespace) -> None:
    with _bar() as (bar, console):
        task = bar.add_task("measuring on the test split", total=1.0)
        card = publish(given.run, given.folder, lambda done: bar.update(task, completed=done))
        errors = {name: f"{100 * card.metrics[name]['median']:.2f} %" for name in ("relative_l2", "mae", "max")}
        console.print(
            f"{given.folder / card.name}.safetensors: median errors on {card.test_samples} test samples {errors}"
        )


@contextmanager
def _bar() -> Iterator[tuple[Progress, Console]]:
    """A progress bar on a terminal; elsewhere none, so that a log stays readable."""
    console = Console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>5.1f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield bar, console


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m surrogate_training", description="Train the surrogate and publish it."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser(
        "train",
        help="train on exact samples made on the fly",
        description="Train on exact samples made on the fly. A run that was stopped goes on from its last checkpoint.",
    )
    train.add_argument("--config", type=Path, required=True, help="a TOML file, such as training/configs/default.toml")
    train.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and log.csv")
    train.add_argument("--minutes", type=float, help="length of the run by the clock")
    train.add_argument("--steps", type=int, help="length of the run in steps, which makes it repeatable bit by bit")
    train.add_argument("--batch", type=int, help="samples a batch")
    train.add_argument("--seed", type=int, help="of the first weights")
    train.add_argument("--data-seed", type=int, help="of the samples")
    train.add_argument("--device", help="cpu, cuda, cuda:1, ...")
    train.add_argument("--precision", choices=("float32", "bfloat16"), help="of the forward and backward pass")
    train.add_argument("--threads", type=int, help="of torch on a CPU")
    train.add_argument("--workers", type=int, help="processes that make samples; 0: none but this one")
    publication = commands.add_parser(
        "publish",
        help="measure a run on the test split and write its weights and card",
        description="Measure a run on the test split, which selected nothing, and write its weights and card.",
    )
    publication.add_argument("run", type=Path, help="folder of the run")
    publication.add_argument("folder", type=Path, help="where NAME.safetensors and NAME.json go")
    return parser
