"""Networks trained on parts of the problems' space, each tested on all parts: what carries over and what does not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from surrogate_training.progress import Callback, part, silent
from surrogate_training.study import subsets_plot, subsets_table
from surrogate_training.study.folder import RESULT, claim, read_result, write_json
from surrogate_training.study.held_fields import KnownProblems, ShippedModel, StudyNetwork, Subject
from surrogate_training.study.subsets_config import MEASURES, SubsetResult, SubsetsConfig
from surrogate_training.study.trained import trained
from surrogate_training.threads import fixed_threads

_RESULT_OF = TypeAdapter(SubsetResult)


@fixed_threads()
def run_subsets(
    config: SubsetsConfig, folder: Path, callback: Callback = silent, *, train: bool = True
) -> list[SubsetResult]:  # fmt: skip
    """Train and test every network that is not there yet; tables and the figure are written anew after each.

    Parameters
    ----------
    config : SubsetsConfig
    folder : Path
        Created; one subfolder a network.
    callback : Callback
    train : bool
        False: report on the networks that are finished, and train none.

    Raises
    ------
    ValueError
        If the folder holds a study with other settings.
    """
    claim(folder, config, {"seeds", "models"}, begin=train)
    data = config.base.data
    tests = {
        subset.name: KnownProblems.drawn(
            data.model_copy(update={"distribution": subset.distribution}), config.test_samples
        )
        for subset in config.subsets
    }
    results: list[SubsetResult] = []
    for name in config.models:
        if not (path := folder / f"model-{name}" / RESULT).is_file():
            if not train:
                continue
            _write(path, SubsetResult(name, None, _errors(ShippedModel(name), tests)))
        results.append(read_result(path, _RESULT_OF))
    runs = [(subset, seed) for seed in config.seeds for subset in config.subsets]
    for index, (subset, seed) in enumerate(runs):
        home = folder / f"{subset.name}-seed-{seed}"
        of_run = part(callback, index / len(runs), 1 / len(runs), f"{home.name} ({index + 1} of {len(runs)})  ")
        if not (path := home / RESULT).is_file():
            if not train:
                continue
            network, _ = trained(config.trained_on(subset, seed), home, of_run)
            _write(path, SubsetResult(subset.name, seed, _errors(StudyNetwork(network), tests)))
            _publish(config, [*results, read_result(path, _RESULT_OF)], folder)
        results.append(read_result(path, _RESULT_OF))
        of_run(1.0, "done")
    _publish(config, results, folder)
    return results


def _errors(subject: Subject, tests: dict[str, KnownProblems]) -> dict[str, dict[str, float]]:
    found = {}
    for name, test in tests.items():
        samples = test.errors(subject)
        found[name] = {measure: float(np.mean([sample[measure] for sample in samples])) for measure in MEASURES}
    return found


def _write(path: Path, result: SubsetResult) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(result))


def _publish(config: SubsetsConfig, results: list[SubsetResult], folder: Path) -> None:
    subsets_table.write(config, results, folder)
    subsets_plot.draw(config, results, folder)
