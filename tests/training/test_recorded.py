"""Recorded states as training data: exact images, honest windows, and nothing held out is ever trained on."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

import surrogate_plugin as sp
from surrogate_plugin.equation.codec import digest
from surrogate_plugin.gallery import nasty_problems, tumour_and_vessels
from surrogate_training.problems.distributions import Vessels
from surrogate_training.problems.recordings import Recorded
from surrogate_training.problems.symmetry import Symmetry

SYMMETRIES = [Symmetry(*choice) for choice in itertools.product((False, True), repeat=3)]
SHAPE = (18, 30)


def record(path: Path, problems: Sequence[sp.Problem]) -> Path:
    recorder = sp.Recorder(path)
    for step, problem in enumerate(problems):
        recorder.append(problem, sp.StepRecord(step, "multigrid", 0.1))
    return path


def tissue(step: int, **changed) -> sp.Problem:
    """The problem of a step: vessels that differ from step to step, two unlike sides and two that wrap around."""
    problem = tumour_and_vessels(
        np.random.default_rng(step), SHAPE, vessels=4, boundary={"left": 0.7, "bottom": "periodic", "top": "periodic"},
        michaelis_menten=step % 2 == 0, scale=38.0, diffusion_length=9.0,
    )  # fmt: skip
    return problem.replace(**{"production": 0.0, **changed})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("run") / "run.zarr", [tissue(step) for step in range(40)])


@pytest.mark.parametrize("symmetry", SYMMETRIES, ids=str)
def test_the_image_of_a_problem_has_the_image_of_its_field(symmetry: Symmetry) -> None:
    for problem in nasty_problems(seed=5, count=12, max_side=17, variable_diffusivity=True):
        field = sp.solve(problem, method="sparse-direct").field
        image = sp.solve(symmetry.problem(problem), method="sparse-direct").field
        scale = max(float(field.max()), 1e-300)
        assert np.abs(image - symmetry.array(field)).max() <= 1e-8 * scale


def test_the_eight_images_differ() -> None:
    lopsided = np.arange(6.0).reshape(2, 3)
    assert (
        len({symmetry.array(lopsided).tobytes() + bytes(symmetry.array(lopsided).shape) for symmetry in SYMMETRIES})
        == 8
    )


def test_training_and_held_out_steps_are_two_blocks_with_a_gap(run: Path) -> None:
    recorded = Recorded(path=run)
    assert recorded.training_steps == list(range(30))
    assert recorded.held_out_steps == list(range(32, 40))
    found = [digest(problem.parts) for problem in recorded.held_out()]
    assert found == [digest(tissue(step).parts) for step in range(32, 40)]
    assert [digest(problem.parts) for problem in recorded.held_out(most=3)] == [found[0], found[4], found[7]]


def test_samples_are_the_training_steps_each_of_them_and_no_other(run: Path) -> None:
    recorded = Recorded(path=run, vary=0.0, symmetries=False)
    drawn = {digest(recorded.sample(np.random.default_rng(seed), (512, 512)).parts) for seed in range(250)}
    assert drawn == {digest(tissue(step).parts) for step in range(30)}


def test_a_run_that_was_repeated_shares_no_step_with_those_held_out(tmp_path: Path) -> None:
    problems = [tissue(step) for step in range(10)]
    recorded = Recorded(path=record(tmp_path / "run.zarr", problems + problems), gap_share=0.0)
    held = {digest(problem.parts) for problem in recorded.held_out()}
    assert held == {digest(problem.parts) for problem in problems[6:]}
    assert recorded.training_steps == [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]


@given(st.integers(0, 2**32 - 1), st.tuples(st.integers(8, 40), st.integers(8, 40)))
def test_all_samples_of_one_shape_fit_into_one_batch_and_the_seed_names_each(run, seed, shape) -> None:
    recorded = Recorded(path=run)
    problem = recorded.sample(np.random.default_rng(seed), shape)
    assert problem.shape == (min(shape[0], SHAPE[0]), min(shape[1], SHAPE[1]))
    assert problem.largest_imposed > 0
    again = pickle.loads(pickle.dumps(recorded)).sample(np.random.default_rng(seed), shape)
    assert digest(again.parts) == digest(problem.parts)


def test_a_window_is_a_part_of_a_step_and_reflects_where_it_was_cut(run: Path) -> None:
    recorded = Recorded(path=run, vary=0.0, symmetries=False)
    seen = set()
    for seed in range(120):
        problem = recorded.sample(np.random.default_rng(seed), (11, 30))
        row, whole = next(
            (row, whole)
            for whole in map(tissue, range(30))
            for row in range(SHAPE[0] - 10)
            if np.array_equal(problem.source, whole.source[row : row + 11])
        )
        seen.add(row)
        assert np.array_equal(problem.fixed, whole.fixed[row : row + 11])
        assert np.array_equal(problem.decay, whole.decay[row : row + 11])
        assert (problem.uptake is None) == (whole.uptake is None)
        if problem.uptake:
            assert np.array_equal(problem.uptake.vmax, whole.uptake.vmax[row : row + 11])
        assert problem.boundary.left == whole.boundary.left
        assert problem.boundary.right == whole.boundary.right
        assert {side.kind for side in (problem.boundary.bottom, problem.boundary.top)} == {"reflecting"}
    assert seen == set(range(8))


def test_a_window_keeps_just_the_sides_it_touches_and_finds_them_where_nothing_else_feeds(tmp_path: Path) -> None:
    sides = {"left": 5.0, "right": 7.0, "bottom": "absorbing", "top": 2.0}
    place = np.arange(1.0, 1 + SHAPE[0] * SHAPE[1]).reshape(SHAPE)  # the decay tells where a window lies
    problems = [sp.Problem(np.zeros(SHAPE), decay=place + 0.1 * step, boundary=sides) for step in range(6)]
    recorded = Recorded(path=record(tmp_path / "run.zarr", problems), symmetries=False, vary=0.0)
    whole, seen = problems[0].boundary, set()
    for seed in range(60):
        problem = recorded.sample(np.random.default_rng(seed), (9, 9))
        row, column = divmod(int(problem.decay[0, 0]) - 1, SHAPE[1])
        touched = {"left": column == 0, "right": column == 21, "bottom": row == 0, "top": row == 9}
        for name, touches in touched.items():
            side = getattr(problem.boundary, name)
            assert side == getattr(whole, name) if touches else side.kind == "reflecting"
        assert problem.largest_imposed > 0
        seen |= {name for name, touches in touched.items() if touches}
    assert seen == set(sides)


def test_decay_and_saturating_uptake_vary_together_within_the_limit(run: Path) -> None:
    recorded, plain = (Recorded(path=run, vary=vary, symmetries=False) for vary in (0.2, 0.0))
    factors = []
    for seed in range(60):
        varied, given_ = (which.sample(np.random.default_rng(seed), SHAPE) for which in (recorded, plain))
        factor = varied.decay / given_.decay
        assert np.ptp(factor) < 1e-12
        if given_.uptake:
            busy = given_.uptake.vmax > 0
            assert np.allclose(varied.uptake.vmax[busy] / given_.uptake.vmax[busy], np.mean(factor))
            assert varied.uptake.km == given_.uptake.km
        factors.append(float(np.log(np.mean(factor))))
    assert max(map(abs, factors)) <= 0.2 + 1e-12
    assert min(factors) < -0.1
    assert max(factors) > 0.1


def useless() -> list[sp.Problem]:
    return [sp.Problem(np.zeros(SHAPE)), sp.Problem(np.ones(SHAPE))]


def test_what_cannot_be_learnt_is_skipped_and_counted(tmp_path: Path) -> None:
    problems = [*useless(), *(tissue(step, production=np.zeros(SHAPE)) for step in range(8)), *useless()]
    recorded = Recorded(path=record(tmp_path / "run.zarr", problems))
    assert recorded.training_steps + recorded.held_out_steps == [2, 3, 4, 5, 6, 8, 9]
    report = recorded.report()
    assert "training 5, held out 2, skipped 2 (nothing imposed or supplied), 2 (no free pixel)" in report


def test_production_maps_and_steps_in_time_teach(tmp_path: Path) -> None:
    """Also where nothing is imposed: windows lie around what feeds the field."""
    made, rng = np.zeros(SHAPE), np.random.default_rng(0)
    made[3, 4] = 1.0
    bare = sp.Problem(np.zeros(SHAPE), decay=0.1, boundary="reflecting")
    problems = [
        bare.replace(production=made), bare.replace(diffusivity=1.0 + made, boundary={"left": sp.Flux(1.0)}),
        bare.implicit_step(rng.uniform(0.0, 1.0, SHAPE), 0.5),
    ] * 4  # fmt: skip
    unlike = [problem.replace(decay=0.1 + step) for step, problem in enumerate(problems)]
    recorded = Recorded(path=record(tmp_path / "run.zarr", unlike))
    assert len(recorded.training_steps) + len(recorded.held_out_steps) >= 11
    for seed in range(8):
        problem = recorded.sample(np.random.default_rng(seed), (6, 6))
        assert problem.shape == (6, 6)
        assert np.any(np.asarray(problem.supply) > 0)
    assert "with supply: 9 of 9" in recorded.report()


@pytest.mark.parametrize("problems", [useless(), [], [tissue(0)], [tissue(0)] * 9])
def test_nothing_to_train_on_is_said_in_one_sentence(tmp_path: Path, problems: list[sp.Problem]) -> None:
    recorder = sp.Recorder(tmp_path / "run.zarr")
    recorder.open(SHAPE)
    recorded = Recorded(path=record(tmp_path / "run.zarr", problems))
    for attempt in (lambda: recorded.sample(np.random.default_rng(0), SHAPE), recorded.held_out, recorded.report):
        with pytest.raises(sp.RecordingError, match=rf"steps of {len(problems)} that the network") as caught:
            attempt()
        assert "\n" not in str(caught.value)


def test_the_report_says_what_is_there(run: Path) -> None:
    recorded = Recorded(path=run)
    assert recorded.lattice() == SHAPE
    extents = recorded.extents(most=None)
    assert len(extents) == 30
    lines = recorded.report().splitlines()
    assert lines[0] == f"{run}: 40 steps of 18 x 30 pixels"
    assert "answered by multigrid 40" in lines
    longest = [extent.longest_length_px for extent in extents]
    assert f"longest diffusion length: {min(longest):.3g} to {max(longest):.3g} px" in lines
    assert "sides: absorbing, periodic, value" in lines


def test_a_configuration_names_it_by_its_kind_and_brings_no_store_along(tmp_path: Path) -> None:
    reader = TypeAdapter(Annotated[Vessels | Recorded, Field(discriminator="kind")])
    recorded = reader.validate_python({"kind": "recorded", "path": str(tmp_path / "none.zarr")})
    assert reader.validate_json(reader.dump_json(recorded)) == recorded == Recorded(path=tmp_path / "none.zarr")
    with pytest.raises(sp.RecordingError, match="there is no recording at"):
        recorded.lattice()
    with pytest.raises(ValidationError, match="held_out_share"):
        Recorded(path=tmp_path, held_out_share=1.0)
    with pytest.raises(ValidationError, match="Extra inputs"):
        Recorded(path=tmp_path, share=0.5)
