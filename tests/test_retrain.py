"""Retraining: it learns what a host poses, forgets nothing, claims no more than it can, and does not publish worse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import surrogate_plugin as sp
from surrogate_plugin.gallery import disc, ring
from surrogate_plugin.guard.applicability import Extent, check, measure
from surrogate_plugin.surrogate.card import ModelCard, Ranges
from surrogate_plugin.surrogate.failures import ModelNotFoundError
from surrogate_plugin.surrogate.model import load
from surrogate_training import commands_retrain, retrain_report
from surrogate_training import retrain as retraining
from surrogate_training.assessment import CYCLES, Answer, Summary, answer
from surrogate_training.config import TrainConfig
from surrogate_training.dataset import batch_distribution, batch_shape, make_batch, sample_problem
from surrogate_training.distributions import Mixture, Part, Vessels
from surrogate_training.fine_tuning import base_of, fine_tuning, training_of
from surrogate_training.publish import publish
from surrogate_training.recorded import Recorded
from surrogate_training.retrain import Outcome, RetrainConfig, retrain
from surrogate_training.retrain_report import Pair, Report, worse
from surrogate_training.train import Trainer
from surrogate_training.widening import LEAST_STATES, HeldOut, widened

SHAPE = (20, 28)
TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {
        "batch": 2,
        "shape": [24, 24],
        "other_shapes": 0.5,
        "sides": [16, 24],
        "distribution": {"kind": "vessels", "diffusion_length": [3.0, 8.0], "radius": [1.0, 3.0], "most_discs": 4},
    },
    "optimiser": {"steps": 80, "warmup_steps": 2, "average": 0.9, "learning_rate": 5e-3},
    "workers": 0,
    "checkpoint_seconds": 0.0,
    "validation_batches": 1,
    "test_batches": 5,
}


def state(step: int) -> sp.Problem:
    """What the host poses: rings at a diffusion length that the parent has never seen, and they move."""
    rng = np.random.default_rng(step)
    masks = [ring(SHAPE, tuple(rng.uniform(4, 16, 2)), rng.uniform(2.0, 5.0), 1.0) for _ in range(2)]
    cells = disc(SHAPE, (10.0, 14.0 + 4 * np.sin(step)), 5.0)
    decay = 40.0**-2 + 0.01 * cells
    return sp.Problem(38.0 * (masks[0] | masks[1]), decay=decay, boundary="reflecting")


def record(path: Path, problems: list[sp.Problem]) -> Path:
    recorder = sp.Recorder(path)
    for step, problem in enumerate(problems):
        recorder.append(problem, sp.StepRecord(step, "multigrid", 0.1))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("run") / "run.zarr", [state(step) for step in range(40)])


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    Trainer(TrainConfig.model_validate(TINY), folder / "run").run()
    publish(folder / "run", folder)
    return folder / "tiny.safetensors"


@pytest.fixture(scope="module")
def asked(run: Path, parent: Path) -> Callable[..., RetrainConfig]:
    """A retraining into a folder, with changes."""

    def ask(out: Path, **changes: Any) -> RetrainConfig:
        given = {"record": run, "parent": str(parent), "out": out, "name": "rings", "steps": 60}
        return RetrainConfig.model_validate(given | changes)

    return ask


@pytest.fixture(scope="module")
def done(asked: Callable[..., RetrainConfig], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    out = tmp_path_factory.mktemp("done") / "out"
    heard: list[float] = []
    outcome = retrain(asked(out, package="rings-of-mine"), lambda share, text: heard.append(share))
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    return out, outcome


# What comes of it.


def test_held_out_steps_get_better_and_nothing_is_forgotten(done: tuple[Path, Outcome]) -> None:
    report = done[1].report
    assert not report.worse
    held, base = report.held_out, report.base
    assert held.child.relative_l2["median"] < 0.7 * held.parent.relative_l2["median"]
    assert held.child.share(0.01, 2) >= held.parent.share(0.01, 2) + 0.2
    assert base.child.share(0.01, 2) >= base.parent.share(0.01, 2) - retrain_report.MOST_LOST
    assert (held.parent.states, base.parent.states) == (report.held_out_steps, 10)


def test_the_published_model_is_what_was_measured(done: tuple[Path, Outcome], run: Path, parent: Path) -> None:
    out, outcome = done
    assert outcome.weights == out / "rings.safetensors"
    model, held = load(outcome.weights, "cpu"), Recorded(path=run).held_out()
    errors = [answer(model, problem, 2e-4).errors["relative_l2"] for problem in held]
    assert np.median(errors) == pytest.approx(outcome.report.held_out.child.relative_l2["median"], rel=1e-5)
    covered = [not check(problem, model.card) for problem in held]
    assert np.mean(covered) == outcome.report.held_out.child.covered > outcome.report.held_out.parent.covered
    card = load(parent, "cpu").card
    assert model.card.training["parent"] == {"name": "tiny", "sha256": card.sha256}
    assert model.card.test_samples == 10
    assert model.card.metrics["relative_l2"]["median"] == outcome.report.base.child.relative_l2["median"]
    assert model.card.ranges.longest_length_px == pytest.approx(40.0)
    assert model.card.ranges.shortest_length_px == card.ranges.shortest_length_px


def test_the_report_is_written_in_three_ways(done: tuple[Path, Outcome]) -> None:
    out, outcome = done
    assert Report.model_validate_json((out / "report.json").read_text()) == outcome.report
    table = (out / "table.md").read_text()
    share = outcome.report.held_out.child.certified[0.01][1]
    assert f"| {100 * share:.0f} % |" in next(line for line in table.splitlines() if "at 1 % after 2 cycles" in line)
    assert all(line in table for line in outcome.report.widening)
    with Image.open(out / "before-after.png") as picture:
        assert min(picture.size) > 600
        assert np.asarray(picture.convert("L")).std() > 10
    assert not list(out.rglob("*.partial"))


def test_a_package_is_written_where_one_is_asked_for(done: tuple[Path, Outcome]) -> None:
    out, outcome = done
    assert outcome.package == out / "package"
    assert load(outcome.package / "surrogate_model_rings_of_mine", "cpu").card.name == "rings-of-mine"


def test_a_killed_retraining_goes_on_bit_by_bit(
    done: tuple[Path, Outcome], asked: Callable[..., RetrainConfig], tmp_path: Path
) -> None:
    class KilledError(Exception):
        pass

    def kill(share: float, text: str) -> None:
        if text.startswith("step 20 "):
            raise KilledError

    with pytest.raises(KilledError):
        retrain(asked(tmp_path / "out"), kill)
    assert not (tmp_path / "out" / "report.json").exists()
    steps: list[str] = []
    outcome = retrain(asked(tmp_path / "out"), lambda share, text: steps.append(text))
    assert not any(text.startswith("step 19 ") or text == "measuring tiny" for text in steps)
    assert outcome.report.held_out == done[1].report.held_out
    whole, again = (load_file(out / "rings.safetensors") for out in (done[0], tmp_path / "out"))
    assert all(torch.equal(whole[name], again[name]) for name in whole)


class Spoilt(Trainer):
    """A trainer that ends with the signs of its weights turned."""

    def run(self, report: Callable[[float, str], None] = lambda done, text: None) -> None:
        if not self.progress.finished:
            super().run(report)
            with torch.no_grad():
                for weight in self.average.parameters():
                    weight.neg_()
            self.save()


def test_a_worse_model_is_not_published_unless_told_to(
    asked: Callable[..., RetrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "Trainer", Spoilt)
    out = tmp_path / "out"
    outcome = retrain(asked(out, steps=2, package="rings-of-mine"))
    assert (outcome.weights, outcome.package) == (None, None)
    assert any("held-out steps got no better" in sentence for sentence in outcome.report.worse)
    assert not list(out.glob("*.safetensors"))
    assert not (out / "package").exists()
    assert "Worse than its parent" in (out / "table.md").read_text()
    options = ["--record", str(asked(out).record), "--from", asked(out).parent, "--out", str(out), "--name", "rings"]
    told = command(*options, "--steps", "2")
    assert told.exit_code == commands_retrain.WORSE
    assert "--publish-anyway" in told.stderr
    told = command(*options, "--steps", "2", "--publish-anyway")
    assert told.exit_code == 0
    assert load(out, "cpu").card.name == "rings"


# What counts as worse.


def summary(share: float, error: float = 0.1) -> Summary:
    shares = {0.01: (0.0, share, 1.0), 0.001: (0.0, 0.0, 0.0)}
    statistics = {"median": error, "p95": error, "largest": error}
    return Summary(
        states=100, covered=1.0, relative_l2=statistics, largest_error=statistics, certified=shares,
        certified_by_network=shares,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("held", "base", "complaints"),
    [
        (((0.2, 0.1), (0.5, 0.1)), (0.9, 0.9), 0),
        (((0.2, 0.1), (0.5, 0.2)), (0.9, 0.88), 0),
        (((0.2, 0.1), (0.5, 0.1)), (0.9, 0.87), 1),
        (((0.2, 0.1), (0.2, 0.09)), (0.9, 0.9), 0),
        (((0.2, 0.1), (0.2, 0.1)), (0.9, 0.9), 1),
        (((0.2, 0.1), (0.1, 0.01)), (0.9, 1.0), 1),
        (((0.2, 0.1), (0.1, 0.2)), (0.9, 0.1), 2),
        (((0.2, 0.1), (0.2, float("nan"))), (0.9, 0.9), 1),
    ],
)
def test_worse_is_what_the_documentation_says(held: Any, base: Any, complaints: int) -> None:
    held_out = Pair(parent=summary(*held[0]), child=summary(*held[1]))
    found = worse(held_out, Pair(parent=summary(base[0]), child=summary(base[1])))
    assert len(found) == complaints
    assert not any("\n" in sentence for sentence in found)


# Ranges.

RANGES = Ranges(
    shortest_length_px=2.0, longest_length_px=100.0, largest_contrast=50.0, most_sources=10, largest_source_px=500,
    largest_fixed_share=0.2, boundaries=("absorbing",), shortest_side_px=96, longest_side_px=512,
)  # fmt: skip
INSIDE = Extent(3.0, 50.0, 20.0, 5, 100, 0.1, frozenset({"absorbing"}), (128, 128))
BEYOND: dict[str, tuple[str, Any]] = {
    "shortest_length_px": ("shortest_length_px", 1.0),
    "longest_length_px": ("longest_length_px", 180.0),
    "largest_contrast": ("contrast", 90.0),
    "most_sources": ("sources", 40),
    "largest_source_px": ("largest_source_px", 4000),
    "largest_fixed_share": ("fixed_share", 0.5),
    "shortest_side_px": ("shape", (64, 128)),
    "longest_side_px": ("shape", (128, 640)),
    "boundaries": ("boundaries", frozenset({"absorbing", "periodic"})),
}
BAD, GOOD = (Answer(errors={}, bounds=(bound,) * len(CYCLES)) for bound in (0.5, 0.001))


def extent(**changes: Any) -> Extent:
    return Extent(**(vars(INSIDE) | changes))


@pytest.mark.parametrize("name", BEYOND)
def test_a_range_widens_where_that_is_supported_and_only_there(name: str) -> None:
    field, value = BEYOND[name]
    beyond = extent(**{field: value})
    many, few = [beyond] * LEAST_STATES, [beyond] * (LEAST_STATES - 1) + [INSIDE] * 20
    learnt = [HeldOut(beyond, BAD, GOOD)] * 3
    ranges, sentences = widened(RANGES, many, learnt)
    changed = {field for field, kept in RANGES if getattr(ranges, field) != kept}
    assert changed == {name}
    assert len(sentences) == 1
    new = getattr(ranges, name)
    assert new == (("absorbing", "periodic") if name == "boundaries" else pytest.approx(np.array(value).flat[-1])
                   if name == "longest_side_px" else pytest.approx(np.array(value).flat[0]))  # fmt: skip
    for training, held_out in (
        (few, learnt),  # too few states
        (many, [HeldOut(INSIDE, GOOD, GOOD)]),  # nobody knows
        (many, [HeldOut(beyond, GOOD, BAD)] * 3),  # worse than before
        (many, [HeldOut(beyond, BAD, BAD)] * 3),  # no better than useless
        (many, [HeldOut(beyond, GOOD, GOOD)] * 2 + [HeldOut(beyond, GOOD, BAD)]),  # a little worse than before
    ):
        kept, sentences = widened(RANGES, training, held_out)
        assert kept == RANGES
        assert len(sentences) == 1


def test_within_the_ranges_and_without_decay_nothing_changes() -> None:
    endless = extent(longest_length_px=np.inf, contrast=np.inf)
    for training in ([INSIDE] * 50, [endless] * 50, []):
        assert widened(RANGES, training, [HeldOut(endless, BAD, GOOD)]) == (RANGES, [])


def test_a_few_outliers_do_not_set_the_limit() -> None:
    training = [extent(longest_length_px=length) for length in [120.0] * 999 + [5000.0]]
    ranges, _ = widened(RANGES, training, [HeldOut(training[0], BAD, GOOD)])
    assert ranges.longest_length_px == pytest.approx(120.0)


# The training behind it.


def test_half_of_the_batches_are_recorded_and_each_part_keeps_its_lattice(run: Path, parent: Path) -> None:
    trained = training_of(load(parent, "cpu").card)
    config = fine_tuning(trained, parent, Recorded(path=run), name="a", seed=3, minutes=1.0, steps=None)
    kinds = []
    for index in range(60):
        drawn = batch_distribution(config.data, "train", index)
        kinds.append(drawn.kind)
        shape = batch_shape(config.data, "train", index)
        assert sample_problem(config.data, "train", index, 1).shape == shape
        assert (shape == (20, 24)) == (drawn.kind == "recorded")  # a side longer than any of the parent's is cut
    assert 20 <= kinds.count("recorded") <= 40
    assert make_batch(config.data, "train", kinds.index("recorded")).target.shape == (8, 20, 24)
    assert config.optimiser.learning_rate < trained.optimiser.learning_rate
    assert (config.loss, config.network) == (trained.loss, trained.network)


def test_it_begins_with_the_parent_s_weights(run: Path, parent: Path, tmp_path: Path) -> None:
    trained = training_of(load(parent, "cpu").card)
    config = fine_tuning(trained, parent, Recorded(path=run), name="a", seed=3, minutes=1.0, steps=None)
    trainer, weights = Trainer(config, tmp_path / "run"), load_file(parent)
    for network in (trainer.network, trainer.average):
        assert all(torch.equal(weights[name], value) for name, value in network.state_dict().items())
    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors")
    wrong = config.model_copy(update={"start": tmp_path / "other.safetensors"})
    with pytest.raises(ValueError, match=r"start is .*, whose weights are not those of the configured network"):
        Trainer(wrong, tmp_path / "wrong")


def test_a_retrained_model_can_be_retrained(run: Path, tmp_path: Path) -> None:
    trained = TrainConfig.model_validate(TINY)
    gone, there = Recorded(path=tmp_path / "gone.zarr"), Recorded(path=run)
    parts = (Part(distribution=Vessels()), Part(distribution=gone), Part(distribution=there))
    data = trained.data.model_copy(update={"distribution": Mixture(parts=parts, whole_batches=True)})
    again = trained.model_copy(update={"data": data})
    assert base_of(again).distribution == Vessels()
    new = Recorded(path=run, vary=0.2)
    config = fine_tuning(again, run, new, name="b", seed=0, minutes=1.0, steps=None)
    assert isinstance(config.data.distribution, Mixture)
    assert [(part.distribution, part.weight) for part in config.data.distribution.parts] == [
        (Vessels(), 1.0), (there, 1.0), (new, 2.0)
    ]  # fmt: skip
    only = data.model_copy(update={"distribution": Mixture(parts=parts[1:])})
    with pytest.raises(ValueError, match="trained on recordings alone"):
        base_of(trained.model_copy(update={"data": only}))


# What goes wrong.


def command(*arguments: str) -> Any:
    import typer

    app = typer.Typer()
    app.command()(commands_retrain.retrain)
    return CliRunner().invoke(app, arguments)


def test_bad_input_is_one_sentence(run: Path, parent: Path, tmp_path: Path) -> None:
    unlearnable = record(tmp_path / "still.zarr", [sp.Problem(np.zeros(SHAPE))] * 30)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    card = json.loads(parent.with_suffix(".json").read_text())
    card["training"] = {}
    (tmp_path / "odd.json").write_text(json.dumps(card))
    (tmp_path / "odd.safetensors").write_bytes(parent.read_bytes())
    good = {"--record": str(run), "--from": str(parent), "--out": str(tmp_path / "new")}
    for changes, words in (
        ({"--record": str(tmp_path / "none.zarr")}, "there is no recording at"),
        ({"--record": str(unlearnable)}, "has 0 steps of 30 that the network can learn from"),
        ({"--from": "nobody"}, "'nobody'"),
        ({"--from": str(tmp_path / "none.safetensors")}, "the weights none.safetensors are missing"),
        ({"--from": str(tmp_path / "odd.safetensors")}, "does not say how it was trained"),
        ({"--out": str(tmp_path / "notes")}, "holds something other than a retraining"),
        ({"--out": str(parent)}, "holds something other than a retraining"),
        ({"--minutes": "-1"}, "minutes is -1.0"),
        ({"--name": "a/b"}, "name is 'a/b'"),
        ({"--package": "My Model"}, "name is 'My Model'"),
    ):
        told = command(*(word for pair in (good | changes).items() for word in pair))
        assert (told.exit_code, told.stdout) == (2, ""), told.output
        assert words in told.stderr.replace("\n", "")
        assert told.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_other_options_do_not_go_on_with_a_retraining(
    done: tuple[Path, Outcome], asked: Callable[..., RetrainConfig]
) -> None:
    for changes in ({"steps": 61}, {"seed": 1}, {"name": "other"}, {"minutes": 3.0}):
        (name,) = changes
        with pytest.raises(ValueError, match=f"holds a retraining with {name} "):
            retrain(asked(done[0], **changes))


def test_an_unknown_parent_is_said_before_anything_is_written(
    asked: Callable[..., RetrainConfig], tmp_path: Path
) -> None:
    with pytest.raises(ModelNotFoundError):
        retrain(asked(tmp_path / "out", parent="nobody"))
    assert not (tmp_path / "out").exists()


def test_measure_and_card_speak_of_the_same_things() -> None:
    assert set(Ranges.model_fields) == set(BEYOND)
    assert measure(state(0)).longest_length_px == pytest.approx(40.0)
    assert ModelCard.model_fields["ranges"].annotation is Ranges
