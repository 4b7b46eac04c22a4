"""The recorder: what is read back is what was posed, whatever was killed, and the host's run stands above it."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import shutil
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyphysicell as pc
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach
from surrogate_plugin.gallery import nasty_problems, random_problem
from surrogate_plugin.recorder import Recorder, RecordingWarning
from surrogate_plugin.recording import Header, Recording, RecordingError
from surrogate_plugin.solution import Flag, Reason

SHAPE = (9, 13)


def record(step: int, *, bound: float = 0.25, flags: tuple[Flag, ...] = ()) -> sp.StepRecord:
    return sp.StepRecord(step, "surrogate" if step % 2 else "multigrid", bound, flags=flags)


def problems(count: int, shape: tuple[int, int] = SHAPE, seed: int = 0) -> list[sp.Problem]:
    return [
        random_problem(
            np.random.default_rng([seed, index]),
            shape=shape,
            variable_decay=bool(index % 2),
            michaelis_menten=index % 3 == 0,
            variable_diffusivity=index % 4 == 3,
        )
        for index in range(count)
    ]


def assert_same(found: sp.Problem, posed: sp.Problem) -> None:
    assert found.fingerprint == posed.fingerprint
    assert found.boundary == posed.boundary
    assert np.array_equal(found.source, posed.source)
    assert np.array_equal(found.production, posed.production)
    assert isinstance(found.production, float) == isinstance(posed.production, float)


def assert_holds(path: Path, posed: list[sp.Problem]) -> None:
    recording = Recording(path)
    assert len(recording) == len(posed)
    for index, problem in enumerate(posed):
        assert_same(recording.problem(index), problem)


def recorded(path: Path, posed: list[sp.Problem]) -> Path:
    recorder = Recorder(path)
    for step, problem in enumerate(posed):
        recorder.append(problem, record(step))
    return path


def test_every_kind_of_problem_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    by_shape: dict[tuple[int, int], list[sp.Problem]] = {}
    for problem in nasty_problems(seed=3, count=48, max_side=24, variable_diffusivity=True):
        by_shape.setdefault(problem.shape, []).append(problem)
    every = [problem for same in by_shape.values() for problem in same]
    kinds = {side.kind for problem in every for side in problem.boundary.sides}
    assert kinds == {"value", "reflecting", "periodic"}
    assert {type(problem.decay) for problem in every} == {float, np.ndarray}
    assert {type(problem.production) for problem in every} == {float, np.ndarray}
    assert {type(problem.diffusivity) for problem in every} == {float, np.ndarray}
    assert any(problem.uptake for problem in every)
    for shape, same in by_shape.items():
        path = recorded(tmp_path / f"{shape}.zarr", same)
        assert Recording(path).shape == shape
        assert_holds(path, same)


@given(st.floats(1e-90, 1e90), st.floats(0, math.inf), st.integers(0, 2**62))
def test_numbers_survive_their_header(decay: float, bound: float, step: int) -> None:
    side = sp.Problem(np.eye(8)).boundary.left
    numbers = {"diffusivity": None, "decay": decay, "production": 1 / decay, "vmax": 0.1 * decay, "km": None}
    numbers |= {"largest_imposed": 1.1 * decay, "largest_production": 0.7 / decay}
    rest = {"method": "x", "flags": (), "sides": (side,) * 4, "digest": "", "free_pixels": 3}
    header = Header(step=step, bound=bound, spacing=decay, **rest, **numbers)
    assert Header.model_validate_json(header.model_dump_json()) == header


def test_what_became_of_each_step_is_kept(tmp_path: Path) -> None:
    flags = (Flag(Reason.OUTSIDE_CARD, 'too "long", by 3 µm'), Flag(Reason.NOT_CERTIFIED, "no " * 900))
    recorder = Recorder(tmp_path / "run.zarr")
    for step, (problem, found) in enumerate(zip(problems(3), ((), flags, ()), strict=True)):
        recorder.append(problem, record(4 * step, bound=(0.1, math.inf, 0.3)[step], flags=found))
    recording = Recording(tmp_path / "run.zarr")
    assert recording.steps.tolist() == [0, 4, 8]
    assert recording.methods == ("multigrid",) * 3
    assert recording.bounds.tolist() == [0.1, math.inf, 0.3]
    assert recording.flags == ((), flags, ())
    with pytest.raises(IndexError):
        recording.problem(3)
    assert_same(recording.problem(-1), problems(3)[-1])


class Killed(BaseException):
    """What no handler of ours or zarr's catches."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """``[n]``: the n-th file to be put in place is the last thing that is not done; infinite: none."""
    left = [math.inf]
    replace = Path.replace

    def put(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", put)
    return left


def test_a_kill_at_any_write_leaves_every_completed_step_and_the_run_goes_on(tmp_path: Path, kill: list[float]) -> None:
    posed = problems(5)
    writes, complete = 0, False
    while not complete:
        path = tmp_path / f"{writes}.zarr"
        recorder = Recorder(path)
        recorder.append(posed[0], record(0))
        kill[0] = writes
        try:
            recorder.append(posed[1], record(1))
            recorder.append(posed[2], record(2))
            complete = True
        except Killed:
            pass
        kill[0] = math.inf
        done = len(Recording(path))
        assert 1 <= done <= 3
        assert_holds(path, posed[:done])
        again = Recorder(path)
        again.open(SHAPE)
        assert len(again) == done
        assert not list(path.rglob("*.partial"))
        assert {part.shape[0] for _, part in zarr.open_group(path, mode="r").arrays()} == {done}
        for step in range(done, len(posed)):
            again.append(posed[step], record(step))
        assert_holds(path, posed)
        writes += 1
    assert writes > 15


def test_a_kill_while_the_store_is_made_leaves_a_path_that_can_be_taken(tmp_path: Path, kill: list[float]) -> None:
    for writes in range(8):
        kill[0] = writes
        with pytest.raises(Killed):
            Recorder(tmp_path / f"{writes}.zarr").open(SHAPE)
        assert not (tmp_path / f"{writes}.zarr").exists()
    kill[0] = math.inf
    path = tmp_path / "run.zarr"
    zarr.create_group(tmp_path / "run.zarr.partial", attributes={"steps": 7})
    assert_holds(recorded(path, problems(2)), problems(2))


def test_a_second_run_appends(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", problems(3))
    recorded(path, problems(2, seed=7))
    assert_holds(path, problems(3) + problems(2, seed=7))
    assert Recording(path).steps.tolist() == [0, 1, 2, 0, 1]


def test_an_array_that_lost_a_chunk_is_told_from_one_of_zeros(tmp_path: Path) -> None:
    source = np.zeros(SHAPE)
    source[3, 4] = 1.0
    posed = [sp.Problem(source, decay=np.full(SHAPE, 0.1), production=np.zeros(SHAPE)) for _ in range(3)]
    path = recorded(tmp_path / "run.zarr", posed)
    assert_holds(path, posed)
    shutil.rmtree(path / "source" / "c" / "0")
    shutil.rmtree(path / "fixed" / "c" / "1")
    recording = Recording(path)
    with pytest.raises(RecordingError, match=r"step 0 of .* is damaged: source is NaN"):
        recording.problem(0)
    with pytest.raises(RecordingError, match=r"step 1 of .* is damaged: its maps are not those"):
        recording.problem(1)
    other = zarr.open_group(path, mode="r+")["decay"]
    other[2] = 0.2
    with pytest.raises(RecordingError, match=r"step 2 of .* is damaged: its maps are not those"):
        recording.problem(2)
    zarr.open_group(path, mode="r+")["source"][2, 5, 5] = 0.5  # which no operator feels
    other[2] = 0.1
    with pytest.raises(RecordingError, match=r"step 2 of .* is damaged: its maps are not those"):
        recording.problem(2)
    shutil.rmtree(path / "header" / "c" / "1")
    with pytest.raises(RecordingError, match=r"the header of step 1"):
        Recording(path)


def foreign(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("notes")
    elif kind == "folder":
        path.mkdir()
        (path / "notes.txt").write_text("notes")
    elif kind == "group":
        zarr.create_group(path, attributes={"steps": 3})
    elif kind == "array":
        zarr.create_array(path, shape=(3,), dtype="float64")
    else:
        recorded(path, problems(2))
        store = zarr.open_group(path, mode="r+")
        if kind == "later":
            store.attrs["version"] = 99
        elif kind == "short":
            store["decay"].resize((1, *SHAPE))
        elif kind == "lost":
            shutil.rmtree(path / "vmax")
        elif kind == "broken":
            (path / "zarr.json").write_text("{")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("file", "something other than a recording"),
        ("folder", "something other than a recording"),
        ("group", "something other than a recording"),
        ("array", "something other than a recording"),
        ("lost", "something other than a recording"),
        ("broken", "something other than a recording"),
        ("later", "has layout 99 of a recording, this package knows 1"),
        ("short", "is damaged"),
    ],
)
def test_what_is_no_recording_is_refused_and_left_alone(tmp_path: Path, kind: str, says: str) -> None:
    path = tmp_path / "run.zarr"
    foreign(path, kind)
    before = sorted((file, file.stat().st_mtime_ns) for file in tmp_path.rglob("*") if file.is_file())
    for attempt in (lambda: Recorder(path).open(SHAPE), lambda: Recording(path)):
        with pytest.raises(RecordingError, match=says) as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert sorted((file, file.stat().st_mtime_ns) for file in tmp_path.rglob("*") if file.is_file()) == before


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no recording at"):
        Recording(tmp_path / "none.zarr")
    assert not (tmp_path / "none.zarr").exists()


def test_another_lattice_is_refused_before_the_run_starts(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", problems(1))
    with pytest.raises(RecordingError, match="records a lattice of 9 x 13, this one is 16 x 24"):
        sp.Backend(config(), recorder=Recorder(path))
    assert_holds(path, problems(1))


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_every_is_a_whole_number_of_at_least_one(every: object) -> None:
    with pytest.raises(ValueError, match=r"every is .*; a whole number of at least 1"):
        Recorder("run.zarr", every=every)


def config(**changed) -> sp.BackendConfig:
    given = {
        "domain": sp.Domain(origin_um=(0.0, 0.0), size_um=(480.0, 320.0), shape=(16, 24)),
        "diffusivity_um2_per_min": 1e5,
        "decay_per_min": 0.1,
        "tolerance": 0.38,
        "method": "exact",
        "boundary": {"left": 20.0, "top": "reflecting"},
    }
    return sp.BackendConfig(**{**given, **changed})


def tissue(seed: int) -> sp.TissueState:
    rng = np.random.default_rng(seed)
    return sp.TissueState(
        sp.Cells(rng.uniform(20, 300, (30, 2)), radius_um=8.0, uptake_per_min=10.0),
        sp.Vessels(rng.uniform(20, 300, (2, 2)), radius_um=15.0, value=38.0),
    )


@pytest.mark.parametrize("km", [None, 2.0])
def test_a_backend_records_what_it_solves_and_nothing_it_holds(tmp_path: Path, km: float | None) -> None:
    backend = sp.Backend(config(michaelis_km=km), recorder=sp.Recorder(tmp_path / "run.zarr"))
    for seed in (1, 1, 2, 2, 3):
        backend.step(tissue(seed))
    assert_holds(tmp_path / "run.zarr", [backend.problem(tissue(seed)) for seed in (1, 2, 3)])
    recording = sp.Recording(tmp_path / "run.zarr")
    solved = [record for record in backend.records if record.method != "held"]
    assert recording.steps.tolist() == [record.step for record in solved] == [0, 2, 4]
    assert recording.methods == tuple(record.method for record in solved)
    assert recording.bounds.tolist() == [record.bound for record in solved]
    assert recording.flags == tuple(record.flags for record in solved)


def test_only_every_so_many_steps_are_recorded(tmp_path: Path) -> None:
    backend = sp.Backend(config(), recorder=Recorder(tmp_path / "run.zarr", every=3))
    for seed in range(8):
        backend.step(tissue(seed))
    assert Recording(tmp_path / "run.zarr").steps.tolist() == [0, 3, 6]


def test_a_full_disc_costs_the_recording_a_step_and_the_host_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.zarr"
    backend, alone = sp.Backend(config(), recorder=Recorder(path)), sp.Backend(config())
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    for seed in range(6):
        monkeypatch.setattr(Path, "replace", full if seed in (1, 2, 4) else replace)
        if seed == 1:
            with pytest.warns(RecordingWarning, match=r"step 1 was not recorded in .*No space left on device"):
                result = backend.step(tissue(seed))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                result = backend.step(tissue(seed))
        assert np.array_equal(result.field, alone.step(tissue(seed)).field)
    monkeypatch.undo()
    assert [record.step for record in backend.records] == list(range(6))
    assert backend.step(tissue(5)).record.method == "held"
    assert_holds(path, [backend.problem(tissue(seed)) for seed in (0, 3, 5)])
    assert Recording(path).steps.tolist() == [0, 3, 5]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda backend: pickle.loads(pickle.dumps(backend))])
