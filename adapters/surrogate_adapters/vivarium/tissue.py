"""What surrounds the agents, and the fields that are steady for them: solved, watched and told about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.notices import Notices
from surrogate_adapters.options import names_of
from surrogate_adapters.quasi_steady import least_diffusivity, not_quasi_steady, relaxation_min
from surrogate_adapters.slopes import slopes_of
from surrogate_adapters.steady_fields import SteadyFields
from surrogate_adapters.vivarium.agents import Agents
from surrogate_adapters.vivarium.configs import configs_of
from surrogate_adapters.vivarium.places import surroundings_of
from surrogate_adapters.vivarium.settings import SECONDS_PER_MINUTE, AgentDefaults, Settings

FloatArray = npt.NDArray[np.float64]


class Tissue:
    """The substrates of one process.

    Parameters
    ----------
    settings : Settings
    molecules : sequence of str
        Those of the process.
    domain : Domain
    diffusion : mapping of molecule to float, um^2 / s
    notices : Notices
    """

    def __init__(
        self,
        settings: Settings,
        molecules: Sequence[str],
        domain: sp.Domain,
        diffusion: Mapping[str, float],
        notices: Notices,
    ) -> None:
        configs = configs_of(settings, molecules, domain, diffusion)
        self.names, self.domain = tuple(configs), domain
        self.default = AgentDefaults.of(settings, self.names)
        self.fields = SteadyFields(configs, settings.record, report=settings.report, host="vivarium-core")
        self.climbed = names_of(settings.gradients, self.names) if settings.gradients else []
        self._around = surroundings_of(settings, configs, domain.shape[::-1])
        self._notices = notices
        self._left: dict[str, FloatArray] = {}
        self._step_min = 0.0

    def tell_what_is_known(self, step_s: float) -> None:
        """Warn of substrates that cannot be steady, or not within a time step, before anything runs."""
        self._step_min = step_s / SECONDS_PER_MINUTE
        for name in self.names:
            if self.is_stepping(name):
                continue
            if self._held(name):
                self._tell_pace(name, 0.0)
            elif not self._decays(name) and not self.default.uptake_per_s[name] + self.default.secretion_per_s[name]:
                self._notices.tell(
                    "not anchored",
                    name,
                    f"molecule {name!r} has no decay, no side, bin or vessel holds it, and agents take up none unless "
                    "they say so: where none does it has no unique steady field, which is refused at that step; leave "
                    "it out of substrates, and it diffuses as before.",
                )

    @property
    def rings(self) -> tuple[bool, bool]:
        """Whether what leaves along x and along y comes back at the other side, in all fields."""
        sides = [self._sides(name) for name in self.names]
        return all(side.periodic_x for side in sides), all(side.periodic_y for side in sides)

    def km(self, name: str) -> float | None:
        """Where uptake saturates, mmol / L."""
        return self.fields.backends[name].config.michaelis_km

    def state(self, name: str, agents: Agents) -> sp.TissueState:
        """All that a substrate's field depends on."""
        around = self._around[name]
        return sp.TissueState(agents.cells(name), around.vessels, around.voxels)

    def solve(
        self,
        name: str,
        field: FloatArray,
        agents: Agents,
        seconds: float,
        counted: Collection[tuple[int, int]],
        *,
        late: bool,
    ) -> FloatArray:
        """The steady field, (n_x, n_y) float64, mmol / L.

        Parameters
        ----------
        name : str
        field : (n_x, n_y) float64, mmol / L
            What the host holds.
        agents : Agents
        seconds : float, s
            The host's time.
        counted : collection of (x, y)
            Bins whose agents take the substrate up: what they drew from the field besides is counted already.
        late : bool
            Whether agents have read the field of the step before until now.
        """
        first = name not in self._left
        if not first:
            self._tell_of_writes(name, field - self._left[name], counted)
        # The core has rows along y, the host its first index along x.
        new = self.fields.solve(name, self.state(name, agents), seconds).field.T
        if first and not self._held(name) and new.any():
            self._tell_pace(name, self._loss_per_min(name, agents))
        if late and not first:
            self._tell_of_misreading(name, agents.misread(name, new))
        self._left[name] = new
        return new

    def solve_ahead(self, names: Iterable[str], agents: Agents) -> None:
        """Solve together for what `solve` is going to be asked of several substrates, where that is quicker."""
        self.fields.solve_ahead(names, lambda name: self.state(name, agents))

    def is_stepping(self, name: str) -> bool:
        """Whether a substrate goes on in time."""
        return self.fields.is_stepping(name)

    def step(self, name: str, field: FloatArray, agents: Agents, seconds: float, timestep: float) -> FloatArray:
        """The field after a time step that ends at ``seconds``, from that which the host holds; as `solve` has them."""
        state, minutes = self.state(name, agents), timestep / SECONDS_PER_MINUTE
        return self.fields.step(name, state, seconds, minutes, field=field.T).field.T

    def certified(self, name: str) -> bool:
        """Whether a substrate has been solved for yet."""
        return self.fields.result(name) is not None

    def certificate(self, name: str) -> dict[str, Any]:
        """What is told of the field that a substrate has now."""
        entry = self.fields.latest(name)
        told = {"bound": entry.bound, "excess": entry.excess, "method": entry.method}
        return told | ({"gradient_bound": self.slopes(name)[1]} if name in self.climbed else {})

    def slopes(self, name: str, field: FloatArray | None = None) -> tuple[FloatArray, float]:
        """The gradient (2, n_x, n_y), mmol / L / um, along x and y, of a field (x, y), and how far it may be off."""
        result = self.fields.result(name)
        if result is None:
            return np.zeros((2, *self.domain.shape[::-1])), 0.0
        found, bound = slopes_of(result.solution, None if field is None else field.T)
        return found.transpose(0, 2, 1), bound

    def _held(self, name: str) -> bool:
        around = self._around[name]
        fixed = around.voxels is not None and around.voxels.fixed is not None and bool(around.voxels.fixed.any())
        return len(around.vessels) > 0 or fixed or self._sides(name).holds_a_value

    def _sides(self, name: str) -> sp.Boundary:
        return sp.Boundary.parse(self.fields.backends[name].config.boundary)

    def _decays(self, name: str) -> bool:
        return bool(np.any(self.fields.backends[name].config.decay_per_min))

    def _loss_per_min(self, name: str, agents: Agents) -> float:
        """What agents take, shared out over all bins."""
        cells = agents.cells(name)
        lost = float((cells.volume_um3 * (cells.uptake_per_min + cells.secretion_per_min)).sum())
        return lost / (self.domain.voxel_volume_um3 * self.domain.shape[0] * self.domain.shape[1])

    def _tell_pace(self, name: str, loss_per_min: float) -> None:
        config = self.fields.backends[name].config
        decay = float(np.min(config.decay_per_min)) + loss_per_min
        diffusivity = least_diffusivity(config.diffusivity_um2_per_min)
        relaxation = relaxation_min(diffusivity, decay, self.domain.size_um, held=self._held(name))
        sentence = not_quasi_steady(f"molecule {name!r}", relaxation, self._step_min, unit="s")
        if sentence is not None:
            self._notices.tell("not quasi-steady", name, sentence)

    def _tell_of_writes(self, name: str, written: FloatArray, counted: Collection[tuple[int, int]]) -> None:
        bins = written_bins(written, self._left[name])
        added = any(written[site] > 0 for site in bins)
        if bins and (added or not all(site in counted for site in bins)):
            self._notices.tell("written from outside", name, told_of_writes(name, written, bins))

    def _tell_of_misreading(self, name: str, excess: float) -> None:
        entry = self.fields.latest(name)
        entry.excess = max(entry.excess, excess)
        wanted = self.fields.backends[name].config.tolerance
        if excess > (0.01 * float(self._left[name].max()) if wanted is None else wanted):
            self._notices.tell(
                "cells read more than the bound",
                name,
                f"an agent read {name!r} {excess:.3g} mmol/L off: it has moved, divided or changed its rates since the "
                "field was solved for, a time step ago, as all processes of the host are. A HeldField that follows "
                "this process, as in SurrogateLattice, solves after them.",
            )


def written_bins(written: FloatArray, left: FloatArray) -> list[tuple[int, int]]:
    """Where a field is not what was left there, beyond rounding."""
    there = np.abs(written) > 1e-9 * max(1e-300, float(np.abs(left).max()))
    return [(x, y) for x, y in np.argwhere(there).tolist()]


def told_of_writes(name: str, written: FloatArray, bins: Sequence[tuple[int, int]]) -> str:
    """What a user is owed whose composite writes into a steady field."""
    largest = max(bins, key=lambda site: abs(float(written[site])))
    return (
        f"something else wrote {written[largest]:+.3g} mmol/L into {name!r} in bin {largest}. A steady field follows "
        "agents, bins that hold a value, vessels and sides only, so this is put back: say what agents take up and give "
        "in uptake_per_s, secretion_per_s and production_per_s, or leave the molecule out of substrates."
    )
