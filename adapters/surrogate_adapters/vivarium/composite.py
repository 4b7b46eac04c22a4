"""`SurrogateLattice`, the multibody lattice on certified fields."""

from __future__ import annotations

from typing import Any

from vivarium.library.topology import get_in
from vivarium_multibody.composites.lattice import Lattice
from vivarium_multibody.processes.multibody_physics import Multibody

from surrogate_adapters.vivarium.hold import HeldField
from surrogate_adapters.vivarium.process import SurrogateDiffusionField


class SurrogateLattice(Lattice):  # type: ignore[misc]
    """The host's `Lattice` with `SurrogateDiffusionField`, and a `HeldField` that follows it after all other steps.

    The fields stand from the start on, and at each time are those of the agents as they are then: moved, divided, with
    the rates that they have. With ``_parallel`` the process solves where the step cannot follow, a time step late.

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

    def generate(self, config: dict[str, Any] | None = None, path: tuple[str, ...] = ()) -> Any:
        """The composite, whose step follows its field, unless that runs in a process of its own."""
        composite = super().generate(config, path)
        steps, processes = get_in(composite["steps"], path, {}), get_in(composite["processes"], path, {})
        if "hold" in steps and not processes["diffusion"].parallel:
            steps["hold"].follow(processes["diffusion"])
        return composite

    def generate_processes(self, config: dict[str, Any]) -> dict[str, Any]:
        """Physics and fields."""
        return {
            "multibody": Multibody(config["multibody"]),
            "diffusion": SurrogateDiffusionField(config["diffusion"]),
        }

    def generate_steps(self, config: dict[str, Any]) -> dict[str, Any]:
        """What solves for the fields after all others, and holds them."""
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
        if not config["diffusion"].get("_parallel"):
            topology["hold"] |= {"agents": ("agents",), "certificate": ("certificate",)}
        return topology
