"""A finished pyphysicell run: simulations as ``sim.save(path)`` left them, or still in memory.

A save is a pickle, which could run code as it is read; only pyphysicell's own classes and numpy's arrays are made here.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.biofvm_scheme import Exchange, Scheme
from surrogate_adapters.pyphysicell.reading import coefficients_of, domain_of, nodes_of, state_of, voxel_of
from surrogate_plugin.audit.run import Moment, RunFacts, Seen

__all__ = ["SimulationRun", "read_run"]

_ENDINGS = (".pkl", ".pickle")
#: What of numpy a save needs: arrays, their types and generators of random numbers.
_NUMPY = {
    "_reconstruct", "scalar", "ndarray", "dtype", "_frombuffer", "__generator_ctor", "__bit_generator_ctor", "PCG64",
    "SeedSequence", "__pyx_unpickle_SeedSequence",
}  # fmt: skip


def read_run(path: Path, settings: Path | None = None, nodes: str | None = None) -> SimulationRun | None:
    """The run of one save, or of all saves in a folder; None if there is none.

    ``settings`` and ``nodes`` are of other hosts: a save has both in it.

    Raises
    ------
    InvalidProblemError
        If a save is damaged, or holds more than pyphysicell's own objects, such as hooks.
    """
    names = sorted(each for each in path.iterdir() if each.suffix in _ENDINGS) if path.is_dir() else [path]
    if not names or not all(each.suffix in _ENDINGS for each in names):
        return None
    for what, given in (("settings", settings), ("nodes", nodes)):
        if given is not None:
            raise sp.InvalidProblemError(
                f"{what} is {str(given)!r}, but a save of pyphysicell has its own; leave it out."
            )
    return SimulationRun([_load(each) for each in names], [each.stem for each in names], path)


@dataclass(frozen=True, eq=False)
class SimulationRun:
    """Moments of a simulation, such as `sim.branch` copies or `sim.save` writes.

    Parameters
    ----------
    simulations : sequence of pyphysicell.Simulation
        In any order; those with the same time count once.
    titles : sequence of str, optional
        What each is called.
    source : Path
        Where they are from.

    Examples
    --------
    >>> from surrogate_plugin.audit import audit
    >>> audit(SimulationRun([sim.branch(), later.branch()]))  # doctest: +SKIP
    """

    simulations: Sequence[Any]
    titles: Sequence[str] | None = None
    source: Path = Path()

    @cached_property
    def _by_name(self) -> dict[str, Any]:
        titles = self.titles or [f"t = {sim.t:.6g} min" for sim in self.simulations]
        pairs = sorted(zip(titles, self.simulations, strict=True), key=lambda pair: float(pair[1].t))
        found: dict[str, Any] = {}
        times: list[float] = []
        for title, sim in pairs:
            if not any(abs(sim.t - time) < 1e-9 for time in times):
                found[title] = sim
                times.append(sim.t)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Their titles, in the order of time."""
        return tuple(self._by_name)

    @property
    def facts(self) -> RunFacts:
        """What the model says."""
        model = next(iter(self._by_name.values())).model
        return RunFacts(
            host="pyphysicell",
            source=self.source,
            substrates=tuple(model.substrate_names),
            diffusion_step_min=float(model.time.dt_diffusion),
            held_min=float(model.time.dt_phenotype),
        )

    def moment(self, name: str) -> Moment:
        """One of them."""
        sim = self._by_name[name]
        me, cells = sim.microenvironment, sim.cells
        position, domain = cells.position[: cells.n], domain_of(me)
        types = sim.model.cell_type_names
        voxel = voxel_of(me, position)
        return Moment(
            name=name,
            time_min=float(sim.t),
            domain=domain,
            position_um=np.array(position[:, :2]),
            voxel=voxel,
            cell_id=np.array(cells.ID[: cells.n]),
            alive=np.asarray(cells.dead[: cells.n] == 0),
            seen={one: _seen(sim, k, domain, voxel) for k, one in enumerate(sim.model.substrate_names)},
            radius_um=np.array(cells.radius[: cells.n]),
            kind=tuple(types[int(kind)] for kind in cells.type_idx[: cells.n]),
        )


def _seen(sim: Any, k: int, domain: sp.Domain, voxel: npt.NDArray[np.int64]) -> Seen:
    me, cells = sim.microenvironment, sim.cells
    diffusivity, decay = coefficients_of(me, k)
    field = np.array(me.density[0, :, :, k])
    try:
        state = state_of(sim, k, domain)
    except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
        return Seen(field, diffusivity, decay, None, refusal=str(error))
    nodes, depth, n = nodes_of(me, k), domain.voxel_volume_um3, cells.n
    exchange = Exchange(
        voxel=voxel,
        share=cells.volume_total[:n] / depth,
        secretion=np.array(cells.secretion_rate[:n, k]),
        uptake=np.array(cells.uptake_rate[:n, k]),
        target=np.array(cells.secretion_target[:n, k]),
        export=cells.net_export_rate[:n, k] / depth,
    )
    scheme = Scheme(diffusivity, decay, domain.spacings_um, nodes.fixed, nodes.value, exchange)
    return Seen(field, diffusivity, decay, state, scheme=scheme)


class _Unpickler(pickle.Unpickler):
    """Makes pyphysicell's classes and numpy's arrays, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The class of a name, if it may be made."""
        if "." not in name and (module == "pyphysicell" or module.startswith("pyphysicell.")):
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__.startswith("pyphysicell"):
                return found
        if module.split(".")[0] == "numpy" and name in _NUMPY:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it holds {module}.{name}")


def _load(path: Path) -> Any:
    """One save.

    Raises
    ------
    InvalidProblemError
        If it is damaged, or holds other objects.
    """
    try:
        sim = _Unpickler(io.BytesIO(path.read_bytes())).load()
    except pickle.UnpicklingError as error:
        raise sp.InvalidProblemError(
            f"{path} is not read ({error}): a save of pyphysicell alone, without hooks, is allowed; audit one with "
            "hooks from Python, by SimulationRun of surrogate_adapters.pyphysicell.saves."
        ) from None
    except Exception as error:  # a damaged pickle fails in any way
        raise sp.InvalidProblemError(f"{path} is damaged or cut short ({type(error).__name__}: {error}).") from None
    missing = [name for name in ("microenvironment", "cells", "model", "t") if not hasattr(sim, name)]
    if missing:
        raise sp.InvalidProblemError(f"{path} is no simulation of pyphysicell: it has no {', '.join(missing)}.")
    return sim
