"""What a steady state rests on: every connected part of the tissue needs something that holds it or takes from it.

A part is what faces of a conductance above 0 connect. It is *anchored* by decay, by a fixed pixel beside it or by a
side that draws it to a value; failing these, by saturating uptake that can take all that is produced. A part that
nothing anchors and that production feeds has no steady state.

A part that nothing feeds, no production, no fixed pixel and no side with a value, is *void*: its field is 0. Where
it is not even anchored any constant would do, and 0, the limit of a decay that vanishes, is its field by convention.
Nobody has to solve for it; a pocket that obstacles seal off is the hardest there is for coarse lattices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surrogate_plugin.arguments import BoolArray, Coefficient, FloatArray, IndexArray, largest, least
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
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
    if _cut(problem):
        return _void_parts(problem)
    _check_whole(problem)
    return None


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
    from surrogate_plugin.equation.parts_kernels import find_held, number_parts

    free, part, held = ~problem.fixed, np.empty(problem.shape, np.int64), np.empty(problem.shape, np.bool_)
    assert problem.faces is not None  # what is cut is not plain
    given = free, *problem.faces, problem.walls.ring
    count = number_parts(*given, part)
    find_held(*given, held)

    def some(which: BoolArray) -> BoolArray:
        """Which parts have such a pixel."""
        found = np.zeros(count, np.bool_)
        found[part[free & which]] = True
        return found

    is_held, made = some(held), some(np.broadcast_to(np.asarray(problem.supply) > 0, free.shape))
    if problem.least_decay == 0:
        _check_parts(problem, free, part, is_held)
    void = free & ~(is_held | made)[part] if count else np.zeros_like(free)
    return void if void.any() else None


def _check_parts(problem: Problem, free: BoolArray, part: IndexArray, held: BoolArray) -> None:
    """Refuse parts that are fed and that nothing anchors, and a tissue of which nothing is anchored."""

    def total(value: Coefficient) -> FloatArray:
        weights = np.broadcast_to(value, free.shape)[free]
        return np.bincount(part[free], weights, minlength=held.size).astype(np.float64)

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
