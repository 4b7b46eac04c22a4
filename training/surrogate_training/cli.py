"""``python -m surrogate_training``: train the surrogate from a configuration file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from surrogate_training.config import read_config
from surrogate_training.train import Trainer


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, or resume a run that was stopped; the exit code."""
    options = _parser().parse_args(arguments)
    changes: dict[str, Any] = {
        "optimiser.minutes": options.minutes,
        "optimiser.steps": options.steps,
        "seed": options.seed,
        "device": options.device,
        "threads": options.threads,
        "workers": options.workers,
    }
    try:
        config = read_config(options.config, **{name: value for name, value in changes.items() if value is not None})
    except (OSError, ValueError, ValidationError) as error:
        print(f"{options.config}: {error}", file=sys.stderr)
        return 2
    trainer = Trainer(config, options.out)
    if trainer.progress.step:
        print(f"resuming {options.out} at step {trainer.progress.step}")
    run_with_bar(trainer)
    return 0


def run_with_bar(trainer: Trainer) -> None:
    """Run with a progress bar on a terminal, or a line every half minute elsewhere."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>5.1f} %"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("training", total=1.0)
        said = 0.0

        def report(done: float, text: str) -> None:
            nonlocal said
            now = time.monotonic()
            if text.startswith("{") or (not console.is_terminal and now - said > 30):
                console.print(f"{100 * done:.1f} %  {text}", markup=False, highlight=False, soft_wrap=True)
                said = now
            if not text.startswith("{"):
                bar.update(task, completed=done, description=text)

        trainer.run(report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m surrogate_training",
        description="Train the surrogate on exact samples made on the fly. A run that was stopped goes on from its checkpoint.",
    )
    parser.add_argument("--config", type=Path, required=True, help="a TOML file, such as training/configs/default.toml")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint and log.csv")
    parser.add_argument("--minutes", type=float, help="length of the run by the clock")
    parser.add_argument("--steps", type=int, help="length of the run in steps, which makes it repeatable")
    parser.add_argument("--seed", type=int, help="of the first weights")
    parser.add_argument("--device", help="cpu, cuda or cuda:0")
    parser.add_argument("--threads", type=int, help="of torch on a CPU")
    parser.add_argument("--workers", type=int, help="processes that make samples")
    return parser
