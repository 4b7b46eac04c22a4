"""Images of a problem: other pixels, the same equation. Sides go along with the pixels that they lie beside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from surrogate_plugin.arguments import MAX_PIXELS, one_number, shown
from surrogate_plugin.equation.codec import FACES, PER_AXIS, PIXELS, faces_in, maps_of, side_parts
from surrogate_plugin.equation.sides import Boundary, Side
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

P = TypeVar("P", bound="Problem")

#: From an array of the lattice to another one, whatever it holds.
Rearrangement = Callable[[Any], Any]
#: Pixels added below and above the lattice along one axis.
Margin = tuple[int, int]


def rearranged(problem: P, function: Rearrangement, boundary: Boundary) -> P:
    """See `Problem.map`."""
    if problem.membranes is not None:
        raise InvalidProblemError(
            "the problem has membranes, which lie between pixels, where no map of pixels takes them; use mirror, turn, "
            "crop or pad, which move them along."
        )
    parts = problem.parts
    moved = {name: function(value) for name, value in maps_of(parts).items()}
    return _of(problem, moved, boundary)


def mirrored(problem: P, axis: int) -> P:
    """See `Problem.mirror`."""
    pairs = list(problem.boundary.pairs)
    if axis not in range(len(pairs)):
        raise InvalidProblemError(f"axis is {shown(axis)}; 0, which is rows, or 1, columns, is allowed.")
    low, high = pairs[axis]
    pairs[axis] = high, low
    parts = problem.parts
    moved = {name: np.flip(value, axis) for name, value in maps_of(parts).items()}
    for name, value in faces_in(parts).items():
        moved[name] = _reversed(value, axis, problem.shape[axis]) if axis == FACES.index(name) else np.flip(value, axis)
    return _of(problem, moved, Boundary.of_pairs(pairs))


def turned(problem: P) -> P:
    """See `Problem.turn`."""
    sides = problem.boundary
    # Row 0 is the lowest, so that a turn to the left takes the first column into the first row.
    boundary = Boundary(left=sides.top, right=sides.bottom, bottom=sides.left, top=sides.right)
    parts = problem.parts
    moved: dict[str, Any] = {name: np.rot90(value, -1) for name, value in maps_of(parts).items()}
    # A quarter turn leaves columns in order, as rows, and reverses rows.
    for name, value in faces_in(parts).items():
        moved[name] = _reversed(value, 0, problem.shape[0]).T if name == FACES[0] else np.flip(value, 0).T
    # What lay along x lies along y then, numbers too.
    for one, other in (PER_AXIS, FACES):
        if one in parts:
            turned_parts = parts | moved
            moved |= {one: turned_parts[other], other: turned_parts[one]}
    if isinstance(problem.spacing, tuple):
        moved["spacing"] = np.array(problem.spacing[::-1])
    return _of(problem, moved, boundary)


def _reversed(faces: Any, axis: int, pixels: int) -> Any:
    """The faces along an axis in reverse order; one across the seam of a ring stays the last."""
    along = np.moveaxis(faces, axis, 0)
    turned_round = np.concatenate([along[: pixels - 1][::-1], along[pixels - 1 :]])
    return np.moveaxis(turned_round, 0, axis)


def _of(problem: P, moved: Mapping[str, Any], boundary: Boundary) -> P:
    """The problem with some parts and the sides changed."""
    others = {name: value for name, value in problem.parts.items() if name != "side_rates"}
    return problem.of_parts(others | dict(moved) | side_parts(boundary))


def cropped(problem: P, windows: Sequence[slice]) -> P:
    """See `Problem.crop`."""
    kept = [_window(*each) for each in zip(("rows", "columns"), windows, problem.shape, strict=True)]
    pairs = [
        _cut_pair(pair, window.start, size - window.stop)
        for pair, window, size in zip(problem.boundary.pairs, kept, problem.shape, strict=True)
    ]
    moved = {name: value[tuple(kept)] for name, value in maps_of(problem.parts).items()}
    for name, value in faces_in(problem.parts).items():
        axis = FACES.index(name)
        inside = list(kept)
        size = kept[axis].stop - kept[axis].start
        whole = size == problem.shape[axis]
        inside[axis] = slice(None) if whole else slice(kept[axis].start, kept[axis].start + size - 1)
        moved[name] = value[tuple(inside)]
    return _of(problem, moved, Boundary.of_pairs(pairs))


def padded(problem: P, margins: Sequence[Margin], around: Mapping[str, float | None]) -> P:
    """See `Problem.pad`; ``around`` has the new pixels' value of each map, None for that of the nearest pixel."""
    checked = [_margin(*each) for each in zip(("rows", "columns"), margins, strict=True)]
    shape = [size + sum(margin) for size, margin in zip(problem.shape, checked, strict=True)]
    if math.prod(shape) > MAX_PIXELS:
        raise InvalidProblemError(
            f"the padded lattice has {math.prod(shape)} pixels; at most {MAX_PIXELS} are allowed."
        )
    parts = problem.parts
    if around.get("vmax") is not None and "vmax" not in parts:
        raise InvalidProblemError(f"vmax is {around['vmax']}, but the problem has no uptake; give it one first.")

    def grown(name: str) -> Any:
        inside, value = parts[name], around[name.removesuffix("_y").removesuffix("_x")]
        if value is None:
            return np.pad(inside, checked, mode="edge") if isinstance(inside, np.ndarray) else inside
        return np.pad(np.broadcast_to(inside, problem.shape), checked, constant_values=value)

    given = {name: grown(name) for name in PIXELS if name in parts}
    for name, faces in faces_in(parts).items():  # new faces have no membrane, and one across a seam is left behind
        axis = FACES.index(name)
        left = np.moveaxis(faces, axis, 0)[: problem.shape[axis] - 1 if sum(checked[axis]) else None]
        given[name] = np.pad(np.moveaxis(left, 0, axis), checked, constant_values=math.inf)
    return problem.of_parts(parts | given)


def _window(name: str, window: slice, size: int) -> slice:
    """The rows or columns that are kept, counted from 0."""
    allowed = f"a slice without a step that leaves at least 1 of {size}"
    try:
        start, stop, step = window.indices(size)
    except Exception:  # no slice, or one of something else than whole numbers
        raise InvalidProblemError(f"{name} is {shown(window)}; {allowed} is allowed.") from None
    if step != 1 or stop <= start:
        raise InvalidProblemError(f"{name} is {shown(window)}; {allowed} is allowed.")
    return slice(start, stop)


def _cut_pair(pair: tuple[Side, Side], below: int, above: int) -> tuple[Side, Side]:
    """Two opposite sides, some pixels of the lattice beyond them cut off; what wrapped around no longer does."""
    low, high = pair
    reflecting = Side("reflecting")
    if low.kind == "periodic" and (below or above):
        return reflecting, reflecting
    return reflecting if below else low, reflecting if above else high


def _margin(name: str, margin: Margin) -> Margin:
    """How many rows or columns come below and above."""
    allowed = "two whole numbers >= 0, below and above,"
    try:
        below, above = (one_number(name, each, allowed) for each in margin)
    except (TypeError, ValueError):
        raise InvalidProblemError(f"{name} is {shown(margin)}; {allowed} are allowed.") from None
    if not all(each >= 0 and each.is_integer() for each in (below, above)):
        raise InvalidProblemError(f"{name} is {shown(margin)}; {allowed} are allowed.")
    return int(below), int(above)
