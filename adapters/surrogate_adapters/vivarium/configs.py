"""What the backend of each substrate is told, with coefficients turned from seconds to minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.checked import by_substrate
from surrogate_adapters.options import names_of
from surrogate_adapters.vivarium.places import in_minutes, turned
from surrogate_adapters.vivarium.settings import SECONDS_PER_MINUTE, Settings


def configs_of(
    settings: Settings, molecules: Sequence[str], domain: sp.Domain, diffusion: Mapping[str, float]
) -> dict[str, sp.BackendConfig]:
    """A `BackendConfig` for each substrate.

    Raises
    ------
    InvalidProblemError
        Naming the molecule, if one of its coefficients is out of range.
    """
    names = names_of(settings.substrates, molecules)
    diffusivity: dict[str, Any] = {name: diffusion[name] for name in names}
    if settings.diffusivity_um2_per_s is not None:
        given = by_substrate("diffusivity_um2_per_s", settings.diffusivity_um2_per_s, names, 0.0)
        diffusivity |= {name: value for name, value in given.items() if np.any(value)}
    decay = by_substrate("decay_per_s", settings.decay_per_s, names, 0.0)
    boundary = by_substrate("boundary", settings.boundary, names, "reflecting")
    km = by_substrate("michaelis_km", settings.michaelis_km, names, None)
    shared, n_bins = settings.settings(names), domain.shape[::-1]

    def config(name: str) -> sp.BackendConfig:
        um2_per_s = diffusivity[name]
        if np.ndim(um2_per_s) == 0 and not um2_per_s > 0:
            raise sp.InvalidProblemError(
                f"molecule {name!r} has diffusion {um2_per_s:g} um2/s; one > 0 is allowed, or leave it out of "
                "substrates."
            )
        return sp.BackendConfig(
            domain=domain,
            diffusivity_um2_per_min=SECONDS_PER_MINUTE * turned("diffusivity_um2_per_s", name, um2_per_s, n_bins),
            decay_per_min=SECONDS_PER_MINUTE * turned("decay_per_s", name, decay[name], n_bins),
            boundary=sp.Boundary.parse(in_minutes(boundary[name]), unnamed="reflecting"),
            michaelis_km=km[name],
            deposit="voxel",
            outside="clamp",
            **dict(shared[name]),
        )

    return {name: config(name) for name in names}
