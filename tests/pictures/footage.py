"""Two substrates and cells of two types over three moments, as a finished run would have them."""

from __future__ import annotations

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.pictures.scene import Dots, Scene

DOMAIN = sp.Domain((-100.0, 50.0), (240.0, 160.0), (16, 24))
UNITS = {"oxygen": "mmHg", "glucose": ""}


class MadeUp:
    """A film whose numbers follow from moment and substrate; the last moment has a cell more."""

    names = ("first", "second", "third")
    substrates = ("oxygen", "glucose")

    def scene(self, index: int, substrate: str) -> Scene:
        rows, columns = np.mgrid[:16, :24]
        field = (rows + 100.0 * columns + index) * (1.0 if substrate == "oxygen" else 2.0)
        held = np.zeros(DOMAIN.shape, dtype=bool)
        held[2, 3] = True
        return Scene(
            self.names[index],
            DOMAIN,
            field,
            substrate,
            60.0 * index,
            UNITS[substrate],
            "um",
            held=held,
            cells=self.cells(index, field),
            bound=0.25 * (index + 1),
            saved=True,
        )

    def cells(self, index: int, field: np.ndarray) -> Dots:
        count = 2 + (index == 2)
        position = np.array([[-90.0, 55.0], [130.0, 205.0], [20.0, 130.0]])[:count]
        kinds = ("tumour", "immune", "tumour")[:count]
        level = DOMAIN.sample(field, position)
        return Dots(position, np.array([5.0, 6.0, 7.0])[:count], kinds, np.array([4, 7, 9])[:count], level, level > 0)
