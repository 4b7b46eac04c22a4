"""The study of edge cases: the worst problems are found, kept, guarded and learnt from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import surrogate_plugin as sp
from surrogate_plugin.errors import MissingExtraError
from surrogate_plugin.surrogate.networks import PaperNetwork
from surrogate_training.problems.discs import Discs, Listed, Scene, UnitCube, read_scenes
from surrogate_training.study import edge_cases, edge_cases_plot, edge_cases_table
from surrogate_training.study.edge_cases import judging, run_edge_cases
from surrogate_training.study.edge_cases_config import EdgeCasesConfig, Guarded, Searched
from surrogate_training.study.held_fields import StudyNetwork
from surrogate_training.study.kinds import read_any
from surrogate_training.study.search import evolution_round, random_round
from surrogate_training.study.through_the_guard import through_the_guard
from tests.training import studies
from tests.training.studies import ROOT
from tests.training.test_study_subsets import BASE

unplotted = studies.unplotted
SPACE = Discs(sources=(1, 3), radius=(2.0, 2.0), diffusion_length=(5.0, 5.0))
SHAPE = (32, 32)


def small(**changes: Any) -> EdgeCasesConfig:
    base = {**BASE, "data": {**BASE["data"], "samples": None, "distribution": SPACE.model_dump()}}
    given = {"base": base, "sizes": (4, 8), "seeds": (0,), "rounds": 1, "evaluations": 30, "population": 10}
    return EdgeCasesConfig.model_validate({**given, "kept": 3, "test_samples": 4} | changes)


def towards_a_corner(scenes: Sequence[Scene]) -> np.ndarray:
    """An error that is largest where a lone disc is at the lowest row and column."""
    return np.array([1.0 / (len(s.discs) + s.discs[0][0] + s.discs[0][1]) for s in scenes])


def test_evolution_finds_what_chance_does_not() -> None:
    cube = UnitCube(SPACE, SHAPE)
    chance = random_round(towards_a_corner, cube, 200, 20, 4, (0, 0))
    evolved = evolution_round(towards_a_corner, cube, 600, 20, 4, (0, 1), chance.start)
    best = 1.0 / (1 + 2 + 2)
    assert chance.errors[0] < evolved.errors[0] == pytest.approx(best)
    assert evolved.scenes[0].discs[0][:2] == (2.0, 2.0)


@pytest.mark.parametrize("search", ["chance", "evolution"])
def test_a_round_keeps_its_worst_scenes_once_and_the_course_to_them(search: str) -> None:
    judged: list[float] = []

    def judge(scenes: Sequence[Scene]) -> np.ndarray:
        errors = towards_a_corner(scenes)
        judged.extend(errors)
        return errors

    cube, start = UnitCube(SPACE, SHAPE), [0.5] * UnitCube(SPACE, SHAPE).dimensions

    def again() -> Any:
        if search == "chance":
            return random_round(judge, cube, 250, 20, 5, (3,))
        return evolution_round(judge, cube, 250, 20, 5, (3,), start)

    found = again()
    assert found.evaluations == len(judged) == 250
    assert found.course == [max(judged[:100]), max(judged[:200]), max(judged)]
    assert found.errors == sorted(found.errors, reverse=True)
    assert found.errors[0] == max(judged)
    assert len(set(found.scenes)) == len(found.scenes) == 5
    assert list(towards_a_corner(found.scenes)) == found.errors
    assert towards_a_corner([cube.scene(np.array(found.start))])[0] == found.errors[0]
    assert again() == found


def test_a_scene_s_error_is_that_of_an_independent_solve() -> None:
    subject = StudyNetwork(PaperNetwork(2, depth=2).eval())
    scenes = [SPACE.scene(np.random.default_rng(seed), SHAPE) for seed in range(5)]
    errors = judging(subject, SHAPE, 1e-6)(scenes)
    for scene, error in zip(scenes, errors, strict=True):
        problem = scene.problem(SHAPE)
        exact = sp.solve(problem, method="sparse-direct").field
        assert error == pytest.approx(np.abs(subject.predict(problem) - exact).max(), abs=2e-6)


def test_the_guard_lets_nothing_over_the_tolerance_pass() -> None:
    problems = [SPACE.sample(np.random.default_rng(seed), SHAPE) for seed in range(12)]
    useless = StudyNetwork(PaperNetwork(2, depth=2).eval())
    found = through_the_guard(useless, problems, 0.01)
    assert (found.problems, found.over, found.raw_within) == (12, 0, 0)
    assert found.certified + found.caught == 12
    assert found.largest_error <= found.largest_bound <= 0.01
    assert sum(found.cycles.values()) == found.certified
    assert min(found.cycles) >= 1  # a field that is far off is not certified as it comes


@pytest.mark.usefixtures("unplotted")
def test_a_study_killed_in_a_search_gives_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_cases_plot, "draw", lambda *given: None)
    config = small()
    told: list[float] = []
    whole = run_edge_cases(config, tmp_path / "whole", lambda done, text: told.append(done))
    assert [result.network for result in whole] == ["4", "8", "8 taught"]
    assert told == sorted(told)
    assert all(result.evaluations == 60 for result in whole)
    evolve = edge_cases.evolution_round

    def killed(*given: Any) -> Any:
        if (tmp_path / "killed" / "8-seed-0").is_dir():
            raise KeyboardInterrupt
        return evolve(*given)

    with monkeypatch.context() as patch:
        patch.setattr(edge_cases, "evolution_round", killed)
        with pytest.raises(KeyboardInterrupt):
            run_edge_cases(config, tmp_path / "killed")
    assert run_edge_cases(config, tmp_path / "killed") == whole
    assert (tmp_path / "killed" / "table.md").read_bytes() == (tmp_path / "whole" / "table.md").read_bytes()
    # The worst cases become what the last training learns from.
    worst = tmp_path / "whole" / "8-seed-0" / "worst.json"
    kept = [scene for each in (*whole[1].random, *whole[1].evolution) for scene in each.scenes]
    assert read_scenes(worst) == kept
    taught = config.trained_on(8, 0, Listed(file=worst)).data.distribution
    assert [part.weight for part in taught.parts] == [0.75, 0.25]  # type: ignore[union-attr]
    assert whole[2].worst_again is not None
    assert whole[1].worst_again is None


def test_a_missing_package_is_told_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(MissingExtraError, match=r"needs cma, which `pip install 'surrogate-plugin\[study\]'` brings"):
        run_edge_cases(small(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def made_up(network: str, seed: int | None, test: float, largest: float, again: float | None = None) -> Searched:
    guarded = Guarded(10, 8, 2, 0, 0.004, 0.009, 1, {1: 2, 2: 6})
    cube = UnitCube(SPACE, SHAPE)
    found = random_round(towards_a_corner, cube, 100, 50, 2, (0,))
    found = replace(found, errors=[largest, largest / 2], course=[largest])
    return Searched(network, seed, test, 2 * test, [found], [found], guarded, guarded, again)


def test_the_table_says_what_was_found_and_what_the_guard_did(tmp_path: Path) -> None:
    config = small(seeds=(0, 1), models=("default",))
    results = [made_up("default", None, 0.02, 0.2)]
    for seed in (0, 1):
        results += [
            made_up("4", seed, 0.4, 0.9),
            made_up("8", seed, 0.2, 0.8),
            made_up("8 taught", seed, 0.2, 0.7, 0.3),
        ]
    text = edge_cases_table.table(config, results)
    assert "| 4 samples | 2 | 40.0 ± 0.0 | 80.0 ± 0.0 | 90.0 ± 0.0 | 90.0 ± 0.0 |" in text
    assert "| default (model) | 10 | 1 | 8 | 2 | 0 | 0.40 % | 1.75 | 1.75 |" in text
    assert "falls 2.00 times, the largest error that is found 1.12 times" in text
    assert "leaves on them 30 % on average, where they had 60 %; another search finds 70 %" in text
    assert "default model has edge cases too: 20 % at the worst" in text
    assert "56 of all 70 worst problems are certified" in text
    assert "14 are caught and solved exactly, and 0 are over the tolerance" in text
    for result in results:
        (tmp_path / result.folder).mkdir()
        image = np.random.default_rng(0).random(SHAPE)
        np.savez(tmp_path / result.folder / "worst.npz", source=image, exact=image, network=image + 0.1)
    edge_cases_plot.draw(config, results, tmp_path)
    assert (tmp_path / "edge-cases.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sizes": ()}, "sizes"),
        ({"sizes": (4, 4)}, "once"),
        ({"evaluations": 5}, "population"),
        ({"base": BASE | {"optimiser": {}}}, "steps"),
        ({"base": BASE | {"data": {**BASE["data"], "distribution": {"kind": "paper"}}}}, "discs"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        small(**changes)


def test_the_shipped_one_tries_twenty_thousand_problems_for_each_of_three_sizes() -> None:
    config = read_any(ROOT / "training/configs/study-edge-cases.toml")
    assert isinstance(config, EdgeCasesConfig)
    assert len(config.sizes) >= 3
    assert len(config.seeds) >= 3
    assert config.rounds * config.evaluations >= 20_000
