"""The trainer's losses and metrics, as written."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from surrogate_plugin.problem import Problem
from surrogate_plugin.surrogate import features
from surrogate_training import metrics
from surrogate_training.losses import MultiscaleLoss, multiscale, to_image


def test_the_loss_is_the_formula() -> None:
    error = torch.tensor([[[1.0, -1.0], [3.0, 1.0]], [[0.0, 0.0], [2.0, 0.0]]])
    config = MultiscaleLoss(scales={1: 1.0, 2: 10.0}, mean_square=0.5, peak=0.2, gradient=0.1)
    mean, root = 8 / 8, (math.sqrt(12 / 4) + math.sqrt(4 / 4)) / 2
    pooled_mean, pooled_root = (1.0 + 0.5) / 2, (1.0 + 0.5) / 2
    gradient = (2 + 2 + 0 + 2) / 4 + (2 + 2 + 2 + 0) / 4
    peak = ((84 / 4) ** 0.25 + (16 / 4) ** 0.25) / 2
    expected = mean + 0.5 * root + 10 * (pooled_mean + 0.5 * pooled_root) + 0.2 * peak + 0.1 * gradient
    assert float(multiscale(error, config)) == pytest.approx(expected, rel=1e-5)


def test_smooth_error_costs_more_than_rough_error_of_the_same_size() -> None:
    rough = torch.ones(1, 32, 32)
    rough[:, ::2, ::2] = rough[:, 1::2, 1::2] = -1.0
    config = MultiscaleLoss(gradient=0.0)
    assert float(multiscale(torch.ones(1, 32, 32), config)) > 2 * float(multiscale(rough, config))


def test_a_perfect_network_has_no_loss_and_a_finite_gradient() -> None:
    error = torch.zeros(2, 32, 32, requires_grad=True)
    loss = multiscale(error, MultiscaleLoss())
    loss.backward()
    assert float(loss.detach()) < 1e-3
    assert error.grad is not None
    assert bool(error.grad.isfinite().all())


@given(st.integers(8, 40), st.integers(8, 40))
def test_blocks_become_the_image_that_decode_writes(rows: int, columns: int) -> None:
    problem = Problem(np.full((rows, columns), 1.0), fixed=np.zeros((rows, columns), np.bool_))
    frame = features.Frame.around((rows, columns))
    pixels = np.random.default_rng(0).random((*frame.blocks, 64), np.float32)
    image = to_image(torch.from_numpy(pixels)[None], (rows, columns))[0].numpy()
    np.testing.assert_allclose(image, features.decode(pixels, problem), rtol=1e-7)


def test_metrics_are_taken_where_they_say() -> None:
    exact = np.array([[1.0, 0.6], [0.15, 0.01]])
    predicted = np.array([[1.0, 0.7], [0.17, 0.02]])
    found = metrics.measure(predicted, exact, exact == 1.0)
    assert found["mae"] == pytest.approx(0.13 / 4)
    assert found["max"] == pytest.approx(0.1)
    assert (found["sources"], found["field"]) == pytest.approx((0.0, 0.13 / 3))
    assert (found["r1"], found["r2"]) == pytest.approx((0.1, 0.02))
    assert "r3" not in found
    expected = math.sqrt((0.01 + 0.0004 + 0.0001) / (1 + 0.36 + 0.0225 + 0.0001))
    assert found["relative_l2"] == pytest.approx(expected)
    table = metrics.summarise([{"a": 1.0}, {"a": 3.0, "b": 5.0}])
    assert table["a"] == pytest.approx({"mean": 2.0, "median": 2.0, "p95": 2.9, "p99": 2.98, "largest": 3.0})
    assert table["b"]["mean"] == 5.0
