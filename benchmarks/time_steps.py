"""What a step in time costs beside a steady solve of the same tissue: ``python -m benchmarks.time_steps``.

Each round moves the cells and takes every way in turn, so that a machine whose speed drifts slows all of them alike;
printed are medians, and medians of each round's ratio to the steady solve from nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.engine.advance import TimeStep
from surrogate_plugin.equation.problem import FloatArray, Problem

_CASES = {
    "a drug, steps of 6 min": {"diffusivity_um2_per_min": 1e3, "decay_per_min": 0.01, "uptake": 1.0, "dt": 6.0},
    "oxygen, steps of 0.1 min": {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "uptake": 10.0, "dt": 0.1},
}


def main() -> None:
    """Print a table a case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.time_steps", description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="pixels along each side (default %(default)s)")
    parser.add_argument("--cells", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--tolerance", type=float, nargs="+", default=[1e-3, 1e-6], help="of the largest value")
    chosen = parser.parse_args()
    for name, case in _CASES.items():
        for share in chosen.tolerance:
            print(f"{name}, {chosen.side} x {chosen.side}, {chosen.cells} cells, at {share:g} of the largest value")
            _report(_Tissue(chosen.side, chosen.cells, **case), 38.0 * share, chosen.rounds)


class _Tissue:
    """Cells that move by 0.4 pixels a step among vessels at 38 mmHg."""

    def __init__(
        self, side: int, cells: int, *, diffusivity_um2_per_min: float, decay_per_min: float, uptake: float, dt: float
    ) -> None:
        rng = self._rng = np.random.default_rng(0)
        domain = sp.Domain.from_lattice((side, side), spacing_um=20.0)
        config = sp.BackendConfig(
            domain=domain,
            diffusivity_um2_per_min=diffusivity_um2_per_min,
            decay_per_min=decay_per_min,
            boundary="reflecting",
        )
        self.backend = sp.Backend(config)
        self.dt, self._uptake, self._size = dt, uptake, 20.0 * side
        self._place = rng.normal(0.5 * self._size, 0.15 * self._size, (cells, 2)).clip(0.0, self._size)
        start = rng.uniform(0.0, self._size, (30, 2))
        end = (start + rng.normal(0.0, 0.15 * self._size, (30, 2))).clip(0.0, self._size)
        self._vessels = sp.Vessels.from_segments(start, end, radius_um=15.0, value=38.0)

    def moved(self) -> Problem:
        """The problem after a step of the cells."""
        self._place = (self._place + self._rng.normal(0.0, 8.0, self._place.shape)).clip(0.0, self._size)
        cells = sp.Cells(self._place, 8.4, uptake_per_min=self._uptake)
        return self.backend.problem(sp.TissueState(cells, self._vessels))


def _report(tissue: _Tissue, tolerance: float, rounds: int) -> None:
    engines = {name: sp.Engine() for name in ("nothing", "before", "moved", "same")}
    steady = field = np.zeros(tissue.moved().shape)
    spent: dict[str, list[float]] = {}

    def taken(name: str, solve: Callable[[], sp.Solution]) -> FloatArray:
        began = time.perf_counter()
        solution = solve()
        spent.setdefault(name, []).append(time.perf_counter() - began)
        assert solution.error_bound <= tolerance * (1 + 1e-6)
        solution.field.flags.writeable = False
        return solution.field

    def step(engine: sp.Engine, problem: Problem, field: FloatArray) -> sp.Solution:
        return TimeStep.read(problem, field, tissue.dt).solve(engine, tolerance=tolerance)

    for _ in range(rounds + 3):
        problem = tissue.moved()
        taken("steady, from nothing", partial(engines["nothing"].solve, problem, tolerance=tolerance))
        way = partial(engines["before"].solve, problem, tolerance=tolerance, previous=steady)
        steady = taken("steady, from the field before", way)
        begun = field
        field = taken("step, cells moved", partial(step, engines["moved"], problem, begun))
        again = taken("step, the first of a pair", partial(step, engines["same"], problem, begun))
        taken("step, nothing changed", partial(step, engines["same"], problem, again))
    of = spent["steady, from nothing"][3:]
    for name, seconds in spent.items():
        ratio = statistics.median(each / whole for each, whole in zip(seconds[3:], of, strict=True))
        print(f"  {name:31} {1e3 * statistics.median(seconds[3:]):7.1f} ms   {ratio:5.2f}")


if __name__ == "__main__":
    main()
