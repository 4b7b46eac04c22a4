"""Samples of the wider equation: what kinds promise, exact targets, mirror images, and what losses make of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from surrogate_plugin.equation.faces import faces_of
from surrogate_plugin.equation.per_axis import PerAxis
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.model import load
from surrogate_plugin.surrogate.networks import CompactNetwork
from surrogate_training.config import NetworkConfig, OptimiserConfig, TrainConfig
from surrogate_training.loop.trainer import Trainer
from surrogate_training.losses.cycle import after_cycle
from surrogate_training.losses.multiscale import MultiscaleLoss
from surrogate_training.problems.distributions import Mixture, Part, Vessels, Wider
from surrogate_training.problems.symmetry import Symmetry
from surrogate_training.problems.wider import _ORDER
from surrogate_training.publishing.publish import training_ranges
from surrogate_training.quality.parts import by_part, table
from surrogate_training.samples.batch import assemble, predict
from surrogate_training.samples.dataset import (
    DataConfig,
    batch_distribution,
    batch_shape,
    exact_field,
    make_batch,
    sample_problem,
)
from surrogate_training.samples.kept import KeptSample
from tests.exact import exact_field as by_another

VESSELS = Vessels(diffusion_length=(3.0, 20.0), saturating=0.3)


def drawn(kind: str, seed: int, shape: tuple[int, int] = (26, 33)) -> Problem:
    return Wider(kinds=(kind,), more=0.0, vessels=VESSELS).sample(np.random.default_rng(seed), shape)


def has(kind: str, problem: Problem) -> bool:
    sides = {side.kind for side in problem.boundary.sides}
    link = np.asarray(problem.diffusivities[0])
    return {
        "production": bool(np.any(np.asarray(problem.production) > 0)),
        "periodic": "periodic" in sides,
        "regions": link.ndim == 2,
        "obstacles": link.ndim == 2 and bool((link == 0).any()),
        "membranes": problem.membranes is not None,
        "exchange": "exchange" in sides,
        "flux": "flux" in sides,
        "anisotropy": isinstance(problem.diffusivity, PerAxis),
        "steps": bool(np.any(np.asarray(problem.production) > 0)),
    }[kind]


@pytest.mark.parametrize("kind", _ORDER)
def test_problems_are_of_their_kind_and_have_a_field(kind: str) -> None:
    found = [drawn(kind, seed) for seed in range(12)]
    assert sum(has(kind, problem) for problem in found) >= 10  # a region may miss the lattice
    for problem in found:
        problem.check_steady()
        assert features.value_scale(problem) > 0


@pytest.mark.parametrize("kind", _ORDER)
def test_a_seed_names_a_problem(kind: str) -> None:
    one, other = (drawn(kind, 5) for _ in range(2))
    for name, part in one.parts.items():
        np.testing.assert_array_equal(part, other.parts[name])


@pytest.mark.parametrize("kind", _ORDER)
def test_targets_solve_the_problem(kind: str) -> None:
    for seed in range(3):
        problem = drawn(kind, seed)
        expected = by_another(problem)
        np.testing.assert_allclose(exact_field(problem, 2e-4), expected, rtol=0.0, atol=2e-3 * expected.max())


@pytest.mark.parametrize("kind", _ORDER)
def test_an_image_has_the_image_of_the_field(kind: str) -> None:
    problem = drawn(kind, 4)
    for image in (Symmetry(rows=True), Symmetry(columns=True, transpose=True)):
        there, moved = by_another(image.problem(problem)), image.array(by_another(problem))
        np.testing.assert_allclose(there, moved, rtol=0.0, atol=1e-9 * moved.max())


@pytest.mark.parametrize("kind", _ORDER)
def test_a_kept_sample_comes_back(kind: str) -> None:
    problem = drawn(kind, 6)
    field = exact_field(problem, 1e-4)
    again, restored = KeptSample.of(problem, field).restore()
    np.testing.assert_allclose(restored, field, rtol=1e-6, atol=1e-30)
    expected = by_another(problem)
    np.testing.assert_allclose(by_another(again), expected, rtol=0.0, atol=1e-5 * expected.max())


def test_batches_of_unlike_parts_have_lattices_of_their_own() -> None:
    small = Part(distribution=Wider(vessels=VESSELS), sides=(12, 16))
    data = DataConfig(
        distribution=Mixture(parts=(Part(distribution=VESSELS), small), whole_batches=True),
        shape=(40, 40), other_shapes=0.0, batch=1, mirrors=2,
    )  # fmt: skip
    shapes = {batch_shape(data, "train", index) for index in range(30)}
    assert (40, 40) in shapes
    assert all(12 <= side <= 16 for shape in shapes - {(40, 40)} for side in shape)
    batches = [make_batch(data, "train", index) for index in range(8)]
    for batch in batches:
        plain = batch.shape == (40, 40)
        assert batch.image.shape[1] == (features.CHANNELS if plain else features.WIDER_CHANNELS) or not plain
        assert torch.isfinite(batch.image).all()
        assert batch.target.shape[0] == 2


# What a loss makes of them.


@pytest.mark.parametrize("kind", ["regions", "obstacles", "membranes", "periodic", "exchange"])
def test_a_cycle_is_that_of_the_problem_s_own_faces(kind: str) -> None:
    """The operator is read from the image: linear, 0 where nothing is free, and its gradient its transpose."""
    from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy

    problem = drawn(kind, 9).replace(uptake=None)
    batch = assemble([problem], [exact_field(problem, 1e-5)])
    make = torch.Generator().manual_seed(1)
    error, weight = (torch.rand(batch.target.shape, generator=make) * batch.free for _ in range(2))
    hierarchy = Hierarchy(problem.shape, problem.walls)
    decay = np.broadcast_to(problem.decay, problem.shape) / problem.reference_link
    hierarchy.rebuild(batch.free[0].numpy(), decay.astype(np.float64).copy(), faces_of(problem))
    x, z, minus_ax = hierarchy.vectors[:3]
    x.fill(0.0)
    x[1:-1, 1:-1] = error[0].numpy()
    hierarchy.residual(x, None, minus_ax)
    hierarchy.v_cycle(z, minus_ax)
    np.testing.assert_allclose(after_cycle(error, batch)[0].numpy(), (x + z)[1:-1, 1:-1], atol=2e-5)
    error.requires_grad_()
    (after_cycle(error, batch) * weight).sum().backward()  # type: ignore[no-untyped-call]
    other = torch.rand(batch.target.shape, generator=make) * batch.free
    assert error.grad is not None
    expected = float((after_cycle(other, batch) * weight).double().sum())
    assert float((error.grad * other).double().sum()) == pytest.approx(expected, rel=2e-3, abs=2e-3)


def test_a_loss_is_over_the_largest_value_whatever_the_scale_of_the_image() -> None:
    """What is supplied brings more or less than is guessed beforehand; errors count by what it brings."""
    problem = drawn("production", 3).replace(uptake=None)
    loss = MultiscaleLoss(relative=1.0, cycle=1.0)
    batch = assemble([problem], [exact_field(problem, 1e-5)])
    of_field = batch.target / batch.size[:, None, None]
    assert float(of_field[batch.free].max()) <= 1.0 + 1e-6
    off = batch.target + 0.01 * batch.size[:, None, None] * batch.free
    again = assemble([problem.replace(production=7.0 * np.asarray(problem.production))] * 1, [by_another(problem)])
    assert float(loss.evaluate(off, batch)) > 0.0
    assert again.image.shape == batch.image.shape


WIDE = {"width": 16, "mixers": 2, "head": 24, "sweeps": 4, "wider": 6}


def test_weights_of_plain_problems_are_begun_with(tmp_path: Path) -> None:
    """The layers that are added change nothing at first: the trained network begins as what it was."""
    network = NetworkConfig(hyperparameters=WIDE)
    config = TrainConfig(network=network, start=Path("plain"), data=DataConfig(shape=(24, 24), other_shapes=0.0))
    trainer = Trainer(config, tmp_path / "run")
    batch = make_batch(config.data, "test", 0)
    with torch.inference_mode():
        found, expected = predict(trainer.network, batch), predict(load(_plain(), "cpu").network, batch)
    assert torch.equal(found, expected)


def test_what_is_not_to_be_learnt_stays_to_the_bit(tmp_path: Path) -> None:
    """Layers for the wider equation alone learn, so that plain problems keep their answers; a resumed run too."""
    parts = tuple(Part(distribution=Wider(kinds=(kind,), vessels=VESSELS)) for kind in ("production", "membranes"))
    data = DataConfig(
        distribution=Mixture(parts=parts, whole_batches=True), batch=2, shape=(24, 24), other_shapes=0.0
    )  # fmt: skip
    config = TrainConfig(
        network=NetworkConfig(hyperparameters=WIDE), start=Path("plain"), learn="wider", data=data, workers=0,
        optimiser=OptimiserConfig(steps=6, warmup_steps=0),
    )  # fmt: skip
    before = Trainer(config, tmp_path / "other").network.state_dict()
    trainer = Trainer(config, tmp_path / "run")
    for index in range(3):
        trainer.step(make_batch(data, "train", index))
    trainer.save()
    again = Trainer(config, tmp_path / "run")
    for index in range(3, 6):
        again.step(make_batch(data, "train", index))
    for network in (again.network, again.average):
        for name, value in network.state_dict().items():
            learnt = name.startswith(CompactNetwork.WIDER)
            assert torch.equal(value, before[name]) != learnt, name


def test_who_has_no_layers_for_the_wider_equation_cannot_learn_them() -> None:
    with pytest.raises(ValueError, match="learn is 'wider', but the network has no layers for the wider equation"):
        TrainConfig(learn="wider")
    with pytest.raises(ValueError, match="has no problems of the wider equation, so that nothing would be learnt"):
        TrainConfig(learn="wider", network=NetworkConfig(hyperparameters=WIDE))


def test_problems_that_held_layers_alone_see_teach_nothing_and_stop_nothing(tmp_path: Path) -> None:
    parts = Part(distribution=VESSELS), Part(distribution=Wider(vessels=VESSELS))
    mixture = Mixture(parts=parts, whole_batches=True)
    data = DataConfig(distribution=mixture, batch=1, shape=(24, 24), other_shapes=0.0)
    trainer = Trainer(TrainConfig(network=NetworkConfig(hyperparameters=WIDE), learn="wider", data=data), tmp_path)
    before = trainer.network.state_dict()["wider.stem.weight"].clone()
    plain = data.model_copy(update={"distribution": VESSELS})
    assert bool(trainer.step(make_batch(plain, "train", 0)).isfinite())
    assert torch.equal(trainer.network.state_dict()["wider.stem.weight"], before)


def test_parts_that_are_known_are_met_in_tests_alone() -> None:
    new = Part(distribution=Wider(kinds=("production",), more=0.0, vessels=VESSELS))
    known = Part(distribution=VESSELS, taught=False, weight=3.0)
    data = DataConfig(distribution=Mixture(parts=(known, new), whole_batches=True))
    assert all(batch_distribution(data, "train", index) is new.distribution for index in range(30))
    tested = [batch_distribution(data, "test", index) is known.distribution for index in range(60)]
    assert 0.5 < np.mean(tested) < 0.95
    assert training_ranges(data.model_copy(update={"shape": (24, 24), "other_shapes": 0.0}), 12).largest_contrast > 1.0
    rare = data.model_copy(update={"shape": (24, 24), "other_shapes": 0.0})
    assert training_ranges(rare, 4).supplied  # however rarely a part is drawn, it counts
    assert training_ranges(rare, 4).boundaries == ("absorbing", "reflecting", "value")
    with pytest.raises(ValueError, match="taught is false in all of them"):
        Mixture(parts=(known,), whole_batches=True)
    with pytest.raises(ValueError, match="with whole_batches = true that is allowed"):
        Mixture(parts=(known, new))


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="start is elsewhere"):
        Trainer(TrainConfig(start=Path("elsewhere")), tmp_path / "run")


def test_each_part_of_a_mixture_is_measured_by_itself(tmp_path: Path) -> None:
    parts = tuple(
        Part(name=kind, sides=(24, 30), distribution=Wider(kinds=(kind,), more=0.0, vessels=VESSELS))
        for kind in ("production", "periodic")
    )
    data = DataConfig(distribution=Mixture(parts=parts, whole_batches=True), batch=1)
    found = by_part(load(_plain(), "cpu"), data, 3)
    assert list(found) == ["production", "periodic"]
    assert all(summary.states == 3 for summary in found.values())
    assert table(found).count("\n") == 4
    shares = [found["production"].share(0.01, 1), found["periodic"].share(0.01, 1)]
    of_all = table(found, {"production": 1.0, "periodic": 3.0}).splitlines()[-1]
    assert f"{25 * shares[0] + 75 * shares[1]:.1f} %" in of_all
    assert sample_problem(data, "test", 0, 0).shape[0] <= 30


def _plain() -> str:
    from surrogate_plugin.surrogate.weights import find

    return str(find("default"))
