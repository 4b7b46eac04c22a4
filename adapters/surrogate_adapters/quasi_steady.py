"""Whether a substrate comes to rest within a step of its host: what a steady field takes for granted."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp

__all__ = ["IN_TIME", "least_diffusivity", "not_quasi_steady", "relaxation_min"]

#: What becomes of a substrate that is too slow.
IN_TIME = "follow it in time, by stepping='implicit-euler', or leave it to the host"


def least_diffusivity(diffusivity: float | npt.NDArray[np.float64] | sp.PerAxis) -> float:
    """The least of a lattice, um^2 / min, along any axis; 0 only if nothing conducts: obstacles do not count.

    Examples
    --------
    >>> least_diffusivity(np.array([[0.0, 4.0], [2.0, 9.0]])), least_diffusivity(sp.PerAxis(x=3.0, y=1.0))
    (2.0, 1.0)
    """
    parts = (diffusivity.x, diffusivity.y) if isinstance(diffusivity, sp.PerAxis) else (diffusivity,)
    conducting = [np.asarray(part)[np.asarray(part) > 0] for part in parts]
    return min((float(each.min()) for each in conducting if each.size), default=0.0)


def relaxation_min(
    diffusivity_um2_per_min: float, decay_per_min: float, size_um: tuple[float, float], *, held: bool = True
) -> float:
    """The time in which a field comes e times closer to rest: ``1 / (k + pi^2 D / L^2)``.

    Parameters
    ----------
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
        Decay and whatever takes up everywhere.
    size_um : (float, float), um
        Width and height of the domain; the longer is L.
    held : bool
        Whether anything holds a value: a side, a node, a vessel. If not, diffusion only spreads what is there, and
        what there is in all comes to rest by decay alone: ``1 / k``.

    Returns
    -------
    float, min
        Infinite where nothing holds and nothing decays.

    Examples
    --------
    >>> round(relaxation_min(1e5, 0.1, (1000.0, 400.0)), 3)
    0.92
    >>> round(relaxation_min(10.0, 1e-3, (1000.0, 1000.0)))
    910
    >>> relaxation_min(1e5, 0.0, (1000.0, 1000.0), held=False)
    inf
    """
    length = max(size_um)
    rate = decay_per_min + (math.pi**2 * diffusivity_um2_per_min / length**2 if held else 0.0)
    return 1.0 / rate if rate > 0.0 else math.inf


def not_quasi_steady(
    name: str,
    relaxation: float,
    step_min: float,
    *,
    unit: Literal["min", "s"] = "min",
    remedy: str = IN_TIME,
) -> str | None:
    """The sentence that a user is owed where a substrate is slower than the step it is solved at; None where it is not.

    Both times are in min; ``unit`` is that of the host, which the sentence is told in. ``remedy`` ends it.

    Examples
    --------
    >>> print(not_quasi_steady("antigen", 910.0, 6.0))
    antigen comes to rest in about 910 min, and a step is 6 min: its steady field is not what the cells would see; \
follow it in time, by stepping='implicit-euler', or leave it to the host.
    >>> not_quasi_steady("oxygen", 0.92, 6.0)
    """
    if relaxation <= step_min:
        return None
    scale = 60.0 if unit == "s" else 1.0
    takes = f"comes to rest in about {scale * relaxation:.3g} {unit}"
    lasts = "never comes to rest" if math.isinf(relaxation) else takes
    return (
        f"{name} {lasts}, and a step is {scale * step_min:g} {unit}: its steady field is not what the cells would see; "
        f"{remedy}."
    )
