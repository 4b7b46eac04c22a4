"""What a backend is told once: lattice, coefficients, tolerance and who may answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import InstanceOf, StrictBool, ValidationInfo, field_validator

from surrogate_plugin.arguments import coefficient, positive_number
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.session.settings import Settings
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.raster import Deposit, Outside

_Map = InstanceOf[np.ndarray]


class BackendConfig(Settings):
    """What stays the same from step to step.

    Parameters
    ----------
    domain : Domain
        The lattice, with its units.
    diffusivity_um2_per_min : float, (H, W) array or PerAxis, um^2 / min
        >= 0; nothing passes into pixels of 0, which are obstacles. Cells and voxels may have their own.
    decay_per_min : float or (H, W) array, 1 / min
        Background decay, >= 0; cells and voxels add to it. Maps are copied, and one of one value is that number.
    tolerance : float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest imposed value, and 0.1 % of the largest value
        around where the field goes on in time, see `Settings`.
    stepping, time_tolerance
        As in `Settings`: with ``"implicit-euler"`` each step takes the field before on by a time.
    initial : float or (H, W) array, field units
        The field before the first step in time, >= 0.
    model : str
        Name of an installed network, or the path of one's weights.
    boundary : str, float or mapping
        As in `Problem`, in micrometres and minutes: absorbing if not given.
    method, policy : str
        As in `solve`.
    device : str
        As in `solve`; with ``"cuda"`` each steady field is solved for on the GPU as a whole, where there is one.
    michaelis_km : float, field units, optional
        If given, uptake saturates: cells and voxels take up ``rate c km / (km + c)``, which is first order at
        low values and never more than ``rate km``. `Cells` may say that largest uptake itself, ``max_uptake_per_min``.
    deposit : "area" or "voxel"
        How cells land on pixels, see `Domain.rasterise`.
    outside : "error", "drop" or "clamp"
        What becomes of cells and vessels off the domain, see `Domain.rasterise`.
    error_map : bool
        Whether the error is bounded at each pixel too, ``result.solution.error_map``, and with it that of the slopes,
        ``result.solution.gradient_bound``; it takes a certificate of its own at each step that is solved.
    report : str or Path, optional
        Where the backend writes a page of its run, such as ``"run.html"``, see `RunReport`.

    Raises
    ------
    InvalidProblemError
        One sentence naming the option and what is allowed; also for an unknown option.

    Examples
    --------
    >>> domain = Domain((0.0, 0.0), (640.0, 320.0), (16, 32))
    >>> config = BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, tolerance=0.38)
    >>> config.policy
    'fastest'
    """

    domain: InstanceOf[Domain]
    diffusivity_um2_per_min: float | _Map | InstanceOf[PerAxis]
    decay_per_min: float | _Map
    boundary: BoundaryLike | Boundary = "absorbing"
    michaelis_km: float | None = None
    initial: float | _Map = 0.0
    deposit: Deposit = "area"
    outside: Outside = "error"
    error_map: StrictBool = False
    report: str | Path | None = None

    @field_validator("diffusivity_um2_per_min", "decay_per_min", "initial", mode="before")
    @classmethod
    def _map_of_the_domain(cls, given: Any, found: ValidationInfo) -> Diffusivity:
        domain, name = found.data.get("domain"), str(found.field_name)
        shape = domain.shape if isinstance(domain, Domain) else None
        if isinstance(given, PerAxis) and name == "diffusivity_um2_per_min":
            parts = {"x": given.x, "y": given.y}
            both = {a: coefficient(f"{name}.{a}", part, shape=shape, like="the domain") for a, part in parts.items()}
            return PerAxis(**both, z=given.z)
        return coefficient(name, given, shape=shape, like="the domain")

    @field_validator("michaelis_km", mode="before")
    @classmethod
    def _positive(cls, given: Any) -> float | None:
        return None if given is None else positive_number("michaelis_km", given)

    @field_validator("boundary", mode="before")
    @classmethod
    def _readable(cls, given: BoundaryLike | Boundary) -> Boundary:
        return Boundary.parse(given)
