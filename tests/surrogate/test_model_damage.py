"""Whatever a card or a weights file says, the model loads and answers, or is refused in one sentence."""

from __future__ import annotations

import itertools
import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.guard.applicability import check as check_applicability
from surrogate_plugin.surrogate import networks, sizes
from surrogate_plugin.surrogate.card import checksum
from surrogate_plugin.surrogate.failures import DamagedModelError, ModelError
from surrogate_plugin.surrogate.model import find, load
from tests.fuzzing import assert_one_sentence, byte_damages, edits, slow
from tests.surrogate.test_model import TINY, change_card, write_model

PROBLEM = Problem(np.eye(20))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with everything that a card may say."""
    weights = write_model(tmp_path_factory.mktemp("sound"))
    shipped = json.loads(find("default").with_suffix(".json").read_text())
    change_card(weights, metrics=shipped["metrics"], training=shipped["training"])
    return weights


def asked(weights: Path) -> bool:
    """Whether a model loads; then it answers with a field, whose values are the guard's to judge."""
    try:
        model = load(weights, "cpu")
    except ModelError as error:
        assert_one_sentence(error)
        return False
    with np.errstate(all="ignore"):
        assert model.predict(PROBLEM).shape == PROBLEM.shape
    assert model.typical_error >= 0
    for flag in check_applicability(PROBLEM, model.card):
        assert flag.message.endswith(".")
    return True


def copied(sound: Path, folder: str, card: Any = None, content: bytes | None = None) -> Path:
    """A copy of a model with another card or weights, whose checksum is right."""
    weights = Path(folder) / sound.name
    weights.write_bytes(sound.read_bytes() if content is None else content)
    given = json.loads(sound.with_suffix(".json").read_text()) if card is None else card
    weights.with_suffix(".json").write_text(json.dumps(given))
    if content is not None:
        change_card(weights, sha256=checksum(weights))
    return weights


def edited_card(sound: Path, data: st.DataObject) -> None:
    card = data.draw(edits(json.loads(sound.with_suffix(".json").read_text())))
    with tempfile.TemporaryDirectory() as folder:
        asked(copied(sound, folder, card=card))


def edited_network(sound: Path, data: st.DataObject) -> None:
    """The parts of a card that say how large things are."""
    card = json.loads(sound.with_suffix(".json").read_text())
    for part in data.draw(st.lists(st.sampled_from(["network", "ranges", "metrics"]), min_size=1, max_size=2)):
        card[part] = data.draw(edits(card[part]))
    with tempfile.TemporaryDirectory() as folder:
        asked(copied(sound, folder, card=card))


