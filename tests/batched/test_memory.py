"""Chunks: in order, each problem once, halved where memory gives out, and given up where one problem is too large."""

from __future__ import annotations

import pytest
import torch

from surrogate_plugin.batched import memory


def _runner(holds: int, error: BaseException, tried: list[int]):
    def run(piece: slice) -> list[int]:
        tried.append(piece.stop - piece.start)
        if tried[-1] > holds:
            raise error
        return list(range(piece.start, piece.stop))

    return run


_ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory."),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("CUDA error: out of memory"),  # of the driver, for memory of the host that the device reads
    RuntimeError("Triton Error [CUDA]: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]


@pytest.mark.parametrize("error", _ERRORS)
@pytest.mark.parametrize(("count", "chunk", "holds"), [(1, 8, 8), (10, 4, 9), (100, 64, 5), (7, 7, 1), (33, 100, 32)])
def test_every_problem_is_run_once_and_in_order(count: int, chunk: int, holds: int, error: BaseException) -> None:
    tried: list[int] = []
    pieces = list(memory.in_chunks(count, chunk, _runner(holds, error, tried)))
    assert [number for _, result in pieces for number in result or []] == list(range(count))
    assert all(result == list(range(piece.start, piece.stop)) for piece, result in pieces)
    too_large = [size for size in tried if size > holds]
    assert len(too_large) <= 8
    assert sorted(too_large, reverse=True) == too_large == tried[: len(too_large)]


@pytest.mark.parametrize("error", _ERRORS)
def test_a_problem_that_does_not_fit_alone_is_left_to_others(error: BaseException) -> None:
    pieces = list(memory.in_chunks(5, 4, _runner(0, error, [])))
    assert [(piece.start, piece.stop, result) for piece, result in pieces] == [(i, i + 1, None) for i in range(5)]


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: an illegal memory access"), ValueError("no")])
def test_other_errors_are_not_taken_for_a_lack_of_memory(error: BaseException) -> None:
    with pytest.raises(type(error), match=str(error)):
        list(memory.in_chunks(4, 4, _runner(1, error, [])))


def test_a_chunk_fits_into_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, shape = torch.device("cpu"), (512, 512)
    for free in (10**8, 10**9, 10**10):
        monkeypatch.setattr(memory, "free_bytes", lambda _, free=free: free)
        sizes = [memory.chunk_of(shape, cpu, mapped=m, saturating=s) for m in (False, True) for s in (False, True)]
        assert sizes == sorted(sizes, reverse=True) or sizes[1] >= sizes[3]
        assert all(size == 1 or size * 514 * 514 * 300 < free for size in sizes)
    monkeypatch.setattr(memory, "free_bytes", lambda _: 1)
    assert memory.chunk_of(shape, cpu) == 1
    monkeypatch.setattr(memory, "free_bytes", lambda _: None)
    assert memory.chunk_of(shape, cpu) == 256  # the batch that figures are of is one piece


@pytest.mark.parametrize(("count", "chunk", "tried"), [(257, 256, [129, 128]), (9, 4, [3, 3, 3]), (4, 256, [4])])
def test_pieces_are_about_as_long_as_each_other(count: int, chunk: int, tried: list[int]) -> None:
    sizes: list[int] = []
    assert len(list(memory.in_chunks(count, chunk, _runner(count, ValueError(), sizes)))) == len(tried)
    assert sizes == tried
