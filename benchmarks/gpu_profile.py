"""Where the time of a batch goes on a GPU: its kernels by how long they ran, and how long the GPU had nothing to do."""

from __future__ import annotations

import time
from collections import Counter

import torch

from benchmarks.gpu_methods import Work

#: Kernels that are listed.
_MOST = 25


def where_time_goes(work: Work, device: torch.device) -> list[str]:
    """Lines: launches, wall and busy time of one batch, and the kernels that took longest."""
    from torch.profiler import ProfilerActivity, profile

    work()
    torch.cuda.synchronize(device)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        began = time.perf_counter()
        work()
        torch.cuda.synchronize(device)
        wall = time.perf_counter() - began
    took, times = Counter[str](), Counter[str]()
    for event in seen.events() or []:
        took[event.name] += event.device_time_total  # microseconds
        times[event.name] += 1
    lines = [f"{sum(times.values())} launches and copies, {1e3 * wall:.2f} ms, {sum(took.values()) / 1e3:.2f} ms busy"]
    return lines + [f"{us / 1e3:10.3f} ms {times[name]:6d} x {name[:90]}" for name, us in took.most_common(_MOST)]
