"""The compiled forward pass says what torch says, of any network that lists known operations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.surrogate import diffusion_layer, features
from surrogate_plugin.surrogate.compiled.network import CompiledNetwork
from surrogate_plugin.surrogate.networks import CompactNetwork, Mixer
from surrogate_plugin.surrogate.operations import (
    Add,
    Convolve,
    Dense,
    Draw,
    Join,
    Multiply,
    ProgramNetwork,
    ReadBlocks,
    Rectify,
    Relax,
    Step,
    Surround,
)


def scattered(seed: int, shape: tuple[int, int], *, saturating: bool, boundary: str | float = "absorbing") -> Problem:
    rng = np.random.default_rng(seed)
    source = np.where(rng.random(shape) < 0.1, rng.uniform(0.1, 1.0, shape), 0.0)
    source[3, 4] = 1.0
    uptake = MichaelisMenten(rng.uniform(0.0, 0.1, shape), 0.2) if saturating else None
    return Problem(source, decay=rng.uniform(1e-4, 0.2, shape), uptake=uptake, boundary=boundary)


def drawn(network: ProgramNetwork, seed: int = 0) -> ProgramNetwork:
    """With weights of a trained network's size, whatever they say."""
    torch.manual_seed(seed)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15)
    return network


def assert_torch_agrees(network: ProgramNetwork, problem: Problem) -> None:
    """Both solve the coarse equation as far as float32 goes: else one may stop an iteration before the other."""
    image, saturation = features.encode(problem), features.saturation(problem)
    with torch.inference_mode(), mock.patch.object(diffusion_layer, "TOLERANCE", 1e-7):
        expected = network(torch.from_numpy(image[None]), torch.tensor([saturation]))[0].numpy()
        found = CompiledNetwork(network)(image, saturation)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=2e-5 * np.abs(expected).max())


@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(8, 60), st.integers(8, 60)),
    st.sampled_from(["absorbing", "reflecting", 0.4]),
    st.booleans(),
)
def test_it_is_the_network(seed: int, shape: tuple[int, int], boundary: str | float, saturating: bool) -> None:
    network = CompactNetwork(width=10, mixers=seed % 4, head=9)  # no multiples of what loops are unrolled by
    assert_torch_agrees(drawn(network, seed), scattered(seed, shape, saturating=saturating, boundary=boundary))


def test_at_the_tolerance_of_use_both_are_as_near_as_it_says() -> None:
    network, problem = drawn(CompactNetwork()), scattered(1, (150, 90), saturating=True)
    image, saturation = features.encode(problem), features.saturation(problem)
    with torch.inference_mode():
        expected = network(torch.from_numpy(image[None]), torch.tensor([saturation]))[0].numpy()
    np.testing.assert_allclose(CompiledNetwork(network)(image, saturation), expected, atol=1e-3, rtol=1e-4)


# Networks that differ from the compact one: nothing but what is written here says how.


class MixedAfterwards(CompactNetwork):
    """A mixer after the diffusion too, which sees the coarse field beside the channels."""

    def __init__(self) -> None:
        super().__init__(width=9, mixers=1)
        self.both = nn.Linear(10, 9)
        self.last_mixer = Mixer(9, 3)

    def program(self) -> list[Step]:
        steps = super().program()
        after = 1 + next(at for at, step in enumerate(steps) if step.writes == ("field",))
        more = [Join().on("cells", "field", to="both"), Dense.of(self.both).on("both", to="cells")]
        return steps[:after] + more + self.last_mixer.steps("cells") + steps[after:]


class Unrelaxed(CompactNetwork):
    """What the decoder draws is the answer."""

    def program(self) -> list[Step]:
        return super().program()[:-1]


class Biased(CompactNetwork):
    """A bias for each of the decoder's layers."""

    def __init__(self) -> None:
        super().__init__(width=7, head=11)
        self.gain, self.spread, self.pixels = nn.Linear(18, 11), nn.Linear(9, 16), nn.Linear(11, 16)


class DenseFirst(CompactNetwork):
    """Mixers whose layers come in another order."""

    def program(self) -> list[Step]:
        steps: list[Step] = []
        for step in super().program():
            if isinstance(step.operation, Convolve):
                convolution = step.operation
            elif step.writes == ("wide",) and step.reads == ("near",):
                steps.append(step.operation.on("cells", to="wide"))
            elif step.writes == ("change",):
                steps += [step, convolution.on("change", to="change")]
            else:
                steps.append(step)
        return steps


