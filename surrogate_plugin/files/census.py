"""How many pixels are held, in how many groups, with which values: what tells a misread picture at a glance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, FloatArray

_MOST_LISTED = 4


@dataclass(frozen=True)
class Census:
    """The held pixels of a problem.

    Attributes
    ----------
    pixels, of : int
        How many are held, of how many.
    groups : int
        Pixels that touch at a side or corner are one group.
    values : tuple of float, field units
        The different values, ascending; only the lowest and highest where there are more than four.
    different : int
        How many different values there are.
    """

    pixels: int
    of: int
    groups: int
    values: tuple[float, ...]
    different: int

    @classmethod
    def take(cls, values: FloatArray, fixed: BoolArray) -> Census:
        """Count the held pixels, ``fixed`` (H, W) bool, and their ``values``, (H, W) float64.

        Examples
        --------
        >>> fixed = np.zeros((8, 8), dtype=bool); fixed[1, 1] = fixed[2, 2] = fixed[6, 5] = True
        >>> print(Census.take(np.full((8, 8), 38.0), fixed))
        3 of 64 pixels (4.69 %) in 2 groups, at 38
        """
        from scipy import ndimage

        groups = int(ndimage.label(fixed, structure=np.ones((3, 3)))[1])
        found = [float(value) for value in np.unique(values[fixed])]
        shown = found if len(found) <= _MOST_LISTED else [found[0], found[-1]]
        return cls(int(np.count_nonzero(fixed)), fixed.size, groups, tuple(shown), len(found))

    def __str__(self) -> str:
        if not self.pixels:
            return "none"
        share = f"{100 * self.pixels / self.of:.3g} %"
        groups = f"{self.groups} group{'s' if self.groups > 1 else ''}"
        listed = ", ".join(f"{value:.6g}" for value in self.values)
        if self.different > len(self.values):
            listed = f"{self.different} values from {self.values[0]:.6g} to {self.values[-1]:.6g}"
        return f"{self.pixels:,} of {self.of:,} pixels ({share}) in {groups}, at {listed}"
