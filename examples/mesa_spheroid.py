"""A tumour spheroid in Mesa, its oxygen from the certified backend: cells divide where they breathe and die where not.

    python examples/mesa_spheroid.py --hours 96 -o mesa-spheroid.png

Prints how the spheroid fares and how sure each field is; writes a picture of the tissue and of its growth.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import mesa
import numpy as np
from mesa.discrete_space import CellAgent, FixedAgent, OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from surrogate_plugin.pictures import view

#: One cell a voxel of 20 um; a step is an hour.
SPACING_UM, VOLUME_UM3, STEP_MIN = 20.0, 2494.0, 60.0
VESSEL_MMHG, HYPOXIC_MMHG, NECROTIC_MMHG = 38.0, 8.0, 2.5
DIVIDE_PER_HOUR, DIE_PER_HOUR = 1 / 12, 1 / 4
TOLERANCE = 0.1
FED, STARVED, DEAD = "#7fd8be", "#f4a259", "#8d5a97"


class Vessel(FixedAgent):
    """A capillary that runs through the plane."""


class Tumour(CellAgent):
    """Takes oxygen up; divides, rests or dies by what it finds."""

    def step(self) -> None:
        oxygen = self.cell.oxygen
        if oxygen < NECROTIC_MMHG:
            if self.random.random() < DIE_PER_HOUR:
                place = self.cell
                self.remove()
                Necrotic(self.model).cell = place
        elif oxygen > HYPOXIC_MMHG and self.random.random() < DIVIDE_PER_HOUR:
            room = self.cell.get_neighborhood(radius=2).select(lambda cell: cell.is_empty)
            if room.cells:
                Tumour(self.model).cell = room.select_random_cell()


class Necrotic(FixedAgent):
    """What is left of a cell: takes up nothing."""


class Spheroid(mesa.Model):
    """A ball of tumour cells among vessels, on a grid that is wider than high."""

    def __init__(self, width: int = 150, height: int = 100, vessels: int = 16, rng: int | None = None) -> None:
        super().__init__(rng=rng)
        self.grid = OrthogonalMooreGrid((width, height), capacity=1, random=self.random)
        middle, radius = (0.5 * width, 0.5 * height), 0.2 * height
        far = [cell for cell in self.grid if math.dist(cell.coordinate, middle) > 0.6 * radius]
        for cell in self.random.sample(far, vessels):
            Vessel(self).cell = cell
        for cell in self.grid:
            if cell.is_empty and math.dist(cell.coordinate, middle) < radius:
                Tumour(self).cell = cell
        oxygen = Substrate(
            diffusivity_um2_per_min=1e5,
            decay_per_min=0.1,
            uptake_per_min={Tumour: 10.0},
            vessels={Vessel: VESSEL_MMHG},
        )
        self.link = attach(
            self,
            substrates={"oxygen": oxygen},
            spacing_um=SPACING_UM,
            volume_um3=VOLUME_UM3,
            step_min=STEP_MIN,
            tolerance=TOLERANCE,
        )

    def step(self) -> None:
        self.agents_by_type[Tumour].shuffle_do("step")

    def oxygen(self) -> np.ndarray:
        """What each living cell breathes, mmHg."""
        return np.array([agent.cell.oxygen for agent in self.agents_by_type[Tumour]])

    def count(self, kind: type) -> int:
        return len(self.agents_by_type.get(kind, ()))


def row(model: Spheroid) -> tuple[int, int, int, int]:
    """Hours; cells that breathe, that are hypoxic, that are dead."""
    starved = int((model.oxygen() < HYPOXIC_MMHG).sum())
    return model.steps, model.count(Tumour) - starved, starved, model.count(Necrotic)


def picture(path: Path, model: Spheroid, rows: list[tuple[int, int, int, int]]) -> None:
    """The tissue now, and how it came about."""
    model.link.update()  # the field of the cells as they are after the last step
    domain = model.link.backend("oxygen").config.domain
    field = model.link.result("oxygen").field
    made, (tissue, growth) = view.figure(11.0, 4.8, (1.5, 1.0))
    view.draw_field(tissue, domain, field, label="oxygen (mmHg)", vmin=0.0, vmax=VESSEL_MMHG)
    starved = model.oxygen() < HYPOXIC_MMHG
    view.draw_cells(tissue, discs(model, Tumour), np.where(starved, STARVED, FED), alpha=0.7)
    view.draw_cells(tissue, discs(model, Necrotic), DEAD, alpha=0.7)
    view.draw_fixed(tissue, domain, model.link.backend("oxygen").rasterise(model.link.state("oxygen")).fixed)
    view.draw_scale(tissue, 200.0)
    tissue.set_title(f"Oxygen after {model.steps} h, at most {model.link.history[-1].bound:.2g} mmHg off")
    tissue.scatter([], [], color=view.FIXED, marker="s", label="vessel")
    tissue.legend(loc="upper right", fontsize=8, facecolor=view.PAPER, labelcolor=view.INK, framealpha=0.7)
    hours, *counts = np.array(rows).T
    for count, shade, name in zip(counts, (FED, STARVED, DEAD), ("breathing", "hypoxic", "necrotic"), strict=True):
        growth.plot(hours, count, color=shade, linewidth=2.5, label=name)
    growth.set(xlabel="time (h)", ylabel="cells", title="The spheroid", ylim=0)
    growth.legend(facecolor=view.PAPER, labelcolor=view.INK, framealpha=0.7)
    made.savefig(path, dpi=100)


def discs(model: Spheroid, kind: type) -> sp.Cells:
    """Agents of a class as discs of their size."""
    place = [agent.cell.coordinate for agent in model.agents_by_type.get(kind, ())]
    centre = (np.array(place, dtype=float).reshape(-1, 2) + 0.5) * SPACING_UM
    return sp.Cells(centre, volume_um3=VOLUME_UM3)


def main() -> None:
    parser = argparse.ArgumentParser(description="Grow a tumour spheroid in Mesa on the certified backend.")
    parser.add_argument("--hours", type=int, default=96, help="steps of an hour (default: %(default)s)")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("mesa-spheroid.png"), help="the picture (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=4, help="of the model (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="48 x 32 voxels and 12 hours, over in seconds")
    chosen = parser.parse_args()
    size: dict[str, Any] = {"width": 48, "height": 32, "vessels": 2} if chosen.small else {}
    hours = min(chosen.hours, 12) if chosen.small else chosen.hours
    model = Spheroid(**size, rng=chosen.seed)
    rows = []
    print("   h  breathing  hypoxic  necrotic  lowest mmHg  bound    answered by")
    for hour in range(hours):
        model.step()
        rows.append(row(model))
        if hour % max(1, hours // 8) == 0 or hour == hours - 1:
            last = model.link.history[-1]
            counts = "{:4d}  {:9d}  {:7d}  {:8d}".format(*rows[-1])
            print(f"{counts}  {model.grid.oxygen.data.min():11.3f}  {last.bound:.1e}  {last.method}")
    picture(chosen.output, model, rows)
    print(model.link.backend("oxygen").summary())
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
