"""``surrogate-plugin retrain``: fine-tune a model on the states a host produced; quick to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogate_training.commands.terminal import (
    BAD_INPUT,
    INTERRUPTED,
    bar,
    complain,
    note,
    plain_errors,
    print_json,
    tell,
)

#: The heading of `surrogate-plugin --help` under which this stands.
HELP_PANEL = "Train"

#: The exit code where the model is worse than its parent and was not published.
WORSE = 1


def _models(ctx: object, args: list[str], incomplete: str) -> list[str]:
    """Names of installed models, for a shell to complete."""
    from importlib.metadata import entry_points

    return [each.name for each in entry_points(group="surrogate_plugin.models") if each.name.startswith(incomplete)]


def retrain(
    record: Annotated[Path, typer.Option(help="A recording, as attach(..., record=PATH) writes it.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for model and report; new, or of a run that was stopped.")
    ],
    parent: Annotated[
        str, typer.Option("--from", help="Name or path of the model to begin with.", autocompletion=_models)
    ] = "default",
    minutes: Annotated[float, typer.Option(help="Length of it all by the clock, measuring included.")] = 15.0,
    steps: Annotated[int | None, typer.Option(help="Length of the training in steps instead.")] = None,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    name: Annotated[str | None, typer.Option(help="Of the new model; else that of the folder.")] = None,
    package: Annotated[
        str | None,
        typer.Option(help="Write a package to install, which registers the model under this name, into OUT/package."),
    ] = None,
    publish_anyway: Annotated[
        bool, typer.Option("--publish-anyway", help="Publish a model that is worse than its parent.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Retrain a model on the states a host produced, and show what that changed.

    Half of the training is what the parent was trained on, so that nothing is forgotten. A model that is worse than
    its parent is not published: if its share of the parent's test split certified at 1 % after two cycles falls by more
    than 2 points, or if held-out steps of the recording get no better. With the same command a retraining that was
    stopped goes on.

    Examples
    --------
    surrogate-plugin retrain --record run.zarr --out mymodel
    surrogate-plugin retrain --record run.zarr --out mymodel --minutes 60 --package my-tissue

    Exit codes
    ----------
    1 : the model is worse than its parent and was not published

    JSON
    ----
    report : all of report.json: both models on held-out steps and on the parent's test split, ranges, and what is worse
    weights : file of the model, or null where it was not published
    package : folder to install, or null
    written : files of the report
    """
    from surrogate_plugin.surrogate.failures import ModelError
    from surrogate_training.loop.interruption import Stopped
    from surrogate_training.retraining import report as retrain_report
    from surrogate_training.retraining.retrain import RetrainConfig
    from surrogate_training.retraining.retrain import retrain as run

    with plain_errors():
        config = RetrainConfig(
            record=record, parent=parent, out=out, name=name or out.resolve().name, minutes=minutes, steps=steps,
            seed=seed, package=package, publish_anyway=publish_anyway,
        )  # fmt: skip
        try:
            with bar("measuring the parent", quiet=quiet) as callback:
                outcome = run(config, callback)
        except ModelError as error:
            complain(str(error))
            raise typer.Exit(BAD_INPUT) from None
        except Stopped as stopped:
            note(f"{out}: {stopped}")
            raise typer.Exit(INTERRUPTED) from None
    written = [str(out / each) for each in ("report.json", "table.md", "before-after.png")]
    if json and not quiet:
        print_json(
            {
                "report": outcome.report.model_dump(mode="json"),
                "weights": outcome.weights and str(outcome.weights),
                "package": outcome.package and str(outcome.package),
                "written": written,
            }
        )
    elif not quiet:
        tell(retrain_report.markdown(outcome.report))
        tell(f"Written: {', '.join(written)}")
    if outcome.weights is None:
        complain(
            f"{config.name} is worse than its parent and was not published; retrain longer or record more, or repeat "
            "the command with --publish-anyway."
        )
        raise typer.Exit(WORSE)
    if json or quiet:
        return
    tell(f'Published: {outcome.weights}; use it as model="{outcome.weights}"')
    if outcome.package is not None:
        tell(f"Package: pip install {outcome.package}")
