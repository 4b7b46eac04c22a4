"""``surrogate-plugin study``: repeat the published study at a chosen scale."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from surrogate_training.commands.terminal import INTERRUPTED, bar, note, plain_errors, print_json, tell

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
    config: Annotated[
        Path | None, typer.Argument(help="A TOML file; else the study of this kind that ships with the package.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the runs, tables and plots; not for an estimate.")
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="At the published scale: 512x512 pixels, on a GPU, for days.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what the study would cost, from what a step takes here, and stop.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write table, figure and document of what is finished, and train nothing.")
    ] = False,
    document: Annotated[
        Path | None,
        typer.Option(help="Markdown file whose part on this study is replaced; its figure goes beside it."),
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
    surrogate-plugin study losses --published --estimate
    surrogate-plugin study losses --published --out runs/published-losses

    JSON
    ----
    kind : what was varied
    folder : of runs, table and figure; null for an estimate
    table : as Markdown; null for an estimate
    estimate : what the study would cost, where --estimate asks; else null
    """
    file = config or Path(f"study-{kind.value}")
    with plain_errors():
        if out is None and not estimate:
            raise ValueError("--out is missing; it names the folder for the runs, and --estimate needs none.")
        if estimate or out is None:
            cost, text = _estimate(kind, file, published, document)
            found: dict[str, Any] = {"folder": None, "table": None, "estimate": cost}
        else:
            text = _study(_read(kind, file, published), out, document, train=not report, quiet=quiet)
            found = {"folder": str(out), "table": text, "estimate": None}
    if json and not quiet:
        print_json({"kind": kind.value, **found})
    elif not quiet:
        tell(text)


def _read(kind: Kind, file: Path, published: bool) -> Any:
    from surrogate_training.study.kinds import read_any

    config = read_any(file, published=published)
    if config.kind != kind.value:
        raise ValueError(f"kind in {file} is {config.kind!r}, but {kind.value!r} was asked for.")
    return config


def _estimate(kind: Kind, file: Path, published: bool, document: Path | None) -> tuple[dict[str, Any], str]:
    from dataclasses import asdict

    from surrogate_training.documents import write_into
    from surrogate_training.study.estimate import estimate

    cost = estimate(_read(kind, file, published))
    if document is not None:
        scale = "At the published scale" if published else "At this scale"
        write_into(document, f"cost of {kind.value}", f"{scale}: {cost.sentences()}\n")
    return asdict(cost), cost.sentences()


def _study(config: Any, out: Path, document: Path | None, *, train: bool, quiet: bool) -> str:
    from surrogate_plugin.whole_files import replacing
    from surrogate_training.documents import write_into
    from surrogate_training.loop.interruption import Stopped
    from surrogate_training.study.kinds import FIGURES, run_any

    with bar("study", quiet=quiet) as callback:
        try:
            run_any(config, out, callback, train=train)
        except Stopped as stopped:
            note(f"{out}: {stopped}")
            raise typer.Exit(INTERRUPTED) from None
    text = (out / "table.md").read_text(encoding="utf-8")
    if document is not None:
        figure = f"![{FIGURES[config.kind]}](study-{config.kind}.png)"
        write_into(document, config.kind, f"{figure}\n\n{text}")
        with replacing(document.parent / f"study-{config.kind}.png") as partial:
            shutil.copyfile(out / f"{config.kind}.png", partial)
    return text
