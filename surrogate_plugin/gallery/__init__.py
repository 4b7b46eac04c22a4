"""Named problems: the published study's, tissue-like ones, those of the wider equation, nasty ones, and extreme ones.

Every generator takes a ``numpy.random.Generator`` and is a function of its state alone, so a seed names a problem.
"""

from surrogate_plugin.gallery.coefficients import Coefficients
from surrogate_plugin.gallery.extremes import any_region, extreme_problem, extreme_problems
from surrogate_plugin.gallery.masks import disc, paint, ring, segment, tree, tumour
from surrogate_plugin.gallery.nasty import (
    KINDS,
    all_fixed,
    checkerboard,
    nasty_problems,
    none_fixed,
    one_free,
    one_pixel,
    overlapping,
    rings,
    thin_walls,
    touching_border,
)
from surrogate_plugin.gallery.tissues import paper_discs, random_problem, tumour_and_vessels, vessel_tree
from surrogate_plugin.gallery.wider import (
    WIDER_KINDS,
    cells_with_membranes,
    fibres,
    leaky_vessels,
    obstacles,
    open_sides,
    two_tissues,
    wider_problem,
    wider_problems,
)

__all__ = [
    "Coefficients", "KINDS", "WIDER_KINDS", "all_fixed", "any_region", "cells_with_membranes", "checkerboard", "disc",
    "extreme_problem", "extreme_problems", "fibres", "leaky_vessels", "nasty_problems", "none_fixed", "obstacles",
    "one_free", "one_pixel", "open_sides", "overlapping", "paint", "paper_discs", "random_problem", "ring", "rings",
    "segment", "thin_walls", "touching_border", "tree", "tumour", "tumour_and_vessels", "two_tissues", "vessel_tree",
    "wider_problem", "wider_problems",
]  # fmt: skip
