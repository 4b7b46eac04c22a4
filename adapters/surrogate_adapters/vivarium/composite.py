"""`SurrogateLattice`, the multibody lattice on certified fields."""

from __future__ import annotations

from typing import Any

from vivarium_multibody.composites.lattice import Lattice
from vivarium_multibody.processes.multibody_physics import Multibody

from surrogate_adapters.vivarium.hold import HeldField
from surrogate_adapters.vivarium.process import SurrogateDiffusionField


class SurrogateLattice(Lattice):  # type: ignore[misc]
    """The host's `Lattice` with `SurrogateDiffusionField`, and `HeldField` after all other steps.

    Parameters
    ----------
    config : dict
        As `Lattice` takes it, and as ``make_lattice_config`` makes it; the ``diffusion`` part has the parameters of
        `SurrogateDiffusionField`. The host's physics wants a ``time_step``.

    Examples
    --------
    >>> lattice = SurrogateLattice({
    ...     "multibody": {"bounds": [40, 20], "time_step": 1},
    ...     "diffusion": {"molecules": ["glc"], "n_bins": [20, 10], "bounds": [40, 20], "decay_per_s": 0.1}})
    >>> sorted(lattice.generate()["processes"]), sorted(lattice.generate()["steps"])
    (['diffusion', 'multibody'], ['hold'])
    """

    name = "surrogate_lattice"

    def generate_processes(self, config: dict[str, Any]) -> dict[str, Any]:
        """Physics and fields."""
        return {
            "multibody": Multibody(config["multibody"]),
            "diffusion": SurrogateDiffusionField(config["diffusion"]),
        }

    def generate_steps(self, config: dict[str, Any]) -> dict[str, Any]:
        """What holds the fields."""
        diffusion = config["diffusion"]
        owned = diffusion.get("substrates") or diffusion["molecules"]
        return {"hold": HeldField({"molecules": list(owned)})}

    def generate_flow(self, config: dict[str, Any]) -> dict[str, Any]:
        """An entry of its own puts it after the steps of the agents, which have none."""
        return {"hold": []}

    def generate_topology(self, config: dict[str, Any]) -> dict[str, Any]:
        """The host's, and the stores of the certificates and the steady fields."""
        topology: dict[str, Any] = super().generate_topology(config)
        topology["diffusion"] |= {"certificate": ("certificate",), "steady": ("steady",)}
        topology["hold"] = {"fields": ("fields",), "steady": ("steady",)}
        return topology
