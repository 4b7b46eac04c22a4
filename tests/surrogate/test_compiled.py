"""The compiled forward pass says what the network says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.compiled.network import CompiledCompact
from surrogate_plugin.surrogate.networks import CompactNetwork


@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(8, 60), st.integers(8, 60)),
    st.sampled_from(["absorbing", "reflecting", 0.4]),
    st.booleans(),
)
def test_it_is_the_network(seed: int, shape: tuple[int, int], boundary: str | float, saturating: bool) -> None:
    torch.manual_seed(seed)
    network = CompactNetwork(width=10, mixers=1 + seed % 2, head=9)  # no multiples of what loops are unrolled by
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15)
    rng = np.random.default_rng(seed)
    source = np.where(rng.random(shape) < 0.1, rng.uniform(0.1, 1.0, shape), 0.0)
    source[3, 4] = 1.0
    uptake = MichaelisMenten(rng.uniform(0.0, 0.1, shape), 0.2) if saturating else None
    problem = Problem(source, decay=rng.uniform(1e-4, 0.2, shape), uptake=uptake, boundary=boundary)
    image, saturation = features.encode(problem), features.saturation(problem)
    with torch.inference_mode():
        expected = network(torch.from_numpy(image[None]), torch.tensor([saturation]))[0].numpy()
    np.testing.assert_allclose(CompiledCompact(network)(image, saturation), expected, atol=1e-3, rtol=1e-4)


def test_threads_and_lattices_do_not_get_in_each_other_s_way() -> None:
    """Buffers are used again, for lattices of one size after those of another, and by one thread at a time."""
    torch.manual_seed(3)
    compiled = CompiledCompact(CompactNetwork(width=8))
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
    assert np.isnan(CompiledCompact(network)(image, 0.0)).any()


@pytest.mark.parametrize("mixers", [0, 3])
def test_any_number_of_mixers(mixers: int) -> None:
    torch.manual_seed(1)
    network = CompactNetwork(width=8, mixers=mixers)
    image = features.encode(Problem(np.eye(30)))
    with torch.inference_mode():
        expected = network(torch.from_numpy(image[None]), torch.zeros(1))[0].numpy()
    np.testing.assert_allclose(CompiledCompact(network)(image, 0.0), expected, atol=1e-3)
