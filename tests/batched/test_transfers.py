"""Maps go to a device and come back piece by piece, each to its own place, whoever copies them."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch

from surrogate_plugin import team
from surrogate_plugin.batched import transfers

CPU, SHAPE = torch.device("cpu"), (5, 7)


class Arrival:
    """Stands for an event of CUDA: nothing of a piece may be read before it was waited for."""

    staged: list[torch.Tensor]
    kept: list[torch.Tensor]

    def record(self) -> None:
        self.hidden = Arrival.staged[-1].clone()
        Arrival.staged[-1].fill_(torch.nan)
        self.piece = Arrival.staged[-1]

    def synchronize(self) -> None:
        self.piece.copy_(self.hidden)


@pytest.fixture(params=[1, 4])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, by one thread and by several, two problems a piece."""
    Arrival.staged = []

    def staged(like: torch.Tensor) -> torch.Tensor:
        Arrival.staged.append(torch.full(like.shape, 1, dtype=like.dtype))
        return Arrival.staged[-1]

    monkeypatch.setattr(transfers, "_is_gpu", lambda device: True)
    monkeypatch.setattr(transfers, "_staged", staged)
    monkeypatch.setattr(transfers, "_PIXELS", 2 * SHAPE[0] * SHAPE[1])
    monkeypatch.setattr(team, "thread_count", lambda: request.param)
    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "Event", Arrival)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.usefixtures("pieces")
def test_there_and_back(count: int) -> None:
    rng = np.random.default_rng(count)
    maps = [rng.random(SHAPE) if number % 3 else 0.5 + number for number in range(count)]
    there = transfers.sent_maps(maps, SHAPE, torch.float64, CPU)
    expected = [np.broadcast_to(each, SHAPE) for each in maps]
    np.testing.assert_array_equal(there, np.stack(expected))
    found = transfers.brought(there)
    there.fill_(0.0)
    np.testing.assert_array_equal(np.stack(found), np.stack(expected))
    assert len({id(each.base if each.base is not None else each) for each in found}) == count


@pytest.mark.usefixtures("pieces")
def test_masks_stay_masks() -> None:
    masks = [np.eye(5, 7, k) > 0 for k in range(5)]
    there = transfers.sent_maps(masks, SHAPE, torch.bool, CPU)
    assert there.dtype == torch.bool
    np.testing.assert_array_equal(there, np.stack(masks))


def test_memory_that_cannot_be_pinned_is_none_the_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = torch.empty

    def empty(*given: object, pin_memory: bool = False, **more: object) -> torch.Tensor:
        if pin_memory:
            raise RuntimeError("CUDA error: out of memory")
        return usual(*given, **more)

    monkeypatch.setattr(torch, "empty", empty)
    assert transfers._staged(torch.zeros(2, 3)).shape == (2, 3)
