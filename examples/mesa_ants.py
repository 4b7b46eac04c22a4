"""Ants in Mesa that find food and lay a trail: two scents from the certified backend, released at a constant rate.

    python examples/mesa_ants.py --minutes 600 -o mesa-ants.png

The nest smells, at rest at any time, so that laden ants find home; on their way they release a scent that spreads and
fades in time, and others climb it to the food. Prints what has been brought home and how sure the trail is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mesa
import numpy as np
from mesa.discrete_space import CellAgent, OrthogonalMooreGrid

import surrogate_plugin as sp
from surrogate_adapters.mesa import Substrate, attach
from surrogate_plugin.pictures import view

SPACING_UM, STEP_MIN = 1000.0, 1.0
#: Below this, an ant smells nothing.
THRESHOLD = 1e-3


class Ant(CellAgent):
    """Wanders, climbs the trail, and brings home what it finds."""

    def __init__(self, model: Meadow, cell: object) -> None:
        super().__init__(model)
        self.cell, self.laden = cell, False

    def step(self) -> None:
        model, here = self.model, self.cell.coordinate
        if self.laden and model.grid.nest.data[here]:
            self.laden = False
            model.brought += 1
        elif not self.laden and model.grid.food.data[here] > 0:
            self.laden = True
            model.grid.food.data[here] -= 1
        self.cell = self.climb("home" if self.laden else "trail")

    def climb(self, scent: str) -> object:
        """The neighbour that smells most, or now and then any; a trail is followed away from the nest."""
        around = list(self.cell.neighborhood)
        if scent == "trail":
            around = [cell for cell in around if cell.home <= self.cell.home] or around
        best = max(around, key=lambda cell: getattr(cell, scent))
        if getattr(best, scent) < THRESHOLD or self.random.random() < 0.2:
            return self.random.choice(list(self.cell.neighborhood))
        return best


class Meadow(mesa.Model):
    """A nest in the middle and food in two corners."""

    def __init__(self, width: int = 60, height: int = 40, ants: int = 80, rng: int | None = None) -> None:
        super().__init__(rng=rng)
        self.grid = OrthogonalMooreGrid((width, height), random=self.random)
        self.grid.create_property_layer("nest", default_value=False, dtype=bool)
        self.grid.create_property_layer("food", default_value=0, dtype=int)
        x, y = width // 2, height // 2
        self.grid.nest.data[x - 1 : x + 1, y - 1 : y + 1] = True
        self.grid.food.data[3:6, 3:6] = 40
        self.grid.food.data[width - 9 : width - 6, height - 6 : height - 3] = 40
        self.brought = 0
        for _ in range(ants):
            Ant(self, self.grid[x, y])
        # In air the nest's smell is at rest within a step; the trail, on the ground, is not.
        home = Substrate(diffusivity_um2_per_min=6e8, decay_per_min=1.0, production_per_min={"nest": 100.0})
        trail = Substrate(
            diffusivity_um2_per_min=3e4,
            decay_per_min=0.03,
            release_per_min={Ant: lambda ant: 5.0 * ant.laden},
        )
        self.link = attach(
            self,
            substrates={"home": home, "trail": trail},
            spacing_um=SPACING_UM,
            step_min=STEP_MIN,
            stepping={"trail": "implicit-euler"},
            tolerance={"home": 1e-2, "trail": THRESHOLD / 10},
        )

    def step(self) -> None:
        self.agents_by_type[Ant].shuffle_do("step")


def picture(path: Path, model: Meadow) -> None:
    """The trail with the ants on it, laden ones bright; what is left of the food, and the nest."""
    grid, domain = model.grid, model.link.backend("trail").config.domain
    made, (axes,) = view.figure(9.6, 6.2, (1.0,))
    shown = np.log10(np.maximum(grid.trail.data.T, THRESHOLD))
    view.draw_field(axes, domain, shown, label="trail (power of ten)", vmin=-3.0, vmax=2.0)
    view.draw_fixed(axes, domain, grid.nest.data.T, "#7fd1ff")
    view.draw_fixed(axes, domain, grid.food.data.T > 0, "#8bd450")
    for laden, shade in ((False, "#9a9a9a"), (True, "#ffffff")):
        place = [ant.cell.coordinate for ant in model.agents_by_type[Ant] if ant.laden == laden]
        centre = (np.array(place, dtype=float).reshape(-1, 2) + 0.5) * SPACING_UM
        view.draw_cells(axes, sp.Cells(centre, 0.3 * SPACING_UM), shade)
    axes.set_title(f"After {model.steps} min: {model.brought} pieces of food brought home")
    made.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="Ants in Mesa that lay a trail, on the certified backend.")
    parser.add_argument("--minutes", type=int, default=600, help="steps of a minute (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=3, help="of the model (default: %(default)s)")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("mesa-ants.png"), help="the picture (default: %(default)s)"
    )
    chosen = parser.parse_args()
    model = Meadow(rng=chosen.seed)
    print(" min  laden  brought home  strongest trail  bound    answered by")
    for minute in range(chosen.minutes):
        model.step()
        if minute % max(1, chosen.minutes // 8) == 0 or minute == chosen.minutes - 1:
            model.link.update()  # the trail as it is after the last step
            last = model.link.history[-1]
            laden = sum(ant.laden for ant in model.agents_by_type[Ant])
            strongest = float(np.max(model.grid.trail.data))
            print(
                f"{model.steps:4d}  {laden:5d}  {model.brought:12d}  {strongest:15.3f}  {last.bound:.1e}  {last.method}"
            )
    print(model.link.backend("trail").summary())
    picture(chosen.output, model)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
