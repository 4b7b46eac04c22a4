"""Threads that the environment does not decide on, so that a run has the same bits wherever it is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fixed_threads(count: int = 1) -> Iterator[None]:
    """``count`` threads for torch and one for the compiled kernels, whatever OMP_NUM_THREADS and its like say.

    Sums that torch's threads share are added up in another order by another number of them, which a training carries
    on from its first step to its last: their count belongs to a run, and stands in its card. The kernels' results do
    not depend on theirs; they have one, as samples come from worker processes and a batch's sweeps are short.

    Examples
    --------
    >>> import torch
    >>> from surrogate_plugin.team import thread_count
    >>> with fixed_threads(1):
    ...     torch.get_num_threads(), thread_count()
    (1, 1)
    """
    import torch

    from surrogate_plugin.team import limit_threads

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with limit_threads(0):
            yield
    finally:
        torch.set_num_threads(before)
