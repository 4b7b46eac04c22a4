"""Mesa's continuous spaces in the terms of the core: agents are spheres among pixels, and sample the field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.lattice import Spacing
from surrogate_adapters.mesa.substrate import Substrate

FloatArray = npt.NDArray[np.float64]


class Continuum:
    """A continuous space, of ``mesa.experimental`` or of ``mesa.space``, whose coordinates are micrometres.

    Attributes are those of `Lattice`; agents are spheres spread over the pixels they cover.
    """

    deposit: Literal["area"] = "area"

    def __init__(self, space: Any, spacing_um: Spacing, thickness_um: float | None) -> None:
        self.origin = space
        size = float(space.x_max - space.x_min), float(space.y_max - space.y_min)
        dy, dx = spacing_um if isinstance(spacing_um, tuple) else (spacing_um, spacing_um)
        columns, rows = _whole(size[0], dx), _whole(size[1], dy)
        corner = float(space.x_min), float(space.y_min)
        self.domain = sp.Domain.from_lattice((rows, columns), spacing_um, corner, thickness_um)
        self.sides = "periodic" if space.torus else "reflecting"

    def mend(self) -> None:
        """Nothing: Mesa copies these spaces well."""

    def counted(self, substrates: Iterable[Substrate]) -> tuple[type, ...]:
        """Classes of agents that count by their volume, those that conduct or hold back among them."""
        return tuple(dict.fromkeys(kind for each in substrates for kind in (*each.kinds, *each.bodies)))

    def place(self, agents: Sequence[Any]) -> tuple[list[Any], FloatArray]:
        """The agents that are in the space, and where, (n, 2), um."""
        here = [agent for agent in agents if self._holds(agent)]
        return here, np.array([agent.pos for agent in here], dtype=np.float64).reshape(-1, 2)

    def layer(self, name: str) -> npt.NDArray[Any]:
        """A continuous space has none."""
        raise sp.UnsupportedProblemError(f"a continuous space has no property layer {name!r}; use agents as vessels.")

    def prepare(self, name: str, initial: float) -> bool:
        """Nothing: agents sample the field, which is solved for when they do."""
        return False

    def require(self, name: str) -> None:
        """Nothing: agents sample the field."""

    def write(self, name: str, field: FloatArray) -> None:
        """Nothing: agents sample the field."""

    def held(self, name: str) -> FloatArray | None:
        """Nothing: no layer holds the field."""
        return None

    def written(self, name: str) -> str | None:
        """Nothing: nobody can write into the field."""
        return None

    def _holds(self, agent: Any) -> bool:
        if hasattr(agent, "space") and hasattr(agent, "position"):
            return agent.space is self.origin
        return getattr(agent, "pos", None) is not None


def _whole(side_um: float, spacing_um: float) -> int:
    count = side_um / spacing_um
    if round(count) < 1 or abs(count - round(count)) > 1e-9 * count:
        raise sp.InvalidProblemError(
            f"spacing_um is {spacing_um:g}; what divides the sides of the space, here {side_um:g} um, is allowed."
        )
    return round(count)
