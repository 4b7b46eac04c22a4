"""What the network solves and sweeps by itself comes out of Triton kernels as it comes out of the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate_plugin.batched import compact
from surrogate_plugin.batched import features as batched_features
from surrogate_plugin.batched.choice import using
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.surrogate import diffusion_tensors, features, relaxation_tensors
from surrogate_plugin.surrogate.networks import CompactNetwork
from tests.batched.random_levels import DEVICE
from tests.surrogate.wider_scenes import scene

pytestmark = pytest.mark.usefixtures("interpreter")


def test_the_coarse_equation_is_solved_alike() -> None:
    make = torch.Generator().manual_seed(3)
    east, north, extra, rhs = (torch.rand((2, 9, 11), generator=make).to(DEVICE) for _ in range(4))
    east[0, :, -1] = north[:, -1] = 0.0  # one is closed, and one a ring of columns
    found = []
    for kernels in (False, True):
        with using(kernels=kernels):
            found.append(diffusion_tensors.solve(east, north, extra, rhs, rhs, 2))
    torch.testing.assert_close(found[1], found[0], rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("kind", ["plain", "all", "torus"])
def test_fields_are_swept_alike_and_gradients_go_back_alike(kind: str) -> None:
    shape = (11, 18)
    problem = Problem(np.eye(*shape), boundary="reflecting") if kind == "plain" else scene(kind, 0, shape)
    seen, make = features.see(problem), torch.Generator().manual_seed(1)
    image = torch.from_numpy(seen.image[None]).to(DEVICE)
    saturation = torch.tensor([seen.saturation], dtype=torch.float32, device=DEVICE)
    field, gradient = (torch.rand(image[:, 0].shape, generator=make).to(DEVICE) for _ in range(2))
    found = []
    for kernels in (False, True):
        with using(kernels=kernels):
            swept, inverse = relaxation_tensors.forward(field, image, saturation, 5)
            found.append((swept, relaxation_tensors.transposed(gradient, inverse, image, 5)))
    torch.testing.assert_close(found[1], found[0], rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("saturating", [False, True])
def test_a_plain_image_is_the_reference_s_bit_by_bit_and_so_are_fields(saturating: bool) -> None:
    """Margins of every kind of side, wider than a lattice too, and a pixel that is no number."""
    rng = np.random.default_rng(3)
    sides = ["reflecting", 0.4, {"left": 1.0, "top": 2.0, "right": "reflecting"}, {"bottom": 0.5, "left": "reflecting"}]
    for shape in ((1, 1), (3, 9), (14, 17)):
        problems = []
        for side in sides:
            source = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0)
            source[0, 0] = 0.7
            uptake = MichaelisMenten(rng.random(shape), 0.3) if saturating else None
            problems.append(Problem(source, decay=rng.random(shape), uptake=uptake, boundary=side))
        of = Stack.of(problems, DEVICE)
        seen = []
        for kernels in (False, True):
            with using(kernels=kernels):
                seen.append(batched_features.see(of))
        assert torch.equal(seen[0].image, seen[1].image)
        answer = torch.from_numpy(rng.normal(0.5, 1.0, (4, *seen[0].image.shape[2:]))).float().to(DEVICE)
        answer[1, -3:, -3:] = torch.nan
        padded = torch.nn.functional.pad(answer, (1, 1, 1, 1))[:, 1:-1, 1:-1]  # a view, as sweeps leave one
        with using(kernels=False):
            expected = batched_features.decode(answer, of, seen[0])
        with using(kernels=True):
            found = batched_features.decode(padded, of, seen[0])
        torch.testing.assert_close(found, expected, rtol=0.0, atol=0.0, equal_nan=True)


@pytest.mark.parametrize(("width", "saturating"), [(16, False), (10, True)])
def test_a_compact_network_says_by_kernels_what_its_program_says(width: int, saturating: bool) -> None:
    """Channels that fill a matrix product and such that do not, and blocks of several programs."""
    torch.manual_seed(width)
    network = CompactNetwork(width=width, head=9, sweeps=1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    network = network.requires_grad_(False).to(DEVICE)
    make = torch.Generator().manual_seed(7)
    image = torch.rand((2, 4, 40, 28), generator=make)
    image[:, 1] = (image[:, 1] > 0.8).float()
    image[:, 0] *= image[:, 1]
    image[:, 2:] *= 1.0 - image[:, 1:2]
    image[0, 1, :8, :8] = 1.0  # blocks without a free pixel
    saturation = torch.tensor([0.0, 3.0 if saturating else 0.0])
    image, saturation = image.to(DEVICE), saturation.to(DEVICE)
    # On a GPU convolutions of cuDNN have fewer digits than float32, if they are not told otherwise.
    with torch.no_grad(), using(kernels=True), torch.backends.cudnn.flags(enabled=False):
        assert compact.takes(network, image, saturation)
        found = compact.answer(network, image, saturation, saturates=saturating)
        expected = network(image, saturation, saturates=saturating)
    torch.testing.assert_close(found, expected, rtol=0.0, atol=2e-5 * float(expected.abs().max()))


def test_kernels_are_asked_of_no_other_network() -> None:
    class Another(CompactNetwork):
        pass

    image, saturation = torch.zeros(1, 4, 8, 8, device=DEVICE), torch.zeros(1, device=DEVICE)
    with torch.no_grad(), using(kernels=True):
        assert not compact.takes(Another().to(DEVICE), image, saturation)
        assert not compact.takes(CompactNetwork().double().to(DEVICE), image, saturation)
        assert not compact.takes(CompactNetwork().to(DEVICE), torch.zeros(1, 7, 8, 8, device=DEVICE), saturation)
    with using(kernels=True):  # whose gradients are wanted
        assert not compact.takes(CompactNetwork().to(DEVICE), image, saturation)
