"""Mesa's spaces in the terms of the core: lattice, sides, where agents are, and where the field is written.

A cell of a grid is (x, y), and layers are (width, height); the core's arrays are (rows = y, columns = x). They are
turned here, in `Lattice.layer` and `Lattice.write`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.copies import mend
from surrogate_adapters.mesa.readings import name_of

FloatArray = npt.NDArray[np.float64]

#: Voxels along a side that a problem has at least.
_FEWEST = 8
_ALLOWED = "an orthogonal grid or a continuous space, in two dimensions, is allowed"


class Lattice:
    """An orthogonal grid, of ``mesa.discrete_space`` or of ``mesa.space``, with its property layers.

    Attributes
    ----------
    domain : Domain
        One pixel a cell; the corner of cell (0, 0) is the origin.
    boundary : str
        ``periodic`` on a torus, else ``reflecting``.
    deposit : "voxel"
        An agent counts in its cell alone.
    """

    deposit: Literal["voxel"] = "voxel"

    def __init__(self, grid: Any, spacing_um: float, thickness_um: float | None) -> None:
        self.grid = grid
        self.domain = sp.Domain.from_lattice((grid.height, grid.width), spacing_um, thickness_um=thickness_um)
        self.boundary = _sides(grid)
        self._old = hasattr(grid, "properties")

    def mend(self) -> None:
        """Put the grid right if it was copied."""
        if not self._old:
            mend(self.grid)

    def place(self, agents: Sequence[Any]) -> tuple[list[Any], FloatArray]:
        """The agents that are on the grid, and the centres of their cells, (n, 2), um."""
        where = [self._cell(agent) for agent in agents]
        here = [agent for agent, cell in zip(agents, where, strict=True) if cell is not None]
        cells = np.array([cell for cell in where if cell is not None], dtype=np.float64).reshape(-1, 2)
        return here, (cells + 0.5) * self.domain.spacing_um

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

    def prepare(self, name: str, initial: float) -> None:
        """Make the property layer of a substrate, unless the grid has it."""
        if name not in self._layers:
            self._make(name, initial)
        dtype = self.layer(name).dtype
        if dtype != np.float64:
            raise sp.UnsupportedProblemError(f"property layer {name!r} has dtype {dtype}; float64 is allowed.")

    def write(self, name: str, field: FloatArray) -> None:
        """Put a field, (H, W), into the property layer of its name."""
        self.layer(name)[:] = field

    @property
    def _layers(self) -> dict[str, Any]:
        layers: dict[str, Any] = self.grid.properties if self._old else self.grid._mesa_property_layers
        return layers

    def _make(self, name: str, initial: float) -> None:
        if self._old:
            from mesa.space import PropertyLayer

            self.grid.add_property_layer(PropertyLayer(name, self.grid.width, self.grid.height, initial, dtype=float))
        else:
            self.grid.create_property_layer(name, default_value=initial, dtype=float)

    def _cell(self, agent: Any) -> tuple[int, ...] | None:
        """Where on this grid an agent is; None if it is not."""
        attribute = "pos" if self._old else "cell"
        if not hasattr(agent, attribute):
            raise sp.UnsupportedProblemError(f"{name_of(agent)} has no {attribute}; agents of the grid are allowed.")
        if self._old:
            return agent.pos  # type: ignore[no-any-return]
        cell = agent.cell
        return cell.coordinate if cell is not None and self.grid[cell.coordinate] is cell else None


class Continuum:
    """A continuous space, of ``mesa.experimental`` or of ``mesa.space``, whose coordinates are micrometres.

    Attributes are those of `Lattice`; agents are spheres spread over the pixels they cover.
    """

    deposit: Literal["area"] = "area"

    def __init__(self, space: Any, spacing_um: float, thickness_um: float | None) -> None:
        self.space = space
        size = float(space.x_max - space.x_min), float(space.y_max - space.y_min)
        columns, rows = (_whole(side, spacing_um) for side in size)
        origin = float(space.x_min), float(space.y_min)
        self.domain = sp.Domain.from_lattice((rows, columns), spacing_um, origin, thickness_um)
        self.boundary = _sides(space)

    def mend(self) -> None:
        """Nothing: Mesa copies these spaces well."""

    def place(self, agents: Sequence[Any]) -> tuple[list[Any], FloatArray]:
        """The agents that are in the space, and where, (n, 2), um."""
        here = [agent for agent in agents if self._holds(agent)]
        return here, np.array([agent.pos for agent in here], dtype=np.float64).reshape(-1, 2)

    def layer(self, name: str) -> npt.NDArray[Any]:
        """A continuous space has none."""
        raise sp.UnsupportedProblemError(f"a continuous space has no property layer {name!r}; use agents as vessels.")

    def prepare(self, name: str, initial: float) -> None:
        """Nothing: agents sample the field."""

    def write(self, name: str, field: FloatArray) -> None:
        """Nothing: agents sample the field."""

    def _holds(self, agent: Any) -> bool:
        if hasattr(agent, "space") and hasattr(agent, "position"):
            return agent.space is self.space
        return getattr(agent, "pos", None) is not None


Space = Lattice | Continuum


def space_of(model: Any, space: Any, spacing_um: float, thickness_um: float | None) -> Space:
    """The space of a model: the one given, or its ``grid`` or ``space``.

    Raises
    ------
    UnsupportedProblemError
        If there is none, or one that is hexagonal, a network, of irregular cells, or not two-dimensional.
    """
    if space is None:
        found = [getattr(model, name) for name in ("grid", "space") if getattr(model, name, None) is not None]
        if len(found) != 1:
            raise sp.UnsupportedProblemError(
                f"{type(model).__name__} has {'both' if found else 'neither'} grid and space; say which by space=."
            )
        space = found[0]
    kind = type(space).__name__
    orthogonal, continuous = _kinds()
    if not isinstance(space, orthogonal + continuous) or isinstance(space, _hexagonal()):
        raise sp.UnsupportedProblemError(f"the model's space is a {kind}; {_ALLOWED}.")
    dimensions = len(getattr(space, "dimensions", (0, 0)))
    if dimensions != 2:
        raise sp.UnsupportedProblemError(f"the model's {kind} has {dimensions} dimensions; {_ALLOWED}.")
    chosen = Lattice if isinstance(space, orthogonal) else Continuum
    found_space = chosen(space, spacing_um, thickness_um)
    rows, columns = found_space.domain.shape
    if min(rows, columns) < _FEWEST:
        raise sp.UnsupportedProblemError(
            f"the model's {kind} has {columns} x {rows} voxels; at least {_FEWEST} along each side are allowed."
        )
    return found_space


def _kinds() -> tuple[tuple[type, ...], tuple[type, ...]]:
    from mesa import space as old
    from mesa.discrete_space import Grid
    from mesa.experimental.continuous_space import ContinuousSpace

    return (Grid, old.SingleGrid, old.MultiGrid), (ContinuousSpace, old.ContinuousSpace)


def _hexagonal() -> tuple[type, ...]:
    from mesa import space as old
    from mesa.discrete_space import HexGrid

    return HexGrid, old.HexSingleGrid, old.HexMultiGrid


def _sides(space: Any) -> str:
    return "periodic" if space.torus else "reflecting"


def _whole(side_um: float, spacing_um: float) -> int:
    count = side_um / spacing_um if spacing_um > 0 else 0.0
    if round(count) < 1 or abs(count - round(count)) > 1e-9 * count:
        raise sp.InvalidProblemError(
            f"spacing_um is {spacing_um:g}; what divides the sides of the space, here {side_um:g} um, is allowed."
        )
    return round(count)
