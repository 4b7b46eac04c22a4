"""A study: a run for every variant and seed, measured alike, which grows and goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from surrogate_plugin.surrogate.networks import build
from surrogate_training.loop import checkpoint
from surrogate_training.loop.trainer import Trainer
from surrogate_training.losses.study import StudyLoss
from surrogate_training.study.config import read_study
from surrogate_training.study.measures import balanced_batches, mean_measures, measure_raw, measure_zeros
from surrogate_training.study.runner import run_study
from tests.training import studies
from tests.training.studies import ROOT, TINY, lines

tiny, unplotted = studies.tiny, studies.unplotted


@pytest.mark.usefixtures("unplotted")
def test_a_study_leaves_a_line_a_run_and_a_table_and_repeats_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Path] = []
    run = Trainer.run
    monkeypatch.setattr(
        Trainer, "run", lambda self, *given: (trained.append(self.folder), run(self, *given))[1]
    )  # fmt: skip
    config, out = read_study(tiny), tmp_path / "out"
    told: list[float] = []
    results = run_study(config, out, lambda done, text: told.append(done))
    names = ["8-seed-0", "32-seed-0", "8-seed-1", "32-seed-1"]
    assert [folder.name for folder in trained] == names
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert "4 of 4 runs" in (out / "table.md").read_text()
    assert [(row["variant"], row["seed"]) for row in lines(out / "results.csv")] == [
        ("8", "0"), ("32", "0"), ("8", "1"), ("32", "1")
    ]  # fmt: skip
    by_sources = lines(out / "by_sources.csv")
    assert len(by_sources) == 4 * 3
    # The source counts are balanced, so the whole is the mean of its parts.
    parts = [float(row["mae"]) for row in by_sources if (row["variant"], row["seed"]) == ("32", "1")]
    assert results[-1].measures["mae"] == pytest.approx(np.mean(parts))

    for lost in (out / names[2]).iterdir():  # as if the study had been killed in its third run
        lost.unlink()
    before = (out / "results.csv").read_bytes()
    assert run_study(config, out) == results
    assert [folder.name for folder in trained[4:]] == [names[2]]
    assert (out / "results.csv").read_bytes() == before


@pytest.mark.usefixtures("unplotted")
def test_a_study_may_grow_but_not_change(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = read_study(tiny, sizes=(8, 16), seeds=(0,))
    run_study(config, out)
    assert len(run_study(read_study(tiny, sizes=(8, 16, 24), seeds=(0,)), out)) == 3
    for change in ({"test_per_count": 3}, {"base": config.base.model_copy(update={"validate_steps": 1})}):
        with pytest.raises(ValueError, match=f"another '{next(iter(change))}'"):
            run_study(config.model_copy(update=change), out)


@pytest.mark.usefixtures("unplotted")
def test_the_validation_split_picks_the_weights_that_are_measured(tiny: Path, tmp_path: Path) -> None:
    rough = "learning_rate = 0.2\nsteps = 6"  # so that the last weights are not the best
    tiny.write_text(TINY.replace("steps = 4", rough).replace("validate_steps = 2", "validate_steps = 1"))
    config, out = read_study(tiny, sizes=(8, 16), seeds=(0, 1)), tmp_path / "out"
    results = run_study(config, out)
    for result, run in zip(results, config.runs(), strict=True):
        log = lines(out / run.folder / "log.csv")
        best = min(log, key=lambda row: float(row[config.base.stop.monitor]))
        assert result.picked_step == int(best["step"])
        network = build("paper", {"width": 2}).eval()
        tensors = checkpoint.load(out / run.folder, checkpoint.BEST)[2]
        network.load_state_dict(checkpoint.part(tensors, "average."))
        assert result.measures == mean_measures(measure_raw(network, balanced_batches(config)))
    assert min(result.picked_step for result in results) < 6


def test_variants_differ_in_what_is_compared_and_in_nothing_else(tiny: Path) -> None:
    config = read_study(tiny)
    small, large = (run.config for run in config.runs()[:2])
    assert (small.data.samples, large.data.samples) == (8, 32)
    assert small.model_copy(update={"data": large.data}) == large
    assert small.data.model_copy(update={"samples": 32}) == large.data
    losses = read_study(tiny, kind="losses", losses=(StudyLoss(kind="mae"), StudyLoss(kind="exp", w=0.5)))
    assert [run.folder for run in losses.runs()[:2]] == ["mae-seed-0", "exp-w=0.5-seed-0"]
    first, second = (run.config for run in losses.runs()[:2])
    assert first != second
    assert first.model_copy(update={"loss": second.loss}) == second
    zero, one = (run.config for run in read_study(tiny, kind="seeds").runs())
    assert zero.seed != one.seed
    assert zero.data.seed != one.data.seed


class Nothing(nn.Module):
    """A network that sees no field anywhere."""

    def forward(self, image: torch.Tensor, saturation: torch.Tensor) -> torch.Tensor:
        del saturation
        return torch.zeros_like(image[:, 0])


def test_each_number_of_sources_is_tested_alike_and_sources_count(tiny: Path) -> None:
    batches = balanced_batches(read_study(tiny))
    assert list(batches) == [1, 2, 3]
    assert {batch.target.shape for batch in batches.values()} == {(2, 32, 32)}
    assert torch.equal(batches[2].target, balanced_batches(read_study(tiny))[2].target)
    fixed = [int((~batch.free).sum()) for batch in batches.values()]
    assert fixed[0] == 2 * 13
    assert fixed[0] < fixed[1] < fixed[2]
    found = measure_raw(Nothing(), batches)
    assert found == measure_zeros(batches)
    assert [sample["source_count"] for sample in found] == [1, 1, 2, 2, 3, 3]
    exact = batches[1].target[0].numpy()
    assert found[0]["mae"] == pytest.approx(exact.mean())
    assert found[0]["sources"] == 1.0  # nothing is imposed before it is measured
    assert found[0]["relative_l2"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sizes": [8]}, "sizes"),
        ({"sizes": [2, 8]}, "sizes"),
        ({"sizes": [8, 8]}, "sizes"),
        ({"kind": "losses"}, "losses"),
        ({"seeds": []}, "seeds"),
        ({"kind": "epochs"}, "kind"),
        ({"base": {"validate_steps": 1, "optimiser": {"steps": 1}}}, "distribution"),
        ({"base": {"validate_steps": 1, "data": {"distribution": {"kind": "paper"}}}}, "steps"),
        ({"base": {"optimiser": {"steps": 1}, "data": {"distribution": {"kind": "paper"}}}}, "validate_steps"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused(tiny: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        read_study(tiny, **changes)


@pytest.mark.parametrize("kind", ["training-set-size", "losses", "seeds"])
def test_the_configurations_that_are_shipped_can_be_read(kind: str) -> None:
    config = read_study(ROOT / f"training/configs/study-{kind}.toml")
    assert config.kind == kind
    assert len(config.seeds) >= 3
    if kind == "training-set-size":
        assert len(config.sizes) >= 4
        assert max(config.sizes) >= 16 * min(config.sizes)
