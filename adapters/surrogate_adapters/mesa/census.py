"""The agents of a model that matter to its substrates, read once an update, in the terms of the core."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.continuum import Continuum
from surrogate_adapters.mesa.readings import ByClass, Reading, of_class, read
from surrogate_adapters.mesa.spaces import Space
from surrogate_adapters.mesa.substrate import Substrate
from surrogate_plugin.arguments import HUGE, NOT_NEGATIVE

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


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
        self.volume_um3 = self.read(volume_um3, "volume_um3", "um**3")

    def read(self, by_class: ByClass, what: str, unit: str | None = None) -> FloatArray:
        """A number for each agent, (n,) float64; 0 for those of classes not named."""
        return _read(self._groups, by_class, what, unit)

    def cells(self, name: str, substrate: Substrate) -> sp.Cells:
        """The agents as cells, with their rates for one substrate."""
        return sp.Cells(
            self.position_um,
            volume_um3=self.volume_um3,
            uptake_per_min=self.read(substrate.uptake_per_min, f"uptake_per_min ({name})", "1/min"),
            secretion_per_min=self.read(substrate.secretion_per_min, f"secretion_per_min ({name})", "1/min"),
            secretion_target=self.read(substrate.secretion_target, f"secretion_target ({name})"),
            production_per_min=self.read(substrate.production_per_min, f"production_per_min ({name})"),
        )


def state_of(
    model: Any, space: Space, census: Census, name: str, substrate: Substrate, radius_um: Reading
) -> sp.TissueState:
    """All that the steady field of a substrate depends on now; ``radius_um`` is of discs in a continuous space."""
    cells = census.cells(name, substrate)
    vessels, held = _held(model, space, name, substrate.vessels, radius_um)
    return sp.TissueState(cells, vessels, None if held is None else sp.Voxels(*held))


def _held(
    model: Any, space: Space, name: str, vessels: Mapping[type | str, Reading], radius_um: Reading
) -> tuple[sp.Vessels, tuple[BoolArray, FloatArray] | None]:
    """What holds the substrate at a value: discs in a continuous space, cells on a grid with the values they hold.

    Where several vessels meet, the largest value wins.
    """
    what = f"vessels ({name})"
    by_class = {kind: reading for kind, reading in vessels.items() if isinstance(kind, type)}
    groups = [(kind, *space.place(agents)) for kind, agents in _by_type(model, by_class)]
    position = np.concatenate([np.empty((0, 2)), *(place for _, _, place in groups)])
    value = _read([(kind, agents) for kind, agents, _ in groups], by_class, what)
    if isinstance(space, Continuum):
        agents = [agent for _, group, _ in groups for agent in group]
        return sp.Vessels(position, read(agents, radius_um, "vessel_radius_um", "um"), value), None
    fixed, field = np.zeros(space.domain.shape, dtype=np.bool_), np.zeros(space.domain.shape)
    column, row = (position / space.domain.spacing_um).astype(np.int64).T
    fixed[row, column] = True
    np.maximum.at(field, (row, column), value)
    for layer, reading in vessels.items():
        if isinstance(layer, str):
            mask = _mask(space, layer, what)
            np.maximum(field, _layer_value(space, mask, reading, what), out=field, where=mask)
            fixed |= mask
    return sp.Vessels.none(), (fixed, field)


def _mask(space: Space, layer: str, what: str) -> BoolArray:
    mask = space.layer(layer)
    if mask.dtype != np.bool_:
        raise sp.UnsupportedProblemError(f"{what} names property layer {layer!r} of {mask.dtype}; bool is allowed.")
    return mask


def _layer_value(space: Space, mask: BoolArray, reading: Reading, what: str) -> Any:
    """What the true cells of a layer hold: a number, or what another layer says there."""
    if callable(reading):
        raise sp.InvalidProblemError(f"{what} has a function for a property layer; a number or a layer is allowed.")
    if not isinstance(reading, str):
        return reading
    value = space.layer(reading)
    if value.dtype.kind not in "fiu":
        raise sp.UnsupportedProblemError(f"{what} reads property layer {reading!r} of {value.dtype}; float is allowed.")
    wrong = mask & ~((value >= 0) & (value <= HUGE))
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise sp.InvalidProblemError(
            f"{what}: property layer {reading!r} is {value[row, column]:g} in cell ({column}, {row}); "
            f"{NOT_NEGATIVE} are allowed."
        )
    return np.where(mask, value, 0.0)


def _by_type(model: Any, kinds: Collection[type]) -> Iterator[tuple[type, list[Any]]]:
    """The model's agents of the classes named and of their subclasses, by their own class."""
    for kind, agents in model.agents_by_type.items():
        if any(base in kinds for base in kind.__mro__):
            yield kind, list(agents)


def _read(
    groups: Sequence[tuple[type, list[Any]]], by_class: ByClass, what: str, unit: str | None = None
) -> FloatArray:
    """A number for each agent of groups of one class each; 0 for those of classes not named."""
    found = [np.empty(0)]
    for kind, agents in groups:
        reading = of_class(by_class, kind)
        found.append(np.zeros(len(agents)) if reading is None else read(agents, reading, what, unit))
    return np.concatenate(found)
