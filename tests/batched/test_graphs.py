"""A recorded step does what the step does, on whichever tensors it is given; what cannot be recorded is done anyway."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

import surrogate_plugin as sp
from surrogate_plugin.batched import graphs
from surrogate_plugin.batched.iteration import Iteration
from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.network import Prediction, Predictor
from surrogate_plugin.batched.stack import Stack
from surrogate_plugin.surrogate.model import load


class Tape:
    """Stands for a CUDA graph: repeats the work and writes into the tensors of the first time, as a graph does."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, work: Callable[[], None]) -> Callable[[], None]:
        self.recorded += 1
        work()
        holder = next(cell.cell_contents for cell in work.__closure__ if isinstance(cell.cell_contents, list))
        first = holder[0]

        def replay() -> None:
            self.replayed += 1
            work()
            for mine, new in zip(graphs.tensors_of(first), graphs.tensors_of(holder[0]), strict=True):
                mine.copy_(new)

        return replay


def iteration(seed: int, *, saturating: bool = False, count: int = 2) -> Iteration:
    rng = np.random.default_rng(seed)
    uptake = sp.MichaelisMenten(vmax=1.0, km=3.0) if saturating else None
    made = [
        sp.Problem(np.where(rng.random((12, 9)) < 0.1, 38.0, 0.0), decay=rng.random((12, 9)) + 1e-3, uptake=uptake)
        for _ in range(count)
    ]
    stack = Stack.of(made, "cpu")
    return Iteration(stack, Levels(stack.shape, stack.rings, stack.count, "cpu"))


@pytest.mark.parametrize("saturating", [False, True])
def test_replayed_steps_are_the_steps(saturating: bool) -> None:
    tape = Tape()
    recorder = graphs.Recorder(tape)
    for seed in (1, 2):  # the second finds the graphs of the first
        replayed, plain = iteration(seed, saturating=saturating), iteration(seed, saturating=saturating)
        fields = []
        for _ in range(4):
            recorder.run(replayed, "advance")
            plain.advance()
            fields.append((replayed.field, plain.field.clone()))
            assert torch.equal(replayed.estimate, plain.estimate)
        for mine, theirs in fields:  # no later step writes into what an earlier one left
            assert torch.equal(mine[:, 1:-1, 1:-1], theirs[:, 1:-1, 1:-1])
        assert replayed.cycles.tolist() == plain.cycles.tolist()
    assert tape.replayed == 8
    assert tape.recorded < 8


def test_a_replayed_prediction_is_the_prediction() -> None:
    tape, model = Tape(), load(device="cpu")
    recorder, asked = graphs.Recorder(tape), Predictor(model, "cpu")._asked
    answers = []
    for seed in (1, 2, 1):
        replayed, plain = (Prediction(asked, iteration(seed).stack) for _ in range(2))
        recorder.run(replayed, "make")
        plain.make()
        answers.append((replayed.fields, plain.fields))
    for found, expected in answers:  # no later one writes into what an earlier one answered
        torch.testing.assert_close(found, expected, rtol=0.0, atol=0.0)
    assert (tape.recorded, tape.replayed) == (1, 3)


def test_another_shape_is_another_graph_and_few_are_kept() -> None:
    tape = Tape()
    recorder = graphs.Recorder(tape)
    for count in range(1, 12):
        recorder.run(iteration(3, count=count), "advance")
    assert tape.recorded == 11
    assert len(recorder._recorded) == 8


def test_a_step_that_cannot_be_recorded_is_made_all_the_same() -> None:
    tried = []

    def refused(work: Callable[[], None]) -> Callable[[], None]:
        tried.append(work)
        raise RuntimeError("operation not permitted when stream is capturing")

    recorder, one, other = graphs.Recorder(refused), iteration(4), iteration(4)
    for _ in range(3):
        recorder.run(one, "advance")
        other.advance()
    assert torch.equal(one.field, other.field)
    assert len(tried) < 3


def test_a_recording_that_fails_leaves_the_stream_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch goes back from the stream that it records on only where recording ends well."""
    current = ["default"]

    class Stream:
        def wait_stream(self, other: Stream) -> None:
            pass

    @contextlib.contextmanager
    def recording(graph: object, **options: str) -> Iterator[None]:
        current[0] = "recording"
        yield
        current[0] = "default"

    usual = Stream()
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: usual)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "set_stream", lambda stream: current.__setitem__(0, "default"))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "graph", recording)
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        graphs.capture(work)
    assert current == ["default"]


def test_nothing_is_recorded_on_a_cpu_or_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs.Recorder, "run", lambda *given: pytest.fail("a graph was asked for"))
    for value in ("0", "1"):
        monkeypatch.setenv("SURROGATE_PLUGIN_GRAPHS", value)
        step = iteration(5)
        graphs.advance(step)
        assert step.cycles.tolist() == [1, 1]
