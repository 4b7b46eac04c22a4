"""What feeds the field besides what is held: production, and what comes in through the sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import Coefficient

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem


def supply_of(problem: Problem) -> Coefficient:
    """Production, and ``q / h`` more beside each side with an inward flux ``q``, where the pixel conducts.

    Returns
    -------
    float or (H, W) float64, field units / time
    """
    fluxes = [
        (axis, end, side.rate)
        for axis, pair in enumerate(problem.boundary.pairs)
        for end, side in zip((0, -1), pair, strict=True)
        if side.kind == "flux"
    ]
    if not fluxes:
        return problem.production
    supply = np.full(problem.shape, 1.0) * problem.production
    for axis, end, rate in fluxes:
        conducts = np.broadcast_to(problem.axis_links[axis], problem.shape) > 0
        edge = (slice(None),) * axis + (end,)
        supply[edge] += np.where(conducts[edge], rate / problem.spacings[axis], 0.0)
    supply.flags.writeable = False
    return supply