def test_a_copy_records_nothing_and_the_original_goes_on(tmp_path: Path, duplicate) -> None:
    backend = sp.Backend(config(), recorder=Recorder(tmp_path / "run.zarr"))
    backend.step(tissue(1))
    twin = duplicate(backend)
    assert twin.recorder is None
    twin.step(tissue(2))
    backend.step(tissue(3))
    assert Recording(tmp_path / "run.zarr").steps.tolist() == [0, 1]
    assert len(backend.records) == len(twin.records) == 2


def test_memory_does_not_grow_with_the_number_of_steps(tmp_path: Path) -> None:
    posed = problems(4, shape=(64, 64))
    recorder = Recorder(tmp_path / "run.zarr")

    def run(count: int) -> int:
        for step in range(count):
            recorder.append(posed[step % 4], record(step))
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        early = run(12)
        late = run(40)
    finally:
        tracemalloc.stop()
    assert late - early < 0.1 * 40 * 2 * posed[0].source.nbytes


def tumour(*substrates: str) -> pc.Simulation:
    """Cells that take up each of the substrates, on a lattice of 12 x 20 whose left face feeds them."""
    model = pc.Model(
        domain=pc.Domain(x_min=0.0, x_max=400.0, y_min=0.0, y_max=240.0),
        substrates=[pc.Substrate(name, 1e5, 0.1, dirichlet_faces={"xmin": (True, 38.0)}) for name in substrates],
        cell_types=[pc.CellType("cell", secretion={name: pc.SecretionEntry(uptake_rate=10.0) for name in substrates})],
    )
    sim = pc.Simulation(model, seed=0)
    place = np.random.default_rng(0).uniform((100.0, 40.0), (300.0, 200.0), (40, 2))
    sim.add_cells(np.column_stack([place, np.zeros(40)]), "cell")
    return sim


