"""Threads that the environment does not decide on, so that a run has the same bits wherever it is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fixed_threads(count: int = 1) -> Iterator[None]:
    """``count`` threads for torch and one for the compiled kernels, whatever OMP_NUM_THREADS and its like say.

    Sums that threads share are added up in another order by another number of them, which a training carries on from
    its first step to its last. The count of torch's threads belongs to a run, and stands in its card; that of numba's
    has no setting, as samples come from worker processes and a batch's sweeps are short.

    Examples
    --------
    >>> import numba, torch
    >>> with fixed_threads(1):
    ...     torch.get_num_threads(), numba.get_num_threads()
    (1, 1)
    """
    import numba
    import torch

    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(count)
    numba.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])
