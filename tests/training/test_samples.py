"""What the surrogate is trained on: samples that their names decide, and distributions that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from surrogate_plugin.equation.problem import MichaelisMenten
from surrogate_training.config import NetworkConfig, TrainConfig
from surrogate_training.problems.distributions import Mixture, Paper, Part, Vessels, Wider
from surrogate_training.samples.dataset import DataConfig, Split, batch_shape, exact_field, make_batch, sample_problem
from surrogate_training.samples.stream import stream
from tests.exact import exact_field as by_another


@given(st.integers(0, 10**6), st.sampled_from(["train", "validation", "test"]), st.integers(0, 10**6))
def test_a_sample_s_name_is_all_it_depends_on(seed: int, split: Split, index: int) -> None:
    config = DataConfig(seed=seed, shape=(20, 28), other_shapes=0.5, sides=(16, 40))
    one, two = (sample_problem(config, split, index, 1) for _ in range(2))
    assert one.shape == batch_shape(config, split, index)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.source, two.source)
    assert one.largest_imposed > 0
    assert not one.fixed.all()


def test_no_two_samples_are_the_same_in_any_split() -> None:
    config = DataConfig(shape=(32, 32), other_shapes=0.0)
    splits: tuple[Split, ...] = ("train", "validation", "test")
    names = [(split, index, row) for split in splits for index in range(20) for row in range(4)]
    assert len({sample_problem(config, *name).fingerprint for name in names}) == len(names)
    assert sample_problem(config, "train", 0, 0).fingerprint != sample_problem(
        config.model_copy(update={"seed": 1}), "train", 0, 0
    ).fingerprint  # fmt: skip


def test_targets_solve_the_problem() -> None:
    config = DataConfig(shape=(24, 40), other_shapes=0.0, batch=6, mirrors=1)
    batch = make_batch(config, "train", 3)
    for row in range(config.batch):
        problem = sample_problem(config, "train", 3, row)
        exact = by_another(problem) / problem.largest_imposed
        np.testing.assert_allclose(batch.target[row].numpy(), exact, atol=5 * config.accuracy)
        np.testing.assert_array_equal(batch.free[row].numpy(), ~problem.fixed)


def test_training_batches_hold_mirror_images_and_test_batches_none() -> None:
    config = DataConfig(shape=(24, 40), other_shapes=0.0, batch=2, mirrors=4)
    batch = make_batch(config, "train", 1)
    assert batch.target.shape == (8, 24, 40)
    assert torch.equal(batch.target[1], batch.target[0].flip(1))
    assert torch.equal(batch.free[7], batch.free[4].flip(0, 1))
    assert make_batch(config, "test", 1).target.shape == (2, 24, 40)


def test_workers_change_no_sample() -> None:
    config = DataConfig(shape=(16, 16), other_shapes=0.5, sides=(16, 24), batch=2)
    alone, helped = stream(config, 5, 0, stride=3), stream(config, 5, 2, stride=3)
    for _ in range(4):
        one, two = next(alone), next(helped)
        assert torch.equal(one.target, two.target)
        assert torch.equal(one.free, two.free)


@given(st.integers(0, 2**32 - 1))
def test_the_study_s_problems_are_the_study_s(seed: int) -> None:
    problem = Paper().sample(np.random.default_rng(seed), (64, 80))
    assert problem.largest_imposed == 1.0
    assert problem.decay == 1 / 400
    assert 81 <= problem.fixed.sum() <= 20 * 81
    alone = Paper(sources=(1, 1)).sample(np.random.default_rng(seed), (12, 12))
    assert alone.fixed.sum() == 81  # whole, however close to the edge


@given(st.integers(0, 2**32 - 1))
def test_tissues_stay_within_what_was_asked_for(seed: int) -> None:
    asked = Vessels(diffusion_length=(4.0, 9.0), largest_contrast=20.0, shortest_length=1.0)
    problem = asked.sample(np.random.default_rng(seed), (40, 48))
    assert 1 / 81 * (1 - 1e-9) <= np.min(problem.decay) <= np.max(problem.decay) <= 20 / 16 * (1 + 1e-9)
    assert np.max(problem.decay) / np.min(problem.decay) <= 20 * (1 + 1e-9)
    assert problem.fixed.any()
    assert 0 < problem.source.max() <= 1.0


def test_tissues_are_varied() -> None:
    problems = [Vessels().sample(np.random.default_rng(seed), (64, 64)) for seed in range(60)]
    kinds = {side.kind for problem in problems for side in problem.boundary.sides}
    assert kinds == {"value", "reflecting"}
    assert {isinstance(problem.decay, np.ndarray) for problem in problems} == {True, False}
    assert max(np.max(p.decay) / np.min(p.decay) for p in problems) > 10


@given(st.integers(0, 2**32 - 1))
def test_saturating_cells_take_up_like_first_order_ones_at_low_values(seed: int) -> None:
    linear, saturated = (
        Vessels(constant_decay=0.0, saturating=share).sample(np.random.default_rng(seed), (32, 40))
        for share in (0.0, 1.0)
    )
    np.testing.assert_array_equal(linear.source, saturated.source)
    if not isinstance(linear.decay, np.ndarray):
        assert saturated.uptake is None
        return
    uptake = saturated.uptake
    assert isinstance(uptake, MichaelisMenten)
    assert 0.005 * (1 - 1e-9) <= uptake.km / saturated.largest_imposed <= 0.5 * (1 + 1e-9)
    low = np.full(linear.shape, 1e-6 * uptake.km)
    np.testing.assert_allclose(saturated.decay * low + uptake.rate(low), linear.decay * low, rtol=1e-5)


def test_a_saturated_sample_has_its_field_and_so_have_its_mirror_images() -> None:
    distribution = Vessels(constant_decay=0.0, saturating=1.0)
    config = DataConfig(distribution=distribution, shape=(24, 40), other_shapes=0.0, batch=2)
    batch = make_batch(config, "train", 4)
    problem = sample_problem(config, "train", 4, 1)
    assert problem.uptake is not None
    exact = by_another(problem) / problem.largest_imposed
    np.testing.assert_allclose(batch.target[4].numpy(), exact, atol=5 * config.accuracy)
    assert torch.equal(batch.target[6], batch.target[4].flip(0))


def test_the_study_s_other_reading_adds_up_rates() -> None:
    paper = Paper(reading="flux", sources=(20, 20))
    problem = paper.sample(np.random.default_rng(2), (40, 48))
    assert not problem.fixed.any()
    rates = np.asarray(problem.production)
    assert 1.0 < rates.max() <= 20.0  # so crowded that discs overlap
    assert rates[rates > 0].min() >= 0.01
    field = exact_field(problem, 1e-4)
    np.testing.assert_allclose(field, by_another(problem), rtol=0.0, atol=1e-3 * field.max())


def test_the_study_s_network_is_not_trained_on_what_it_cannot_see() -> None:
    flux = Paper(reading="flux")
    for distribution in (flux, Wider(), Mixture(parts=(Part(distribution=Vessels()), Part(distribution=flux)))):
        data = DataConfig(distribution=distribution)
        with pytest.raises(ValidationError, match="'paper' cannot see"):
            TrainConfig(network=NetworkConfig(kind="paper"), data=data)
        assert TrainConfig(data=data).data == data


def test_a_mixture_draws_its_parts_by_weight() -> None:
    paper, vessels = Paper(decay=1e-3), Vessels(diffusion_length=(5.0, 6.0))
    mixture = Mixture(parts=(Part(distribution=paper, weight=3.0), Part(distribution=vessels, weight=1.0)))
    problems = [mixture.sample(np.random.default_rng(seed), (32, 32)) for seed in range(200)]
    share = np.mean([isinstance(p.decay, float) and p.decay == 1e-3 for p in problems])
    assert 0.65 < share < 0.85
    assert DataConfig.model_validate({"distribution": mixture.model_dump()}).distribution == mixture
