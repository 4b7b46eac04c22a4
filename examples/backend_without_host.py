"""A simulator of one's own on the backend: cells wander, and each step gives them the oxygen where they are.

python examples/backend_without_host.py -o backend-without-host.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.pictures import view


def picture(path: Path, result: sp.StepResult, cells: sp.Cells, oxygen: np.ndarray, domain: sp.Domain) -> None:
    """The last field with its cells, hypoxic ones blue."""
    made, (axes,) = view.figure(9.6, 4.6, (1.0,))
    view.draw_field(axes, domain, result.field, label="oxygen (mmHg)", vmin=0.0, vmax=38.0)
    view.draw_cells(axes, cells, np.where(oxygen < 8.0, "#59c2ff", "#7fd8be"), alpha=0.8)
    view.draw_scale(axes, 200.0)
    axes.set_title(f"Hungry cells, blue, search; at most {result.solution.error_bound:.2g} mmHg off")
    made.savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description="Wandering cells on the backend, without a host.")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("backend-without-host.png"), help="the picture (default: %(default)s)"
    )
    chosen = parser.parse_args()
    rng = np.random.default_rng(1)
    domain = sp.Domain(origin_um=(0.0, 0.0), size_um=(2560.0, 1280.0), shape=(128, 256))
    backend = sp.Backend(
        sp.BackendConfig(
            domain=domain,
            diffusivity_um2_per_min=1e5,
            decay_per_min=0.1,
            tolerance=0.38,
            boundary="reflecting",
        )
    )
    vessels = sp.Vessels.from_segments(
        [(0.0, 200.0), (2560.0, 900.0)], [(1500.0, 500.0), (1300.0, 1000.0)], radius_um=15.0, value=38.0
    )
    position = rng.uniform((200.0, 100.0), (2300.0, 1200.0), (1500, 2))

    for step in range(6):
        cells = sp.Cells(position, radius_um=8.4, uptake_per_min=10.0)
        result = backend.step(sp.TissueState(cells, vessels))
        oxygen = result.sample(position)
        print(
            f"step {step}: {result.solution.method}, at most {result.solution.error_bound:.2g} off; "
            f"{np.mean(oxygen < 8.0):.0%} of the cells are hypoxic"
        )
        # Hungry cells search; fed ones rest.
        stride = np.where(oxygen < 8.0, 20.0, 2.0)[:, np.newaxis]
        position = np.clip(position + stride * rng.normal(size=position.shape), (0.0, 0.0), domain.size_um)

    print(backend.summary())
    picture(chosen.output, result, cells, oxygen, domain)
    print(f"picture: {chosen.output}")


if __name__ == "__main__":
    main()
