"""A drug in a tissue that is not all alike: leaky vessels, cells in membranes, a scar, and bone that nothing passes.

    python examples/membranes_and_obstacles.py -o membranes-and-obstacles.png

The same tissue once more with open cells, closed vessels and nothing in the way says what each of them is for.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.pictures import view

#: Of a slab as thick as the cells in it are on average.
SPACING_UM, THICKNESS_UM = 5.0, 15.0
#: Of the drug: um^2 / min in healthy tissue, how many times less in the scar, and 1 / min.
DIFFUSIVITY, SCARRED, DECAY = 3e3, 20.0, 0.02
#: um / min of the vessels' walls and of the cells' membranes; 1 / min of what cells take up.
WALL, MEMBRANE, UPTAKE = 12.0, 1.0, 0.5


def tissue(domain: sp.Domain, rng: np.random.Generator) -> tuple[sp.TissueState, np.ndarray, np.ndarray]:
    """The tissue, and where its scar and its bone are, (H, W) bool each."""
    width, height = domain.size_um
    x, y = (each.T for each in np.meshgrid(*domain.centres_um(), indexing="ij"))
    scar = np.hypot(x - 0.72 * width, 1.2 * (y - 0.4 * height)) < 0.24 * width
    bone = (np.abs(y - 0.62 * height - 0.1 * (x - 0.5 * width)) < 0.035 * height) & (
        np.abs(x - 0.45 * width) > 0.06 * width
    )
    bone &= x < 0.8 * width
    at = rng.uniform(0.06, 0.94, (400, 2)) * domain.size_um
    column, row = (at / SPACING_UM).astype(int).T
    at = at[~bone[row, column]]
    apart = [k for k in range(len(at)) if np.hypot(*(at[:k] - at[k]).T).min(initial=np.inf) > 26.0]
    cells = sp.Cells(at[apart], 11.0, uptake_per_min=UPTAKE, membrane_um_per_min=MEMBRANE)
    places = np.array([[0.12, 0.2], [0.35, 0.3], [0.7, 0.36], [0.2, 0.85], [0.88, 0.85], [0.45, 0.12]])
    ends = places + np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.18, 0.06], [0.0, 0.0], [0.2, 0.05]])
    vessels = sp.Vessels(places * domain.size_um, 12.0, 1.0, ends * domain.size_um, permeability_um_per_min=WALL)
    conducts = np.where(bone, 0.0, np.where(scar, DIFFUSIVITY / SCARRED, DIFFUSIVITY))
    return sp.TissueState(cells, vessels, sp.Voxels(diffusivity_um2_per_min=conducts)), scar, bone


def variants(state: sp.TissueState) -> dict[str, sp.TissueState]:
    """The tissue as it is, and each time without one of the things in it."""
    cells, vessels = state.cells, state.vessels
    opened = sp.Cells(cells.position_um, cells.radius_um, cells.uptake_per_min)
    held = sp.Vessels(vessels.position_um, vessels.radius_um, vessels.value, vessels.end_um)
    return {
        "as it is": state,
        "without membranes": sp.TissueState(opened, vessels, state.voxels),
        "vessels hold their value": sp.TissueState(cells, held, state.voxels),
        "neither scar nor bone": sp.TissueState(cells, vessels),
    }


def picture(
    path: Path, domain: sp.Domain, state: sp.TissueState, bone: np.ndarray, fields: dict[str, np.ndarray]
) -> None:
    """The tissue as it is, and each time without one of the things in it."""
    made, axes = view.figure(9.6, 7.0, (1.0, 1.0), rows=2)
    for each, (name, field) in zip(axes, fields.items(), strict=True):
        view.draw_field(each, domain, field, label="drug (part of the blood's)", vmin=0.0, vmax=0.6)
        if "bone" not in name:
            view.draw_fixed(each, domain, bone, "#b9b4a7")
        view.draw_cells(each, state.cells, "#7fd1ff", alpha=0.35)
        view.draw_scale(each, 100.0)
        each.set_title(name)
    made.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="A drug among leaky vessels, membranes, a scar and bone.")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("membranes-and-obstacles.png"),
        help="the picture (default: %(default)s)",
    )
    parser.add_argument("--small", action="store_true", help="a quarter of the tissue, over in seconds")
    chosen = parser.parse_args()
    rows, columns = (60, 80) if chosen.small else (120, 160)
    domain = sp.Domain.from_lattice((rows, columns), SPACING_UM, thickness_um=THICKNESS_UM)
    state, _, bone = tissue(domain, np.random.default_rng(3))
    config = sp.BackendConfig(
        domain=domain, diffusivity_um2_per_min=DIFFUSIVITY, decay_per_min=DECAY, tolerance=1e-3,
        boundary=sp.Boundary.parse({"left": sp.Exchange(rate=0.5, value=0.0)}, unnamed="reflecting"),
    )  # fmt: skip
    backend, fields = sp.Backend(config), {}
    for name, each in variants(state).items():
        result = backend.step(each)
        fields[name] = result.field
        inside = result.sample(state.cells.position_um)
        print(
            f"{name:>23}: cells hold {np.median(inside):.3f} of the blood's, "
            f"{result.field[~bone].mean():.3f} everywhere; at most {result.record.bound:.1e} off"
        )
    picture(chosen.output, domain, state, bone, fields)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
