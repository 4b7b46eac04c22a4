"""The agents of a model that matter to its substrates, read once an update, in the terms of the core."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.continuum import Continuum
from surrogate_adapters.mesa.layers import by_layer
from surrogate_adapters.mesa.readings import ByClass, Reading, of_class, read
from surrogate_adapters.mesa.spaces import Space
from surrogate_adapters.mesa.substrate import UNITS, Substrate

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
        self._model, self._space = model, space
        self._groups, self.position_um = _present(model, space, kinds)
        self.volume_um3 = self.read(volume_um3, "volume_um3", "um**3")

    def read(self, by_class: ByClass, what: str, unit: str | None = None) -> FloatArray:
        """A number for each agent, (n,) float64; 0 for those of classes not named."""
        return _read(self._groups, by_class, what, unit)

    def cells(self, name: str, substrate: Substrate) -> sp.Cells:
        """The agents as cells, with their rates for one substrate."""
        place, release = self._released(name, substrate)
        if isinstance(self._space, Continuum):
            bodies, own = (
                _Bodies(self._model, self._space, name, substrate, ()),
                self._own(name, substrate, len(release)),
            )
        else:
            bodies = _Bodies(self._model, self._space, name, substrate, substrate.bodies)
            own = bodies.options(len(self.volume_um3) + len(release))
        none = np.zeros(len(release) + len(bodies.place))

        def rate(option: str, unit: str | None = None) -> FloatArray:
            return np.concatenate([self.read(_classes(getattr(substrate, option)), f"{option} ({name})", unit), none])

        production = rate("production_per_min")
        production[len(self.volume_um3) : len(self.volume_um3) + len(release)] = release
        return sp.Cells(
            np.concatenate([self.position_um, place, bodies.place]),
            volume_um3=np.concatenate([self.volume_um3, none + self._space.domain.voxel_volume_um3]),
            uptake_per_min=rate("uptake_per_min", "1/min"),
            secretion_per_min=rate("secretion_per_min", "1/min"),
            secretion_target=rate("secretion_target"),
            production_per_min=production,
            **own,
        )

    def _own(self, name: str, substrate: Substrate, releasing: int) -> dict[str, FloatArray]:
        """What spheres of a continuous space conduct, hold back and let decay, before those that only release."""
        found = {}
        for option, (key, nothing) in _OWN.items():
            by_class = _classes(getattr(substrate, option))
            if by_class:
                each = _read(self._groups, by_class, f"{option} ({name})", UNITS[option], nothing, may_be_unsaid=True)
                if option == "decay_in_per_min":
                    each = np.where(np.isnan(each), 0.0, each - substrate.decay_per_min)
                    nothing = 0.0
                found[key] = np.concatenate([each, np.full(releasing, nothing)])
        return found

    def _released(self, name: str, substrate: Substrate) -> tuple[FloatArray, FloatArray]:
        """Where agents release it, and how much: what a cell as large as a voxel would produce there."""
        groups, place = _present(self._model, self._space, substrate.release_per_min)
        return place, _read(groups, substrate.release_per_min, f"release_per_min ({name})")


def state_of(
    model: Any, space: Space, census: Census, name: str, substrate: Substrate, radius_um: Reading
) -> sp.TissueState:
    """All that the steady field of a substrate depends on now; ``radius_um`` is of discs in a continuous space."""
    cells = census.cells(name, substrate)
    if isinstance(space, Continuum):
        return sp.TissueState(cells, _discs(model, space, name, substrate, radius_um))
    fixed, value = _held(model, space, name, substrate)
    _, made = by_layer(space, substrate.production_per_min, f"production_per_min ({name})")
    voxels = sp.Voxels(
        fixed,
        value,
        production_per_min=made if made.any() else 0.0,
        diffusivity_um2_per_min=_of_layers(space, name, substrate, "diffusivity_in_um2_per_min"),
        decay_per_min=_of_layers(space, name, substrate, "decay_in_per_min"),
        membranes=_walls(model, space, name, substrate),
    )
    return sp.TissueState(cells, voxels=voxels)


#: What an agent has of its own, as `sp.Cells` names it, and what of a class that is not named.
_OWN = {
    "diffusivity_in_um2_per_min": ("diffusivity_um2_per_min", np.nan),
    "membrane_um_per_min": ("membrane_um_per_min", np.inf),
    "decay_in_per_min": ("decay_change_per_min", np.nan),
}


class _Bodies:
    """Agents that make the grid's cell they are in conduct or decay in their own way.

    Each counts as a cell that fills a voxel and does nothing besides.
    """

    def __init__(self, model: Any, space: Space, name: str, substrate: Substrate, kinds: Collection[type]) -> None:
        self._groups, self.place = _present(model, space, kinds)
        self._space, self._name, self._substrate = space, name, substrate

    def options(self, before: int) -> dict[str, FloatArray]:
        """What `sp.Cells` takes of it, after so many cells that have nothing of their own."""
        if not len(self.place):
            return {}
        decay = self._read("decay_in_per_min", np.nan) - self._decay_around()
        found = {
            "diffusivity_um2_per_min": (self._read("diffusivity_in_um2_per_min", np.nan), np.nan),
            "decay_change_per_min": (np.where(np.isnan(decay), 0.0, decay), 0.0),
        }
        return {option: np.concatenate([np.full(before, nothing), own]) for option, (own, nothing) in found.items()}

    def _decay_around(self) -> FloatArray | float:
        """What decays where they are without them: what a layer says, or the background."""
        there = _of_layers(self._space, self._name, self._substrate, "decay_in_per_min")
        return self._substrate.decay_per_min if there is None else there[_cells_of(self._space, self.place)]

    def _read(self, option: str, unnamed: float) -> FloatArray:
        what, unit = f"{option} ({self._name})", UNITS[option]
        by_class = _classes(getattr(self._substrate, option))
        return _read(self._groups, by_class, what, unit, unnamed, may_be_unsaid=True)


def _of_layers(space: Space, name: str, substrate: Substrate, option: str) -> FloatArray | None:
    """What layers say of cells, and elsewhere the substrate's own number; None if they say nothing."""
    there, numbers = by_layer(space, getattr(substrate, option), f"{option} ({name})")
    around = {
        "diffusivity_in_um2_per_min": substrate.diffusivity_um2_per_min,
        "decay_in_per_min": substrate.decay_per_min,
    }
    return np.where(there, numbers, around[option]) if there.any() else None


