"""Record a host of a kind the default model does badly on, retrain the model on it, and show what that changed.

    python examples/retrain_on_a_host.py -o retrain-on-a-host.png --out retrained
    python examples/retrain_on_a_host.py --voxels 256 --steps 150 --base-problems 200 --minutes 15  # in earnest

The host is a pyphysicell tissue on a fine lattice: a few ring-shaped vessels, which open and close, and wandering cells
that take up oxygen. Oxygen diffuses 200 voxels far, farther than the default model was trained for, so that the guard
does not even ask it. The same retraining, of the recording that this writes, on the command line:

    surrogate-plugin retrain --record retrained/oxygen.zarr --out retrained/model
"""

from __future__ import annotations

import argparse
import math
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyphysicell as pc

import surrogate_plugin as sp
from surrogate_adapters.pyphysicell import attach
from surrogate_training.commands.terminal import bar
from surrogate_training.retraining.report import markdown
from surrogate_training.retraining.retrain import RetrainConfig, retrain

#: A diffusion length of 1 mm, which is 200 voxels.
DIFFUSIVITY, DECAY, SPACING_UM = 1e5, 0.1, 5.0
OXYGEN_MMHG = 38.0
#: Vessels stay for so many steps.
STAY = 2


def tissue(voxels: int, seed: int) -> Any:
    """A square of ``voxels x voxels`` voxels with wandering cells, 150 of them on 256 x 256."""
    cells = max(10, 150 * voxels**2 // 256**2)
    half = 0.5 * voxels * SPACING_UM
    wandering = pc.CellType(
        "wandering",
        cycle=pc.Cycle(transition_rates={(0, 0): 0.0}),
        motility=pc.Motility(enabled=True, speed=2.0, persistence_time=10.0, use_2D=True),
        secretion={"oxygen": pc.SecretionEntry(uptake_rate=10.0)},
    )
    model = pc.Model(
        name="rings",
        domain=pc.Domain(-half, half, -half, half, -10.0, 10.0, SPACING_UM, SPACING_UM, 20.0),
        substrates=[pc.Substrate("oxygen", DIFFUSIVITY, DECAY, OXYGEN_MMHG)],
        cell_types=[wandering],
        random_seed=seed,
    )
    simulation = pc.Simulation(model, seed=seed)
    places = np.random.default_rng(seed).uniform(-0.8 * half, 0.8 * half, (cells, 2))
    simulation.add_cells(np.column_stack([places, np.zeros(cells)]), "wandering")
    return simulation


def hold_rings(simulation: Any, domain: sp.Domain, rng: np.random.Generator) -> None:
    """Close all vessels and open one or two others: Dirichlet voxels on circles."""
    start, end = [], []
    angles = np.linspace(0.0, 2.0 * math.pi, 33)
    for _ in range(int(rng.integers(1, 3))):
        centre = domain.size_um * rng.uniform(0.15, 0.85, 2) + domain.origin_um
        circle = centre + rng.uniform(10.0, 35.0) * np.column_stack([np.cos(angles), np.sin(angles)])
        start.append(circle[:-1])
        end.append(circle[1:])
    wall = sp.Vessels.from_segments(np.concatenate(start), np.concatenate(end), radius_um=3.5, value=OXYGEN_MMHG)
    raster = domain.rasterise(sp.TissueState(vessels=wall), outside="drop")
    me = simulation.microenvironment
    where = np.flatnonzero(raster.fixed)
    me.dirichlet_idx = where.astype(np.int64)
    me.dirichlet_val = raster.source.reshape(-1)[where, np.newaxis].copy()
    me.dirichlet_mask = np.ones((where.size, 1), dtype=np.uint8)


def record(path: Path, voxels: int, steps: int, seed: int) -> None:
    """Run the host, with its states recorded; what is there already is kept."""
    if path.exists() and len(sp.Recording(path)) >= steps:
        return
    half, rng = 0.5 * voxels * SPACING_UM, np.random.default_rng(seed)
    domain = sp.Domain.from_lattice((voxels, voxels), SPACING_UM, origin_um=(-half, -half))
    simulation = tissue(voxels, seed)
    hold_rings(simulation, domain, rng)
    # That vessels open from one step to the next is told once, as a user's would be; here it is what is to be learnt.
    warnings.simplefilter("ignore", sp.PromiseWarning)
    with attach(simulation, substrates=["oxygen"], refresh="phenotype", record=path) as link, bar("recording") as tell:
        for step in range(steps):
            if step % STAY == 0:
                hold_rings(simulation, domain, rng)
            simulation.run(until=6.0 * (step + 1))
            tell((step + 1) / steps, f"recording step {step + 1} of {steps}")
        by_network = sum(entry.method == "surrogate" for entry in link.history)
        print(f"{len(link.history)} states recorded, {by_network} of them answered by the network")


def main() -> None:
    parser = argparse.ArgumentParser(description="Retrain the default model on a pyphysicell tissue with ring vessels.")
    parser.add_argument("--minutes", type=float, default=1.0, help="of retraining (default: %(default)s)")
    parser.add_argument("--voxels", type=int, default=96, help="along a side of the tissue (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=60, help="states to record (default: %(default)s)")
    parser.add_argument(
        "--base-problems", type=int, default=24, help="of what the parent was tested on (default: %(default)s)"
    )
    parser.add_argument("--from", dest="parent", default="default", help="model to begin with (default: %(default)s)")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("retrain-on-a-host.png"), help="the picture (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("retrained"), help="folder of recording and model (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the tissue (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="64 x 64 voxels and two steps of training")
    chosen = parser.parse_args()

    recording = chosen.out / "oxygen.zarr"
    voxels, steps = (64, 12) if chosen.small else (chosen.voxels, chosen.steps)
    record(recording, voxels, steps, chosen.seed)
    few = {"minutes": chosen.minutes, "base_problems": chosen.base_problems}
    if chosen.small:
        few = {"steps": 2, "base_problems": 4}
    config = RetrainConfig(record=recording, parent=chosen.parent, out=chosen.out / "model", name="rings", **few)
    with bar("measuring the parent") as tell:
        outcome = retrain(config, tell)
    print(markdown(outcome.report))
    print(f"published: {outcome.weights}" if outcome.weights else "worse than its parent, so it is not published")
    shutil.copyfile(chosen.out / "model" / "before-after.png", chosen.output)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
