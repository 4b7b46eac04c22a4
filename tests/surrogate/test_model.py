"""Loading a model: what is wrong with it has a type and a sentence; what it predicts respects the problem."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import surrogate_plugin as sp
from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.gallery import random_problem
from surrogate_plugin.guard import applicability
from surrogate_plugin.surrogate import features
from surrogate_plugin.surrogate.card import ModelCard, NetworkEntry, Ranges, checksum
from surrogate_plugin.surrogate.failures import DamagedModelError, ModelNotFoundError, TorchMissingError
from surrogate_plugin.surrogate.model import Model, find, load
from surrogate_plugin.surrogate.networks import CompactNetwork

TINY: dict[str, Any] = {"width": 8, "head": 8}
RANGES = Ranges(
    shortest_length_px=2.0,
    longest_length_px=100.0,
    largest_contrast=100.0,
    most_sources=3,
    largest_source_px=50,
    largest_fixed_share=0.2,
    boundaries=("absorbing", "value"),
    shortest_side_px=16,
    longest_side_px=64,
)


def write_model(folder: Path, name: str = "tiny", seed: int = 0) -> Path:
    torch.manual_seed(seed)
    weights = folder / f"{name}.safetensors"
    save_file(CompactNetwork(**TINY).state_dict(), weights)
    network = NetworkEntry(kind="compact", hyperparameters=TINY, parameters=0, features=features.VERSION)
    card = ModelCard(name=name, network=network, ranges=RANGES, training={}, metrics={}, sha256=checksum(weights))
    card.write(weights.with_suffix(".json"))
    return weights


def change_card(weights: Path, **changes: Any) -> None:
    path = weights.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(write_model(tmp_path_factory.mktemp("model")), "cpu")


def test_a_model_is_found_by_file_and_by_folder(tmp_path: Path) -> None:
    weights = write_model(tmp_path)
    problem = Problem(np.eye(20))
    by_file, by_folder = load(weights, "cpu").predict(problem), load(str(tmp_path), "cpu").predict(problem)
    np.testing.assert_array_equal(by_file, by_folder)


@pytest.mark.parametrize(
    ("uptake", "said"),
    [
        (None, [0.9745, 13.77392, 4.29113, 6.23501, 10.37535]),
        (MichaelisMenten(0.4, 5.0), [0.04357, 5.71674, 0.20482, 3.69336, 9.63928]),
    ],
)
def test_the_model_that_ships_says_what_it_said_when_it_was_published(
    uptake: MichaelisMenten | None, said: list[float]
) -> None:
    """At five pixels, to 2e-5 of the largest imposed value, whatever has been made of the code around it."""
    source = np.zeros((70, 50))
    source[20:24, 11:14], source[55, 40] = 38.0, 20.0
    rows, columns = np.indices(source.shape)
    sides: BoundaryLike = {"left": "reflecting", "right": "reflecting", "top": 12.0}
    problem = Problem(source, decay=1e-3 + 1e-5 * rows * columns, uptake=uptake, boundary=sides)
    field = load("default", "cpu").predict(problem)
    np.testing.assert_allclose(field[[0, 21, 35, 52, 69], [0, 20, 25, 40, 49]], said, rtol=0.0, atol=2e-5 * 38.0)


def test_a_card_survives_its_file(tmp_path: Path) -> None:
    path = write_model(tmp_path).with_suffix(".json")
    card = ModelCard.read(path)
    card.write(tmp_path / "again.json")
    assert ModelCard.read(tmp_path / "again.json") == card
    assert card.ranges == RANGES


@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(8, 60), st.integers(8, 60)))
def test_a_prediction_imposes_what_is_fixed_and_stays_in_range(tiny: Model, seed: int, shape: tuple[int, int]) -> None:
    problem = random_problem(np.random.default_rng(seed), shape=shape)
    field = tiny.predict(problem)
    assert field.shape == shape
    assert field.dtype == np.float64
    np.testing.assert_array_equal(field[problem.fixed], problem.source[problem.fixed])
    assert field.min() >= 0
    assert np.isfinite(field).all()
    if not np.any(np.asarray(problem.supply) > 0):
        assert field.max() <= problem.largest_imposed


def test_a_prediction_scales_with_the_field_s_unit(tiny: Model) -> None:
    source = np.zeros((30, 33))
    source[4:7, 9:12], source[20, 20] = 1.0, 0.5
    field = tiny.predict(Problem(source))
    np.testing.assert_allclose(tiny.predict(Problem(38 * source)), 38 * field, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["no-such-model", "no/such/file.safetensors", "no/such/folder"])
def test_an_unknown_model_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFoundError):
        load(name)


def test_a_missing_card_is_not_found(tmp_path: Path) -> None:
    weights = write_model(tmp_path)
    weights.with_suffix(".json").unlink()
    with pytest.raises(ModelNotFoundError, match=r"card tiny\.json is missing"):
        load(weights)


def test_two_models_in_a_folder_are_one_too_many(tmp_path: Path) -> None:
    write_model(tmp_path, "one")
    write_model(tmp_path, "two")
    with pytest.raises(ModelNotFoundError, match="2 safetensors files"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "tiny"}', "\x00\xff"])
def test_a_damaged_card_is_damage(tmp_path: Path, text: str) -> None:
    weights = write_model(tmp_path)
    weights.with_suffix(".json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DamagedModelError, match=r"card tiny\.json is damaged"):
        load(weights)


def test_one_flipped_bit_is_damage(tmp_path: Path) -> None:
    weights = write_model(tmp_path)
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DamagedModelError, match="checksum"):
        load(weights)


@pytest.mark.parametrize("content", [b"", b"not a weights file", b"\xff" * 4096])
def test_a_file_that_holds_no_weights_is_damage(tmp_path: Path, content: bytes) -> None:
    weights = write_model(tmp_path)
    weights.write_bytes(content)
    change_card(weights, sha256=checksum(weights))
    with pytest.raises(DamagedModelError, match="do not fit their card"):
        load(weights)


@pytest.mark.parametrize(
    "hyperparameters",
    [{"width": 16, "head": 8}, {"width": 8, "mixers": 3}, {"width": 512, "mixers": 64, "expansion": 16}],
)
def test_weights_of_another_network_are_damage(tmp_path: Path, hyperparameters: dict[str, Any]) -> None:
    weights = write_model(tmp_path)
    network = {"kind": "compact", "hyperparameters": hyperparameters, "parameters": 0, "features": features.VERSION}
    change_card(weights, network=network)
    with pytest.raises(DamagedModelError, match="do not fit their card"):
        load(weights)


def test_an_unknown_network_and_other_features_are_damage(tmp_path: Path) -> None:
    weights = write_model(tmp_path)
    entry = {"hyperparameters": TINY, "parameters": 0}
    change_card(weights, network=entry | {"kind": "transformer", "features": features.VERSION})
    with pytest.raises(DamagedModelError, match="'transformer'"):
        load(weights)
    change_card(weights, network=entry | {"kind": "compact", "features": features.VERSION + 1})
    with pytest.raises(DamagedModelError, match="features of version"):
        load(weights)


def test_without_torch_the_model_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = write_model(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TorchMissingError, match="torch does not load"):
        load(weights)


# The model that ships with the package.


def test_the_shipped_model_is_small_documented_and_knows_its_own_tests() -> None:
    from surrogate_training.config import TrainConfig
    from surrogate_training.quality.metrics import measure
    from surrogate_training.samples.dataset import make_batch, sample_problem

    model = load("default", "cpu")
    assert find("default").stat().st_size < 10e6
    assert model.card.network.parameters == sum(parameter.numel() for parameter in model.network.parameters())
    data = TrainConfig.model_validate(model.card.training["config"]).data
    data = data.model_copy(update={"shape": (128, 128), "other_shapes": 0.0, "batch": 6})
    exact = make_batch(data, "test", 10_000).target.numpy()  # held out from training and from the card alike
    errors = []
    for row in range(6):
        problem = sample_problem(data, "test", 10_000, row)
        errors.append(measure(model.predict(problem) / problem.largest_imposed, exact[row], problem.fixed)["mae"])
    assert np.median(errors) < 5 * model.card.metrics["mae"]["median"]
    assert np.median(errors) < 0.02


def test_the_shipped_model_knows_no_direction() -> None:
    """Turning a problem turns the answer, to within the network's error: rows and columns are not mixed up."""
    rng = np.random.default_rng(7)
    source = np.zeros((128, 160))
    for row, column in rng.integers(10, 118, (6, 2)):
        source[row - 3 : row + 4, column - 3 : column + 4] = 1.0
    model = load("default", "cpu")
    kinds: BoundaryLike = {"left": "reflecting", "bottom": 0.5}
    turned: BoundaryLike = {"bottom": "reflecting", "left": 0.5}
    field = model.predict(Problem(source, boundary=kinds))
    other = model.predict(Problem(source.T, boundary=turned))
    assert np.abs(field - other.T).mean() < 0.02
    assert np.abs(field[:, 0] - field[:, 1]).mean() < np.abs(field[0] - 0.5).mean()


