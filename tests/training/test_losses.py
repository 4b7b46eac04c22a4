"""The trainer's losses and metrics, as written."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from surrogate_plugin.equation.problem import Problem
from surrogate_training.losses.multiscale import MultiscaleLoss, multiscale
from surrogate_training.quality import metrics
from surrogate_training.samples.batch import Batch, assemble
from surrogate_training.samples.dataset import exact_field


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


def test_the_error_over_the_field_counts_as_it_is_weighted() -> None:
    batch = batch_of(3)
    predicted = batch.target + 0.01
    plain, with_relative = (MultiscaleLoss(relative=weight).evaluate(predicted, batch) for weight in (0.0, 2.0))
    error = 0.01 * np.sqrt(batch.free.float().mean(dim=(1, 2)).numpy())
    size = np.sqrt((batch.target.numpy().astype(np.float64) ** 2).mean(axis=(1, 2)))
    assert float(with_relative - plain) == pytest.approx(2.0 * float(np.mean(error / (size + 1e-3))), rel=1e-3)


def test_imposed_pixels_do_not_count() -> None:
    batch = batch_of(4)
    spoilt = torch.where(batch.free, batch.target, 7.0)
    loss = MultiscaleLoss(cycle=1.0)
    assert float(loss.evaluate(spoilt, batch)) == float(loss.evaluate(batch.target, batch))


def batch_of(seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    problems, fields = [], []
    for _ in range(2):
        source = np.where(rng.random((21, 26)) < 0.08, rng.uniform(0.1, 1.0, (21, 26)), 0.0)
        source[3, 4] = 1.0
        problem = Problem(source, decay=rng.uniform(1e-3, 0.1, source.shape))
        problems.append(problem)
        fields.append(exact_field(problem, 1e-7))
    return assemble(problems, fields)


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
