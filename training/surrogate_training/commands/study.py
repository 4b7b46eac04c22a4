"""``surrogate-plugin study``: repeat the published study at a chosen scale."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from surrogate_training.commands.terminal import INTERRUPTED, bar, complain, plain_errors, print_json, tell

#: The heading of `surrogate-plugin --help` under which this stands.
HELP_PANEL = "Train"


class Kind(StrEnum):
    """What is varied."""

    TRAINING_SET_SIZE = "training-set-size"
    LOSSES = "losses"
    SEEDS = "seeds"
    HYPERPARAMETERS = "hyperparameters"
    SUBSETS = "subsets"
    SAMPLING = "sampling"
    EDGE_CASES = "edge-cases"


def study(
    kind: Annotated[Kind, typer.Argument(help="What is varied.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the runs, tables and plots.")],
    config: Annotated[
        Path | None, typer.Argument(help="A TOML file; else the study of this kind that ships with the package.")
    ] = None,
    document: Annotated[
        Path | None,
        typer.Option(help="Markdown file whose table of this study is replaced; its figure goes beside it."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Repeat one of the published study's questions: a training run for every variant and seed, measured alike.

    A study that was stopped, or killed, goes on with the same command, and runs that are finished stay.

    Examples
    --------
    surrogate-plugin study losses --out runs/losses
    surrogate-plugin study seeds mine.toml --out runs/seeds --document study.md

    JSON
    ----
    kind : what was varied
    folder : of runs, table and figure
    table : as Markdown
    """
    with plain_errors():
        text = _study(kind, config or Path(f"study-{kind.value}"), out, document, quiet)
    if json and not quiet:
        print_json({"kind": kind.value, "folder": str(out), "table": text})
    elif not quiet:
        tell(text)


def _study(kind: Kind, file: Path, out: Path, document: Path | None, quiet: bool) -> str:
    from surrogate_plugin.whole_files import replacing
    from surrogate_training.documents import write_into
    from surrogate_training.loop.interruption import Stopped
    from surrogate_training.study.kinds import read_any, run_any

    config = read_any(file)
    if config.kind != kind.value:
        raise ValueError(f"kind in {file} is {config.kind!r}, but {kind.value!r} was asked for.")
    with bar("study", quiet=quiet) as callback:
        try:
            run_any(config, out, callback)
        except Stopped as stopped:
            complain(f"{out}: {stopped}")
            raise typer.Exit(INTERRUPTED) from None
    text = (out / "table.md").read_text()
    if document is not None:
        write_into(document, config.kind, text)
        with replacing(document.parent / f"study-{config.kind}.png") as partial:
            shutil.copyfile(out / f"{config.kind}.png", partial)
    return text
