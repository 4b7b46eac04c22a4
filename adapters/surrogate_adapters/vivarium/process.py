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
from surrogate_adapters.checked import by_substrate
from surrogate_adapters.notices import Notices
from surrogate_adapters.settings_files import filled
from surrogate_adapters.steady_fields import HistoryEntry
from surrogate_adapters.vivarium.agents import RATES, Agents, Lattice, bins_of
from surrogate_adapters.vivarium.settings import Settings, without_units
from surrogate_adapters.vivarium.tissue import Tissue

FloatArray = npt.NDArray[np.float64]
Fields = Mapping[str, FloatArray]

#: What the host reads from the parameters of any process, or of this one's parent.
_HOSTS_OWN = {*DiffusionField.defaults, "time_step", "timestep", "name", "size"}


class SurrogateDiffusionField(DiffusionField):  # type: ignore[misc]
    """Fields of molecules under decay, agents' uptake and secretion, and fixed values, each with its bound.

    A field is the steady one of the agents, or goes on in time from what the host holds: ``stepping`` says which.

    It takes the parameters, ports and topology of `DiffusionField`, and the parameters of `Settings` besides;
    ``settings`` is the path of a settings file, ``"surrogate.toml"``, which says what they do not. At each of its time
    steps it reads the agents and writes the fields that are steady for them, as deltas, and each agent's value into
    ``boundary.external``. An agent of volume V adds ``u V / V_bin`` to the decay in its bin, u being its
    ``boundary.uptake_per_s``.

    As the host lets processes run side by side, what a process writes stands at the end of a step whose beginning it
    read. The bound covers the steady field of the state that was solved for, so what agents read of it once they have
    moved, divided or changed their rates is off by more: `HistoryEntry.excess` says by how much, and a
    `HeldField` that follows this process, as in `SurrogateLattice`, solves after all others and leaves none.

    Its further ports: ``boundary.taken_up`` of the agents counts the molecules that each took up; ``certificate`` has
    the bound, the excess and the method of each field and ``steady`` the fields, if the topology wires them.

    Parameters
    ----------
    parameters : dict, optional

    Attributes
    ----------
    names : tuple of str
        The molecules answered for.
    history : list of HistoryEntry
        One a field solved for, with the time in s.
    notices : Notices
        What a steady field cannot follow in this composite; each kind is a `PromiseWarning` the first time.

    Raises
    ------
    InvalidProblemError
        If a parameter is unknown or out of its range, or there is no such model.
    UnsupportedProblemError
        If ``substrates`` names one that is not among ``molecules``.

    Examples
    --------
    >>> wall = np.zeros((16, 8), dtype=bool); wall[0] = True
    >>> field = SurrogateDiffusionField({
    ...     "molecules": ["oxygen"], "n_bins": [16, 8], "bounds": [160, 80], "depth": 10.0, "diffusion": 1600.0,
    ...     "decay_per_s": 0.1, "fixed": {"oxygen": wall}, "fixed_value": 0.2, "tolerance": 0.002, "time_step": 10.0})
    >>> delta, new = field.diffuse({"oxygen": np.ones((16, 8))}, timestep=10.0)
    >>> new["oxygen"].shape, float(new["oxygen"][0].max()), bool(field.history[-1].bound <= 0.002)
    ((16, 8), 0.2, True)
    """

    name = "surrogate_diffusion_field"
    defaults: ClassVar[dict[str, Any]] = {
        **DiffusionField.defaults,
        **{key: field.default for key, field in Settings.model_fields.items()},
        "settings": None,
    }

    def __init__(self, parameters: dict[str, Any] | None = None) -> None:
        given = without_units(parameters or {})
        ours = {key: value for key, value in given.items() if key not in _HOSTS_OWN and not key.startswith("_")}
        molecules = list(given.get("molecules", DiffusionField.defaults["molecules"]))
        settings = Settings(**filled("vivarium", ours.pop("settings", None), molecules, ours))
        # The parent writes gradients into this mapping; left out, into the one that all its instances share.
        given["initial_state"] = dict(given.get("initial_state", {}))
        self._diffusivity = _diffusivity_of(given.get("diffusion"), molecules)
        super().__init__({**given, "diffusion": next(iter(self._diffusivity.values()), 0.0)})
        for option in ("record", "report"):
            if getattr(settings, option) is not None and self.parallel:
                raise sp.InvalidProblemError(
                    f"{option} is set for a process with _parallel; one of the two is allowed."
                )
        domain = _domain_of(self.n_bins, self.bounds, self.parameters["depth"])
        self.notices = Notices()
        self._tissue = Tissue(settings, self.molecule_ids, domain, self._diffusivity, self.notices)
        self.names = self._tissue.names
        known = tuple(dict.fromkeys([*self.molecule_ids, *settings.elsewhere]))
        self._lattice = Lattice(self.n_bins, self.bounds, self._tissue.rings, self.names, known)
        self._agents = Agents.of({}, self._lattice)
        self._seconds, self._followed = 0.0, False
        self._tissue.tell_what_is_known(float(self.calculate_timestep(None)))

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._tissue.fields.history

    def backend(self, molecule: str) -> sp.Backend:
        """The backend of a molecule, with its records."""
        return self._tissue.fields.backends[molecule]

    def state(self, molecule: str) -> sp.TissueState:
        """What a molecule's field was last solved for, to look at or to audit with another method."""
        return self._tissue.state(molecule, self._agents)

    def ports_schema(self) -> dict[str, Any]:
        """The parent's ports; of each agent its volume and rates too; the certificates and the steady fields."""
        schema: dict[str, Any] = copy.deepcopy(super().ports_schema())
        default = self._tissue.default
        boundary = schema["agents"]["*"]["boundary"]
        boundary["volume"] = {"_default": default.volume_fL}
        for rate in RATES:
            # The star shows what is of no molecule here, which would else be left out without a word.
            boundary[rate] = {"*": {"_updater": "set"}}
            boundary[rate] |= {n: {"_default": getattr(default, rate)[n], "_updater": "set"} for n in self.names}
        boundary["taken_up"] = {name: {"_default": 0.0, "_divider": "split"} for name in self.names}
        if self._tissue.climbed:
            boundary["gradient"] = {n: {"_default": [0.0, 0.0], "_updater": "set"} for n in self._tissue.climbed}
        told = {"_default": None, "_updater": "set", "_emit": True}
        schema["certificate"] = {name: {key: dict(told) for key in self._told(name)} for name in self.names}
        schema["steady"] = {name: {"_default": None, "_updater": "set"} for name in self.names}
        return schema

    def _told(self, name: str) -> tuple[str, ...]:
        """What the certificate of a molecule has."""
        always = ("bound", "excess", "method")
        return (*always, "gradient_bound") if name in self._tissue.climbed else always

    def next_update(self, timestep: float, states: dict[str, Any]) -> dict[str, Any]:
        """Deltas that make the fields steady for the present agents, and what each agent then has outside."""
        self._agents = Agents.of(states["agents"], self._lattice)
        delta, new = self.diffuse(states["fields"], timestep)
        update = self._update(delta, new)
        for name in self.names:
            counts = self._agents.taken_up(name, new[name], timestep, self._tissue.km(name))
            for agent, count in zip(self._agents.ids, counts.tolist(), strict=True):
                update["agents"][agent]["boundary"].setdefault("taken_up", {})[name] = count
        return update

    def follow(self, states: dict[str, Any]) -> dict[str, Any]:
        """The same after all other steps, for `HeldField`: nothing diffuses, nothing is counted, and only what is to
        change is told, since the host handles every entry by itself.
        """
        before, self._agents, self._followed = self._agents, Agents.of(states["agents"], self._lattice), True
        delta, new = {}, {}
        self._tissue.solve_ahead(self.names, self._agents)
        for name in self.names:
            if self._tissue.is_stepping(name):
                new[name] = states["fields"][name]
                continue
            counted = {*before.taking(name), *self._agents.taking(name)}
            delta[name], new[name] = self._solve(name, states["fields"][name], counted)
        update = self._update({name: each for name, each in delta.items() if each.any()}, new)
        return update | {"agents": self._agents.not_knowing(update["agents"])}

    def diffuse(self, fields: Fields, timestep: float) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
        """The fields of the agents last read; molecules that are not answered for diffuse as in the parent.

        Parameters
        ----------
        fields : mapping of molecule to (n_x, n_y) float64, mmol / L
            As they are.
        timestep : float, s
            Of no account to a steady field; others go on by it.

        Returns
        -------
        delta, new : dict of molecule to (n_x, n_y) float64, mmol / L
            ``fields + delta`` is ``new`` to rounding, whatever had become of the fields in between.
        """
        delta, new = {}, {}
        self._tissue.solve_ahead([name for name in fields if name in self.names], self._agents)
        for name, field in fields.items():
            if name in self.names and self._tissue.is_stepping(name):
                ends = self._seconds + timestep
                new[name] = self._tissue.step(name, self._checked(name, field), self._agents, ends, timestep)
                delta[name] = new[name] - field
                continue
            if name in self.names:
                delta[name], new[name] = self._solve(name, field, set())
                continue
            self.diffusion = self._diffusivity[name] / math.prod(self._tissue.domain.spacings_um)
            theirs, diffused = super().diffuse({name: field}, timestep)
            delta |= theirs
            new |= diffused
        self._seconds += timestep
        return delta, new

    def get_bin_site(self, location: Any) -> tuple[int, ...]:
        """The bin of a location; the nearest one, if it is off the lattice, or where it comes to lie on a torus."""
        x, y = bins_of([location], self.n_bins, self.bounds, self._tissue.rings)
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

    def _solve(self, name: str, field: FloatArray, counted: set[tuple[int, int]]) -> tuple[FloatArray, FloatArray]:
        seconds, late = self._seconds, not self._followed
        new = self._tissue.solve(name, self._checked(name, field), self._agents, seconds, counted, late=late)
        return new - field, new

    def _checked(self, name: str, field: FloatArray) -> FloatArray:
        if np.shape(field) != tuple(self.n_bins):
            raise sp.InvalidProblemError(
                f"fields[{name!r}] has shape {np.shape(field)}; that of the bins (x, y), {tuple(self.n_bins)}, "
                "is allowed."
            )
        if not np.isfinite(field).all():
            raise sp.InvalidProblemError(f"fields[{name!r}] holds a value that is not finite; something else wrote it.")
        return field

    def _update(self, delta: Fields, new: Fields) -> dict[str, Any]:
        environments = self.get_local_environments({}, new)
        for name in self._tissue.climbed:
            slopes, _ = self._tissue.slopes(name, new[name])
            there = slopes[:, *self._agents.bins].T.tolist()
            for agent, slope in zip(self._agents.ids, there, strict=True):
                environments[agent]["boundary"].setdefault("gradient", {})[name] = slope
        return {
            "fields": delta,
            "certificate": {n: self._tissue.certificate(n) for n in self.names if self._tissue.certified(n)},
            "steady": {name: new[name] for name in self.names if not self._tissue.is_stepping(name)},
            "agents": environments,
        }


def _diffusivity_of(given: Any, molecules: list[str]) -> dict[str, float]:
    """That of each molecule; the host's default for those that a mapping leaves out."""
    default = float(DiffusionField.defaults["diffusion"])
    return by_substrate("diffusion", given, molecules, default)


def _domain_of(n_bins: Any, bounds: Any, depth: float) -> sp.Domain:
    width, height = bounds[0] / n_bins[0], bounds[1] / n_bins[1]
    spacing = width if math.isclose(width, height, rel_tol=1e-9) else (height, width)
    return sp.Domain.from_lattice((n_bins[1], n_bins[0]), spacing, thickness_um=depth)