# What the card covers.


def card(**changes: Any) -> ModelCard:
    network = NetworkEntry(kind="compact", parameters=0, features=features.VERSION)
    ranges = RANGES.model_copy(update=changes)
    return ModelCard(name="tiny", network=network, ranges=ranges, training={}, metrics={}, sha256="")


def disc_problem(**options: Any) -> Problem:
    source = np.zeros((40, 40))
    source[10:13, 10:13] = 1.0
    return Problem(source, **options)


def spoilt(shape: tuple[int, int] = (40, 40), count: int = 1, side: int = 3) -> np.ndarray:
    source = np.zeros(shape)
    for index in range(count):
        source[2 : 2 + side, 2 + index * (side + 2) : 2 + index * (side + 2) + side] = 1.0
    return source


def test_a_problem_like_those_of_the_training_is_covered() -> None:
    assert applicability.check(disc_problem(), card()) == ()
    assert applicability.check(disc_problem(decay=400.0, spacing=1 / 400), card()) == ()


@pytest.mark.parametrize(
    ("problem", "word"),
    [
        (disc_problem(diffusivity=1.0 + np.eye(40)), "contrast of what faces conduct"),
        (disc_problem(diffusivity=np.where(np.eye(40) > 0, 0.0, 1.0)), "faces that conduct nothing"),
        (disc_problem(diffusivity=sp.PerAxis(x=2.0, y=1.0)), "anisotropy is 2"),
        (disc_problem(membranes=sp.Membranes(x=0.5)), "contrast of what faces conduct"),
        (disc_problem(production=0.1), "production"),
        (disc_problem(boundary=sp.Flux(1.0)), "has a flux"),
        (disc_problem(boundary=sp.Exchange(1.0, 2.0)), "exchanges"),
        (Problem(np.zeros((40, 40)), fixed=np.eye(40, dtype=bool)), "imposed or supplied"),
        (disc_problem(boundary="reflecting"), "reflecting"),
        (disc_problem(boundary="periodic"), "periodic"),
        (Problem(spoilt((40, 80))), "40 x 80"),
        (Problem(spoilt((12, 40))), "12 x 40"),
        (disc_problem(decay=1.0), "shortest diffusion length"),
        (disc_problem(decay=1e-6), "longest diffusion length"),
        (disc_problem(decay=0.0), "longest diffusion length"),
        (disc_problem(decay=1 / 400, uptake=MichaelisMenten(3.0, 0.5)), "shortest diffusion length"),
        (Problem(spoilt(count=5)), "number of sources"),
        (Problem(spoilt(side=9)), "largest source"),
        (Problem(spoilt(side=30)), "share of fixed pixels"),
    ],
)
def test_each_measure_out_of_range_is_named(problem: Problem, word: str) -> None:
    flags = applicability.check(problem, card())
    assert flags
    assert all(flag.reason is Reason.OUTSIDE_CARD for flag in flags)
    assert any(word in flag.message for flag in flags)
    assert all("'tiny'" in flag.message for flag in flags)


