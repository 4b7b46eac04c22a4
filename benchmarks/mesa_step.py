"""What an update of a Mesa model costs, reading its agents, the solve, and all: ``python -m benchmarks.mesa_step``."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import mesa
from mesa.discrete_space import CellAgent, FixedAgent, OrthogonalMooreGrid

from surrogate_adapters.mesa import Substrate, attach


class _Tumour(CellAgent):  # type: ignore[misc]
    uptake = 10.0


class _Vessel(FixedAgent):  # type: ignore[misc]
    pass


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=256, help="cells of the grid along x and y")
    parser.add_argument("--agents", type=int, default=20_000)
    parser.add_argument("--updates", type=int, default=15)
    chosen = parser.parse_args()
    model = mesa.Model(rng=0)
    model.grid = OrthogonalMooreGrid((chosen.side, chosen.side), random=model.random)
    for _ in range(30):
        _Vessel(model).cell = model.grid.all_cells.select_random_cell()
    for _ in range(chosen.agents):
        _Tumour(model).cell = model.grid.all_cells.select_random_cell()
    for what, reading in (("a number a class", 10.0), ("an attribute", "uptake")):
        _report(model, what, reading, chosen.updates)


def _report(model: mesa.Model, what: str, reading: float | str, updates: int) -> None:
    oxygen = Substrate(
        diffusivity_um2_per_min=1e5, decay_per_min=0.1, uptake_per_min={_Tumour: reading}, vessels={_Vessel: 38.0}
    )
    wanderers = list(model.agents_by_type[_Tumour])
    total, read = [], []
    with attach(model, substrates={"oxygen": oxygen}, spacing_um=20.0, volume_um3=2494.0, tolerance=0.38) as link:
        for _ in range(updates + 2):
            for agent in wanderers[:100]:
                agent.cell = agent.cell.neighborhood.select_random_cell()
            total.append(_seconds(link.update))
            read.append(_seconds(lambda: link.state("oxygen")))
        held = [_seconds(link.update) for _ in range(updates)]
        solve = statistics.median(record.seconds["solve"] for record in link.backend("oxygen").records[2 : updates + 2])
    medians = [1e3 * statistics.median(each) for each in (total[2:], held, read[2:])] + [1e3 * solve]
    print("{:7.1f} ms an update, {:7.1f} held; {:7.1f} reading agents, {:5.1f} the solve".format(*medians), f"({what})")


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
