"""What a study would cost, from what a step and a sample take on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from surrogate_plugin.surrogate.networks import build
from surrogate_training.config import TrainConfig
from surrogate_training.samples.batch import predict
from surrogate_training.samples.dataset import exact_field, make_batch, sample_problem
from surrogate_training.study.edge_cases_config import EdgeCasesConfig
from surrogate_training.study.kinds import AnyStudy
from surrogate_training.study.sampling_config import SamplingConfig
from surrogate_training.study.subsets_config import SubsetsConfig
from surrogate_training.threads import fixed_threads

#: A backward pass takes twice the multiply-adds of a forward pass.
_FORWARD_AND_BACK = 3
#: Seconds that a measurement may take before it is not repeated.
_ENOUGH = 1.0


@dataclass(frozen=True)
class Cost:
    """What a study takes in all, if it began now.

    Attributes
    ----------
    runs : int
    learnt : int
        Samples that networks learn from, each as often as it is seen.
    solved : int
        Problems that are solved for training, and by searches.
    searched : int
        Problems that searches try.
    multiply_adds : float
        Of training and searching.
    memory : float
        GB of samples held at once, besides the network and its gradients.
    device : str
        Where it was measured.
    seconds : float
        By one process of this machine, of one thread where it is a CPU.
    a_sample, a_solve : float
        Seconds that were measured, of the base's network: a sample learnt from, and a problem solved.
    """

    runs: int
    learnt: int
    solved: int
    searched: int
    multiply_adds: float
    memory: float
    device: str
    seconds: float
    a_sample: float
    a_solve: float

    def _where(self) -> str:
        return "one thread of a CPU" if self.device == "cpu" else self.device

    def sentences(self) -> str:
        """All of it for people."""
        searched = f" Searches try {self.searched:,} problems." if self.searched else ""
        held = (
            f"Samples take {self.memory:,.1f} GB of memory." if self.memory else "Samples are made when they are due."
        )
        return (
            f"{self.runs} runs learn from {self.learnt:,} samples, each time one is seen, and solve {self.solved:,} "
            f"problems.{searched} In all {self.multiply_adds:.2g} multiply-adds: a device that does 1e14 of them a "
            f"second takes at least {_lasting(self.multiply_adds / 1e14)}. {held} Measured here, on {self._where()}: "
            f"{_milliseconds(self.a_sample)} for a sample to learn from and {_milliseconds(self.a_solve)} for a "
            f"problem to solve, about {_lasting(self.seconds)} in all."
        )


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:,.2f} ms" if seconds < 0.01 else f"{1e3 * seconds:,.0f} ms"


def _lasting(seconds: float) -> str:
    """A time as people say it.

    Examples
    --------
    >>> _lasting(0.2), _lasting(600), _lasting(9000), _lasting(1e6)
    ('0.2 seconds', '10 minutes', '2.5 hours', '12 days')
    """
    for longest, unit, name in ((120, 1, "seconds"), (7200, 60, "minutes"), (259200, 3600, "hours")):
        if seconds < longest:
            return f"{seconds / unit:,.2g} {name}" if seconds < 10 * unit else f"{seconds / unit:,.0f} {name}"
    return f"{seconds / 86400:,.0f} days"


def trainings(config: AnyStudy) -> list[TrainConfig]:
    """The configuration of every run."""
    if isinstance(config, SubsetsConfig):
        return [config.trained_on(subset, seed) for seed in config.seeds for subset in config.subsets]
    if isinstance(config, SamplingConfig):
        return [config.training(seed) for seed in config.seeds for _ in config.strategies]
    if isinstance(config, EdgeCasesConfig):
        # The last stands for the training that knows the worst cases.
        return [config.trained_on(size, seed) for seed in config.seeds for size in (*config.sizes, max(config.sizes))]
    return [run.config for run in config.runs()]


@fixed_threads()
def estimate(config: AnyStudy) -> Cost:
    """Measure a step of each network and a solve, and add up.

    The networks take one sample at a time where a batch would take more than a second.
    """
    runs = trainings(config)
    device = _present(config.base.device)
    searched = 0
    if isinstance(config, EdgeCasesConfig):
        searched = (len(runs) + len(config.models)) * 2 * config.rounds * config.evaluations
    per_sample: dict[tuple[str, int], tuple[float, float]] = {}
    for run in runs:
        if _key(run) not in per_sample:
            per_sample[_key(run)] = _seconds_to_learn(run, device), multiply_adds(run)
    a_solve = _seconds_to_solve(config.base)
    learnt = [(_key(run), run.data.batch * (run.optimiser.steps or 0)) for run in runs]
    solved = sum(_solved(run) for run in runs) + searched
    base = config.base if config.base.data.samples is not None else runs[0]
    seconds = sum(per_sample[key][0] * samples for key, samples in learnt)
    seconds += a_solve * solved + searched * per_sample[_key(base)][0] / _FORWARD_AND_BACK
    adds = sum(_FORWARD_AND_BACK * per_sample[key][1] * samples for key, samples in learnt)
    return Cost(
        len(runs), sum(samples for _, samples in learnt), solved, searched,
        adds + searched * per_sample[_key(base)][1], max(_held(run) for run in runs), device, seconds,
        per_sample[_key(base)][0], a_solve,
    )  # fmt: skip


def multiply_adds(config: TrainConfig) -> float:
    """Of one forward pass of a configuration's network on one sample."""
    with torch.device("meta"):
        network = build(config.network.kind, config.network.hyperparameters).eval()
        found: list[float] = []

        def count(layer: nn.Module, given: tuple[torch.Tensor, ...], answer: torch.Tensor) -> None:
            del given
            assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
            inputs = layer.in_channels / layer.groups
            found.append(answer[0].numel() * inputs * layer.weight[0, 0].numel())

        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(count)
        network(torch.empty(1, 1, *config.data.shape))
    return sum(found)


