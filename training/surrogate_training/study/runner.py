"""What training-set size, loss, random seed and hyperparameters do to the error, at a chosen scale."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from surrogate_plugin.whole_files import write_text
from surrogate_training.damage import reading
from surrogate_training.loop import checkpoint
from surrogate_training.loop.trainer import Trainer
from surrogate_training.progress import Callback, part, silent
from surrogate_training.quality.metrics import SOURCE_COUNT
from surrogate_training.samples.batch import Batch
from surrogate_training.study import plots as study_plots
from surrogate_training.study import table as study_table
from surrogate_training.study.config import StudyConfig, StudyRun
from surrogate_training.study.measures import balanced_batches, mean_measures, measure_raw, measure_zeros
from surrogate_training.study.result import Result
from surrogate_training.threads import fixed_threads

_CONFIG, _RESULT = "study.json", "result.json"
#: What may grow from one call to the next in the same folder.
_GROWS = {"sizes", "losses", "hyperparameters", "seeds"}


_RESULT_OF = TypeAdapter(Result)


@fixed_threads()
def run_study(config: StudyConfig, folder: Path, callback: Callback = silent) -> list[Result]:
    """Train and measure every run that is not there yet, then write the tables and plots.

    After each run ``results.csv``, ``by_sources.csv``, ``table.md`` and the PNG plots are written anew for the runs
    finished so far. A study that was stopped goes on where it was; sizes, losses, hyperparameters and seeds may be
    added.

    Parameters
    ----------
    config : StudyConfig
    folder : Path
        Created; one subfolder a run.
    callback : Callback

    Raises
    ------
    ValueError
        If the folder holds a study with other settings.
    """
    _claim(folder, config)
    runs = config.runs()
    tests = balanced_batches(config)
    zeros = mean_measures(measure_zeros(tests))
    results: list[Result] = []
    for index, run in enumerate(runs):
        home = folder / run.folder
        of_run = part(callback, index / len(runs), 1 / len(runs), f"{run.folder} ({index + 1} of {len(runs)})  ")
        fresh = not (home / _RESULT).is_file()
        if fresh:
            _write_json(home / _RESULT, asdict(_train_and_measure(run, home, tests, of_run)))
        results.append(_read(home / _RESULT))
        if fresh and index + 1 < len(runs):
            _publish(config, results, zeros, folder)
        of_run(1.0, "done")
    _publish(config, results, zeros, folder)
    return results


def _train_and_measure(run: StudyRun, home: Path, tests: dict[int, Batch], callback: Callback) -> Result:
    trainer = Trainer(run.config, home)
    trainer.run(callback)
    _, picked, tensors = checkpoint.load(home, checkpoint.BEST)
    with checkpoint.damage(home / checkpoint.BEST):
        trainer.average.load_state_dict(checkpoint.part(tensors, "average."))
    samples = measure_raw(trainer.average, tests)
    counts = sorted({int(sample[SOURCE_COUNT]) for sample in samples})
    by_sources = {n: mean_measures(s for s in samples if s[SOURCE_COUNT] == n) for n in counts}
    return Result(run.variant, run.seed, picked.step, mean_measures(samples), by_sources)


def _publish(config: StudyConfig, results: list[Result], zeros: dict[str, float], folder: Path) -> None:
    """Tables and plots of the runs finished so far."""
    study_table.write(config, results, zeros, folder)
    study_plots.draw(config, results, folder)


def _claim(folder: Path, config: StudyConfig) -> None:
    """Make the folder this study's, or see that it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _CONFIG
    if path.is_file():
        with reading(path, "remove it, or choose another folder"):
            held = StudyConfig.model_validate_json(path.read_bytes())
        for name in StudyConfig.model_fields:
            if name not in _GROWS and getattr(held, name) != getattr(config, name):
                raise ValueError(f"{folder} holds a study with another {name!r}; choose another folder for this one.")
    _write_json(path, config.model_dump(mode="json"))


def _read(path: Path) -> Result:
    with reading(path, "remove it, and the same command measures its run again"):
        return _RESULT_OF.validate_json(path.read_bytes())


def _write_json(path: Path, content: object) -> None:
    write_text(path, json.dumps(content, indent=1))