def test_contrast_out_of_range_is_named() -> None:
    decay = np.full((40, 40), 1e-4)
    decay[20:, :] = 0.2
    assert [flag.message.split(" is ")[0] for flag in applicability.check(disc_problem(decay=decay), card())] == [
        "the decay contrast"
    ]
    decay[10:13, 10:13] = 1e6  # under a fixed pixel nothing decays
    assert len(applicability.check(disc_problem(decay=decay), card())) == 1


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.7))
def test_sources_are_counted_as_connected_groups(seed: int, share: float) -> None:
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    fixed = rng.random((rng.integers(8, 40), rng.integers(8, 40))) < share
    labels, expected = ndimage.label(fixed)
    extent = applicability.measure(Problem(fixed.astype(np.float64), fixed=fixed))
    assert extent.sources == expected
    assert extent.largest_source_px == (np.bincount(labels.ravel())[1:].max() if expected else 0)


@given(st.integers(0, 2**32 - 1))
def test_a_card_made_from_problems_covers_most_of_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boundaries: list[BoundaryLike] = ["absorbing", "reflecting", {"left": 0.5}]
    problems = [
        random_problem(rng, shape=(24, 32), boundary=boundaries[index % 3], michaelis_menten=False)
        for index in range(30)
    ]
    ranges = applicability.covering([applicability.measure(problem) for problem in problems])
    made = card(**ranges.model_dump())
    words = [flag.message for problem in problems for flag in applicability.check(problem, made)]
    assert len(words) <= 12
