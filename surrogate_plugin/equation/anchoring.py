"""What a steady state rests on: every connected part of the tissue needs something that holds it or takes from it.

A part is what faces of a conductance above 0 connect. It is *anchored* by decay, by a fixed pixel beside it or by a
side that draws it to a value; failing these, by saturating uptake that can take all that is produced. A part that
nothing anchors and nothing feeds is *void*: any constant would do, and 0, the limit of a decay that vanishes, is its
field by convention. One that is fed has no steady state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import BoolArray, Coefficient, FloatArray, IndexArray, largest, least
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.equation.faces import Faces
    from surrogate_plugin.equation.problem import Problem

#: Beside links of 1: what alone is too little for an anchor.
_WEAKEST = 1e-12
_REMEDY = "set a decay > 0, fix a pixel, or give one side a value"


def void_of(problem: Problem) -> BoolArray | None:
    """The void pixels, (H, W), or None where there are none.

    Raises
    ------
    InvalidProblemError
        If the problem has no steady state, or none that is unique.
    """
    if not _cut(problem):
        _check_whole(problem)
        return None
    if problem.least_decay > 0:
        return None
    return _void_parts(problem)


def _cut(problem: Problem) -> bool:
    """Whether some face inside the lattice may conduct nothing."""
    links = any(least(link) == 0.0 for link in problem.axis_links)
    if problem.membranes is None:
        return links
    return links or any(least(each) == 0.0 for each in problem.membranes.of_shape if np.size(each))


def _check_whole(problem: Problem) -> None:
    """Refuse what nothing anchors, where all pixels are connected."""
    held = problem.boundary.holds_a_value or bool(problem.fixed.any())
    if not held and problem.largest_decay == 0:
        if problem.uptake is None:
            raise InvalidProblemError(
                "the problem has no unique steady state: decay is 0 everywhere, no pixel is fixed and no side holds "
                f"a value; {_REMEDY}."
            )
        made, taken = float(np.mean(problem.supply)), float(np.mean(problem.uptake.vmax))
        if made >= taken:
            raise InvalidProblemError(
                f"the problem has no steady state: production is {made:g} on average and saturating uptake takes at "
                f"most {taken:g}, so that the field grows without end where decay is 0, no pixel is fixed and no side "
                f"holds a value; lower production or raise uptake.vmax, {_REMEDY}."
            )
    if not held:
        _check_strength(problem)


def _check_strength(problem: Problem) -> None:
    """Refuse anchors so weak beside diffusion that float64 cannot represent the operator."""
    link, strongest, of_uptake = problem.reference_link, problem.largest_decay, _uptake_anchor(problem)
    if max(strongest, of_uptake) < _WEAKEST * link:
        taken = "" if problem.uptake is None else f" and the slope that uptake keeps about {of_uptake:g}"
        raise InvalidProblemError(
            f"decay is at most {strongest:g}{taken}, less than 1e-12 times diffusivity / spacing^2 = {link:g}, and "
            "nothing else anchors the field; check the units of decay and spacing, fix a pixel, or give a side a value."
        )


def _uptake_anchor(problem: Problem) -> float:
    """About the steepest slope that saturating uptake keeps where all that is produced must be taken up by it.

    A level field ``km m / (1 - m)`` takes the share ``m`` of that much, at a slope of ``vmax (1 - m)^2 / km``.
    """
    if problem.uptake is None:
        return 0.0
    left = max(1.0 - float(np.mean(problem.supply)) / float(np.mean(problem.uptake.vmax)), 0.0)
    return largest(problem.uptake.vmax) / problem.uptake.km * left**2


def _void_parts(problem: Problem) -> BoolArray | None:
    """See `void_of`, where faces that conduct nothing may cut the lattice into parts."""
    from surrogate_plugin.equation.faces import faces_of

    faces, free = faces_of(problem), ~problem.fixed
    part, count = _parts(faces, free, problem.walls.ring)

    def total(value: Coefficient) -> FloatArray:
        weights = np.broadcast_to(value, free.shape)[free]
        return np.bincount(part[free], weights, minlength=count).astype(np.float64)

    held = total(_beside_a_value(problem, faces).astype(np.float64)) > 0
    made, decay = total(problem.supply), total(problem.decay)
    taken = total(0.0 if problem.uptake is None else problem.uptake.vmax)
    anchored = held | (decay > 0) | (taken > made)
    fed = ~anchored & (made > 0)
    if fed.any():
        row, column = (int(i) for i in np.argwhere(free & fed[part])[0])
        raise InvalidProblemError(
            f"the problem has no steady state: production feeds pixel ({row}, {column}), which no face that conducts "
            "connects to a fixed pixel, a side with a value or decay, so that the field grows without end there; "
            "give it a decay > 0, or let something through."
        )
    if not anchored.any() and free.any() and np.bincount(part[free]).max() > 1:
        raise InvalidProblemError(
            "the problem has no unique steady state: decay is 0 everywhere, and no face that conducts leads to a fixed "
            f"pixel or a side with a value; {_REMEDY}."
        )
    void = free & ~anchored[part]
    return void if void.any() else None


def _parts(faces: Faces, free: BoolArray, rings: BoolArray) -> tuple[IndexArray, int]:
    """Which connected part a free pixel is of, (H, W) int, and how many there are; fixed pixels connect nothing."""
    import scipy.sparse
    from scipy.sparse.csgraph import connected_components

    number = np.arange(free.size).reshape(free.shape)
    pairs = []
    for axis, along in enumerate(faces):
        pixel, is_free = np.moveaxis(number, axis, 0), np.moveaxis(free, axis, 0)
        face = np.moveaxis(along, axis, 0)
        linked = (face[1:-1] > 0) & is_free[:-1] & is_free[1:]
        pairs.append((pixel[:-1][linked], pixel[1:][linked]))
        if rings[axis]:
            linked = (face[0] > 0) & is_free[-1] & is_free[0]
            pairs.append((pixel[-1][linked], pixel[0][linked]))
    one, other = (np.concatenate(each) for each in zip(*pairs, strict=True))
    graph = scipy.sparse.coo_array((np.ones(one.size, np.int8), (one, other)), shape=(free.size, free.size))
    count, part = connected_components(graph, directed=False)
    return np.reshape(part, free.shape).astype(np.int64), int(count)


def _beside_a_value(problem: Problem, faces: Faces) -> BoolArray:
    """Which pixels a face that conducts joins to a fixed pixel or to a side with a value, (H, W)."""
    beside = np.zeros(problem.shape, np.bool_)
    for axis, along in enumerate(faces):
        near, fixed = np.moveaxis(beside, axis, 0), np.moveaxis(problem.fixed, axis, 0)
        face = np.moveaxis(along, axis, 0)
        near[:-1] |= (face[1:-1] > 0) & fixed[1:]
        near[1:] |= (face[1:-1] > 0) & fixed[:-1]
        if problem.walls.ring[axis]:
            near[0] |= (face[0] > 0) & fixed[-1]
            near[-1] |= (face[0] > 0) & fixed[0]
        else:
            near[0] |= face[0] > 0
            near[-1] |= face[-1] > 0
    return beside
