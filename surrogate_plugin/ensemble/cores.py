"""How many processes of an ensemble this machine bears: its cores, as far as this process may use them, and memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from surrogate_plugin.memory import available_bytes

#: Where a control group says which share of the cores it has: microseconds, and of how many.
_SHARES = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
#: The variable by which a user says how many threads this package may have; where members are processes, so many.
_SAID = "SURROGATE_PLUGIN_THREADS"
#: What a process with members takes at least.
_LEAST_BYTES = 200 * 2**20


def cores() -> int:
    """The cores that this process may use."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = _share(Path("/sys/fs/cgroup"))
    return there if share is None else max(1, min(there, round(share)))


def bearable() -> int:
    """Processes that may run members at once, this one included: by cores, by memory and by what a user has said.

    Each other one is expected to take what this one has taken at its peak.
    """
    said = os.environ.get(_SAID, "").strip()
    most = min(cores(), int(said)) if said.isdigit() and int(said) else cores()
    free = available_bytes()
    return most if free is None else max(1, min(most, 1 + free // max(_LEAST_BYTES, _peak_bytes())))


def _share(groups: Path) -> float | None:
    """How many cores' time a container has; None where nothing is said.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "cpu.max").write_text("150000 100000")
    ...     _share(Path(folder))
    1.5
    """
    for names in _SHARES:
        try:
            said = " ".join((groups / name).read_text(encoding="ascii") for name in names).split()
            quota, period = float(said[0]), float(said[1])
        except (OSError, ValueError, IndexError):  # no such group, or its share is "max"
            continue
        if quota > 0.0 and period > 0.0:
            return quota / period
    return None


def _peak_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
