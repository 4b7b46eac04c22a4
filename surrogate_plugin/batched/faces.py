"""Conductances of all faces of many problems, as `surrogate_plugin.equation.faces` has them for one."""

from __future__ import annotations

import torch
from torch import Tensor


def along(axis: int, links: Tensor, permeance: Tensor | None, walls: Tensor, ring: bool) -> Tensor:
    """The conductance of every face along an axis.

    Parameters
    ----------
    axis : int
        1 or 2: rows or columns of (B, H, W).
    links : (B, H, W) float64, dimensionless
        Each pixel's own link.
    permeance : (B, H, W) float64 or None, dimensionless
        Of the membrane above each pixel along the axis; infinite where there is none.
    walls : (B, 2) float64, dimensionless
        What resists below the first pixel and above the last one, besides their own links.
    ring : bool
        Whether the last pixel's face leads to the first one.

    Returns
    -------
    (B, H + 1, W) or (B, H, W + 1) float64
        Face ``k`` is below pixel ``k``; both ends of a ring are the same face.

    Examples
    --------
    >>> links = torch.ones((1, 1, 3), dtype=torch.float64)
    >>> along(2, links, None, torch.tensor([[torch.inf, 0.0]], dtype=torch.float64), ring=False)[0, 0].tolist()
    [1.0, 1.0, 1.0, 0.0]
    """
    above = harmonic_mean(links, links.roll(-1, axis))
    if permeance is not None:
        above = in_series(above, permeance)
    last = links.shape[axis] - 1
    if ring:
        return torch.cat((above.narrow(axis, last, 1), above), axis)
    ends = [in_series(links.narrow(axis, pixel, 1), walls[:, end, None, None]) for end, pixel in enumerate((0, last))]
    return torch.cat((ends[0], above.narrow(axis, 0, last), ends[1]), axis)


def harmonic_mean(one: Tensor, other: Tensor) -> Tensor:
    """Of two pixels' links, for the face between them: 0 where either is 0."""
    total = one + other
    return torch.where(total > 0.0, 2 * one * other / total, 0.0)


def in_series(conductance: Tensor, permeance: Tensor) -> Tensor:
    """Of a face and a membrane on it: 0 where either is 0, the face's own where the permeance is infinite."""
    return torch.where(conductance > 0.0, conductance / (1.0 + conductance / permeance), 0.0)
