"""What training-set size, loss, random seed and hyperparameters do to the error, at a chosen scale."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from surrogate_training.progress import Callback, part, silent
from surrogate_training.quality.metrics import SOURCE_COUNT
from surrogate_training.samples.batch import Batch
from surrogate_training.study import plots as study_plots
from surrogate_training.study import table as study_table
from surrogate_training.study.config import StudyConfig, StudyRun
from surrogate_training.study.folder import RESULT, claim, read_result, write_json
from surrogate_training.study.measures import balanced_batches, mean_measures, measure_raw, measure_zeros
from surrogate_training.study.result import Result
from surrogate_training.study.trained import trained
from surrogate_training.threads import fixed_threads

#: What may grow from one call to the next in the same folder.
_GROWS = {"sizes", "losses", "hyperparameters", "seeds"}


_RESULT_OF = TypeAdapter(Result)


@fixed_threads()
def run_study(
    config: StudyConfig, folder: Path, callback: Callback = silent, *, train: bool = True
) -> list[Result]:  # fmt: skip
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
    train : bool
        False: report on the runs that are finished, and train none.

    Raises
    ------
    ValueError
        If the folder holds a study with other settings.
    """
    claim(folder, config, _GROWS, begin=train)
    runs = config.runs()
    tests = balanced_batches(config)
    zeros = mean_measures(measure_zeros(tests))
    results: list[Result] = []
    for index, run in enumerate(runs):
        home = folder / run.folder
        of_run = part(callback, index / len(runs), 1 / len(runs), f"{run.folder} ({index + 1} of {len(runs)})  ")
        fresh = not (home / RESULT).is_file()
        if fresh and not train:
            continue
        if fresh:
            write_json(home / RESULT, asdict(_train_and_measure(run, home, tests, of_run)))
        results.append(read_result(home / RESULT, _RESULT_OF))
        if fresh and index + 1 < len(runs):
            _publish(config, results, zeros, folder)
        of_run(1.0, "done")
    if results:
        _publish(config, results, zeros, folder)
    return results


def _train_and_measure(run: StudyRun, home: Path, tests: dict[int, Batch], callback: Callback) -> Result:
    network, step = trained(run.config, home, callback)
    samples = measure_raw(network, tests)
    counts = sorted({int(sample[SOURCE_COUNT]) for sample in samples})
    by_sources = {n: mean_measures(s for s in samples if s[SOURCE_COUNT] == n) for n in counts}
    return Result(run.variant, run.seed, step, mean_measures(samples), by_sources)


def _publish(config: StudyConfig, results: list[Result], zeros: dict[str, float], folder: Path) -> None:
    """Tables and plots of the runs finished so far."""
    study_table.write(config, results, zeros, folder)
    study_plots.draw(config, results, folder)
