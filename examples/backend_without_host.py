"""A simulator of one's own on the backend: cells wander, and each step gives them the oxygen where they are."""

from __future__ import annotations

import numpy as np

import surrogate_plugin as sp


def main() -> None:
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


if __name__ == "__main__":
    main()
