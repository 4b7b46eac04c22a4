"""What `SurrogateDiffusionField` is told beyond the parameters of the process it stands in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, NotNegative, Positive, by_substrate
from surrogate_adapters.options import names_of, tolerances

SECONDS_PER_MINUTE = 60.0


class Settings(Checked):
    """Parameters of `SurrogateDiffusionField`; a number is for all substrates, a mapping for each its own.

    Vivarium counts in seconds, um, fL (= um^3) and mmol/L, and so do these.

    Parameters
    ----------
    substrates : list of str, optional
        The molecules to answer for; all of ``molecules`` if not given. The others diffuse as in the parent.
    diffusivity_um2_per_s : float or mapping, um^2 / s, optional
        The parent's ``diffusion`` if not given.
    decay_per_s : float or mapping, 1 / s
        Background decay.
    uptake_per_s : float or mapping, 1 / s
        First-order uptake of an agent that does not say its own in ``boundary.uptake_per_s``.
    secretion_per_s : float or mapping, 1 / s
        The same for secretion, ``boundary.secretion_per_s``.
    secretion_target : float or mapping, mmol / L
        The value at which secretion stops, ``boundary.secretion_target``.
    volume_fL : float, fL
        Volume of an agent without ``boundary.volume``.
    fixed : mapping of molecule to (n_x, n_y) bool array
        Bins that hold a value, indexed (x, y) as the host's fields are.
    fixed_value : float or mapping of molecule to float or (n_x, n_y) array, mmol / L
        What they hold.
    vessels : Vessels, or mapping of molecule to Vessels
        Discs and capsules that hold a value, um from the lattice's lower left corner.
    boundary : str, float, or mapping of molecule to what `Problem` takes
        The four sides; the host's reflecting ones if not given.
    tolerance : float or mapping, mmol / L, optional
        Largest pointwise error allowed; by default 1 % of the largest value imposed.
    model, method, policy, device : str
        As in `BackendConfig`.
    record : str or Path, optional
        Where to record the states solved for, see `Recorder`.

    Raises
    ------
    InvalidProblemError
        If a setting is unknown or out of its range.

    Examples
    --------
    >>> Settings(decay_per_s={"oxygen": 0.01}, tolerance=0.002).policy
    'fastest'
    """

    owner = "SurrogateDiffusionField"

    substrates: Any = None
    diffusivity_um2_per_s: Positive | dict[str, Positive] | None = None
    decay_per_s: NotNegative | dict[str, NotNegative] = 0.0
    uptake_per_s: NotNegative | dict[str, NotNegative] = 0.0
    secretion_per_s: NotNegative | dict[str, NotNegative] = 0.0
    secretion_target: NotNegative | dict[str, NotNegative] = 0.0
    volume_fL: Positive = 1.0
    fixed: dict[str, np.ndarray] | None = None
    fixed_value: NotNegative | dict[str, Any] = 0.0
    vessels: sp.Vessels | dict[str, sp.Vessels] | None = None
    boundary: Any = "reflecting"
    tolerance: Positive | dict[str, Positive] | None = None
    model: str = "default"
    method: str = "guarded"
    policy: Literal["surrogate-first", "fastest"] = "fastest"
    device: str = "auto"
    record: str | Path | None = None


@dataclass(frozen=True)
class AgentDefaults:
    """What holds for an agent that does not say otherwise, by substrate."""

    volume_fL: float
    uptake_per_s: Mapping[str, float]
    secretion_per_s: Mapping[str, float]
    secretion_target: Mapping[str, float]

    @classmethod
    def of(cls, settings: Settings, names: Sequence[str]) -> AgentDefaults:
        """Those of the settings."""
        rates = (
            by_substrate(key, getattr(settings, key), names, 0.0)
            for key in ("uptake_per_s", "secretion_per_s", "secretion_target")
        )
        return cls(settings.volume_fL, *rates)


def configs_of(settings: Settings, molecules: Sequence[str], domain: sp.Domain, diffusion: float) -> Any:
    """A `BackendConfig` for each substrate, with coefficients turned from seconds to minutes."""
    names = names_of(settings.substrates, molecules)
    diffusivity = by_substrate("diffusivity_um2_per_s", settings.diffusivity_um2_per_s, names, diffusion)
    decay = by_substrate("decay_per_s", settings.decay_per_s, names, 0.0)
    boundary = by_substrate("boundary", settings.boundary, names, "reflecting")
    wanted = tolerances(settings.tolerance, names)
    return {
        name: sp.BackendConfig(
            domain=domain,
            diffusivity_um2_per_min=SECONDS_PER_MINUTE * diffusivity[name],
            decay_per_min=SECONDS_PER_MINUTE * decay[name],
            boundary=boundary[name],
            tolerance=wanted[name],
            model=settings.model,
            method=settings.method,
            policy=settings.policy,
            device=settings.device,
            deposit="voxel",
            outside="clamp",
        )
        for name in names
    }


def surroundings_of(settings: Settings, names: Sequence[str], n_bins: Sequence[int]) -> dict[str, sp.TissueState]:
    """What holds each substrate's field wherever the agents are: vessels and fixed bins, rows along y."""
    vessels = by_substrate("vessels", settings.vessels, names, sp.Vessels.none())
    masks = by_substrate("fixed", settings.fixed, names, None)
    values = by_substrate("fixed_value", settings.fixed_value, names, 0.0)
    return {
        name: sp.TissueState(vessels=vessels[name], voxels=_voxels(name, masks[name], values[name], n_bins))
        for name in names
    }


def _voxels(name: str, mask: Any, value: Any, n_bins: Sequence[int]) -> sp.Voxels | None:
    if mask is None:
        return None
    for key, given in (("fixed", mask), ("fixed_value", value)):
        if np.ndim(given) and np.shape(given) != tuple(n_bins):
            raise sp.InvalidProblemError(
                f"{key}[{name!r}] has shape {np.shape(given)}; that of the bins (x, y), {tuple(n_bins)}, is allowed."
            )
    return sp.Voxels(fixed=np.asarray(mask).T, value=np.asarray(value).T)
