"""Which choice of training problems reaches an error first: at random, evenly spread, or where the network errs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from surrogate_training.loop.interruption import Stopped, stop_requests
from surrogate_training.loop.pending import PendingLosses
from surrogate_training.loop.trainer import Trainer
from surrogate_training.problems.discs import Scene, UnitCube, around, read_scenes, write_scenes
from surrogate_training.progress import Callback, part, silent
from surrogate_training.samples.dataset import exact_field
from surrogate_training.samples.finite import shuffled_batch
from surrogate_training.samples.kept import KeptSample
from surrogate_training.study import sampling_report
from surrogate_training.study.folder import claim, read_result, write_json
from surrogate_training.study.held_fields import KnownProblems, StudyNetwork
from surrogate_training.study.sampling_config import Course, Measured, SamplingConfig, Strategy
from surrogate_training.threads import fixed_threads

_MEASURED = TypeAdapter(Measured)
#: Apart in the seeds of draws.
_DRAW = 7


@fixed_threads()
def run_sampling(
    config: SamplingConfig, folder: Path, callback: Callback = silent, *, train: bool = True
) -> list[Course]:  # fmt: skip
    """Train what is not there yet; table and figure are written anew after each training.

    Parameters
    ----------
    config : SamplingConfig
    folder : Path
        Created; one subfolder a training.
    callback : Callback
    train : bool
        False: report on the trainings that are finished, and begin none.

    Raises
    ------
    ValueError
        If the folder holds a study with other settings.
    Stopped
        After Ctrl-C or SIGTERM, with a checkpoint saved.
    """
    claim(folder, config, {"seeds", "strategies"}, begin=train)
    tests = KnownProblems.drawn(config.base.data, config.test_samples)
    runs = [(strategy, seed) for seed in config.seeds for strategy in config.strategies]
    courses: list[Course] = []
    for index, (strategy, seed) in enumerate(runs):
        home = folder / f"{strategy}-seed-{seed}"
        of_run = part(callback, index / len(runs), 1 / len(runs), f"{home.name} ({index + 1} of {len(runs)})  ")
        if not (train or (home / f"measured-{config.rounds - 1}.json").is_file()):
            continue
        courses.append(Course(strategy, seed, _train(config, strategy, seed, home, tests, of_run)))
        sampling_report.write(config, courses, folder)
        of_run(1.0, "done")
    return courses


def _train(
    config: SamplingConfig, strategy: Strategy, seed: int, home: Path, tests: KnownProblems, callback: Callback
) -> list[Measured]:  # fmt: skip
    """One training; its set grows before each round, and it is measured after each."""
    home.mkdir(parents=True, exist_ok=True)
    paths = [home / f"measured-{at}.json" for at in range(config.rounds)]
    if not paths[-1].is_file():
        trainer, samples = Trainer(config.training(seed), home), _Grown(config)
        pending = PendingLosses.on(trainer.device)
        with stop_requests() as request:
            for at, path in enumerate(paths):
                scenes = _scenes(config, strategy, seed, at, home / f"scenes-{at}.json", trainer)
                samples.add(scenes)
                saved = time.monotonic()
                while trainer.progress.step < (at + 1) * config.steps_per_round:
                    step = trainer.progress.step
                    loss = trainer.step(shuffled_batch(trainer.config.data, samples, step, seed).to(trainer.device))
                    pending.add(step + 1, loss, trainer.learning_rate())
                    if pending.due:
                        heard = pending.read()[-1]
                        callback(trainer.done(), f"step {step + 1}  loss {heard.loss:.4f}  {len(samples)} samples")
                    if request.made or time.monotonic() - saved >= config.base.checkpoint_seconds:
                        trainer.save()
                        saved = time.monotonic()
                    if request.made:
                        raise Stopped(f"stopped at step {step + 1}; the same command goes on from there.")
                if not path.is_file():
                    write_json(path, asdict(_measure(trainer, len(samples), tests)))
                trainer.save()
    return [read_result(path, _MEASURED) for path in paths]


def _measure(trainer: Trainer, samples: int, tests: KnownProblems) -> Measured:
    errors = tests.errors(StudyNetwork(trainer.average))
    largest = [error["max"] for error in errors]
    relative = float(np.mean([error["relative_l2"] for error in errors]))
    return Measured(samples, relative, float(np.mean(largest)), max(largest))


def _scenes(
    config: SamplingConfig, strategy: Strategy, seed: int, at: int, path: Path, trainer: Trainer
) -> list[Scene]:  # fmt: skip
    """What a round adds; drawn once, since ``errors`` depends on the weights at its beginning."""
    if not path.is_file():
        cube = UnitCube(config.space, config.base.data.shape)
        write_scenes(path, draw(config, strategy, seed, at, cube, StudyNetwork(trainer.average)))
    return read_scenes(path)


def draw(
    config: SamplingConfig, strategy: Strategy, seed: int, at: int, cube: UnitCube, network: StudyNetwork
) -> list[Scene]:  # fmt: skip
    """The scenes that round ``at`` adds; see `SamplingConfig`."""
    rng = np.random.default_rng([config.base.data.seed, seed, _DRAW, at])
    count = config.per_round
    if strategy == "sobol":
        return [
            cube.scene(point) for point in _sobol(cube.dimensions, count * config.rounds, seed)[at * count :][:count]
        ]
    if strategy == "uniform" or at == 0:
        return [cube.scene(rng.random(cube.dimensions)) for _ in range(count)]
    fresh = [cube.scene(rng.random(cube.dimensions)) for _ in range(count - count // 2)]
    parents = _worst(fresh, config, network)[: max(1, count // 8)]
    return fresh + [
        around(parents[child % len(parents)], rng, cube.shape, config.moved, config.changed)
        for child in range(count // 2)
    ]


def _sobol(dimensions: int, count: int, seed: int) -> np.ndarray:
    from scipy.stats import qmc

    return qmc.Sobol(dimensions, scramble=True, seed=seed).random_base2(max(1, (count - 1).bit_length()))[:count]


def _worst(scenes: Sequence[Scene], config: SamplingConfig, network: StudyNetwork) -> list[Scene]:
    """The scenes in the order of the network's relative errors, the worst first."""
    problems = [scene.problem(config.base.data.shape) for scene in scenes]
    known = KnownProblems(problems, [exact_field(problem, config.base.data.accuracy) for problem in problems])
    errors = [error["relative_l2"] for error in known.errors(network)]
    return [scenes[at] for at in np.argsort(errors, kind="stable")[::-1]]


class _Grown:
    """The samples so far; with ``remade`` each is made anew when it is due."""

    def __init__(self, config: SamplingConfig) -> None:
        self._data = config.base.data
        self._scenes: list[Scene] = []
        self._kept: list[KeptSample] = []

    def add(self, scenes: Sequence[Scene]) -> None:
        """What a round adds."""
        self._scenes += scenes
        if not self._data.remade:
            self._kept += [self._made(scene) for scene in scenes]

    def _made(self, scene: Scene) -> KeptSample:
        problem = scene.problem(self._data.shape)
        return KeptSample.of(problem, exact_field(problem, self._data.accuracy))

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, number: int) -> KeptSample:
        return self._made(self._scenes[number]) if self._data.remade else self._kept[number]
