"""`SurrogateDiffusionField`, the drop-in for vivarium-multibody's `DiffusionField`."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from vivarium_multibody.processes.diffusion_field import DiffusionField

import surrogate_plugin as sp
from surrogate_adapters.steady_fields import HistoryEntry, SteadyFields
from surrogate_adapters.vivarium.agents import RATES, Agents, bins_of
from surrogate_adapters.vivarium.settings import AgentDefaults, Settings, configs_of, surroundings_of

FloatArray = npt.NDArray[np.float64]
Fields = Mapping[str, FloatArray]

#: What the host reads from the parameters of any process, or of this one's parent.
_HOSTS_OWN = {*DiffusionField.defaults, "time_step", "timestep", "name", "size"}


class SurrogateDiffusionField(DiffusionField):  # type: ignore[misc]
    """Steady fields of molecules under decay, agents' uptake and secretion, and fixed values, each with its bound.

    It takes the parameters, ports and topology of `DiffusionField`, and the parameters of `Settings` besides. At each
    of its time steps it reads the agents and writes the fields that are steady for them, as deltas, and each agent's
    value into ``boundary.external``. An agent of volume V adds ``u V / V_bin`` to the decay in its bin, u being its
    ``boundary.uptake_per_s``.

    Its further ports: ``boundary.taken_up`` of the agents counts the molecules that each took up; ``certificate`` has
    the bound and the method of each field and ``steady`` the fields, for `HeldField`, if the topology wires them.

    Parameters
    ----------
    parameters : dict, optional

    Attributes
    ----------
    names : tuple of str
        The molecules answered for.
    history : list of HistoryEntry
        One a field solved for, with the time in s.

    Raises
    ------
    InvalidProblemError
        If a parameter is unknown or out of its range, the bins are not square, or a molecule has no unique steady
        field.
    UnsupportedProblemError
        If ``substrates`` names one that is not among ``molecules``.

    Examples
    --------
    >>> wall = np.zeros((16, 8), dtype=bool); wall[0] = True
    >>> field = SurrogateDiffusionField({
    ...     "molecules": ["oxygen"], "n_bins": [16, 8], "bounds": [160, 80], "depth": 10.0, "diffusion": 1600.0,
    ...     "decay_per_s": 0.1, "fixed": {"oxygen": wall}, "fixed_value": 0.2, "tolerance": 0.002})
    >>> delta, new = field.diffuse({"oxygen": np.ones((16, 8))}, timestep=1.0)
    >>> new["oxygen"].shape, float(new["oxygen"][0].max()), bool(field.history[-1].bound <= 0.002)
    ((16, 8), 0.2, True)
    """

    name = "surrogate_diffusion_field"
    defaults: ClassVar[dict[str, Any]] = {
        **DiffusionField.defaults,
        **{key: field.default for key, field in Settings.model_fields.items()},
    }

    def __init__(self, parameters: dict[str, Any] | None = None) -> None:
        given = dict(parameters or {})
        ours = {key: value for key, value in given.items() if key not in _HOSTS_OWN and not key.startswith("_")}
        settings = Settings(**ours)
        # The parent writes gradients into this mapping; left out, into the one that all its instances share.
        given["initial_state"] = dict(given.get("initial_state", {}))
        super().__init__(given)
        if settings.record is not None and self.parallel:
            raise sp.InvalidProblemError("record is set for a process with _parallel; one of the two is allowed.")
        self._domain = _domain_of(self.n_bins, self.bounds, self.parameters["depth"])
        configs = configs_of(settings, self.molecule_ids, self._domain, self.parameters["diffusion"])
        self.names = tuple(configs)
        self._default = AgentDefaults.of(settings, self.names)
        self._surroundings = surroundings_of(settings, self.names, self.n_bins)
        self._fields = SteadyFields(configs, settings.record)
        self._agents = Agents.of({}, self.names, self.n_bins, self.bounds)
        self._seconds = 0.0
        for name in self.names:
            self._refuse_what_is_never_steady(name)

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._fields.history

    def backend(self, molecule: str) -> sp.Backend:
        """The backend of a molecule, with its records."""
        return self._fields.backends[molecule]

    def state(self, molecule: str) -> sp.TissueState:
        """What a molecule's field was last solved for, to look at or to audit with another method."""
        around = self._surroundings[molecule]
        cells = self._agents.cells(molecule, self._domain.spacing_um)
        return sp.TissueState(cells=cells, vessels=around.vessels, voxels=around.voxels)

    def ports_schema(self) -> dict[str, Any]:
        """The parent's ports; of each agent its volume and rates too; the certificates and the steady fields."""
        schema: dict[str, Any] = copy.deepcopy(super().ports_schema())
        default = self._default
        boundary = schema["agents"]["*"]["boundary"]
        boundary["volume"] = {"_default": default.volume_fL}
        for rate in RATES:
            boundary[rate] = {n: {"_default": getattr(default, rate)[n], "_updater": "set"} for n in self.names}
        boundary["taken_up"] = {name: {"_default": 0.0, "_divider": "split"} for name in self.names}
        told = {"_default": None, "_updater": "set", "_emit": True}
        schema["certificate"] = {name: {"bound": dict(told), "method": dict(told)} for name in self.names}
        schema["steady"] = {name: {"_default": None, "_updater": "set"} for name in self.names}
        return schema

    def next_update(self, timestep: float, states: dict[str, Any]) -> dict[str, Any]:
        """Deltas that make the fields steady for the present agents, and what each agent then has outside."""
        self._agents = Agents.of(states["agents"], self.names, self.n_bins, self.bounds)
        delta, new = self.diffuse(states["fields"], timestep)
        update: dict[str, Any] = {
            "fields": delta,
            "certificate": {name: self._certificate(name) for name in self.names},
            "steady": {name: new[name] for name in self.names},
        }
        agents = self.get_local_environments(states["agents"], new)
        for name in self.names:
            for agent, count in zip(agents, self._agents.taken_up(name, new[name], timestep), strict=True):
                agents[agent]["boundary"].setdefault("taken_up", {})[name] = float(count)
        if agents:
            update["agents"] = agents
        return update

    def diffuse(self, fields: Fields, timestep: float) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
        """The steady fields of the agents last read; molecules that are not answered for diffuse as in the parent.

        Parameters
        ----------
        fields : mapping of molecule to (n_x, n_y) float64, mmol / L
            As they are.
        timestep : float, s
            Of no account to a steady field.

        Returns
        -------
        delta, new : dict of molecule to (n_x, n_y) float64, mmol / L
            ``fields + delta`` is ``new`` to rounding, whatever had become of the fields in between.
        """
        others = {name: field for name, field in fields.items() if name not in self.names}
        delta, new = super().diffuse(others, timestep)
        for name in self.names:
            self._refuse_a_broken_field(name, fields[name])
            # The core has rows along y, the host its first index along x.
            new[name] = self._fields.solve(name, self.state(name), self._seconds).field.T
            delta[name] = new[name] - fields[name]
        self._seconds += timestep
        return delta, new

    def get_bin_site(self, location: Any) -> tuple[int, ...]:
        """The bin of a location; the nearest one, if it is off the lattice."""
        x, y = bins_of([location], self.n_bins, self.bounds)
        return int(x[0]), int(y[0])

    def get_local_environments(self, agents: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
        """The value of each field in the bin of each agent, for ``boundary.external``."""
        there = {name: field[self._agents.bins].tolist() for name, field in fields.items()}
        return {
            agent: {
                "boundary": {
                    "external": {name: {"_value": value[k], "_updater": "set"} for name, value in there.items()}
                }
            }
            for k, agent in enumerate(self._agents.ids)
        }

    def _certificate(self, name: str) -> dict[str, Any]:
        return {"bound": self.backend(name).records[-1].bound, "method": self._fields.method(name)}

    def _refuse_a_broken_field(self, name: str, field: FloatArray) -> None:
        if np.shape(field) != tuple(self.n_bins):
            raise sp.InvalidProblemError(
                f"fields[{name!r}] has shape {np.shape(field)}; that of the bins (x, y), {tuple(self.n_bins)}, "
                "is allowed."
            )
        if not np.isfinite(field).all():
            raise sp.InvalidProblemError(f"fields[{name!r}] holds a value that is not finite; something else wrote it.")

    def _refuse_what_is_never_steady(self, name: str) -> None:
        """Agents may take it up or secrete it once they are there; one that does so by default stands for them."""
        around, default = self._surroundings[name], self._default
        uptake = default.uptake_per_s[name] + default.secretion_per_s[name]
        agent = sp.Cells(position_um=[(0.0, 0.0)], radius_um=1.0, uptake_per_min=uptake)
        try:
            self.backend(name).problem(sp.TissueState(cells=agent, vessels=around.vessels, voxels=around.voxels))
        except sp.InvalidProblemError as error:
            raise sp.InvalidProblemError(
                f"molecule {name!r}: {str(error).rstrip('.')}; leave it out of substrates, and it diffuses as before."
            ) from None


def _domain_of(n_bins: Any, bounds: Any, depth: float) -> sp.Domain:
    width, height = bounds[0] / n_bins[0], bounds[1] / n_bins[1]
    if not math.isclose(width, height, rel_tol=1e-9):
        raise sp.InvalidProblemError(
            f"the bins are {width:g} x {height:g} um (bounds {list(bounds)} in n_bins {list(n_bins)}); square ones are "
            "allowed."
        )
    return sp.Domain.from_lattice((n_bins[1], n_bins[0]), width, thickness_um=depth)
