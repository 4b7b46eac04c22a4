"""``surrogate-plugin retrain``: fine-tune a model on the states a host produced; quick to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surrogate_training.commands.terminal import BAD_INPUT, INTERRUPTED, bar, complain, plain_errors

#: The exit code where the model is worse than its parent and was not published.
WORSE = 1


def retrain(
    record: Annotated[Path, typer.Option(help="A recording, as attach(..., record=PATH) writes it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model and the report; new, or of a run "
                                      "that was stopped.")],
    parent: Annotated[str, typer.Option("--from", help="Name or path of the model to begin with.")] = "default",
    minutes: Annotated[float, typer.Option(help="Length of it all by the clock, measuring included.")] = 15.0,
    steps: Annotated[int | None, typer.Option(help="Length of the training in steps instead.")] = None,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 0,
    name: Annotated[str | None, typer.Option(help="Of the new model; else that of the folder.")] = None,
    package: Annotated[str | None, typer.Option(help="Write a package to install that registers the model under this "
                                                "name, into OUT/package.")] = None,
    publish_anyway: Annotated[bool, typer.Option("--publish-anyway", help="Publish a model that is worse than its "
                                                 "parent.")] = False,
) -> None:  # fmt: skip
    """Retrain a model on the states a host produced, and show what that changed.

    Half of the training is what the parent was trained on, so that nothing is forgotten. A model that is worse than
    its parent is not published (exit code 1): if its share of the parent's test split certified at 1 % after two
    cycles falls by more than 2 points, or if held-out steps of the recording get no better. With the same command a
    retraining that was stopped goes on.
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
            with bar("measuring the parent") as callback:
                outcome = run(config, callback)
        except ModelError as error:
            complain(str(error))
            raise typer.Exit(BAD_INPUT) from None
        except Stopped as stopped:
            complain(f"{out}: {stopped}")
            raise typer.Exit(INTERRUPTED) from None
    typer.echo(retrain_report.markdown(outcome.report))
    typer.echo(f"written to {out / 'report.json'}, table.md and before-after.png")
    if outcome.weights is None:
        complain(
            f"{config.name} is worse than its parent and was not published; retrain longer or record more, or repeat "
            "the command with --publish-anyway."
        )
        raise typer.Exit(WORSE)
    typer.echo(f'published: {outcome.weights}; use it as model="{outcome.weights}"')
    if outcome.package is not None:
        typer.echo(f"package: pip install {outcome.package}")