def _key(config: TrainConfig) -> tuple[str, int]:
    """What the time of a sample depends on."""
    return config.network.model_dump_json(), config.data.batch


def _solved(run: TrainConfig) -> int:
    """Training and validation problems."""
    steps, data = run.optimiser.steps or 0, run.data
    seen = steps * data.batch
    training = seen if data.remade or data.samples is None else min(data.samples, seen)
    return training + run.validation_batches * data.batch


def _held(run: TrainConfig) -> float:
    """GB of samples in memory: source and field in single precision."""
    samples = 0 if run.data.remade or run.data.samples is None else run.data.samples
    return samples * run.data.shape[0] * run.data.shape[1] * 8 / 1e9


def _present(device: str) -> str:
    if device.startswith("cuda") and not torch.cuda.is_available():
        return "cpu"
    return device


def _seconds_to_learn(config: TrainConfig, device: str) -> float:
    """A forward and a backward pass and the optimiser's step, over a sample."""
    network = build(config.network.kind, config.network.hyperparameters).to(device).train()
    optimiser = torch.optim.Adam(network.parameters())

    def seconds(samples: int) -> float:
        batch = make_batch(config.data.model_copy(update={"batch": samples}), "validation", 0).to(torch.device(device))

        def step() -> None:
            optimiser.zero_grad(set_to_none=True)
            config.loss.evaluate(predict(network, batch), batch, 0).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if device.startswith("cuda"):
                torch.cuda.synchronize()

        return _timed(step, device) / samples

    alone = seconds(1)
    return alone if alone * config.data.batch > _ENOUGH else min(alone, seconds(config.data.batch))


def _seconds_to_solve(config: TrainConfig) -> float:
    problems = [sample_problem(config.data, "validation", 0, row) for row in range(4)]
    return _timed(lambda: [exact_field(problem, config.data.accuracy) for problem in problems], "cpu") / len(problems)


def _timed(work: Callable[[], object], device: str) -> float:
    """Seconds of the fastest of up to three goes after a first one, or of that where it takes long.

    On a CPU those of the processor, of which one thread is used: others that are busy do not count.
    """
    clock = time.perf_counter if device.startswith("cuda") else time.process_time

    def go() -> float:
        began = clock()
        work()
        return clock() - began

    first = go()
    return first if first > _ENOUGH else min(go() for _ in range(3))