def test_a_host_run_is_recorded_as_it_was_posed_through_changed_coefficients(tmp_path: Path) -> None:
    sim, posed = tumour("oxygen"), []
    with attach(sim, substrates=["oxygen"], tolerance=0.38, record=tmp_path / "run.zarr") as link:
        for step in range(3):
            if step == 2:
                sim.microenvironment._lambda[0] = 0.5
            sim.cells.uptake_rate[: sim.cells.n, 0] = 10.0 + step
            posed.append(link.problem("oxygen") if step < 2 else None)
            sim.microenvironment.step(0.01)
        posed[2] = link.problem("oxygen")
        history = list(link.history)
    assert [entry.reason for entry in history] == ["first", "rates", "coefficients"]
    assert_holds(tmp_path / "run.zarr", posed)
    recording = Recording(tmp_path / "run.zarr")
    assert recording.shape == (12, 20)
    assert recording.steps.tolist() == [entry.record.step for entry in history]
    assert recording.methods == tuple(entry.method for entry in history)


def test_each_substrate_has_a_store_of_its_own_and_a_branch_writes_none(tmp_path: Path) -> None:
    sim = tumour("oxygen", "glucose")
    with attach(sim, tolerance=0.38, record=tmp_path / "run") as link:
        sim.microenvironment.step(0.01)
        branch = copy.deepcopy(sim)
        branch.cells.uptake_rate[: branch.cells.n] = 1.0
        branch.microenvironment.step(0.01)
        assert len(branch.microenvironment.step.__self__.history) > len(link.history)
        for name in ("oxygen", "glucose"):
            assert_holds(tmp_path / "run" / name, [link.problem(name)])


def test_a_recording_of_another_lattice_is_refused_and_the_host_left_alone(tmp_path: Path) -> None:
    path = recorded(tmp_path / "run.zarr", problems(1))
    sim = tumour("oxygen")
    with pytest.raises(RecordingError, match="records a lattice of 9 x 13, this one is 12 x 20"):
        attach(sim, record=path)
    assert "step" not in vars(sim.microenvironment)
