"""What a simulation says of a substrate before anything is solved: who supplies it, takes it up and climbs it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

import surrogate_plugin as sp
from surrogate_adapters import biofvm
from surrogate_adapters.pyphysicell import reading

__all__ = ["diffusing", "facts_of", "is_climbed", "refuse_what_types_export"]


def facts_of(simulation: Any, name: str) -> biofvm.Substrate:
    """A substrate as `biofvm` judges it.

    A hook may make cells do anything, so that what none of the cell types, cells and rules does is not known (None)
    where there are hooks.
    """
    me, index = simulation.microenvironment, reading.index_of(simulation.microenvironment, name)
    diffusivity, decay = reading.coefficients_of(me, index)
    on = np.asarray(me.dirichlet_mask)[:, index].astype(bool)
    values = np.asarray(me.dirichlet_val)[on, index]
    perhaps = None if simulation._hooks else False
    given = _any(simulation, name, "secretion_rate", "secretion_target") or _any(simulation, name, "net_export_rate")
    given = given or _ruled(simulation, f"{name} secretion", f"{name} export")
    taken = _any(simulation, name, "uptake_rate") or _ruled(simulation, f"{name} uptake")
    taken = taken or _any(simulation, name, "secretion_rate") or _ruled(simulation, f"{name} secretion")
    return biofvm.Substrate(
        name,
        diffusivity,
        decay,
        held=bool(on.any()),
        supplied=bool((values > 0).any()) or given or perhaps,
        taken_up=taken or perhaps,
    )


def size_um(simulation: Any, name: str) -> tuple[float, float]:
    """Width and height of what has to come to rest for cells to read it: the domain or, near nodes, less, um.

    At a distance d from the nearest active Dirichlet node a field comes to rest as in the middle of a strip of width
    2 d that is held at both its sides. What counts is the farthest cell, or voxel while there are no cells.
    """
    me, cells = simulation.microenvironment, simulation.cells
    fixed = reading.nodes_of(me, reading.index_of(me, name)).fixed
    domain = (float(me.nx * me.dx), float(me.ny * me.dy))
    if not fixed.any():
        return domain
    distance = distance_transform_edt(~fixed, sampling=(float(me.dy), float(me.dx))).ravel()
    if cells.n:
        distance = distance[reading.voxel_of(me, cells.position[: cells.n])]
    strip = max(2.0 * float(distance.max()), float(me.dx), float(me.dy))
    return min(domain[0], strip), min(domain[1], strip)


def diffusing(simulation: Any, names: list[str]) -> list[str]:
    """Those of the substrates that diffuse; the others have no steady field and stay with the host.

    Raises
    ------
    UnsupportedProblemError
        If none does.
    """
    every = [facts_of(simulation, name) for name in simulation.model.substrate_names]
    still = biofvm.do_not_diffuse(every)
    chosen = [name for name in names if name not in still]
    if not chosen:
        number = next(one.diffusivity_um2_per_min for one in every if one.name == names[0])
        raise sp.UnsupportedProblemError(
            f"substrate {names[0]!r} has diffusion coefficient {number:g}, so it has no steady field; "
            "leave it to the host."
        )
    return chosen


def is_climbed(simulation: Any, index: int) -> bool:
    """Whether a cell type or a rule reads the gradient of a substrate: by chemotaxis, or as a signal."""
    name = simulation.model.substrate_names[index]
    rules = simulation.model.rules
    return bool(
        (simulation.simple_chemotaxis == index).any()
        or simulation.chemotaxis_sensitivity[:, index].any()
        or any(rule.signal == f"{name} gradient" or rule.behavior.endswith(f"response to {name}") for rule in rules)
    )


def refuse_what_types_export(simulation: Any, name: str) -> None:
    """Refuse cell types that export a negative amount of a substrate.

    Raises
    ------
    UnsupportedProblemError
        A constant drain can take the field below zero.
    """
    for kind in simulation.model.cell_types:
        entry = kind.secretion.get(name)
        if entry is not None and entry.net_export_rate < 0:
            raise sp.UnsupportedProblemError(
                f"substrate {name!r}: cell type {kind.name!r} has net export {entry.net_export_rate:g}; values >= 0 "
                "are allowed: use uptake for what cells take in."
            )


def _any(simulation: Any, name: str, *rates: str) -> bool:
    """Whether any cell type, or any cell as it is now, has all of these rates above 0."""
    entries = [kind.secretion[name] for kind in simulation.model.cell_types if name in kind.secretion]
    if any(all(getattr(entry, rate) > 0 for rate in rates) for entry in entries):
        return True
    cells, index = simulation.cells, list(simulation.model.substrate_names).index(name)
    return bool(np.all([getattr(cells, rate)[: cells.n, index] > 0 for rate in rates], axis=0).any())


def _ruled(simulation: Any, *behaviors: str) -> bool:
    return any(rule.behavior in behaviors for rule in simulation.model.rules)
