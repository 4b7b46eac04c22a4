"""A whole adapter, for a host made up for it: what docs/new-adapter.md explains line by line.

    python examples/minimal_adapter.py -o minimal-adapter.png

The host has what makes real ones hard: its fields are (columns, rows), its rates are per second, its cells eat from the
field after each diffusion step, and they climb slopes that its own solver measures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.notices import Notices
from surrogate_adapters.options import names_of

# --- the host ---


@dataclass
class Cell:
    """Rates by substrate, 1 / s, and the value at which secretion stops."""

    x_um: float
    y_um: float
    volume_um3: float
    uptake: dict[str, float]
    secretion: dict[str, float] = field(default_factory=dict)
    target: dict[str, float] = field(default_factory=dict)


class Dish:
    """A flat dish of voxels with cells in it; nothing leaves over its rim, or it is the other side of a ``ring``."""

    def __init__(
        self,
        columns: int,
        rows: int,
        side_um: float,
        depth_um: float,
        corner_um: tuple[float, float],
        ring: bool = False,
    ) -> None:
        self.shape, self.ring = (columns, rows), ring
        self.side_um, self.depth_um, self.corner_um = side_um, depth_um, corner_um
        self.fields: dict[str, npt.NDArray[np.float64]] = {}
        self.slopes: dict[str, npt.NDArray[np.float64]] = {}  # (2, columns, rows): what cells climb
        self.held: dict[str, npt.NDArray[np.float64]] = {}  # what a voxel holds; NaN where it is free
        self.made: dict[str, npt.NDArray[np.float64]] = {}  # what a voxel makes, field units / s
        self.km: dict[str, float] = {}  # where uptake is half of what it can be; none if it never saturates
        self.diffusivity: dict[str, float] = {}
        self.decay: dict[str, float] = {}
        self.cells: list[Cell] = []

    def add(self, name: str, diffusivity_um2_per_s: float, decay_per_s: float, initial: float) -> None:
        """A substrate."""
        self.diffusivity[name], self.decay[name] = diffusivity_um2_per_s, decay_per_s
        self.fields[name] = np.full(self.shape, initial)
        self.held[name], self.made[name] = np.full(self.shape, np.nan), np.zeros(self.shape)
        self.measure(name)

    def tick(self, seconds: float = 1e-3) -> None:
        """One step of time."""
        for name in self.fields:
            self.diffuse(name, seconds)
            self.eat(name, seconds)

    def diffuse(self, name: str, seconds: float) -> None:
        """The dish's own solver: an explicit step, stable while it is short."""
        old, held = self.fields[name], self.held[name]
        wide = self._wide(old)
        lap = wide[2:, 1:-1] + wide[:-2, 1:-1] + wide[1:-1, 2:] + wide[1:-1, :-2] - 4.0 * old
        flow = self.diffusivity[name] / self.side_um**2 * lap
        new = old + seconds * (flow - self.decay[name] * old + self.made[name])
        old[:] = np.where(np.isnan(held), new, held)
        self.measure(name)

    def measure(self, name: str) -> None:
        """What cells climb: the slopes of a field, from its neighbours on either side."""
        wide = self._wide(self.fields[name])
        apart = np.array([wide[2:, 1:-1] - wide[:-2, 1:-1], wide[1:-1, 2:] - wide[1:-1, :-2]]) / (2.0 * self.side_um)
        if not self.ring:  # on the rim there is one neighbour only
            apart[0, [0, -1]] *= 2.0
            apart[1][:, [0, -1]] *= 2.0
        self.slopes[name] = apart

    def eat(self, name: str, seconds: float) -> None:
        """Cells take up from their voxels, and secrete into them."""
        for cell in self.cells:
            share = seconds * cell.volume_um3 / (self.side_um**2 * self.depth_um)
            given = share * cell.secretion.get(name, 0.0)
            here = self.voxel(cell)
            before = self.fields[name][here] + given * cell.target.get(name, 0.0)
            eaten = share * cell.uptake.get(name, 0.0) / (1.0 + before / self.km.get(name, np.inf))
            self.fields[name][here] = before / (1.0 + given + eaten)

    def voxel(self, cell: Cell) -> tuple[int, int]:
        """Column and row of the voxel that a cell is in."""
        x0, y0 = self.corner_um
        return int((cell.x_um - x0) // self.side_um), int((cell.y_um - y0) // self.side_um)

    def _wide(self, field: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """With a voxel more on each side: the other end of the ring, or the voxel itself, so that nothing flows."""
        return np.pad(field, 1, mode="wrap" if self.ring else "edge")


# --- the adapter ---


def attach(
    dish: Dish,
    *,
    substrates: Sequence[str] | None = None,
    sides: Mapping[str, str | float] | None = None,
    model: str = "default",
    **options: Any,
) -> Attachment:
    """Let the backend answer for substrates of a dish, all if not given; ``options`` go to `BackendConfig`."""
    columns, rows = dish.shape
    own = "periodic" if dish.ring else "reflecting"  # nothing leaves over the rim
    engine = sp.Engine(model=model)
    backends = {}
    for name in names_of(substrates, list(dish.fields)):
        config = sp.BackendConfig(
            domain=sp.Domain.from_lattice((rows, columns), dish.side_um, dish.corner_um, dish.depth_um),
            diffusivity_um2_per_min=60.0 * dish.diffusivity[name],
            decay_per_min=60.0 * dish.decay[name],
            michaelis_km=dish.km.get(name),
            boundary=sp.Boundary.parse(sides or {}, unnamed=own),
            deposit="voxel",  # a cell counts in the voxel that holds it, as in the dish
            **options,
        )
        backends[name] = sp.Backend(config, engine=engine)
    return Attachment(dish, backends)


def state_of(dish: Dish, name: str) -> sp.TissueState:
    """All that the steady field of a substrate depends on, now."""
    cells = sp.Cells(
        position_um=[(cell.x_um, cell.y_um) for cell in dish.cells],
        volume_um3=[cell.volume_um3 for cell in dish.cells],
        uptake_per_min=[60.0 * cell.uptake.get(name, 0.0) for cell in dish.cells],
        secretion_per_min=[60.0 * cell.secretion.get(name, 0.0) for cell in dish.cells],
        secretion_target=[cell.target.get(name, 0.0) for cell in dish.cells],
    )
    held, made = dish.held[name].T, 60.0 * dish.made[name].T
    return sp.TissueState(cells, voxels=sp.Voxels(~np.isnan(held), np.nan_to_num(held), production_per_min=made))


class Attachment:
    """Stands in for two steps of a dish; made by `attach`."""

    def __init__(self, dish: Dish, backends: Mapping[str, sp.Backend]) -> None:
        self.history: list[sp.StepRecord] = []
        self.notices = Notices()
        self._dish, self._backends = dish, dict(backends)
        self._left: dict[str, npt.NDArray[np.float64]] = {}
        dish.diffuse, dish.eat = self.diffuse, self.eat  # type: ignore[method-assign]

    def diffuse(self, name: str, seconds: float) -> None:
        """The steady field of the cells as they are; the dish's own step for all other substrates."""
        if name not in self._backends:
            Dish.diffuse(self._dish, name, seconds)
            return
        field = self._dish.fields[name]
        if not np.array_equal(field, self._left.get(name, field)):
            self.notices.tell("written from outside", name, f"somebody wrote into {name}; it is steady again.")
        result = self._backends[name].step(state_of(self._dish, name))
        field[:] = self._left[name] = result.field.T
        self._dish.measure(name)
        self.history.append(result.record)

    def eat(self, name: str, seconds: float) -> None:
        """Nothing: the steady field holds what the cells take up already, and counting it again would drain them."""
        if name not in self._backends:
            Dish.eat(self._dish, name, seconds)

    def detach(self) -> None:
        """Give the dish its own steps back."""
        for step in ("diffuse", "eat"):
            vars(self._dish).pop(step, None)


# --- both at work ---


def picture(path: Path, domain: sp.Domain, moments: Sequence[tuple[npt.NDArray[np.float64], list[Cell]]]) -> None:
    """Oxygen and the cells that live on it, at each moment."""
    from surrogate_plugin.pictures import view

    made, axes = view.figure(9.6, 3.8, [1.0] * len(moments))
    for each, (oxygen, cells) in zip(axes, moments, strict=True):
        view.draw_field(each, domain, oxygen.T, label="oxygen (mmHg)", vmin=0.0, vmax=38.0, interpolation="nearest")
        discs = sp.Cells([(cell.x_um, cell.y_um) for cell in cells], volume_um3=[cell.volume_um3 for cell in cells])
        view.draw_cells(each, discs, "#7fd8be", alpha=0.6)
        view.draw_scale(each, 200.0)
        each.set_title(f"{len(cells)} cells")
    made.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="A made-up host on the backend: cells without oxygen die.")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("minimal-adapter.png"), help="the picture (default: %(default)s)"
    )
    chosen = parser.parse_args()
    dish = Dish(columns=48, rows=32, side_um=20.0, depth_um=20.0, corner_um=(0.0, 0.0))
    dish.add("oxygen", diffusivity_um2_per_s=1e5 / 60, decay_per_s=0.1 / 60, initial=0.0)
    dish.held["oxygen"][4, 10:22] = 38.0
    rng = np.random.default_rng(0)
    for x, y in rng.normal((600.0, 320.0), 80.0, (400, 2)):
        dish.cells.append(Cell(x, y, volume_um3=2494.0, uptake={"oxygen": 10.0 / 60}))
    link = attach(dish, tolerance=0.1)
    moments = []
    while True:
        dish.tick()
        oxygen = np.array([dish.fields["oxygen"][dish.voxel(cell)] for cell in dish.cells])
        last = link.history[-1]
        print(
            f"{len(oxygen)} cells read {oxygen.min():.2f} to {oxygen.max():.2f} mmHg, at most {last.bound:.1e} off; "
            f"answered by {last.method}"
        )
        moments.append((dish.fields["oxygen"].copy(), dish.cells))
        if oxygen.min() > 8.0:
            break
        dish.cells = [cell for cell, level in zip(dish.cells, oxygen, strict=True) if level > 8.0]
    link.detach()
    picture(chosen.output, sp.Domain.from_lattice((32, 48), dish.side_um), moments)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
