"""Retrain a model on the states a host produced, without forgetting what it knew; publish it unless it is worse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surrogate_plugin.guard.applicability import measure as measure_extent
from surrogate_plugin.recordings.reader import Recording
from surrogate_plugin.surrogate.card import ModelCard
from surrogate_plugin.surrogate.model import Model, find, load
from surrogate_plugin.whole_files import write_text
from surrogate_training.config import FileName
from surrogate_training.damage import reading
from surrogate_training.loop.checkpoint import Progress
from surrogate_training.loop.trainer import Trainer
from surrogate_training.problems.recordings import Recorded
from surrogate_training.progress import Callback, part, silent
from surrogate_training.publishing.package import check_name, write_package
from surrogate_training.publishing.publish import selected_network, write_model
from surrogate_training.quality.assessment import Answer
from surrogate_training.retraining import picture as retrain_picture
from surrogate_training.retraining import report as retrain_report
from surrogate_training.retraining.fine_tuning import base_of, fine_tuning, training_of
from surrogate_training.retraining.report import Pair, Report
from surrogate_training.retraining.trials import Trial, Trials, kept_answers
from surrogate_training.retraining.widening import HeldOut, widened
from surrogate_training.samples.batch import largest_value
from surrogate_training.samples.dataset import exact_field
from surrogate_training.threads import fixed_threads

#: Hears the share done and a line of text.
Answers = dict[Trial, list[Answer]]

#: Training takes this share of the minutes, measuring the rest.
TRAINING_SHARE = 0.85
_CLAIM = "retraining.json"


class RetrainConfig(BaseModel):
    """A retraining.

    Examples
    --------
    >>> RetrainConfig(record="run.zarr", out="mymodel", name="mymodel").minutes
    15.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    record: Path = Field(description="the recording")
    parent: str = Field(default="default", description="name or path of the model to begin with")
    out: Path = Field(description="folder for everything that is written")
    name: FileName = Field(description="of the new model")
    minutes: float = Field(default=15.0, gt=0, description="length of it all, measuring included")
    steps: int | None = Field(default=None, ge=1, description="length of the training in steps instead")
    seed: int = Field(default=0, ge=0, lt=2**63)
    base_problems: int = Field(default=200, ge=1, description="of the parent's test split, measured at most")
    package: str | None = Field(default=None, description="name of the model in a package to install; none: no package")
    publish_anyway: bool = Field(default=False, description="publish a model that is worse than its parent")


@dataclass(frozen=True)
class Outcome:
    """What was found and written.

    Attributes
    ----------
    report : Report
    weights : Path or None
        The published weights, their card beside them; None where the model is worse than its parent.
    package : Path or None
    """

    report: Report
    weights: Path | None
    package: Path | None


@fixed_threads()
def retrain(config: RetrainConfig, callback: Callback = silent) -> Outcome:
    """Measure the parent, fine-tune it, measure the child, write what was found, and publish unless it is worse.

    Half of the batches are recorded training steps, mirrored, transposed and with varied decay; half are what the
    parent was trained on. A retraining that was stopped goes on where it was; of one that is finished only the child
    is measured again.

    Parameters
    ----------
    config : RetrainConfig
    callback : Callback

    Returns
    -------
    Outcome
        ``out`` gets ``report.json``, ``table.md``, ``before-after.png`` and, unless the model is worse (see
        `retrain_report.worse`) and ``publish_anyway`` is not set, ``NAME.safetensors`` with its card, and the package.

    Raises
    ------
    ModelError
        If there is no such parent, or it is damaged.
    RecordingError
        If there is no recording, it is damaged, or too few of its steps can be learnt from.
    ValueError
        If an option is not allowed, ``out`` holds a retraining with other options, or the parent's card does not say
        how it was trained.
    FileExistsError
        If ``out`` holds something else.
    Stopped
        After Ctrl-C or SIGTERM, with a checkpoint saved.
    """
    if config.package is not None:
        check_name(config.package)
    parent, recorded = load(config.parent, "cpu"), Recorded(path=config.record)
    trained = training_of(parent.card)
    run = fine_tuning(
        trained, find(config.parent).absolute(), recorded, name=config.name, seed=config.seed,
        minutes=TRAINING_SHARE * config.minutes, steps=config.steps,
    )  # fmt: skip
    trials = Trials(recorded, base_of(trained), min(config.base_problems, trained.test_batches * trained.data.batch))
    _claim(config, parent.card)

    before = kept_answers(config.out / "parent.json", lambda: trials.answers(parent, part(callback, 0.0, 0.07)))
    Trainer(run, config.out / "run").run(part(callback, 0.07, 0.86))
    _, progress, network = selected_network(config.out / "run")
    child = Model(parent.card.model_copy(update={"name": config.name}), network, "cpu")
    after = trials.answers(child, part(callback, 0.93, 0.07))
    found = _compare(recorded, trials, (parent, child), (before, after), progress)
    write_text(config.out / "report.json", found.model_dump_json(indent=2) + "\n")
    write_text(config.out / "table.md", retrain_report.markdown(found))
    _draw(config.out / "before-after.png", trials, found, (parent, child), before["held_out"])
    callback(1.0, "done")
    return _publish(config, parent.card, found, [answer.errors for answer in after["base"]])


