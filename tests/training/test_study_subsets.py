"""The study of subsets: a network for every part, tested on all parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from surrogate_plugin.surrogate.networks import PaperNetwork
from surrogate_training.loop.trainer import Trainer
from surrogate_training.study import subsets_plot, subsets_table
from surrogate_training.study.held_fields import KnownProblems, ShippedModel, StudyNetwork
from surrogate_training.study.kinds import read_any
from surrogate_training.study.subsets import run_subsets
from surrogate_training.study.subsets_config import SubsetResult, SubsetsConfig
from tests.training import studies
from tests.training.studies import ROOT, lines

unplotted = studies.unplotted
DISCS = {"kind": "discs", "radius": (2.0, 2.0), "diffusion_length": (5.0, 5.0)}
BASE: dict[str, Any] = {
    "workers": 0,
    "validate_steps": 2,
    "validation_batches": 1,
    "network": {"kind": "paper", "hyperparameters": {"width": 2, "depth": 2}},
    "data": {"batch": 4, "samples": 8, "mirrors": 1, "shape": (32, 32), "other_shapes": 0.0, "distribution": DISCS},
    "loss": {"kind": "exp"},
    "optimiser": {"steps": 4, "warmup_steps": 1, "average": 0.5},
}
PARTS = [
    {"name": "one", "distribution": DISCS | {"sources": (1, 1)}},
    {"name": "three", "distribution": DISCS | {"sources": (3, 3)}},
]


def small(**changes: Any) -> SubsetsConfig:
    return SubsetsConfig.model_validate({"base": BASE, "subsets": PARTS, "seeds": (0, 1), "test_samples": 3} | changes)


def test_networks_differ_in_their_part_and_seed_alone() -> None:
    config = small()
    one, three = (config.trained_on(subset, 5) for subset in config.subsets)
    assert (one.data.distribution.sources, three.data.distribution.sources) == ((1, 1), (3, 3))  # type: ignore[union-attr]
    assert one.model_copy(update={"data": three.data}) == three
    assert one.data.model_copy(update={"distribution": three.data.distribution}) == three.data


@pytest.mark.usefixtures("unplotted")
def test_a_study_killed_after_two_networks_gives_the_same_matrix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subsets_plot, "draw", lambda *given: None)
    config = small()
    whole = run_subsets(config, tmp_path / "whole")
    assert [(r.network, r.seed, list(r.errors)) for r in whole] == [
        (name, seed, ["one", "three"]) for seed in (0, 1) for name in ("one", "three")
    ]
    run = Trainer.run

    def killed(trainer: Trainer, *given: Any) -> None:
        if trainer.folder.name == "one-seed-1":
            raise KeyboardInterrupt
        run(trainer, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", killed)
        with pytest.raises(KeyboardInterrupt):
            run_subsets(config, tmp_path / "killed")
    assert "2 of 4 networks" in (tmp_path / "killed" / "table.md").read_text()
    assert run_subsets(config, tmp_path / "killed") == whole
    for name in ("table.md", "results.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(lines(tmp_path / "whole" / "results.csv")) == 8
    with pytest.raises(ValueError, match="another 'test_samples'"):
        run_subsets(small(test_samples=4), tmp_path / "whole")


def made_up(errors: dict[tuple[str, str], float]) -> list[SubsetResult]:
    return [
        SubsetResult(name, seed, {to: {"relative_l2": errors[name, to] * (1 + seed / 10)} for to in ("one", "three")})
        for name in ("one", "three")
        for seed in (0, 1)
    ]


def test_the_matrix_says_what_carries_over() -> None:
    config = small(models=("default",))
    errors = {("one", "one"): 0.1, ("one", "three"): 0.8, ("three", "one"): 0.12, ("three", "three"): 0.2}
    results = [*made_up(errors), SubsetResult("default", None, {to: {"relative_l2": 0.01} for to in ("one", "three")})]
    text = subsets_table.table(config, results)
    assert "| one | 10.5 ± 0.7 | 84.0 ± 5.7 |" in text
    assert "| default (model) | 1.0 | 1.0 |" in text
    assert "1 carry over" in text
    assert "nearest pair is three tested on one, 1.20 times" in text
    assert "furthest one tested on three, 4.0 times" in text
    assert f"{(1.2 * 4.0) ** 0.5:.1f} times that of the part's own network" in text
    assert "errs by 1.0 to 1.0 % on them" in text
    figure = subsets_plot.figure_of(config, results)
    assert [text.get_text() for text in figure.axes[0].texts] == ["10.5", "84", "12.6", "21", "1", "1"]
    assert len(figure.axes[0].patches) == 2  # each network on its own part
    assert "Too few" in subsets_table.table(config, results[:2])


def test_a_field_is_judged_as_the_guard_takes_it() -> None:
    data = small().base.data
    tests = KnownProblems.drawn(data, 4)
    network = PaperNetwork(2, depth=2).eval()
    fields = StudyNetwork(network).fields(tests.problems)
    for problem, field in zip(tests.problems, fields, strict=True):
        assert np.array_equal(field[problem.fixed], problem.source[problem.fixed])
        assert field.min() >= 0.0
        np.testing.assert_allclose(StudyNetwork(network).predict(problem), field, atol=1e-6)
    errors = tests.errors(StudyNetwork(network))
    expected = [np.linalg.norm(f - e) / np.linalg.norm(e) for f, e in zip(fields, tests.exact, strict=True)]
    assert [error["relative_l2"] for error in errors] == pytest.approx(expected)
    default = tests.errors(ShippedModel("default"))
    assert max(error["relative_l2"] for error in default) < 0.2


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"subsets": PARTS[:1]}, "subsets"),
        ({"subsets": [PARTS[0], PARTS[0]]}, "once"),
        ({"models": ("one",)}, "once"),
        ({"base": BASE | {"optimiser": {}}}, "steps"),
        ({"base": BASE | {"network": {"kind": "compact"}}}, "network.kind"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        small(**changes)


def test_the_shipped_one_has_six_parts_or_more_and_three_seeds() -> None:
    config = read_any(ROOT / "training/configs/study-subsets.toml")
    assert isinstance(config, SubsetsConfig)
    assert len(config.subsets) >= 6
    assert len(config.seeds) >= 3
    shape, rng = config.base.data.shape, np.random.default_rng(0)
    for subset in config.subsets:
        for _ in range(20):
            subset.distribution.sample(rng, shape)
