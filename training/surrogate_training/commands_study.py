"""``surrogate-plugin study``: repeat the published study at a chosen scale."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Kind(StrEnum):
    """What is varied."""

    TRAINING_SET_SIZE = "training-set-size"
    LOSSES = "losses"
    SEEDS = "seeds"


def study(
    kind: Annotated[Kind, typer.Argument(help="What is varied.")],
    config: Annotated[
        Path, typer.Option(help="A TOML file, such as training/configs/study-losses.toml.", exists=True, dir_okay=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder for the runs, tables and plots; a stopped study goes on there.")],
    document: Annotated[
        Path | None, typer.Option(help="Markdown file in which the table replaces the one of this study.")
    ] = None,
) -> None:
    """Repeat one of the published study's three comparisons: one training run for every variant and seed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from surrogate_training import study_table
    from surrogate_training.study import run_study
    from surrogate_training.study_config import read_study

    console = Console(stderr=True, highlight=False)
    try:
        settings = read_study(config)
        if settings.kind != kind.value:
            raise ValueError(f"kind in {config} is {settings.kind!r}; {kind.value!r} was asked for.")
        columns = (
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>5.1f} %"),
            TimeElapsedColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("study", total=1.0)

            def report(done: float, text: str) -> None:
                if not text.endswith("}"):
                    bar.update(task, completed=done, description=text)
                if bar.disable and text.endswith("  done"):
                    console.print(f"{100 * done:.1f} %  {text}", markup=False, soft_wrap=True)

            results = run_study(settings, out, report)
        if document is not None:
            study_table.write_into(document, settings.kind, study_table.table(settings, results))
    except (OSError, ValueError) as error:
        console.print("Error:", style="bold red", end=" ")
        console.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    typer.echo(study_table.table(settings, results))
