"""The network elsewhere than on a CPU: nothing goes there and back, and what it says is what it says on a CPU."""

from __future__ import annotations

import contextlib
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.surrogate import diffusion_layer, features, passes
from surrogate_plugin.surrogate.features import CHANNELS, WIDER_CHANNELS
from surrogate_plugin.surrogate.networks import CompactNetwork
from tests import fake_device
from tests.surrogate.wider_scenes import KINDS, scene


def drawn(sweeps: int = 4) -> CompactNetwork:
    torch.manual_seed(0)
    network = CompactNetwork(width=10, head=9, sweeps=sweeps, wider=4)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15)
    return network


def forward_and_backward() -> None:
    network = fake_device.moved(drawn(sweeps=1))
    for channels, saturates in ((CHANNELS, False), (WIDER_CHANNELS, True)):
        image, saturation = (torch.empty(shape, device="gpu") for shape in ((3, channels, 36, 40), (3,)))
        with mock.patch.multiple(diffusion_layer, STEPS=2, STEPS_FROM_GUESS=1):  # each step does the same
            answer = network(image, saturation, saturates=saturates)
            answer.square().mean().backward()
        assert answer.device.type == "gpu"
        assert answer.shape == (3, 36, 40)
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.device.type == "gpu" for gradient in gradients)


def test_answers_and_gradients_stay_on_the_device() -> None:
    fake_device.run(forward_and_backward)


def reads_back() -> None:
    with pytest.raises(torch._subclasses.fake_tensor.DataDependentOutputException):
        bool((torch.empty(3, device="gpu") > 0).any())
    with pytest.raises(RuntimeError, match="device"):
        torch.empty(3, device="gpu") + torch.empty(3)


def test_the_fake_device_refuses_read_backs_and_mixtures() -> None:
    fake_device.run(reads_back)


@pytest.mark.parametrize("kind", ["plain", *KINDS])
def test_tensor_operations_say_what_compiled_passes_say(kind: str) -> None:
    problem = Problem(np.eye(41, 54), decay=0.01) if kind == "plain" else scene(kind)
    seen, network = features.see(problem), drawn()
    image, saturation = torch.from_numpy(seen.image[None]), torch.tensor([seen.saturation])
    with torch.inference_mode(), mock.patch.object(diffusion_layer, "TOLERANCE", 1e-7):
        expected = network(image, saturation)
    many = mock.patch.multiple(diffusion_layer, STEPS=20, STEPS_FROM_GUESS=20)
    with torch.inference_mode(), passes.tensors_alone(), many:
        found = network(image, saturation)
    torch.testing.assert_close(found, expected, rtol=0.0, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize("kind", ["production", "all"])
def test_gradients_are_those_of_compiled_passes(kind: str) -> None:
    seen = features.see(scene(kind))
    image, saturation = torch.from_numpy(seen.image[None]), torch.tensor([seen.saturation])
    found = []
    for tensors_alone in (False, True):
        network = drawn()
        many = mock.patch.multiple(diffusion_layer, STEPS=20, STEPS_FROM_GUESS=20, TOLERANCE=1e-7)
        with many, passes.tensors_alone() if tensors_alone else contextlib.nullcontext():
            network(image, saturation).square().mean().backward()
        found.append([one.grad for one in network.parameters() if one.grad is not None])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(other, one, rtol=0.0, atol=2e-3 * float(one.abs().max()) + 1e-7)


def test_what_is_known_not_to_saturate_is_said_without_a_look() -> None:
    problem = Problem(np.eye(30, 33), decay=0.01)
    image, network = torch.from_numpy(features.encode(problem)[None]), drawn()
    with torch.inference_mode():
        assert torch.equal(network(image, torch.zeros(1), saturates=False), network(image, torch.zeros(1)))
    uptake = MichaelisMenten(0.3, 0.2)
    image = torch.from_numpy(features.encode(problem.replace(uptake=uptake))[None])
    with torch.inference_mode():
        assert not torch.equal(network(image, torch.ones(1), saturates=False), network(image, torch.ones(1)))
