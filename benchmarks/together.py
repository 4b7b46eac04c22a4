"""Whether the substrates of a host are better solved for together: ``python -m benchmarks.together``.

A tissue of cells of which all move a little at each step, in several substrates over one engine. Two hosts go through
the same steps in turns: one asks for each field by itself, the other for all of them together. What is printed is the
time of a step by itself over that of a step together, the median of pairs, so that more than 1 says that it pays; and
how far the two fields are apart at most, over their tolerance.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from itertools import product

import numpy as np

import surrogate_plugin as sp
from benchmarks.document import markdown_table
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.session import questions

_SPACING_UM = 20.0
#: So many cells a pixel.
_DENSITY = 0.03


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 64, 128, 256, 512], help="pixels along x and y")
    parser.add_argument("--substrates", type=int, nargs="+", default=[2, 3, 4, 8])
    parser.add_argument("--steps", type=int, default=30, help="pairs of steps, of which the first two do not count")
    parser.add_argument("--moved", type=float, default=0.4, help="how far each cell moves at a step, pixels")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    chosen = parser.parse_args()
    rows = []
    for side, count in product(chosen.sides, chosen.substrates):
        ratio, alone, apart = _compared(side, count, chosen.steps, chosen.moved, chosen.device)
        rows.append([f"{side} x {side}, {count} substrates", f"{1e3 * alone:.2f}", f"{ratio:.2f}", f"{apart:.1g}"])
        print("\n".join(markdown_table(["lattice", "in turns, ms a step", "times quicker", "apart"], rows)[-1:]))
    print("\n".join(["", *markdown_table(["lattice", "in turns, ms a step", "times quicker", "apart"], rows)]))


def _compared(side: int, count: int, steps: int, moved: float, device: str) -> tuple[float, float, float]:
    """The median ratio, the median of a step in turns, in s, and how far fields are apart, over the tolerance."""
    alone, together = _backends(side, count, "cpu"), _backends(side, count, device)
    rng, width = np.random.default_rng(side), side * _SPACING_UM
    places = rng.uniform(0.0, width, (max(1, int(_DENSITY * side * side)), 2))
    vessels = rng.uniform(0.0, width, (max(2, side // 12), 2))
    pairs, apart = [], 0.0
    for step in range(steps):
        places = np.clip(places + moved * _SPACING_UM * rng.normal(size=places.shape), 0.0, width)
        states = [_state(places, vessels, substrate) for substrate in range(count)]
        runs = [(alone, None), (together, 1)]
        taken = {}
        for backends, least in runs if step % 2 else runs[::-1]:
            taken[least] = _seconds(backends, states, least)
        if step >= 2:
            pairs.append((taken[None], taken[1]))
        for one, other in zip(alone, together, strict=True):
            assert one.field is not None
            assert other.field is not None
            apart = max(apart, float(np.abs(one.field - other.field).max()) / (one.config.tolerance or 1.0))
    return statistics.median(a / b for a, b in pairs), statistics.median(a for a, _ in pairs), apart


def _backends(side: int, count: int, device: str) -> list[sp.Backend]:
    width = side * _SPACING_UM
    domain = sp.Domain((0.0, 0.0), (width, width), (side, side))
    first = sp.Engine(device=device)
    return [
        sp.Backend(
            sp.BackendConfig(
                domain=domain,
                diffusivity_um2_per_min=1e5 / (1 + substrate),
                decay_per_min=0.1,
                boundary="reflecting",
                tolerance=0.38 / (1 + substrate),
                device=device,
            ),
            engine=first,
        )
        for substrate in range(count)
    ]


def _state(places: FloatArray, vessels: FloatArray, substrate: int) -> sp.TissueState:
    cells = sp.Cells(places, radius_um=8.4, uptake_per_min=10.0 / (1 + substrate))
    return sp.TissueState(cells, sp.Vessels(vessels, radius_um=30.0, value=38.0 / (1 + substrate)))


def _seconds(backends: Sequence[sp.Backend], states: Sequence[sp.TissueState], least: int | None) -> float:
    """What a step takes where so many fields, or more, are solved for together."""
    stands, questions.LEAST_ON_CPU = questions.LEAST_ON_CPU, least
    try:
        began = time.perf_counter()
        sp.step_together(backends, states)
        return time.perf_counter() - began
    finally:
        questions.LEAST_ON_CPU = stands


if __name__ == "__main__":
    main()
