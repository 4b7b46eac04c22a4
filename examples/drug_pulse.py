"""A drug given in pulses beside steady oxygen: it goes on in time, and what becomes of each dose is accounted for."""

from __future__ import annotations

import math

import numpy as np

import surrogate_plugin as sp

STEP_MIN = 6.0


def main() -> None:
    rng = np.random.default_rng(3)
    domain = sp.Domain(origin_um=(0.0, 0.0), size_um=(1280.0, 960.0), shape=(48, 64))
    rates = {"domain": domain, "boundary": "reflecting"}
    oxygen = sp.Backend(
        sp.BackendConfig(diffusivity_um2_per_min=1e5, decay_per_min=0.1, tolerance=0.38, **rates),
    )
    drug = sp.Backend(
        sp.BackendConfig(
            diffusivity_um2_per_min=600.0,
            decay_per_min=0.002,
            tolerance=1e-3,
            stepping="implicit-euler",
            time_tolerance=0.05,  # steps are taken in parts where they would be off by more
            **rates,
        )
    )
    place = rng.normal((640.0, 480.0), 140.0, (300, 2)).clip((0.0, 0.0), domain.size_um)
    ends = [(0.0, 100.0), (1280.0, 850.0)], [(1280.0, 300.0), (100.0, 700.0)]

    for step in range(20):
        now = (step + 1) * STEP_MIN  # implicit steps are taken with what holds at their end
        held = sp.Vessels.from_segments(*ends, radius_um=12.0, value=38.0)
        air = oxygen.step(sp.TissueState(sp.Cells(place, 8.4, uptake_per_min=10.0), held))

        # The drug comes by the same vessels and is cleared from blood with a half-life of seven minutes.
        blood = sp.Vessels.from_segments(*ends, radius_um=12.0, value=10.0 * math.exp(-now / 10.0))
        if step == 10:
            injected = drug.field.copy()
            injected[20:24, 30:34] += 25.0  # a second dose, beside the tumour: any array may be handed over
            drug.field = injected
        result = drug.step(sp.TissueState(sp.Cells(place, 8.4, uptake_per_min=0.5), blood), dt_min=STEP_MIN)

        record, inside = result.record, result.sample(place)
        if step % 4 == 3 or step == 10:
            print(
                f"{now:4.0f} min: drug in cells {inside.mean():.3f} on average, at most "
                f"{record.bound:.1e} off and {record.time_error:.1e} (estimate) for {record.parts} parts; "
                f"oxygen {air.sample(place).mean():.1f}"
            )
            print(f"          {record.balance}")
    print(drug.summary())


if __name__ == "__main__":
    main()
