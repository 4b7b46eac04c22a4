"""Mesa's orthogonal grids in the terms of the core: lattice, sides, where agents are, and the layers of the fields.

A cell of a grid is (x, y), and layers are (width, height); the core's arrays are (rows = y, columns = x). They are
turned here, in `Lattice.layer`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.copies import mend
from surrogate_adapters.mesa.readings import name_of
from surrogate_adapters.mesa.substrate import Substrate

FloatArray = npt.NDArray[np.float64]
#: Side of a square pixel, or (dy, dx), um.
Spacing = float | tuple[float, float]


class Lattice:
    """An orthogonal grid, of ``mesa.discrete_space`` or of ``mesa.space``, with its property layers.

    Attributes
    ----------
    origin : a grid of Mesa
    domain : Domain
        One pixel a cell; the corner of cell (0, 0) is the origin.
    sides : str
        The grid's own: ``periodic`` on a torus, else ``reflecting``.
    deposit : "voxel"
        An agent counts in its cell alone.
    """

    deposit: Literal["voxel"] = "voxel"

    def __init__(self, grid: Any, spacing_um: Spacing, thickness_um: float | None) -> None:
        self.origin = grid
        self.domain = sp.Domain.from_lattice((grid.height, grid.width), spacing_um, thickness_um=thickness_um)
        self.sides = "periodic" if grid.torus else "reflecting"
        self._old = hasattr(grid, "properties")
        self._left: dict[str, tuple[Any, FloatArray]] = {}

    def mend(self) -> None:
        """Put the grid right if it was copied."""
        if not self._old:
            mend(self.origin)

    def counted(self, substrates: Iterable[Substrate]) -> tuple[type, ...]:
        """Classes of agents that count by their volume."""
        return tuple(dict.fromkeys(kind for each in substrates for kind in each.kinds))

    def place(self, agents: Sequence[Any]) -> tuple[list[Any], FloatArray]:
        """The agents that are on the grid, and the centres of their cells, (n, 2), um."""
        where = [self._cell(agent) for agent in agents]
        here = [agent for agent, cell in zip(agents, where, strict=True) if cell is not None]
        cells = np.array([cell for cell in where if cell is not None], dtype=np.float64).reshape(-1, 2)
        return here, (cells + 0.5) * self.domain.spacings_um[::-1]

    def layer(self, name: str) -> npt.NDArray[Any]:
        """A property layer of the grid, turned: (H, W).

        Raises
        ------
        UnsupportedProblemError
            If there is none of this name.
        """
        if name not in self._layers:
            known = ", ".join(self._layers) or "none"
            raise sp.UnsupportedProblemError(f"the grid has no property layer {name!r}; it has {known}.")
        return np.asarray(self._layers[name].data).T

    def prepare(self, name: str, initial: float) -> bool:
        """Make the property layer of a substrate, unless the grid has it; whether it was made."""
        missing = name not in self._layers
        if missing:
            self._make(name, initial)
        self.require(name)
        return missing

    def require(self, name: str) -> None:
        """Refuse a layer that no field can be written into.

        Raises
        ------
        UnsupportedProblemError
            If there is none, or it does not hold float64.
        """
        dtype = self.layer(name).dtype
        if dtype != np.float64:
            raise sp.UnsupportedProblemError(f"property layer {name!r} has dtype {dtype}; float64 is allowed.")

    def write(self, name: str, field: FloatArray) -> None:
        """Put a field, (H, W), into the property layer of its name."""
        self.layer(name)[:] = field
        self._left[name] = self._layers[name], field

    def held(self, name: str) -> FloatArray | None:
        """What the layer of a substrate holds now, (H, W)."""
        return self.layer(name)

    def written(self, name: str) -> str | None:
        """What somebody else has written into a layer since `write`, in one sentence; None if nobody has."""
        layer, field = self._left.get(name, (None, None))
        if field is None or layer is not self._layers.get(name):
            return None
        found = self.layer(name)
        changed = found != field
        if not changed.any():
            return None
        count, largest = int(changed.sum()), float(np.abs(found[changed] - field[changed]).max())
        return (
            f"somebody wrote into property layer {name!r}, by up to {largest:.3g} in {count} of {changed.size} cells: "
            "a steady field remembers nothing, so that of the agents and vessels is put in its place; let agents "
            "give what they give by secretion_per_min, production_per_min, release_per_min or vessels."
        )

    @property
    def _layers(self) -> dict[str, Any]:
        layers: dict[str, Any] = self.origin.properties if self._old else self.origin._mesa_property_layers
        return layers

    def _make(self, name: str, initial: float) -> None:
        grid = self.origin
        if self._old:
            from mesa.space import PropertyLayer

            grid.add_property_layer(PropertyLayer(name, grid.width, grid.height, initial, dtype=float))
            return
        from mesa.discrete_space import Cell

        if hasattr(Cell, name):  # a layer would hide it from Mesa
            raise sp.InvalidProblemError(
                f"substrate {name!r} would hide an attribute of that name of Mesa's cells; another name is allowed."
            )
        grid.create_property_layer(name, default_value=initial, dtype=float)

    def _cell(self, agent: Any) -> tuple[int, ...] | None:
        """Where on this grid an agent is; None if it is not."""
        attribute = "pos" if self._old else "cell"
        if not hasattr(agent, attribute):
            raise sp.UnsupportedProblemError(f"{name_of(agent)} has no {attribute}; agents of the grid are allowed.")
        if self._old:
            return agent.pos  # type: ignore[no-any-return]
        cell = agent.cell
        return cell.coordinate if cell is not None and self.origin[cell.coordinate] is cell else None
