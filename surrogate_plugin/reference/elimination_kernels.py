"""Compiled elimination without a subtraction: a network of conductances, its nodes removed one after the other.

Removing a node that is joined to its neighbours by conductances ``g`` and to the ground by ``e`` joins every two of the
neighbours by ``g_i g_j / t`` and each of them to the ground by ``g_i e / t``, where ``t = e + sum g`` (the star-mesh
transform). Every operation adds, multiplies or divides what is not negative, so each number keeps its relative
precision, however badly conditioned the matrix is (Grassmann, Taksar, Heyman 1985).
"""

from __future__ import annotations

from surrogate_plugin import jit


@jit.exact
def eliminate(links, ground):
    """Remove the nodes in order; in place.

    Parameters
    ----------
    links : (nodes, band) float64, >= 0
        ``links[p, k]`` joins node ``p`` to node ``p + k + 1``; afterwards what joined them when ``p`` was removed.
    ground : (nodes,) float64, >= 0
        What joins a node to where values are known, and its decay; afterwards the pivot ``t``.
    """
    nodes, band = links.shape
    for p in range(nodes):
        reach = min(band, nodes - 1 - p)
        own, here = links[p], ground[p]
        total = here
        for k in range(reach):
            total += own[k]
        for k in range(reach):
            if own[k] > 0.0:
                share, partner = own[k] / total, links[p + k + 1]
                ground[p + k + 1] += share * here
                for other in range(k + 1, reach):
                    partner[other - k - 1] += share * own[other]
        ground[p] = total


@jit.exact
def substitute(links, pivot, x):
    """``x``, (nodes,) float64, from the right-hand side to the solution, in place."""
    nodes, band = links.shape
    for p in range(nodes):
        carried = x[p] / pivot[p]
        for k in range(min(band, nodes - 1 - p)):
            x[p + k + 1] += links[p, k] * carried
    for p in range(nodes - 1, -1, -1):
        total = x[p]
        for k in range(min(band, nodes - 1 - p)):
            total += links[p, k] * x[p + k + 1]
        x[p] = total / pivot[p]
