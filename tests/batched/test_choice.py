"""Kernels are taken where they run; where they do not, torch computes, and a warning says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from surrogate_plugin.batched import choice
from tests.batched.random_levels import DEVICE


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    choice._usable.cache_clear()
    yield
    choice._usable.cache_clear()


@pytest.mark.usefixtures("interpreter")
def test_a_first_small_kernel_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choice._usable(torch.device(DEVICE))


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize(
    "error", [RuntimeError("Failed to find C compiler.\nPlease specify"), ImportError("no driver")]
)
def test_where_none_runs_torch_computes(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    from surrogate_plugin.batched import trial

    def fails(device: torch.device) -> None:
        raise error

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(trial, "check", fails)
    said = str(error).splitlines()[0]
    with pytest.warns(UserWarning, match=f"torch computes, which is slower: {type(error).__name__}: {said}"):
        assert not choice._usable(torch.device(DEVICE))
    assert not choice._usable(torch.device(DEVICE))  # and is not asked again
