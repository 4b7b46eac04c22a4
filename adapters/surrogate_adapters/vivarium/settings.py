"""What `SurrogateDiffusionField` is told beyond the parameters of the process it stands in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import InstanceOf

import surrogate_plugin as sp
from surrogate_adapters.checked import NotNegative, Positive, by_substrate
from surrogate_adapters.options import Options
from surrogate_adapters.quantities import in_unit

SECONDS_PER_MINUTE = 60.0

#: The units of the parameters that may come as quantities, the host's own among them.
UNITS = {
    "bounds": "um",
    "depth": "um",
    "time_step": "s",
    "timestep": "s",
    "diffusion": "um**2/s",
    "initial_state": "mmol/L",
    "diffusivity_um2_per_s": "um**2/s",
    "decay_per_s": "1/s",
    "uptake_per_s": "1/s",
    "secretion_per_s": "1/s",
    "secretion_target": "mmol/L",
    "production_per_s": "mmol/L/s",
    "release_per_s": "count/s",
    "sources": "mmol/L/s",
    "michaelis_km": "mmol/L",
    "volume_fL": "fL",
    "fixed_value": "mmol/L",
    "boundary": "mmol/L",
    "tolerance": "mmol/L",
}


def without_units(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as plain numbers in the host's units.

    Raises
    ------
    InvalidProblemError
        If one comes in a unit of another dimension.

    Examples
    --------
    >>> from vivarium.library.units import units
    >>> without_units({"bounds": [0.1 * units.mm, 40], "molecules": ["glc"]})
    {'bounds': [100.0, 40], 'molecules': ['glc']}
    """
    return {key: in_unit(key, value, UNITS[key]) if key in UNITS else value for key, value in dict(parameters).items()}


class Settings(Options):
    """Parameters of `SurrogateDiffusionField`; a number is for all substrates, a mapping for each its own.

    Vivarium counts in seconds, um, fL (= um^3) and mmol/L, and so do these; quantities of its units are taken too.

    Parameters
    ----------
    substrates : list of str, optional
        The molecules to answer for; all of ``molecules`` if not given. The others diffuse as in the parent.
    elsewhere : list of str
        Further molecules that agents have rates of, since other processes answer for them.
    diffusivity_um2_per_s : float, or mapping of molecule to float or (n_x, n_y) array, um^2 / s, optional
        The parent's ``diffusion`` if not given, which may be a mapping too. Of a map >= 0, and nothing passes into
        bins of 0; between two bins counts the harmonic mean.
    decay_per_s : float, or mapping of molecule to float or (n_x, n_y) array, 1 / s
        Background decay.
    uptake_per_s : float or mapping, 1 / s
        First-order uptake of an agent that does not say its own in ``boundary.uptake_per_s``.
    secretion_per_s : float or mapping, 1 / s
        The same for secretion, ``boundary.secretion_per_s``.
    secretion_target : float or mapping, mmol / L
        The value at which secretion stops, ``boundary.secretion_target``.
    production_per_s : float or mapping, mmol / L / s
        What an agent makes at a constant rate, whatever is there, ``boundary.production_per_s``; it counts times the
        agent's volume by that of its bin.
    release_per_s : float or mapping, counts / s
        The same in molecules, whatever the agent's volume is, ``boundary.release_per_s``.
    sources : float, or mapping of molecule to float or (n_x, n_y) array, mmol / L / s
        What the bins make at a constant rate, wherever the agents are.
    michaelis_km : float or mapping, mmol / L, optional
        If given, uptake saturates, see `BackendConfig`.
    volume_fL : float, fL
        Volume of an agent without ``boundary.volume``.
    fixed : mapping of molecule to (n_x, n_y) bool array
        Bins that hold a value, indexed (x, y) as the host's fields are.
    fixed_value : float or mapping of molecule to float or (n_x, n_y) array, mmol / L
        What they hold.
    membranes : mapping of molecule to (regions, permeability)
        Between bins (x, y) of different regions, an (n_x, n_y) array of whole numbers: the permeability in um / s, or
        a mapping of pairs of regions to one.
    vessels : Vessels, or mapping of molecule to Vessels
        Discs and capsules that hold a value, um from the lattice's lower left corner.
    boundary : str, float, or mapping of molecule to what `Problem` takes
        The four sides; those that are not named reflect, as the host's do. What passes `Flux` (mmol / L um / s) and
        `Exchange` (um / s) counts by the second here.
    gradients : sequence of str
        Molecules whose slopes agents read, in ``boundary.gradient``: (x, y), mmol / L / um; ``certificate`` has a
        ``gradient_bound`` of them.
    tolerance : float or mapping, mmol / L, optional
        Largest pointwise error allowed; by default 1 % of the largest value imposed.
    model, method, policy, device : str
        As in `BackendConfig`; a model that is not there is refused.
    record : str or Path, optional
        Where to record the states solved for, see `Recorder`.
    report : str or Path, optional
        Where to write the page of the run, such as ``"run.html"``: one for all molecules, see `RunReport`.

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
    elsewhere: Sequence[str] = ()
    diffusivity_um2_per_s: Positive | dict[str, Positive | InstanceOf[np.ndarray]] | None = None
    decay_per_s: NotNegative | dict[str, NotNegative | InstanceOf[np.ndarray]] = 0.0
    uptake_per_s: NotNegative | dict[str, NotNegative] = 0.0
    secretion_per_s: NotNegative | dict[str, NotNegative] = 0.0
    secretion_target: NotNegative | dict[str, NotNegative] = 0.0
    production_per_s: NotNegative | dict[str, NotNegative] = 0.0
    release_per_s: NotNegative | dict[str, NotNegative] = 0.0
    sources: NotNegative | dict[str, Any] = 0.0
    michaelis_km: Positive | dict[str, Positive] | None = None
    volume_fL: Positive = 1.0
    fixed: dict[str, np.ndarray] | None = None
    fixed_value: NotNegative | dict[str, Any] = 0.0
    membranes: dict[str, Any] | None = None
    vessels: sp.Vessels | dict[str, sp.Vessels] | None = None
    boundary: Any = "reflecting"
    gradients: Sequence[str] = ()


@dataclass(frozen=True)
class AgentDefaults:
    """What holds for an agent that does not say otherwise, by substrate."""

    volume_fL: float
    uptake_per_s: Mapping[str, float]
    secretion_per_s: Mapping[str, float]
    secretion_target: Mapping[str, float]
    production_per_s: Mapping[str, float]
    release_per_s: Mapping[str, float]

    @classmethod
    def of(cls, settings: Settings, names: Sequence[str]) -> AgentDefaults:
        """Those of the settings."""
        rates = (
            by_substrate(key, getattr(settings, key), names, 0.0)
            for key in ("uptake_per_s", "secretion_per_s", "secretion_target", "production_per_s", "release_per_s")
        )
        return cls(settings.volume_fL, *rates)