def _claim(config: RetrainConfig, parent: ModelCard) -> None:
    """Make the folder this retraining's, or see that it is."""
    asked: dict[str, Any] = config.model_dump(mode="json", exclude={"out", "package", "publish_anyway"})
    # A recording that grew has other held-out steps.
    asked |= {"parent": f"{parent.name} {parent.sha256[:16]}", "recorded_steps": len(Recording(config.record))}
    path = config.out / _CLAIM
    if path.is_file():
        with reading(path, "name another folder"):
            held = dict(json.loads(path.read_bytes()))
        for name, value in asked.items():
            if held.get(name) != value:
                was = held.get(name)
                raise ValueError(f"{config.out} holds a retraining with {name} {was!r}, not {value!r}; name another.")
        return
    if config.out.exists() and not (config.out.is_dir() and not any(config.out.iterdir())):
        raise FileExistsError(f"{config.out} holds something other than a retraining; name a new folder.")
    config.out.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asked, indent=2) + "\n")


def _compare(
    recorded: Recorded,
    trials: Trials,
    models: tuple[Model, Model],
    found: tuple[Answers, Answers],
    progress: Progress,
) -> Report:
    """Widen the child's card where that is supported, and put both models side by side, each within its card."""
    (parent, child), (before, after) = models, found
    extents = [measure_extent(problem) for problem in trials.held_out]
    states = [HeldOut(*each) for each in zip(extents, before["held_out"], after["held_out"], strict=True)]
    ranges, sentences = widened(parent.card.ranges, recorded.extents(), states)
    child = Model(child.card.model_copy(update={"ranges": ranges}), child.network, child.device)

    def pair(trial: Trial) -> Pair:
        return Pair(parent=trials.summary(trial, parent, before), child=trials.summary(trial, child, after))

    held_out, base = pair("held_out"), pair("base")
    return Report(
        parent=parent.card.name,
        child=child.card.name,
        recording=recorded.report(),
        training_steps=len(recorded.training_steps),
        held_out_steps=len(recorded.held_out_steps),
        steps=progress.step,
        samples=progress.samples,
        minutes=progress.seconds / 60,
        held_out=held_out,
        base=base,
        ranges=ranges,
        widening=sentences,
        worse=retrain_report.worse(held_out, base),
    )


def _draw(path: Path, trials: Trials, found: Report, models: tuple[Model, Model], before: list[Answer]) -> None:
    """Draw the held-out step that the parent answers neither best nor worst."""
    order = sorted(range(len(before)), key=lambda index: before[index].errors["relative_l2"])
    problem = trials.held_out[order[len(order) // 2]]
    fields = [exact_field(problem, trials.base.accuracy), *(model.predict(problem) for model in models)]
    largest = largest_value(problem, fields[0])
    exact, parent, child = (field / largest for field in fields)
    retrain_picture.draw(found, exact, parent, child, path)


def _publish(config: RetrainConfig, parent: ModelCard, found: Report, samples: list[dict[str, float]]) -> Outcome:
    """Write the weights, their card and the package, unless the model is worse and nobody insists."""
    if found.worse and not config.publish_anyway:
        return Outcome(found, None, None)
    history = {
        "parent": {"name": parent.name, "sha256": parent.sha256},
        "recording": found.recording,
        "command": "surrogate-plugin retrain --record RECORDING --from PARENT --out FOLDER",
    }
    write_model(config.out / "run", config.out, ranges=found.ranges, samples=samples, more=history)
    weights = config.out / f"{config.name}.safetensors"
    if config.package is None:
        return Outcome(found, weights, None)
    return Outcome(found, weights, write_package(weights, config.package, config.out / "package"))
