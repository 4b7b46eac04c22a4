"""Named problems: the published study's, tissue-like ones, nasty ones that break careless solvers, and extreme ones.

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

__all__ = [
    "Coefficients", "KINDS", "all_fixed", "any_region", "checkerboard", "disc", "extreme_problem", "extreme_problems",
    "nasty_problems", "none_fixed", "one_free", "one_pixel", "overlapping", "paint", "paper_discs", "random_problem",
    "ring", "rings", "segment", "thin_walls", "touching_border", "tree", "tumour", "tumour_and_vessels",
    "vessel_tree",
]  # fmt: skip
