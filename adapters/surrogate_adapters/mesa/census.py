"""The agents of a model that matter to its substrates, read once an update, in the terms of the core."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.readings import ByClass, Reading, of_class, read
from surrogate_adapters.mesa.spaces import Continuum, Space
from surrogate_adapters.mesa.substrate import Substrate

FloatArray = npt.NDArray[np.float64]


class Census:
    """All agents of some classes that are in the space, with their places and volumes.

    Parameters
    ----------
    model : mesa.Model
    space : Lattice or Continuum
    kinds : collection of agent classes
        Those counted, their subclasses included.
    volume_um3 : mapping of agent class to reading, um^3
    """

    def __init__(self, model: Any, space: Space, kinds: Collection[type], volume_um3: ByClass) -> None:
        groups = [(kind, *space.place(agents)) for kind, agents in _by_type(model, kinds)]
        self._groups = [(kind, agents) for kind, agents, _ in groups]
        self.position_um = np.concatenate([np.empty((0, 2)), *(place for _, _, place in groups)])
        self.radius_um = np.cbrt(self.read(volume_um3, "volume_um3") * (3.0 / (4.0 * math.pi)))

    def read(self, by_class: ByClass, what: str) -> FloatArray:
        """A number for each agent, (n,) float64; 0 for those of classes not named."""
        return np.concatenate([np.empty(0), *(_read(agents, kind, by_class, what) for kind, agents in self._groups)])

    def cells(self, name: str, substrate: Substrate) -> sp.Cells:
        """The agents as cells, with their rates for one substrate."""
        return sp.Cells(
            self.position_um,
            self.radius_um,
            uptake_per_min=self.read(substrate.uptake_per_min, f"uptake_per_min ({name})"),
            secretion_per_min=self.read(substrate.secretion_per_min, f"secretion_per_min ({name})"),
            secretion_target=self.read(substrate.secretion_target, f"secretion_target ({name})"),
        )


def held(
    model: Any, space: Space, name: str, vessels: Mapping[type | str, Reading], radius_um: Reading
) -> tuple[sp.Vessels, sp.Voxels | None]:
    """What holds the substrate at a value: discs in a continuous space, voxels on a grid.

    Where several vessels meet, the largest value wins.
    """
    what = f"vessels ({name})"
    by_class = {kind: reading for kind, reading in vessels.items() if isinstance(kind, type)}
    groups = [(kind, *space.place(agents)) for kind, agents in _by_type(model, by_class)]
    position = np.concatenate([np.empty((0, 2)), *(place for _, _, place in groups)])
    value = np.concatenate([np.empty(0), *(_read(agents, kind, by_class, what) for kind, agents, _ in groups)])
    layers = {layer: reading for layer, reading in vessels.items() if isinstance(layer, str)}
    if isinstance(space, Continuum):
        for layer in layers:
            space.layer(layer)
        agents = [agent for _, group, _ in groups for agent in group]
        return sp.Vessels(position, read(agents, radius_um, "vessel_radius_um"), value), None
    fixed, field = np.zeros(space.domain.shape, dtype=np.bool_), np.zeros(space.domain.shape)
    column, row = (position / space.domain.spacing_um).astype(np.int64).T
    fixed[row, column] = True
    np.maximum.at(field, (row, column), value)
    for layer, reading in layers.items():
        mask = space.layer(layer)
        if mask.dtype != np.bool_:
            raise sp.UnsupportedProblemError(f"{what} names property layer {layer!r} of {mask.dtype}; bool is allowed.")
        np.maximum(field, _layer_value(space, reading, what), out=field, where=mask)
        fixed |= mask
    return sp.Vessels.none(), sp.Voxels(fixed, field)


def _layer_value(space: Space, reading: Reading, what: str) -> Any:
    if callable(reading):
        raise sp.InvalidProblemError(f"{what} has a function for a property layer; a number or a layer is allowed.")
    return space.layer(reading) if isinstance(reading, str) else float(reading)


def _by_type(model: Any, kinds: Collection[type]) -> Iterator[tuple[type, list[Any]]]:
    """The model's agents of the classes named and of their subclasses, by their own class."""
    for kind, agents in model.agents_by_type.items():
        if any(base in kinds for base in kind.__mro__):
            yield kind, list(agents)


def _read(agents: list[Any], kind: type, by_class: ByClass, what: str) -> FloatArray:
    reading = of_class(by_class, kind)
    return np.zeros(len(agents)) if reading is None else read(agents, reading, what)
