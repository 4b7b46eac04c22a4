"""64 pyphysicell tumours side by side, over what cells take up and how many vessels there are: when does a core die?

    python examples/ensemble_tumours.py -o ensemble-tumours.png

Each is a simulation with cells, vessels and random numbers of its own, its oxygen certified at each step. They run on
all cores. What is finished is kept in a store, so that the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin import ensemble
from surrogate_plugin.extras import extra
from surrogate_plugin.pictures import view

#: um; mmHg; mmHg below which cells die, and half of the largest rate at which they do (1 / min).
HALF_UM, VOXEL_UM, RADIUS_UM = 400.0, 20.0, 8.413
OXYGEN, TOLERANCE, NECROTIC, DIE = 38.0, 0.38, 5.0, 1.0 / 360.0


def simulation(uptake: float, vessels: int, cells: int, link: ensemble.Link) -> Any:
    """A round tumour of packed cells, and vessels across the plane at random around and in it."""
    with extra("pyphysicell", "this ensemble"):
        import pyphysicell as pc

    tumour = pc.CellType(
        "tumour",
        cycle=pc.Cycle(transition_rates={(0, 0): 0.0}),
        deaths={"necrosis": pc.DeathModel(101, "necrosis", death_rate=DIE)},
        secretion={"oxygen": pc.SecretionEntry(uptake_rate=uptake)},
    )
    half, thick = HALF_UM, VOXEL_UM / 2
    model = pc.Model(
        calculate_gradients=False,
        domain=pc.Domain(-half, half, -half, half, -thick, thick, VOXEL_UM, VOXEL_UM, VOXEL_UM),
        substrates=[pc.Substrate("oxygen", 1e5, 0.1, OXYGEN)],
        cell_types=[tumour],
        rules=[
            pc.Rule("tumour", "oxygen", "increases", "cycle entry", 1.0 / 720.0, 21.5, 4.0),
            pc.Rule("tumour", "oxygen", "decreases", "necrosis", 0.0, NECROTIC, 8.0),
        ],
        time=pc.Time(dt_diffusion=0.5, dt_mechanics=0.5),  # oxygen is at rest at each step, however long it is
    )
    made = pc.Simulation(model, seed=link.seed)
    hold(made, link.rng.uniform(-half, half, (vessels, 2)))
    made.add_cells(np.column_stack([packed(cells), np.zeros(cells)]), "tumour")
    return made


def packed(cells: int) -> np.ndarray:
    """The innermost places of a hexagonal packing, um."""
    i, j = np.meshgrid(np.arange(-40, 41), np.arange(-40, 41))
    at = 1.9 * RADIUS_UM * np.column_stack([(i + 0.5 * (j % 2)).ravel(), np.sqrt(0.75) * j.ravel()])
    return at[np.argsort(np.hypot(*at.T), kind="stable")[:cells]]


def hold(made: Any, at_um: np.ndarray) -> None:
    """Make a voxel around each place one that holds the oxygen of blood."""
    medium = made.microenvironment
    columns, rows = np.floor((at_um.T + HALF_UM) / VOXEL_UM).astype(np.int64)
    medium.dirichlet_idx = np.unique(rows * medium.nx + columns)
    medium.dirichlet_val = np.full((len(medium.dirichlet_idx), 1), OXYGEN)
    medium.dirichlet_mask = np.ones((len(medium.dirichlet_idx), 1), dtype=np.uint8)
    medium.apply_dirichlet()


def tumour(given: dict[str, Any], link: ensemble.Link) -> dict[str, Any]:
    """One member: grow it, and say what became of it."""
    from surrogate_adapters.pyphysicell import attach

    made = simulation(given["uptake"], given["vessels"], given["cells"], link)
    attached = attach(made, substrates=["oxygen"], tolerance=TOLERANCE, refresh="phenotype")
    made.run(until=60.0 * given["hours"])
    cells = made.cells
    dead = cells.dead[: cells.n].astype(bool)
    return {
        "living": int((~dead).sum()),
        "dead": float(dead.sum() / given["cells"]),
        "bound": max(each.bound for each in attached.history),
        "solves": len(attached.history),
        "oxygen": (("y", "x"), made.microenvironment.density[0, :, :, 0].copy()),
        "places": cells.position[: cells.n, :2].copy(),
        "is_dead": dead,
    }


def sweep(small: bool) -> list[dict[str, Any]]:
    """Eight uptakes (1 / min) by eight numbers of vessels, or two by two for three hours."""
    if small:
        return ensemble.grid({"uptake": [5.0, 40.0], "vessels": [1, 16], "cells": [300], "hours": [3.0]})
    uptakes = [5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0]
    return ensemble.grid({"uptake": uptakes, "vessels": [1, 2, 3, 4, 6, 8, 12, 16], "cells": [500], "hours": [8.0]})


def draw(path: Path, results: ensemble.Results) -> None:
    """The share of cells that died, over both parameters, beside the tumours at the corners of the sweep."""
    made, axes = view.figure(12.0, 6.2, (1.35, 1.0, 1.0), rows=2)
    for each in (axes[0], axes[3]):
        each.remove()
    table = made.add_subplot(axes[0].get_subplotspec().get_gridspec()[:, 0])
    uptakes, vessels = (np.unique(results.number(name)) for name in ("uptake", "vessels"))
    shares = 100 * results.number("dead").reshape(len(uptakes), len(vessels)).T
    table.set_facecolor(view.PAPER)
    image = table.imshow(shares, origin="lower", cmap="magma", aspect="auto", vmin=0.0)
    table.set_xticks(range(len(uptakes)), [f"{each:g}" for each in uptakes])
    table.set_yticks(range(len(vessels)), [f"{each:g}" for each in vessels])
    table.tick_params(colors=view.INK, labelsize=8)
    table.set_xlabel("uptake of a cell (1 / min)", color=view.INK)
    table.set_ylabel("vessels", color=view.INK)
    bar = made.colorbar(image, ax=table, location="top", shrink=0.8)
    bar.set_label("cells that died (%)", color=view.INK)
    bar.ax.tick_params(colors=view.INK, labelsize=8)
    domain = sp.Domain((-HALF_UM, -HALF_UM), (2 * HALF_UM, 2 * HALF_UM), results[0].arrays["oxygen"].shape)
    corners = [(uptake, count) for count in vessels[[-1, 0]] for uptake in uptakes[[0, -1]]]
    for each, corner in zip((axes[1], axes[2], axes[4], axes[5]), corners, strict=True):
        found = next(one for one in results if (one.parameters["uptake"], one.parameters["vessels"]) == corner)
        view.draw_field(each, domain, found.arrays["oxygen"], vmin=0.0, vmax=OXYGEN, label="oxygen (mmHg)")
        dead = found.arrays["is_dead"]
        for which, colour in ((~dead, "#7fd8be"), (dead, "#8d5a97")):
            view.draw_cells(each, sp.Cells(found.arrays["places"][which], RADIUS_UM), colour, alpha=0.8)
        count = "1 vessel" if corner[1] == 1 else f"{corner[1]:g} vessels"
        each.set_title(f"uptake {corner[0]:g} / min, {count}", fontsize=9)
        view.draw_scale(each, 200.0)
    made.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description="64 pyphysicell tumours over uptake and vessels, side by side.")
    parser.add_argument("--small", action="store_true", help="four small tumours for three hours")
    parser.add_argument("--workers", type=int, help="other processes; 0 for this one (default: as many as pay)")
    parser.add_argument("--store", type=Path, default=Path("ensemble-tumours.zarr"), help="(default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("ensemble-tumours.png"))
    chosen = parser.parse_args()
    results = ensemble.run(tumour, sweep(chosen.small), chosen.store, seed=7, workers=chosen.workers, progress=True)
    for index, failure in results.failed.items():
        print(f"member {index} failed: {failure.error}")
    print("cells that died (%)     vessels")
    uptakes, vessels = (np.unique(results.number(name)) for name in ("uptake", "vessels"))
    shares = 100 * results.number("dead").reshape(len(uptakes), len(vessels))
    print("uptake (1 / min)  " + "".join(f"{each:6g}" for each in vessels))
    for uptake, row in zip(uptakes, shares, strict=True):
        print(f"{uptake:16g}  " + "".join(f"{each:6.1f}" for each in row))
    solves, bound = int(results.number("solves").sum()), results.number("bound").max()
    print(f"{int(results.finished.sum())} tumours finished, {solves} fields of oxygen; largest bound {bound:.2g} mmHg")
    draw(chosen.output, results)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
