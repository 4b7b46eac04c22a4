"""What bins are wherever the agents are: held, made in, conducting, walled off; and what the sides are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.checked import by_substrate
from surrogate_adapters.vivarium.settings import SECONDS_PER_MINUTE, Settings
from surrogate_plugin.arguments import shown

FloatArray = npt.NDArray[np.float64]


def turned(key: str, name: str, given: Any, n_bins: Sequence[int]) -> Any:
    """A number, or a map of bins (x, y) with rows along y.

    Raises
    ------
    InvalidProblemError
        If it is a map of other bins.
    """
    if np.ndim(given) and np.shape(given) != tuple(n_bins):
        raise sp.InvalidProblemError(
            f"{key}[{name!r}] has shape {np.shape(given)}; that of the bins (x, y), {tuple(n_bins)}, is allowed."
        )
    return np.asarray(given).T if np.ndim(given) else given


def in_minutes(boundary: Any) -> Any:
    """What the sides are, with what passes them a minute."""
    if isinstance(boundary, Mapping):
        return {side: in_minutes(given) for side, given in boundary.items()}
    if isinstance(boundary, sp.Flux):
        return sp.Flux(SECONDS_PER_MINUTE * boundary.inward)
    if isinstance(boundary, sp.Exchange):
        return sp.Exchange(SECONDS_PER_MINUTE * boundary.rate, boundary.value)
    return boundary


def surroundings_of(
    settings: Settings, configs: Mapping[str, sp.BackendConfig], n_bins: Sequence[int]
) -> dict[str, sp.TissueState]:
    """What holds each substrate's field, makes it or walls it off wherever the agents are, rows along y."""
    names = list(configs)
    vessels = by_substrate("vessels", settings.vessels, names, sp.Vessels.none())
    parts: dict[str, dict[str, Any]] = {
        "fixed": by_substrate("fixed", settings.fixed, names, None),
        "fixed_value": by_substrate("fixed_value", settings.fixed_value, names, 0.0),
        "sources": by_substrate("sources", settings.sources, names, 0.0),
    }
    walls = by_substrate("membranes", settings.membranes, names, None)
    return {
        name: sp.TissueState(
            vessels=vessels[name],
            voxels=_voxels(
                {key: turned(key, name, each[name], n_bins) for key, each in parts.items()},
                _membranes(name, walls[name], n_bins, sp.Boundary.parse(configs[name].boundary)),
            ),
        )
        for name in names
    }


def _voxels(parts: Mapping[str, Any], membranes: sp.Membranes | None) -> sp.Voxels | None:
    if parts["fixed"] is None and membranes is None and not np.any(parts["sources"]):
        return None
    made = SECONDS_PER_MINUTE * np.asarray(parts["sources"], dtype=np.float64)
    return sp.Voxels(parts["fixed"], parts["fixed_value"], production_per_min=made, membranes=membranes)


def _membranes(name: str, given: Any, n_bins: Sequence[int], sides: sp.Boundary) -> sp.Membranes | None:
    """Those between regions, around a torus too."""
    if given is None:
        return None
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise sp.InvalidProblemError(
            f"membranes[{name!r}] is {shown(given)}; two things are allowed: whole numbers of regions, bins (x, y), "
            "and the permeability between different ones, um/s."
        )
    regions, permeability = given
    if np.ndim(regions) == 0:
        raise sp.InvalidProblemError(f"membranes[{name!r}] has {regions!r} for regions; an array (x, y) is allowed.")
    if isinstance(permeability, Mapping):
        per_min: Any = {pair: SECONDS_PER_MINUTE * one for pair, one in permeability.items()}
    else:
        per_min = SECONDS_PER_MINUTE * permeability
    return sp.Membranes.between(turned("membranes", name, regions, n_bins), per_min, rings=sides.rings)
