"""How exactly one substrate is to be answered for, by its settings and by what the host has it do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import surrogate_plugin as sp
from surrogate_adapters import biofvm
from surrogate_adapters.pyphysicell import facts, reading
from surrogate_adapters.pyphysicell.medium import Medium

__all__ = ["Asked"]


@dataclass(frozen=True)
class Asked:
    """What is asked for one substrate.

    Attributes
    ----------
    name : str
    index : int
        The host's column of it.
    settings : Settings
        A tolerance of None goes by what nodes hold, or by the last field.
    share : float
        The share of the largest value that is then allowed.
    medium : Medium
        What conducts and decays otherwise than the host says.
    """

    name: str
    index: int
    settings: sp.Settings
    share: float
    medium: Medium = field(default_factory=Medium)

    @classmethod
    def of(cls, simulation: Any, name: str, settings: sp.Settings, medium: Medium | None = None) -> Asked:
        """What is asked for a substrate of a simulation.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            If it has no such field.
        """
        index = reading.index_of(simulation.microenvironment, name)
        medium = Medium() if medium is None else medium
        # What comes in through sides may anchor it; the problem itself says if it does not.
        steady = settings.stepping == "steady" and not medium.sides
        biofvm.require_allowed(facts.facts_of(simulation, name), steady=steady)
        facts.refuse_what_types_export(simulation, name)
        climbed = facts.is_climbed(simulation, index)
        return cls(name, index, settings, biofvm.SHARE_CLIMBED if climbed else biofvm.SHARE, medium)

    def config(self, microenvironment: Any) -> sp.BackendConfig:
        """All that its backend is told."""
        return sp.BackendConfig(
            domain=reading.domain_of(microenvironment),
            boundary=self.medium.boundary,  # of itself the host lets nothing through; its Dirichlet faces are voxels
            deposit="voxel",
            outside="clamp",
            **dict(self.settings) | self.changing(microenvironment),
        )

    def changing(self, microenvironment: Any) -> dict[str, Any]:
        """Those of its options that may change in a run: coefficients, and a tolerance by what nodes hold."""
        diffusivity, decay = reading.coefficients_of(microenvironment, self.index)
        tolerance = self.settings.tolerance
        if tolerance is None and self.settings.stepping == "steady":
            # Where no node holds anything, the engine solves exactly first, and `by_field` goes by that field.
            tolerance = self.share * reading.largest_held(microenvironment, self.index) or None
        return {"diffusivity_um2_per_min": diffusivity, "decay_per_min": decay, "tolerance": tolerance}

    def by_field(self, largest: float, stands: float | None) -> float | None:
        """The default tolerance where no node holds anything: a share of the largest value there was.

        None if the tolerance that stands will do, so that it does not change with each field.
        """
        wanted = self.share * largest
        near = stands is not None and 0.5 * wanted <= stands <= wanted
        return None if self.settings.tolerance is not None or wanted == 0 or near else wanted