def damaged_weights(sound: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asked(copied(sound, folder, content=data.draw(byte_damages())(sound.read_bytes())))


def damaged_header(sound: Path, data: st.DataObject) -> None:
    """Weights whose list of tensors was edited; it is JSON, with its length before it."""
    content = sound.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(data.draw(edits(json.loads(content[8 : 8 + length])))).encode()
    with tempfile.TemporaryDirectory() as folder:
        asked(copied(sound, folder, content=len(header).to_bytes(8, "little") + header + content[8 + length :]))


ATTACKS = [edited_card, edited_network, damaged_weights, damaged_header]


@pytest.mark.parametrize("attack", ATTACKS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_damaged_model_answers_or_is_refused(sound: Path, attack: Any, data: st.DataObject) -> None:
    attack(sound, data)


@slow
@pytest.mark.parametrize("attack", ATTACKS)
@settings(max_examples=2500)
@given(data=st.data())
def test_models_damaged_in_many_ways(sound: Path, attack: Any, data: st.DataObject) -> None:
    attack(sound, data)


def bad_sizes() -> Iterator[dict[str, Any]]:
    for name in sizes.SIZES["compact"]:
        for value in (10**9, -1, 2.0, "8", None, True, [8], math.inf, 10**400):
            yield {name: value}
    yield {"width": 0}
    yield {"depth": 3}
    yield {"a\nb": 3}


@pytest.mark.parametrize("hyperparameters", list(bad_sizes()), ids=lambda given: str(given)[:30].replace("\n", " "))
def test_an_absurd_size_is_refused_before_anything_is_built(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hyperparameters: dict[str, Any]
) -> None:
    def built(*arguments: Any, **options: Any) -> None:
        raise AssertionError("something was built")

    monkeypatch.setattr(networks, "build", built)
    card = json.loads(sound.with_suffix(".json").read_text())
    card["network"]["hyperparameters"] = TINY | hyperparameters
    with pytest.raises(DamagedModelError, match="is damaged") as caught:
        load(copied(sound, str(tmp_path), card=card), "cpu")
    assert_one_sentence(caught.value)


def test_a_size_that_the_weights_do_not_have_is_refused_before_anything_is_built(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "build", None)
    card = json.loads(sound.with_suffix(".json").read_text())
    card["network"]["hyperparameters"] = {"width": 512, "mixers": 64, "expansion": 16}
    with pytest.raises(DamagedModelError, match="they are 1406 numbers, 537781214 are expected"):
        load(copied(sound, str(tmp_path), card=card), "cpu")


def bad_values() -> Iterator[tuple[str, str, Any]]:
    for name in ("shortest_length_px", "longest_length_px", "largest_contrast", "most_sources", "longest_side_px"):
        for value in (math.nan, math.inf, -1, "2", None, True, 10**400):
            yield "ranges", name, value
    yield "ranges", "shortest_length_px", 1e6  # more than the longest
    yield "ranges", "shortest_side_px", 65
    yield "ranges", "largest_fixed_share", 1.5
    yield "ranges", "boundaries", ["leaky"]
    for value in (math.nan, math.inf, -0.1, "0.1", None, {}):
        yield "metrics", "smooth_max", {"median": value}
    for value in (-1, 1.5, math.nan, 10**400):
        yield "network", "parameters", value
        yield "network", "features", value


@pytest.mark.parametrize(("part", "name", "value"), list(bad_values()))
def test_a_number_that_no_card_has_is_refused(sound: Path, tmp_path: Path, part: str, name: str, value: Any) -> None:
    card = json.loads(sound.with_suffix(".json").read_text())
    card[part][name] = value
    with pytest.raises(DamagedModelError, match=r"card tiny\.json is damaged") as caught:
        load(copied(sound, str(tmp_path), card=card), "cpu")
    assert_one_sentence(caught.value)


def spoilt(name: str, change: Any) -> Any:
    def spoil(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        tensors[name] = change(tensors[name])
        return tensors

    return spoil


def filled(value: float) -> Any:
    return lambda tensor: tensor.clone().index_fill_(0, torch.tensor([0]), value)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoilt("stem.weight", filled(math.nan)), "tensor 'stem.weight' is not finite"),
        (spoilt("pixels.weight", filled(-math.inf)), "tensor 'pixels.weight' is not finite"),
        (spoilt("stem.weight", torch.Tensor.double), r"is torch.float64 of \(8, 17\), torch.float32"),
        (spoilt("stem.weight", torch.Tensor.half), "is torch.float16"),
        (spoilt("stem.weight", torch.Tensor.int), "is torch.int32"),
        (spoilt("stem.weight", lambda tensor: tensor.T.contiguous()), r"of \(17, 8\), torch.float32 of \(8, 17\)"),
        (spoilt("stem.weight", torch.Tensor.flatten), r"of \(136,\)"),
        (lambda tensors: {name.upper(): value for name, value in tensors.items()}, "is not one of the network"),
        (lambda tensors: tensors | {"more": torch.ones(1)}, "they are 1407 numbers, 1406 are expected"),
        (lambda tensors: {}, "they are 0 numbers"),
    ],
)
def test_tensors_that_are_not_the_network_s_are_refused(sound: Path, tmp_path: Path, spoil: Any, says: str) -> None:
    save_file(spoil(load_file(sound)), tmp_path / "spoilt.safetensors")
    weights = copied(sound, str(tmp_path), content=(tmp_path / "spoilt.safetensors").read_bytes())
    with pytest.raises(DamagedModelError, match=f"do not fit their card .*{says}") as caught:
        load(weights, "cpu")
    assert_one_sentence(caught.value)


def test_weights_that_cannot_be_read_are_damage(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def denied(path: Path, most: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("surrogate_plugin.surrogate.model.read_plain", denied)
    with pytest.raises(DamagedModelError, match=r"tiny\.safetensors cannot be read \(Permission denied\)"):
        load(copied(sound, str(tmp_path)), "cpu")


def test_numbers_are_counted_without_building() -> None:
    counts = itertools.product((1, 8, 9), (0, 3), (1, 4), (1, 7))
    for width, mixers, expansion, head in counts:
        chosen = {"width": width, "mixers": mixers, "expansion": expansion, "head": head}
        assert networks.numbers("compact", chosen) == count(networks.build("compact", chosen))
    for width in (2, 6):
        assert networks.numbers("paper", {"width": width}) == count(networks.build("paper", {"width": width}))
    for kind in networks.NETWORKS:
        assert networks.numbers(kind, {}) == count(networks.build(kind, {}))


def count(network: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in network.state_dict().values())
