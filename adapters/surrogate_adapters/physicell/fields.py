"""The fields of a microenvironment's substrates: what is asked for each now, solved for on request, and logged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.biofvm import SHARE, SHARE_CLIMBED, Substrate, require_allowed
from surrogate_adapters.physicell.choices import Choices
from surrogate_adapters.physicell.log import Log
from surrogate_adapters.physicell.state import FloatArray, HostState, Nodes, Roles
from surrogate_adapters.physicell.wording import in_the_hosts_words
from surrogate_adapters.steady_fields import SteadyFields

__all__ = ["Answer", "Fields", "Going"]

#: Field, method, bound, seconds, and how far agents may take the field before it is solved for again.
Answer = tuple[FloatArray, str, float, float, float]


@dataclass(frozen=True)
class Going:
    """How a field is to go on in time.

    Attributes
    ----------
    minutes : float, min
        How long.
    start : memoryview or None
        The field to go on from, (H W,) float64, if it is not that of the last step.
    as_before : bool
        With the nodes and coefficients of the last step, since the host's have only just changed.
    """

    minutes: float
    start: memoryview | None
    as_before: bool


class Fields:
    """Fields under the settings of a project.

    Parameters
    ----------
    settings : Choices
    coefficients : mapping of substrate to (float, float)
        Diffusion coefficient (um^2 / min) and decay rate (1 / min) of those answered for.
    domain : Domain

    Attributes
    ----------
    names : list of str
    never : list of str
        The substrates that have been 0 everywhere in each field so far, of those that were solved for.

    Raises
    ------
    InvalidProblemError
        Naming the substrate, if a coefficient or a setting is not allowed.
    """

    def __init__(self, settings: Choices, coefficients: Mapping[str, tuple[float, float]], domain: sp.Domain) -> None:
        self.names = list(coefficients)
        self._asked = settings.settings(self.names)
        self._domain = domain
        self._media = {name: settings.medium(name) for name in self.names}
        configs = {name: self._config(name, *pair) for name, pair in coefficients.items()}
        # A run makes more solves than anyone wants to keep records of; the log has them.
        self._steady = SteadyFields(configs, settings.record, noun=None, keep=1, report=settings.report)
        self._log = Log(settings.log)
        self._nodes: dict[str, Nodes] = {}
        self._excess: dict[str, tuple[float, float]] = {}
        self._allowed: dict[str, float] = {}
        self._climbed: set[str] = set()
        self._ever_there: set[str] = set()

    @property
    def variables(self) -> list[str]:
        """The custom variables of cells that say how they conduct and decay, each once."""
        return sorted({name for medium in self._media.values() for name in medium.variables})

    def anchors(self, name: str) -> bool:
        """Whether what comes in through the sides may pull a substrate to a value."""
        return bool(self._media[name].sides)

    def described(self, s: int, state: HostState, roles: Roles) -> Substrate:
        """What decides whether a steady field suits substrate ``s``."""
        told = state.described(s, self.names[s], roles)
        return replace(told, held=True, supplied=True) if self.anchors(told.name) else told

    @property
    def never(self) -> list[str]:
        """Those with a steady field that were solved for and never there."""
        steady = [name for name in self.names if not self.is_stepping(name)]
        return [name for name in steady if self._steady.result(name) and name not in self._ever_there]

    def take_up(self, name: str, diffusivity: float, decay: float, **further: Any) -> None:
        """Go on with the coefficients that the host has now, if they are others.

        Raises
        ------
        InvalidProblemError
            If one is not allowed.
        """
        require_allowed(Substrate(name, diffusivity, decay, held=True))
        self._steady.reconfigure(name, diffusivity_um2_per_min=diffusivity, decay_per_min=decay, **further)

    def climb(self, name: str) -> None:
        """From now on exactly enough for cells that move along its gradient, if nobody chose a tolerance."""
        self._climbed.add(name)

    def solve_ahead(self, asked: Sequence[int], state: HostState, *, climbed: Collection[int]) -> None:
        """Solve together for what `answer` is going to be asked of several substrates, where that is quicker."""
        numbers = {self.names[s]: s for s in asked}

        def tissue_of(name: str) -> sp.TissueState:
            if numbers[name] in climbed:
                self.climb(name)
            self._prepare(numbers[name], state)
            return self._tissue(numbers[name], state)

        self._steady.solve_ahead(numbers, tissue_of)

    def answer(self, minutes: float, reason: str, s: int, state: HostState) -> Answer:
        """The steady field of substrate ``s`` of a state, which goes into the log."""
        name = self.names[s]
        imposed, last = self._prepare(s, state), self._steady.result(name)
        result = self._steady.solve(name, self._tissue(s, state), minutes, reason)
        field, solution = np.ascontiguousarray(result.field), result.solution
        seconds, bound = result.record.seconds.get("solve", 0.0), float(solution.error_bound)
        # Both are certified, so this is how far off the last one was by now, to their bounds.
        excess = 0.0 if last is None else float(np.abs(field - last.field).max())
        if last is not None:
            self._excess[name] = excess - bound - float(last.solution.error_bound), self._allowed[name]
        agents, flags = int((state.voxel >= 0).sum()), " ".join(flag.reason for flag in solution.flags)
        self._log.append(minutes, name, reason, agents, solution.method, bound, seconds, flags, excess)
        largest = imposed or float(field.max())
        if largest > 0:
            self._ever_there.add(name)
        # Slopes need a field that is exact to 0.1 %, but not one that is as fresh.
        self._allowed[name] = max(self._asked[name].tolerance or 0.0, SHARE * largest)
        return field, solution.method, bound, seconds, self._allowed[name]

    def _prepare(self, s: int, state: HostState) -> float:
        """Take up what a state has of coefficients, and a tolerance; the largest value imposed, field units."""
        name = self.names[s]
        if not self.anchors(name):
            state.require_anchored(s, name)
        imposed = float(state.value[s].max())
        self.take_up(name, *state.coefficients[s].tolist(), **self._precision(name, imposed))
        return imposed

    def excess(self, name: str) -> tuple[float, float]:
        """How far at least the steady field before the last one was off by then, and how far it might have been."""
        return self._excess.get(name, (0.0, 0.0))

    def go_on(self, minutes: float, reason: str, s: int, state: HostState, going: Going) -> Answer:
        """The field of substrate ``s`` after a step of time in which a state holds, which goes into the log."""
        name = self.names[s]
        if not going.as_before or name not in self._nodes:
            self._nodes[name] = state.nodes(s)
            self.take_up(name, *state.coefficients[s].tolist())
        start = None if going.start is None else np.frombuffer(going.start).reshape(self._domain.shape)
        tissue = self._tissue(s, state, self._nodes[name])
        result = self._steady.step(name, tissue, minutes, going.minutes, start, reason)
        field, solution, bound = np.ascontiguousarray(result.field), result.solution, float(result.record.bound)
        seconds = result.record.seconds.get("solve", 0.0)
        agents, flags = int((state.voxel >= 0).sum()), " ".join(flag.reason for flag in solution.flags)
        self._log.append(minutes, name, reason, agents, solution.method, bound, seconds, flags, 0.0)
        return field, solution.method, bound, seconds, 0.0

    def is_stepping(self, name: str) -> bool:
        """Whether a substrate goes on in time."""
        return self._steady.is_stepping(name)

    def note(self, minutes: float, told: Sequence[tuple[str, str, int]]) -> None:
        """Put what was told in the run into the log: kind, substrate and times."""
        for kind, substrate, times in told:
            self._log.append(minutes, substrate, kind, "", "notice", "", "", f"{times} times", "")

    def finish(self) -> None:
        """The run is over: write its page for the last time, if there is one."""
        self._steady.finish()

    def held(self) -> FloatArray:
        """The last fields, (substrates, H, W); 0 where there is none yet."""
        results = [self._steady.result(name) for name in self.names]
        none = np.zeros(self._domain.shape)
        return np.stack([none if result is None else result.field for result in results])

    def _tissue(self, s: int, state: HostState, nodes: Nodes | None = None) -> sp.TissueState:
        medium, decay = self._media[self.names[s]], float(state.coefficients[s, 1])
        places = medium.of_voxels(self._domain.shape)
        around = places["decay_per_min"].flat[np.maximum(state.voxel, 0)] if "decay_per_min" in places else decay
        cells = medium.of_cells(state.kind, state.kinds, state.variables, around)
        return state.tissue(s, self._domain, nodes, cells, places)

    def _precision(self, name: str, imposed: float) -> dict[str, Any]:
        """The default tolerance of a substrate that is climbed, if it is and nobody chose one."""
        method, last = self._asked[name].method, self._steady.result(name)
        if self._asked[name].tolerance is not None or name not in self._climbed:
            return {}
        # What cells alone make has no value that a share could be taken of, but that of its last field.
        largest = imposed or (0.0 if last is None else float(last.field.max()))
        if largest > 0:
            return {"tolerance": SHARE_CLIMBED * largest, "method": method}
        return {"method": "exact" if method == "guarded" else method}

    def _config(self, name: str, diffusivity: float, decay: float) -> sp.BackendConfig:
        try:
            return sp.BackendConfig(
                domain=self._domain,
                diffusivity_um2_per_min=diffusivity,
                decay_per_min=decay,
                # Of itself the host lets nothing through its outer faces; its Dirichlet faces are voxels.
                boundary=self._media[name].boundary,
                deposit="voxel",
                outside="clamp",
                **dict(self._asked[name]),
            )
        except sp.InvalidProblemError as error:
            raise sp.InvalidProblemError(f"{name}: {in_the_hosts_words(str(error))}") from None
