"""``surrogate-plugin train | publish | samples | distribution``: quick to import, since ``--help`` imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from surrogate_training.commands.terminal import INTERRUPTED, bar, note, plain_errors, print_json, tell

#: The heading of `surrogate-plugin --help` under which this stands.
HELP_PANEL = "Train"


def _shipped(ctx: object, args: list[str], incomplete: str) -> list[str]:
    """Names of configurations that ship, for a shell to complete."""
    here = Path(__file__).parents[1] / "configs"
    return sorted(path.stem for path in here.glob(f"{incomplete}*.toml") if not path.stem.startswith("study-"))


_ConfigFile = Annotated[
    Path,
    typer.Argument(
        help="A TOML file, or the name of one that ships with the package: default.", autocompletion=_shipped
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
#: The errors that `publish` prints; the card has them all.
_SHOWN = ("relative_l2", "mae", "max")
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
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Train a network on exact samples.

    A run that was stopped, or killed, goes on from its last checkpoint with the same command. Options replace what
    the file says. On several GPUs or machines: torchrun --no-python --nproc-per-node 4 surrogate-plugin train ...

    Examples
    --------
    surrogate-plugin train default --out runs/default
    surrogate-plugin train mine.toml --out runs/mine --minutes 30 --device cuda

    JSON
    ----
    run : folder of the run
    steps : how many it has made
    samples : how many it has seen
    made_per_second : samples that those who make them come to while at work; null where this call made no step
    consumed_per_second : samples that the network learnt from
    waited : share of the time in which it had none to learn from, 0 to 1
    """
    changes = {
        "optimiser.minutes": minutes, "optimiser.steps": steps, "data.batch": batch, "seed": seed,
        "data.seed": data_seed, "device": device, "precision": precision, "threads": threads, "workers": workers,
    }  # fmt: skip
    with plain_errors():
        _train(config, out, {name: value for name, value in changes.items() if value is not None}, json, quiet)


def _train(file: Path, out: Path, changes: dict[str, Any], as_json: bool, quiet: bool) -> None:
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
        if trainer.progress.step and not quiet:
            note(f"{out} is at step {trainer.progress.step}; its own configuration rules.")
        with bar("making the first samples", quiet=quiet) as callback:
            try:
                trainer.run(callback)
            except Stopped as stopped:
                note(f"{out}: {stopped}")
                raise typer.Exit(INTERRUPTED) from None
    step = trainer.progress.step
    if as_json and not quiet:
        print_json({"run": str(out), "steps": step, "samples": trainer.progress.samples, **trainer.rates.row()})
    elif not quiet:
        if trainer.rates.consumed is not None:
            tell(f"{out}: {trainer.rates.text()}")
        tell(f"{out} is finished after {step} steps; next: surrogate-plugin publish {out} FOLDER")


def publish(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    folder: Annotated[Path, typer.Argument(help="Where NAME.safetensors and NAME.json go.")],
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Measure a run on the test split, which selected nothing, and write its weights and card.

    Examples
    --------
    surrogate-plugin publish runs/default models

    JSON
    ----
    name : of the model
    written : weights and card
    test_samples : on how many it was measured
    metrics : relative errors by name, each with its statistics
    """
    from surrogate_training.publishing.publish import publish as write

    with plain_errors(), bar("measuring on the test split", quiet=quiet) as callback:
        card = write(run, folder, callback)
    weights = folder / f"{card.name}.safetensors"
    if json and not quiet:
        written = [str(weights), str(weights.with_suffix(".json"))]
        print_json(
            {"name": card.name, "written": written, "test_samples": card.test_samples, "metrics": dict(card.metrics)}
        )
    elif not quiet:
        errors = ", ".join(f"{name} {100 * card.metrics[name]['median']:.2f} %" for name in _SHOWN)
        tell(f"{weights}: median errors on {card.test_samples} test samples: {errors}.")


def samples(
    config: _ConfigFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the shards.")],
    count: Annotated[int | None, typer.Option(min=1, help="Samples to make; else data.samples of the file.")] = None,
    a_shard: Annotated[int, typer.Option("--samples-a-shard", min=1, help="At 512 x 512, 256 are 0.9 GB.")] = 256,
    workers: _Workers = None,
    repair: Annotated[bool, typer.Option("--repair", help="Check stored shards; make damaged ones again.")] = False,
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Make training samples once and store them, for runs whose data.shards names the folder.

    Samples that are seen again are of one shape, so that data.other_shapes of the file must be 0. A call that was
    stopped, or killed, goes on where it was with the same command.

    Examples
    --------
    surrogate-plugin samples mine.toml --out shards --count 2048
    surrogate-plugin samples mine.toml --out shards --count 2048 --repair

    JSON
    ----
    folder : of the shards
    samples, shards : how many it holds
    """
    with plain_errors():
        from surrogate_training.config import read_config
        from surrogate_training.loop.beginning import solving_device
        from surrogate_training.samples.make_shards import make_shards

        given = read_config(config, **({} if count is None else {"data.samples": count}))
        with bar("making samples", quiet=quiet) as callback:
            index = make_shards(
                given.data,
                out,
                samples_a_shard=a_shard,
                workers=given.workers if workers is None else workers,
                repair=repair,
                device=solving_device(given),
                callback=callback,
            )
    if json and not quiet:
        print_json({"folder": str(out), "samples": index.samples, "shards": len(index.sha256)})
    elif not quiet:
        tell(f"{out} holds {index.samples} samples in {len(index.sha256)} shards.")


def distribution(
    config: _ConfigFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for distribution.md and distribution.png.")],
    count: Annotated[int, typer.Option(min=12, help="Problems to draw.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the problems.")] = 0,
    json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Say and show what a configuration's problems look like.

    Examples
    --------
    surrogate-plugin distribution default --out runs/seen

    JSON
    ----
    problems : how many were drawn
    shape : of their lattices, rows first
    measures : by name, one number a problem
    written : files
    """
    with plain_errors():
        from surrogate_plugin.whole_files import write_text
        from surrogate_training.samples.distribution_report import describe, draw, read_distribution

        chosen, shape = read_distribution(config)
        with bar("drawing problems", quiet=quiet) as callback:
            found = describe(chosen, shape, count, seed, callback)
            write_text(out / "distribution.md", found.table())
            draw(found, out / "distribution.png")
    written = [str(out / "distribution.md"), str(out / "distribution.png")]
    if json and not quiet:
        print_json({"problems": count, "shape": list(shape), "measures": found.measures, "written": written})
    elif not quiet:
        tell(found.table())
        tell(f"Written: {written[0]} and {written[1]}")
