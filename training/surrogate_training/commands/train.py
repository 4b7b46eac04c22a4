"""``surrogate-plugin train | publish | samples | distribution``: quick to import, since ``--help`` imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from surrogate_training.commands.terminal import INTERRUPTED, bar, complain, plain_errors

_ConfigFile = Annotated[
    Path, typer.Argument(help="A TOML file, or the name of one that ships with the package: default.")
]
_Workers = Annotated[int | None, typer.Option(min=0, help="Processes that make samples; 0: none but this one.")]


def train(
    config: _ConfigFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoint, log.csv and curve.png.")],
    minutes: Annotated[float | None, typer.Option(help="Length of the run by the clock.")] = None,
    steps: Annotated[int | None, typer.Option(help="Length in steps, which makes a run repeatable bit by bit.")] = None,
    batch: Annotated[int | None, typer.Option(help="Problems a batch.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the first weights.")] = None,
    data_seed: Annotated[int | None, typer.Option(help="Of the samples.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...")] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or bfloat16, of the two passes.")] = None,
    threads: Annotated[int | None, typer.Option(help="Of torch on a CPU.")] = None,
    workers: _Workers = None,
) -> None:
    """Train a network on exact samples.

    A run that was stopped, or killed, goes on from its last checkpoint with the same command. Options replace what
    the file says. On several GPUs or machines: torchrun --no-python --nproc-per-node 4 surrogate-plugin train ...
    """
    changes = {
        "optimiser.minutes": minutes, "optimiser.steps": steps, "data.batch": batch, "seed": seed,
        "data.seed": data_seed, "device": device, "precision": precision, "threads": threads, "workers": workers,
    }  # fmt: skip
    with plain_errors():
        _train(config, out, {name: value for name, value in changes.items() if value is not None})


def _train(file: Path, out: Path, changes: dict[str, Any]) -> None:
    from surrogate_training.config import read_config
    from surrogate_training.loop.distributed import joined
    from surrogate_training.loop.interruption import Stopped
    from surrogate_training.loop.trainer import Trainer

    config = read_config(file, **changes)
    with joined(config.device) as (group, device):
        trainer = Trainer(config, out, group, device)
        if not group.leads:
            trainer.run()
            return
        if trainer.progress.step:
            typer.echo(f"{out} is at step {trainer.progress.step}; its own configuration rules.")
        with bar("making the first samples") as callback:
            try:
                trainer.run(callback)
            except Stopped as stopped:
                complain(f"{out}: {stopped}")
                raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{out} is finished after {trainer.progress.step} steps; next: surrogate-plugin publish {out} FOLDER")


def publish(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    folder: Annotated[Path, typer.Argument(help="Where NAME.safetensors and NAME.json go.")],
) -> None:
    """Measure a run on the test split, which selected nothing, and write its weights and card."""
    from surrogate_training.publishing.publish import publish as write

    with plain_errors():
        with bar("measuring on the test split") as callback:
            card = write(run, folder, callback)
        errors = {name: f"{100 * card.metrics[name]['median']:.2f} %" for name in ("relative_l2", "mae", "max")}
        typer.echo(
            f"{folder / card.name}.safetensors: median errors on {card.test_samples} test samples {errors}"
        )  # fmt: skip


def samples(
    config: _ConfigFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the shards.")],
    count: Annotated[int | None, typer.Option(min=1, help="Samples to make; else data.samples of the file.")] = None,
    a_shard: Annotated[int, typer.Option("--samples-a-shard", min=1, help="At 512 x 512, 256 are 0.9 GB.")] = 256,
    workers: _Workers = None,
    repair: Annotated[bool, typer.Option("--repair", help="Check stored shards; make damaged ones again.")] = False,
) -> None:
    """Make training samples once and store them, for runs whose data.shards names the folder.

    A call that was killed goes on where it was.
    """
    with plain_errors():
        from surrogate_training.config import read_config
        from surrogate_training.samples.make_shards import make_shards

        given = read_config(config, **({} if count is None else {"data.samples": count}))
        with bar("making samples") as callback:
            index = make_shards(
                given.data,
                out,
                samples_a_shard=a_shard,
                workers=given.workers if workers is None else workers,
                repair=repair,
                callback=callback,
            )
        typer.echo(f"{out} holds {index.samples} samples in {len(index.sha256)} shards.")


def distribution(
    config: _ConfigFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for distribution.md and distribution.png.")],
    count: Annotated[int, typer.Option(min=12, help="Problems to draw.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the problems.")] = 0,
) -> None:
    """Say and show what a configuration's problems look like."""
    with plain_errors():
        from surrogate_plugin.whole_files import write_text
        from surrogate_training.samples.distribution_report import describe, draw, read_distribution

        chosen, shape = read_distribution(config)
        with bar("drawing problems") as callback:
            found = describe(chosen, shape, count, seed, callback)
            write_text(out / "distribution.md", found.table())
            draw(found, out / "distribution.png")
        typer.echo(found.table())
        typer.echo(f"written to {out / 'distribution.md'} and {out / 'distribution.png'}")
