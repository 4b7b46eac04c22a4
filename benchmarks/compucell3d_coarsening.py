"""What solving on another lattice than the host's costs and is off: ``python -m benchmarks.compucell3d_coarsening``."""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.compucell3d.fields import Field
from surrogate_adapters.compucell3d.lattice import domain_of
from surrogate_adapters.compucell3d.substrate import Substrate
from surrogate_adapters.compucell3d.tissue import Tissue
from surrogate_adapters.compucell3d.written import Written

UM_PER_PIXEL = 5.0
TYPES = {"Medium": 0, "Tumour": 1, "Vessel": 2}
OXYGEN = Field(diffusivity_um2_per_min=1e5, decay_per_min=0.1, uptake_per_min={"Tumour": 10.0}, fixed={"Vessel": 38.0})


def main() -> None:
    """Print one line a lattice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="pixels of the host's lattice along x and y")
    parser.add_argument("--vessel", type=int, default=3, help="pixels across a vessel")
    parser.add_argument("--solves", type=int, default=5)
    chosen = parser.parse_args()
    tissue = _tissue(chosen.side, chosen.vessel)
    exact = None
    for share in (1.0, 0.75, 0.5, 0.25):
        side = round(share * chosen.side)
        field, bound, spent = _solved(tissue, (side, side), chosen.solves)
        exact = field if exact is None else exact
        off, slopes = np.abs(field - exact) / 38.0, np.abs(np.diff(field - exact, axis=1))
        print(
            f"{side:4} x {side:<4} {spent[0]:6.1f} ms to solve, {spent[1]:5.1f} ms to write with its bound; off by "
            f"{off.mean():7.3%} of the vessels' value on average, {np.quantile(off, 0.99):7.3%} in all but 1 % of the "
            f"voxels, {off.max():7.3%} at most, the bound says {bound / 38.0:7.3%}; slopes by "
            f"{slopes.sum() / np.abs(np.diff(exact, axis=1)).sum():7.3%} on average"
        )


def _tissue(side: int, vessel: int) -> Tissue:
    """A tumour of cells of 3 x 3 pixels, nine tenths of them there, with a vessel in one place of 100."""
    rng = np.random.default_rng(0)
    cells = -(-side // 3)
    kinds = np.where(rng.random((cells, cells)) < 0.9, TYPES["Tumour"], TYPES["Medium"])
    types = np.kron(kinds, np.ones((3, 3), dtype=np.int64))[:side, :side].astype(np.uint8)
    for row, column in rng.integers(0, side - vessel, (max(1, side**2 // 900), 2)):
        types[row : row + vessel, column : column + vessel] = TYPES["Vessel"]
    return Tissue(types, None, {}, TYPES)


def _solved(tissue: Tissue, shape: tuple[int, int], solves: int) -> tuple[np.ndarray, float, tuple[float, float]]:
    """The field on the host's lattice, its bound there, and two median times: of solving, and of bringing it back."""
    lattice = tissue.types.shape
    domains = domain_of(lattice, UM_PER_PIXEL, shape), domain_of(lattice, UM_PER_PIXEL)
    substrate = Substrate("oxygen", OXYGEN, *domains, (False, False))
    written = Written(np.zeros(lattice, dtype=np.float32), substrate)
    config = substrate.config(sp.Settings(tolerance=0.0038))
    spent = []
    for _ in range(solves + 1):
        backend = sp.Backend(config)
        began = time.perf_counter()
        state = substrate.state(tissue)
        result = backend.step(substrate.solved_on(state))
        solved = time.perf_counter()
        bound = written.put(result, state)
        spent.append((solved - began, time.perf_counter() - solved))
    to_solve, to_write = (1e3 * statistics.median(each) for each in zip(*spent[1:], strict=True))
    return np.asarray(written.left, dtype=np.float64), bound, (to_solve, to_write)


if __name__ == "__main__":
    main()
