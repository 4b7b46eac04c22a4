"""What a backend is told once: lattice, coefficients, tolerance and who may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, InstanceOf, StrictStr, ValidationError, ValidationInfo, field_validator

from surrogate_plugin.arguments import Coefficient, coefficient, one_of, positive_number, shown
from surrogate_plugin.engine.request import DEVICES, installed_method, model_of, tolerance_of
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.raster import Deposit, Outside

_Map = InstanceOf[np.ndarray]


class BackendConfig(BaseModel):
    """What stays the same from step to step.

    Parameters
    ----------
    domain : Domain
        The lattice, with its units.
    diffusivity_um2_per_min : float or (H, W) array, um^2 / min
        Larger than 0.
    decay_per_min : float or (H, W) array, 1 / min
        Background decay, >= 0; cells and voxels add to it. Maps are copied, and one of one value is that number.
    tolerance : float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest imposed value.
    model : str
        Name of an installed network, or the path of one's weights.
    boundary : str, float or mapping
        As in `Problem`: absorbing if not given.
    method, policy, device : str
        As in `solve`.
    michaelis_km : float, field units, optional
        If given, uptake saturates: cells and voxels take up ``rate c km / (km + c)``, which is first order at
        low values and never more than ``rate km``.
    deposit : "area" or "voxel"
        How cells land on pixels, see `Domain.rasterise`.
    outside : "error", "drop" or "clamp"
        What becomes of cells and vessels off the domain, see `Domain.rasterise`.

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

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), validate_default=True)

    domain: InstanceOf[Domain]
    diffusivity_um2_per_min: float | _Map
    decay_per_min: float | _Map
    tolerance: float | None = None
    model: StrictStr = "default"
    boundary: BoundaryLike | Boundary = "absorbing"
    method: StrictStr = "guarded"
    policy: Literal["surrogate-first", "fastest"] = "fastest"
    device: str = "auto"
    michaelis_km: float | None = None
    deposit: Deposit = "area"
    outside: Outside = "error"

    @field_validator("diffusivity_um2_per_min", "decay_per_min", mode="before")
    @classmethod
    def _map_of_the_domain(cls, given: Any, found: ValidationInfo) -> Coefficient:
        domain, name = found.data.get("domain"), str(found.field_name)
        shape = domain.shape if isinstance(domain, Domain) else None
        positive = name == "diffusivity_um2_per_min"
        return coefficient(f"BackendConfig.{name}", given, shape=shape, like="the domain", positive=positive)

    @field_validator("model")
    @classmethod
    def _installed(cls, given: str) -> str:
        model_of(given, "BackendConfig.model")
        return given

    @field_validator("device", mode="before")
    @classmethod
    def _known(cls, given: Any) -> str:
        return one_of("BackendConfig.device", given, DEVICES)

    @field_validator("tolerance", mode="before")
    @classmethod
    def _reachable(cls, given: Any) -> float | None:
        return tolerance_of(given, "BackendConfig.tolerance")

    @field_validator("method")
    @classmethod
    def _callable(cls, given: str) -> str:
        return installed_method(given, "BackendConfig.method")

    @field_validator("michaelis_km", mode="before")
    @classmethod
    def _positive(cls, given: Any) -> float | None:
        return None if given is None else positive_number("BackendConfig.michaelis_km", given)

    @field_validator("boundary", mode="before")
    @classmethod
    def _readable(cls, given: BoundaryLike | Boundary) -> Boundary:
        return Boundary.parse(given)

    if not TYPE_CHECKING:  # the signature that pydantic gives type checkers is the better one

        def __init__(self, /, **options: Any) -> None:
            try:
                super().__init__(**options)
            except ValidationError as error:
                raise InvalidProblemError(_one_sentence(error)) from None


def _one_sentence(error: ValidationError) -> str:
    """What pydantic found wrong first, in the words of this package."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "missing":
        return f"BackendConfig.{name} is missing."
    if first["type"] == "extra_forbidden":
        return f"BackendConfig has no option {name!r}; it has {', '.join(BackendConfig.model_fields)}."
    if first["type"] == "value_error":
        found = str(first["ctx"]["error"])
        return found if found.startswith("BackendConfig.") else f"BackendConfig.{name}: {found}"
    message = first["msg"]
    return f"BackendConfig.{name} is {shown(first['input'])}; {message[0].lower()}{message[1:]}."
