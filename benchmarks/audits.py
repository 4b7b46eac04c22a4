"""``python -m benchmarks.audits``: what auditing one moment of one substrate costs, on lattices of several sizes.

Each is a tumour of pyphysicell among vessels, 0.05 min after another moment, in a process of its own: seconds and the
most memory that it took beyond what reading the run took.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time

#: Voxels a side, and cells.
SIZES = ((256, 4_000), (500, 15_000), (1_000, 50_000))


def audit_of(side: int, cells: int) -> tuple[float, float]:
    """Seconds, and MB beyond those of the run itself."""
    from surrogate_adapters.demo.tissue import make_simulation
    from surrogate_adapters.pyphysicell.saves import SimulationRun
    from surrogate_plugin.audit.auditing import audit

    simulation, _, _ = make_simulation(cells, side, spacing_um=20.0, seed=1)
    moments = []
    for end in (0.05, 0.1):
        simulation.run(until=end)
        moments.append(simulation.branch())
    run, before = SimulationRun(moments), _peak_mb()
    began = time.perf_counter()
    audit(run, moments=run.names[-1:])
    return time.perf_counter() - began, _peak_mb() - before


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| voxels | cells | s | MB |\n|---:|---:|---:|---:|")
    for side, cells in SIZES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, megabytes = pool.apply(audit_of, (side, cells))
        print(f"| {side} x {side} | {cells:,} | {seconds:.1f} | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
