"""What `surrogate_backend.hpp` adds to a solve and to a held step: ``python -m benchmarks.physicell_shim``.

It runs on the stand-in for PhysiCell, which keeps densities and agents as PhysiCell does. Counted is all that the
header does, the backend's own rasterising included, but not the solve itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.document import markdown_table
from benchmarks.stand_ins.physicell import driver
from surrogate_training.documents import write_into

_DT, _MECHANICS = 0.01, 0.1
_CALLS = 20  # of the solver, in two of the host's mechanics steps


def main() -> None:
    """Measure, print, and write down if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="voxels along x and y")
    parser.add_argument("--agents", type=int, default=20_000)
    parser.add_argument("--solves", type=int, default=15)
    parser.add_argument("--calls", type=int, default=10_000, help="for the growth of memory; one in 200 is a solve")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the host's loops")
    parser.add_argument("--document", type=Path, help="put the figures between this document's two marks too")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        host = _host(Path(folder), chosen.side, chosen.threads)
        tissue = _Tissue(chosen.side, chosen.agents)
        rows = [*_times(host, tissue, chosen.solves), _memory(host, tissue, chosen.calls)]
        host.release()
    for what, figure, allowed in rows:
        print(f"{figure:>10}  {what}" + (f"; {allowed} allowed" if allowed else ""))
    if chosen.document:
        table = "\n".join(markdown_table(("", "measured", "bar"), rows))
        write_into(chosen.document, "benchmarks.physicell_shim", table + "\n")


class _Tissue:
    """Agents that are elsewhere each time, so that each call of `put` makes a solve due."""

    def __init__(self, side: int, agents: int) -> None:
        self._rng = np.random.default_rng(0)
        self._width, self._agents = 20.0 * side, agents
        self._rates = np.zeros((agents, 1, 4))
        self._rates[:, 0, 0] = 10.0

    def put(self, host: driver.StandIn) -> None:
        count = self._agents - 1 if host.agents == self._agents else self._agents
        place = self._rng.uniform(0.0, self._width, (count, 2))
        host.put(place, np.full(count, 2494.0), self._rates[:count])


def _host(folder: Path, side: int, threads: int) -> driver.StandIn:
    library = driver.build_library(folder)
    # No phenotype step comes but the first, so that a step holds the field unless agents were put.
    times = (_DT, _MECHANICS, 1e9)
    host = driver.StandIn(library, (side, side), [("oxygen", 1e5, 0.1, 38.0)], corner_um=(0.0, 0.0), times_min=times)
    host.set_threads(threads)
    for at in range(side):
        for row, column in ((0, at), (side - 1, at), (at, 0), (at, side - 1)):
            host.fix(row, column, "oxygen", 38.0)
    settings = folder / "surrogate.toml"
    settings.write_text('substrates = ["oxygen"]\ntolerance = 0.38\n')
    host.attach(settings)
    return host


#: What is measured, the figure, and what is allowed.
Row = tuple[str, str, str]


def _times(host: driver.StandIn, tissue: _Tissue, solves: int) -> list[Row]:
    solved, held, followed, solving = [], [], [], []
    for k in range(solves + 2):
        tissue.put(host)
        taken = _around(host, lambda: host.call_solver(_DT))  # no time passes, so agents are looked at
        host.advance()
        if k >= 2:  # kernels, caches and buffers are there by then
            solved.append(taken)
            solving.append(host.report().seconds_solving)
            held.append(_around(host, lambda: host.advance(_CALLS)) / _CALLS)
            followed += [_around(host, lambda: host.call_solver(_DT)) for _ in range(2)]
            host.advance()
    return [
        ("around a solve: gather, call, rasterise, write", _ms(solved), "25 ms"),
        ("a held step, those before and after mechanics steps among them", _ms(held), "2 ms"),
        ("a held step after agents have moved, one in ten", _ms(followed), "2 ms"),
        ("the solve itself, for comparison", _ms(list(np.diff(solving))), ""),
    ]


def _ms(seconds: list[float]) -> str:
    return f"{1e3 * statistics.median(seconds):.2f} ms"


def _around(host: driver.StandIn, step: Callable[[], None]) -> float:
    """Seconds of one solver call within a step, without those inside the backend's solvers."""
    before = host.report().seconds_around
    step()
    return host.report().seconds_around - before


def _memory(host: driver.StandIn, tissue: _Tissue, calls: int) -> Row:
    half = calls // 2
    peaks = []
    for part in (half, calls - half):
        sizes = []
        for k in range(part):
            if k % 200 == 0:
                tissue.put(host)
                host.call_solver(_DT)
            host.advance()
            if k % 200 == 0:
                sizes.append(_resident_bytes())
        peaks.append(max(sizes))
    growth = (peaks[1] - peaks[0]) / 2**20
    what = f"growth of the largest memory from the first half of {calls:,} calls to the second"
    return what, f"{growth:.2f} MiB", "none"


def _resident_bytes() -> int:
    """Memory of this process that is in use, by Linux's account."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
