"""The worst problems of trained networks, what the guard makes of them, and what a training that knows them learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.whole_files import replacing
from surrogate_training.problems.discs import Listed, Scene, UnitCube, read_scenes, write_scenes
from surrogate_training.progress import Callback, part, silent
from surrogate_training.samples.dataset import exact_field, sample_problem
from surrogate_training.study import edge_cases_plot, edge_cases_table
from surrogate_training.study.edge_cases_config import PICTURE, EdgeCasesConfig, Searched, folder_name
from surrogate_training.study.folder import RESULT, claim, read_result, write_json
from surrogate_training.study.held_fields import ShippedModel, StudyNetwork
from surrogate_training.study.search import Judge, Round, evolution_round, random_round, strategies
from surrogate_training.study.through_the_guard import through_the_guard
from surrogate_training.study.trained import trained
from surrogate_training.threads import fixed_threads

WORST = "worst.json"
_ROUND, _RESULT_OF = TypeAdapter(Round), TypeAdapter(Searched)
#: Apart in the seeds of rounds.
_RANDOM, _EVOLUTION = 0, 1


@fixed_threads()
def run_edge_cases(
    config: EdgeCasesConfig, folder: Path, callback: Callback = silent, *, train: bool = True
) -> list[Searched]:  # fmt: skip
    """Train, search and guard what is not there yet; table and figure are written anew after each network.

    Every network leaves its worst problems in ``worst.json``, a file of scenes that a training may learn from. The
    network of the largest training-set size is trained once more with its own worst problems known, and searched
    again.

    Parameters
    ----------
    config : EdgeCasesConfig
    folder : Path
        Created; one subfolder a network.
    callback : Callback
    train : bool
        False: report on the networks that are finished, and train and search none.

    Raises
    ------
    ValueError
        If the folder holds a study with other settings.
    MissingExtraError
        If cma is not installed.
    """
    if train:
        strategies()  # before hours of training
    claim(folder, config, {"seeds", "models"}, begin=train)
    largest = max(config.sizes)
    todo: list[tuple[str, int | None]] = [(name, None) for name in config.models]
    for each in config.seeds:
        todo += [(str(size), each) for size in config.sizes] + [(f"{largest} taught", each)]
    results: list[Searched] = []
    for index, (name, seed) in enumerate(todo):
        home = folder / folder_name(name, seed)
        of_run = part(callback, index / len(todo), 1 / len(todo), f"{home.name} ({index + 1} of {len(todo)})  ")
        if fresh := not (home / RESULT).is_file():
            if not train:
                continue
            home.mkdir(parents=True, exist_ok=True)
            write_json(home / RESULT, asdict(_run(config, name, seed, home, folder, of_run)))
        results.append(read_result(home / RESULT, _RESULT_OF))
        if fresh:
            _publish(config, results, folder)
        of_run(1.0, "done")
    _publish(config, results, folder)
    return results


def _run(
    config: EdgeCasesConfig, name: str, seed: int | None, home: Path, folder: Path, callback: Callback
) -> Searched:  # fmt: skip
    """One network, from its training to the guard."""
    known: list[Problem] = []
    subject: StudyNetwork | ShippedModel
    if seed is None:
        subject = ShippedModel(name)
    else:
        size, _, taught = name.partition(" ")
        file = (folder / folder_name(size, seed) / WORST).resolve()
        training = config.trained_on(int(size), seed, Listed(file=file) if taught else None)
        subject = StudyNetwork(trained(training, home, part(callback, 0.0, 0.4))[0])
        known = [scene.problem(config.base.data.shape) for scene in read_scenes(file)] if taught else []
    accuracy, shape = config.base.data.accuracy, config.base.data.shape
    random, evolution = _searched(config, judging(subject, shape, accuracy), seed or 0, home, callback)
    worst = [scene for each in (*random, *evolution) for scene in each.scenes]
    write_scenes(home / WORST, worst)
    tests = [sample_problem(config.base.data, "test", 0, row) for row in range(config.test_samples)]
    errors = largest_errors(subject, tests, accuracy)
    problems = [scene.problem(shape) for scene in worst]
    _keep_picture(home, subject, max((*random, *evolution), key=lambda each: each.errors[0]).scenes[0].problem(shape))
    callback(0.95, "the worst problems through the guard")
    return Searched(
        name, seed, float(errors.mean()), float(errors.max()), random, evolution,
        through_the_guard(subject, problems, config.tolerance),
        through_the_guard(subject, tests, config.tolerance),
        float(largest_errors(subject, known, accuracy).mean()) if known else None,
    )  # fmt: skip


def _searched(
    config: EdgeCasesConfig, judge: Judge, seed: int, home: Path, callback: Callback
) -> tuple[list[Round], list[Round]]:
    """The random rounds, then those of evolution, each from where a random one ended; each is kept as it ends."""
    cube, rounds = UnitCube(config.space, config.base.data.shape), config.rounds
    sized = cube, config.evaluations, config.population, config.kept

    def kept(name: str, at: int, search: Callable[[], Round]) -> Round:
        path = home / f"{name}-{at}.json"
        if not path.is_file():
            write_json(path, asdict(search()))
        done = (at + 1 if name == "random" else rounds + at + 1) * config.evaluations
        found = read_result(path, _ROUND)
        callback(0.4 + 0.5 * done / (2 * rounds * config.evaluations), f"{done} problems tried, {name} search")
        return found

    random = [
        kept("random", at, lambda at=at: random_round(judge, *sized, (seed, _RANDOM, at)))  # type: ignore[misc]
        for at in range(rounds)
    ]
    evolution = [
        kept("evolution", at, lambda at=at: evolution_round(judge, *sized, (seed, _EVOLUTION, at), random[at].start))  # type: ignore[misc]
        for at in range(rounds)
    ]
    return random, evolution


def _keep_picture(home: Path, subject: StudyNetwork | ShippedModel, worst: Problem) -> None:
    """What the figure shows of the worst problem, over its largest imposed value."""
    images = (worst.source, exact_field(worst, 1e-9), subject.fields([worst])[0])
    source, exact, network = ((image / worst.largest_imposed).astype(np.float32) for image in images)
    with replacing(home / PICTURE) as partial, partial.open("wb") as file:
        np.savez_compressed(file, source=source, exact=exact, network=network)


def judging(subject: StudyNetwork | ShippedModel, shape: tuple[int, int], accuracy: float) -> Judge:
    """What a search asks: the largest pointwise error of each scene."""

    def judge(scenes: Sequence[Scene]) -> FloatArray:
        return largest_errors(subject, [scene.problem(shape) for scene in scenes], accuracy)

    return judge


def largest_errors(
    subject: StudyNetwork | ShippedModel, problems: Sequence[Problem], accuracy: float, at_once: int = 50
) -> FloatArray:
    """The largest pointwise error of each problem over its largest imposed value, (N,)."""
    found = []
    for begin in range(0, len(problems), at_once):
        some = problems[begin : begin + at_once]
        for problem, field in zip(some, subject.fields(some), strict=True):
            error = np.abs(field - exact_field(problem, accuracy)).max()
            found.append(float(error) / problem.largest_imposed)
    return np.array(found)


def _publish(config: EdgeCasesConfig, results: list[Searched], folder: Path) -> None:
    edge_cases_table.write(config, results, folder)
    edge_cases_plot.draw(config, results, folder)
