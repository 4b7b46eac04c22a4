"""The study of sampling: strategies differ in the samples alone, and a killed training goes on as it would have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import qmc

from surrogate_plugin.surrogate.networks import PaperNetwork
from surrogate_training.loop.trainer import Trainer
from surrogate_training.problems.discs import Discs, Scene, UnitCube
from surrogate_training.study import sampling_report
from surrogate_training.study.held_fields import StudyNetwork
from surrogate_training.study.kinds import read_any
from surrogate_training.study.sampling import draw, run_sampling
from surrogate_training.study.sampling_config import Course, Measured, SamplingConfig
from tests.training.studies import ROOT
from tests.training.test_study_subsets import BASE

SPACE = Discs(sources=(1, 3), radius=(2.0, 2.0), diffusion_length=(5.0, 5.0))
SHAPE = (32, 32)


def small(**changes: Any) -> SamplingConfig:
    data = {**BASE["data"], "samples": 32, "distribution": SPACE.model_dump()}
    base = {**BASE, "data": data, "optimiser": {**BASE["optimiser"], "steps": 8}}
    return SamplingConfig.model_validate({"base": base, "rounds": 2, "seeds": (0,), "test_samples": 4} | changes)


def drawn(config: SamplingConfig, strategy: Any, at: int, seed: int = 0) -> list[Scene]:
    torch.manual_seed(0)
    network = StudyNetwork(PaperNetwork(2, depth=2).eval())
    return draw(config, strategy, seed, at, UnitCube(SPACE, SHAPE), network)


def test_every_strategy_adds_as_many_new_samples_in_each_round() -> None:
    config = small()
    for strategy in config.strategies:
        rounds = [drawn(config, strategy, at) for at in range(2)]
        assert [len(scenes) for scenes in rounds] == [16, 16]
        assert len({scene for scenes in rounds for scene in scenes}) > 28
        assert drawn(config, strategy, 0) == rounds[0]
        assert drawn(config, strategy, 0, seed=1) != rounds[0]


def test_a_sobol_sequence_is_spread_more_evenly_than_chance() -> None:
    data = small().base.data.model_copy(update={"samples": 256})
    config = small(base=small().base.model_copy(update={"data": data}))

    def uneven(strategy: str) -> float:
        """The discrepancy of the first disc's centre."""
        scenes = [scene for at in range(2) for scene in drawn(config, strategy, at)]
        places = np.array([[(at - 2 + 0.5) / 28 for at in scene.discs[0][:2]] for scene in scenes])
        return float(qmc.discrepancy(places))

    assert uneven("sobol") < 0.5 * uneven("uniform")


def test_half_of_the_later_samples_lie_around_those_that_the_network_answers_worst() -> None:
    config = small(moved=0, changed=0.0)
    scenes = drawn(config, "errors", 1)
    fresh, around = scenes[:8], scenes[8:]

    def image(scene: Scene) -> tuple[tuple[float, ...], ...]:
        """What mirrors do not change."""
        return tuple((min(row, 31 - row), min(column, 31 - column), value) for row, column, _, value in scene.discs)

    parents = {image(scene) for scene in around}
    assert len(parents) == 2  # an eighth of the round's 16
    assert parents <= {image(scene) for scene in fresh}
    assert drawn(config, "errors", 0) == drawn(config, "uniform", 0)


def test_a_training_that_was_killed_goes_on_as_it_would_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = small().base.model_copy(update={"checkpoint_seconds": 0.0})
    config = small(base=base, strategies=("errors",))
    whole = run_sampling(config, tmp_path / "whole")
    assert [at.samples for at in whole[0].rounds] == [16, 32]
    step, steps = Trainer.step, 0

    def killed(trainer: Trainer, *given: Any) -> float:
        nonlocal steps
        steps += 1
        if steps == 7:  # in the middle of the second round
            raise KeyboardInterrupt
        return step(trainer, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", killed)
        with pytest.raises(KeyboardInterrupt):
            run_sampling(config, tmp_path / "killed")
    assert run_sampling(config, tmp_path / "killed") == whole
    for name in ("table.md", "results.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert (tmp_path / "whole" / "sampling.png").is_file()


def test_samples_made_anew_teach_as_those_in_memory(tmp_path: Path) -> None:
    kept = small(strategies=("sobol",))
    data = kept.base.data.model_copy(update={"remade": True})
    anew = small(strategies=("sobol",), base=kept.base.model_copy(update={"data": data}))
    assert run_sampling(anew, tmp_path / "anew") == run_sampling(kept, tmp_path / "kept")


def test_the_first_to_reach_the_slowest_one_s_error_is_named() -> None:
    def course(strategy: Any, seed: int, errors: list[float]) -> Course:
        return Course(strategy, seed, [Measured(100 * (k + 1), e + seed / 100, 0.5, 0.9) for k, e in enumerate(errors)])

    courses = [course("uniform", seed, [0.5, 0.3, 0.2]) for seed in (0, 1)]
    courses += [course("sobol", seed, [0.4, 0.2, 0.1]) for seed in (0, 1)]
    text = sampling_report.table(small(seeds=(0, 1), strategies=("uniform", "sobol")), courses)
    assert "| at random | 2 | 20.5 ± 0.7 | 50.0 ± 0.0 | 90.0 ± 0.0 | 300 |" in text
    assert "| by a Sobol sequence | 2 | 10.5 ± 0.7 |" in text
    assert (
        "chosen by a Sobol sequence reach a relative L2 error of 20.5 % first, after 200 samples; "
        "at random it takes 300" in text
    )
    assert "10.0 % apart, more than the largest spread over seeds (0.7 %)" in text


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rounds": 3}, "a multiple of rounds, 3"),
        ({"rounds": 8}, "at least 8"),
        ({"strategies": ("sobol", "sobol")}, "once"),
        ({"base": BASE | {"data": {**BASE["data"], "distribution": {"kind": "paper"}}}}, "discs"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        small(**changes)


def test_the_shipped_one_compares_three_strategies_with_three_seeds() -> None:
    config = read_any(ROOT / "training/configs/study-sampling.toml")
    assert isinstance(config, SamplingConfig)
    assert len(config.strategies) == 3
    assert len(config.seeds) >= 3
