"""Retraining: it learns what a host poses, forgets nothing, goes on where it was killed, and does not publish worse."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from surrogate_plugin.cli.sections import Sections
from surrogate_plugin.guard.applicability import check
from surrogate_plugin.surrogate.model import load
from surrogate_training.commands import retrain as commands_retrain
from surrogate_training.loop.trainer import Trainer
from surrogate_training.problems.recordings import Recorded
from surrogate_training.progress import Callback, silent
from surrogate_training.quality.assessment import answer
from surrogate_training.retraining import report as retrain_report
from surrogate_training.retraining import retrain as retraining
from surrogate_training.retraining.report import Report
from surrogate_training.retraining.retrain import Outcome, RetrainConfig, retrain
from tests.training import retrain_fixtures
from tests.training.retrain_fixtures import command

run, parent, asked = retrain_fixtures.run, retrain_fixtures.parent, retrain_fixtures.asked


@pytest.fixture(scope="module")
def done(asked: Callable[..., RetrainConfig], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    out = tmp_path_factory.mktemp("done") / "out"
    heard: list[float] = []
    outcome = retrain(asked(out, package="rings-of-mine"), lambda share, text: heard.append(share))
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    return out, outcome


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
    assert not list(out.rglob(".partial*"))


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


def test_other_options_do_not_go_on_with_a_retraining(
    done: tuple[Path, Outcome], asked: Callable[..., RetrainConfig]
) -> None:
    for changes in ({"steps": 61}, {"seed": 1}, {"name": "other"}, {"minutes": 3.0}):
        (name,) = changes
        with pytest.raises(ValueError, match=f"holds a retraining with {name} "):
            retrain(asked(done[0], **changes))


class Spoilt(Trainer):
    """A trainer that ends with the signs of its weights turned."""

    def run(self, callback: Callback = silent) -> None:
        if not self.progress.finished:
            super().run(callback)
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
    told = command(*options, "--steps", "2", "--publish-anyway", "--json")
    assert told.exit_code == 0
    said = json.loads(told.stdout)
    assert set(said) == set(Sections.read(inspect.getdoc(commands_retrain.retrain)).json)
    assert said["report"] == json.loads((out / "report.json").read_text())
    assert (said["weights"], said["package"]) == (str(out / "rings.safetensors"), None)
    assert load(out, "cpu").card.name == "rings"