class Local(ProgramNetwork):
    """No coarse solve: the values around a block, weighted by what a mixer makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mixer = nn.Linear(17, 12), Mixer(12, 2)
        self.weights, self.pixels = nn.Linear(12, 9), nn.Linear(9, 16)

    def program(self) -> list[Step]:
        return [
            ReadBlocks(1e-7, 1e2, -2.6).on("image", "saturation", to=("seen", "value", "share", "decay", "rate")),
            Dense.of(self.stem).on("seen", to="cells"),
            *self.mixer.steps("cells"),
            Dense.of(self.weights).on("cells", to="weights"),
            Surround().on("value", to="around"),
            Multiply().on("weights", "around", to="terms"),
            Dense.of(self.pixels).on("terms", to="pixels"),
            Draw().on("pixels", to="answer"),
        ]


@pytest.mark.parametrize("saturating", [False, True])
@pytest.mark.parametrize("make", [MixedAfterwards, Unrelaxed, Biased, DenseFirst, Local])
def test_a_changed_network_needs_no_second_description(make: Callable[[], ProgramNetwork], saturating: bool) -> None:
    for shape in ((30, 71), (9, 8)):
        assert_torch_agrees(drawn(make()), scattered(5, shape, saturating=saturating))


class Anything(ProgramNetwork):
    """Operations in any order on any values, as ``numbers`` choose them."""

    def __init__(self, numbers: list[tuple[int, int, int]]) -> None:
        super().__init__()
        means = ("value", "share", "decay", "rate")
        self.layers = nn.ModuleList()
        self.steps = [ReadBlocks(1e-7, 1e2, -2.6).on("image", "saturation", to=("seen", *means))]
        self.channels = {"seen": 17} | dict.fromkeys(means, 1)
        for kind, one, other in numbers:
            self.choose(kind, *(sorted(self.channels)[number % len(self.channels)] for number in (one, other)))
        self.dense(self.steps[-1].writes[0], "pixels", 16)
        self.steps += [Draw().on("pixels", to="drawn"), Relax(1).on("drawn", "image", "saturation", to="answer")]

    def choose(self, kind: int, one: str, other: str) -> None:
        to = "abcdefg"[(3 * kind + len(self.steps)) % 7]  # a name is given to others
        channels = self.channels[one]
        if kind == 0:
            self.dense(one, to, 5)
        elif kind == 1:
            self.layers.append(nn.Conv2d(channels, channels, 3, padding=1, groups=channels))
            self.write(Convolve.of(self.layers[-1]).on(one, to=to), channels)
        elif kind == 2:
            self.write(Rectify().on(one, to=to), channels)
        elif kind == 3:
            self.write(Join().on(one, other, one, to=to), 2 * channels + self.channels[other])
        elif kind == 4:
            self.write(Surround().on(one, to=to), 9 * channels)
        else:
            self.dense(other, "same", channels)
            self.write((Add() if kind == 5 else Multiply()).on(one, "same", to=to), channels)

    def dense(self, one: str, to: str, channels: int) -> None:
        self.layers.append(nn.Linear(self.channels[one], channels))
        self.write(Dense.of(self.layers[-1]).on(one, to=to), channels)

    def write(self, step: Step, channels: int) -> None:
        self.steps.append(step)
        self.channels[step.writes[0]] = channels

    def program(self) -> list[Step]:
        return self.steps


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12))
def test_operations_in_any_order_on_any_values(numbers: list[tuple[int, int, int]]) -> None:
    torch.manual_seed(len(numbers))
    network, problem = Anything(numbers), scattered(2, (33, 29), saturating=True)
    assume(max(network.channels.values()) <= 600)
    with torch.no_grad():
        for layer in network.layers:
            layer.weight *= 0.5
    assert_torch_agrees(network, problem)


# What calls have in common.


def test_threads_and_lattices_do_not_get_in_each_other_s_way() -> None:
    """Buffers are used again, for lattices of one size after those of another, and by one thread at a time."""
    torch.manual_seed(3)
    compiled = CompiledNetwork(CompactNetwork(width=8))
    rng = np.random.default_rng(3)
    problems = [
        Problem(rng.random(shape) * (rng.random(shape) < 0.1) + np.eye(*shape)) for shape in [(64, 80), (33, 40)] * 8
    ]
    alone = [compiled.predict(problem) for problem in problems]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(compiled.predict, problems))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_nan_comes_through() -> None:
    network = CompactNetwork(width=8)
    with torch.no_grad():
        network.pixels.weight.fill_(np.nan)
    image = features.encode(Problem(np.eye(16)))
    assert np.isnan(CompiledNetwork(network)(image, 0.0)).any()