def _walls(model: Any, space: Space, name: str, substrate: Substrate) -> sp.Membranes | None:
    """The membranes around cells of the grid: of those who have one, the mean resistance where several are in a cell.

    They are of the grid's cell, not of the agent, so that its volume is of no account.
    """
    by_class = substrate.membrane_um_per_min
    groups, position = _present(model, space, by_class)
    if not len(position):
        return None
    own = _read(groups, by_class, f"membrane_um_per_min ({name})", "um/min", np.inf, may_be_unsaid=True)
    row, column = _cells_of(space, position)
    count, resistance = np.zeros(space.domain.shape), np.zeros(space.domain.shape)
    np.add.at(count, (row, column), 1.0)
    with np.errstate(divide="ignore"):
        np.add.at(resistance, (row, column), 1.0 / own)
        resistance /= np.maximum(count, 1.0)
        y, x = (1.0 / (resistance + np.roll(resistance, -1, axis)) for axis in (0, 1))
    ring_y, ring_x = substrate.sides(space.sides).rings
    return sp.Membranes(x=x if ring_x else x[:, :-1], y=y if ring_y else y[:-1])


def _discs(model: Any, space: Space, name: str, substrate: Substrate, radius_um: Reading) -> sp.Vessels:
    """Agents of a continuous space that hold the substrate at a value."""
    by_class = _classes(substrate.vessels)
    groups, position = _present(model, space, by_class)
    radius = [read(agents, radius_um, "vessel_radius_um", "um") for _, agents in groups]
    return sp.Vessels(position, np.concatenate([np.empty(0), *radius]), _read(groups, by_class, f"vessels ({name})"))


def _held(model: Any, space: Space, name: str, substrate: Substrate) -> tuple[BoolArray, FloatArray]:
    """Cells of a grid that hold the substrate, and at which value; the largest where several vessels meet."""
    what, by_class = f"vessels ({name})", _classes(substrate.vessels)
    groups, position = _present(model, space, by_class)
    fixed, field = by_layer(space, substrate.vessels, what)
    row, column = _cells_of(space, position)
    fixed[row, column] = True
    np.maximum.at(field, (row, column), _read(groups, by_class, what))
    return fixed, field


def _cells_of(space: Space, position_um: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and column of the grid's cells at these places."""
    column, row = (position_um / space.domain.spacings_um[::-1]).astype(np.int64).T
    return row, column


def _classes(readings: Mapping[Any, Reading]) -> dict[type, Reading]:
    """Those of classes of agents, without those of layers."""
    return {kind: reading for kind, reading in readings.items() if isinstance(kind, type)}


def _present(model: Any, space: Space, kinds: Collection[type]) -> tuple[list[tuple[type, list[Any]]], FloatArray]:
    """The agents of some classes that are in the space, by their own class, and where, (n, 2), um."""
    placed = [(kind, *space.place(agents)) for kind, agents in _by_type(model, kinds)]
    places = np.concatenate([np.empty((0, 2)), *(place for _, _, place in placed)])
    return [(kind, agents) for kind, agents, _ in placed], places


def _by_type(model: Any, kinds: Collection[type]) -> Iterator[tuple[type, list[Any]]]:
    """The model's agents of the classes named and of their subclasses, by their own class."""
    for kind, agents in model.agents_by_type.items():
        if any(base in kinds for base in kind.__mro__):
            yield kind, list(agents)


def _read(
    groups: Sequence[tuple[type, list[Any]]],
    by_class: ByClass,
    what: str,
    unit: str | None = None,
    unnamed: float = 0.0,
    *,
    may_be_unsaid: bool = False,
) -> FloatArray:
    """A number for each agent of groups of one class each; ``unnamed`` for those of classes not named.

    Others may have it too if they ``may_be_unsaid``.
    """
    found = [np.empty(0)]
    for kind, agents in groups:
        reading = of_class(by_class, kind)
        nothing = np.full(len(agents), unnamed)
        unsaid = unnamed if may_be_unsaid else None
        found.append(nothing if reading is None else read(agents, reading, what, unit, unsaid=unsaid))
    return np.concatenate(found)
