"""What a problem consists of, by name, as plain data: the one list that files, shards and digests go by.

A part is a number, or an array: a map of the lattice or of its faces, or what the sides are. Coefficients are numbers
or maps as they come. What a problem does not have is not among its parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import shown
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import PerAxis
from surrogate_plugin.equation.sides import Boundary, Side
from surrogate_plugin.equation.uptake import MichaelisMenten
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

#: A number or an array.
Part = float | npt.NDArray[Any]
#: What is a number or a map.
COEFFICIENTS = ("diffusivity", "decay", "production", "vmax")
PER_AXIS = ("diffusivity_y", "diffusivity_x")
#: What is a map of the pixels, or may be one; all of it, and what every problem may have.
MAPS = ("source", "fixed", *COEFFICIENTS)
PIXELS = (*MAPS, *PER_AXIS)
#: Maps of the faces between pixels.
FACES = ("membrane_y", "membrane_x")
#: Every part, in order.
PARTS = (*PIXELS, "km", "spacing", "side_kinds", "side_values", "side_rates", *FACES)
UPTAKE = ("vmax", "km")
#: Those that are there together or not at all, and what is not there with them.
GROUPS: dict[tuple[str, ...], tuple[str, ...]] = {
    UPTAKE: (),
    PER_AXIS: ("diffusivity",),
    ("side_rates",): (),
    FACES: (),
}


def parts_of(problem: Problem) -> dict[str, Part]:
    """The parts of a problem, see `Problem.parts`."""
    parts: dict[str, Any] = {"source": problem.source, "fixed": problem.fixed}
    if isinstance(problem.diffusivity, PerAxis):
        parts |= {"diffusivity_y": problem.diffusivity.y, "diffusivity_x": problem.diffusivity.x}
    else:
        parts["diffusivity"] = problem.diffusivity
    parts |= {"decay": problem.decay, "production": problem.production}
    if problem.uptake is not None:
        parts |= {"vmax": problem.uptake.vmax, "km": problem.uptake.km}
    parts["spacing"] = np.array(problem.spacing) if isinstance(problem.spacing, tuple) else problem.spacing
    parts |= side_parts(problem.boundary)
    if problem.membranes is not None:
        parts |= {"membrane_y": problem.membranes.y, "membrane_x": problem.membranes.x}
    return parts


def arguments_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What `Problem` is called with to have these parts.

    Raises
    ------
    InvalidProblemError
        If a part is missing or unknown, or the sides are none.
    """
    wanted = _wanted(parts)
    missing, unknown = [name for name in wanted if name not in parts], [name for name in parts if name not in wanted]
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has an unknown part {shown(unknown[0])}"
        raise InvalidProblemError(f"the problem {what}; its parts are {', '.join(wanted)}.")
    fixed = np.asarray(parts["fixed"])
    if fixed.dtype == np.bool_:
        fixed = fixed.view(np.uint8) != 0  # a file's bytes may be neither 0 nor 1, which no digest tells
    return {
        "source": parts["source"],
        "fixed": fixed if fixed.dtype == np.bool_ else parts["fixed"],
        "diffusivity": parts["diffusivity"]
        if "diffusivity" in parts
        else PerAxis(x=parts["diffusivity_x"], y=parts["diffusivity_y"]),
        "decay": parts["decay"],
        "production": parts["production"],
        "uptake": MichaelisMenten(parts["vmax"], parts["km"]) if "km" in parts else None,
        "spacing": parts["spacing"],
        "boundary": boundary_of(parts),
        "membranes": Membranes(x=parts["membrane_x"], y=parts["membrane_y"]) if "membrane_x" in parts else None,
    }


def _wanted(parts: Mapping[str, Any]) -> list[str]:
    """The names that a problem with these parts must have."""
    left_out: set[str] = set()
    for group, instead_of in GROUPS.items():
        left_out |= set(instead_of) if any(name in parts for name in group) else set(group)
    return [name for name in PARTS if name not in left_out]


def side_parts(boundary: Boundary) -> dict[str, Part]:
    """Kinds, text, and values, float64, of the sides, (axes, 2): rows first, the low side first; rates if any is."""
    rates = np.array([[side.rate for side in pair] for pair in boundary.pairs])
    parts: dict[str, Part] = {
        "side_kinds": np.array([[side.kind for side in pair] for pair in boundary.pairs]),
        "side_values": np.array([[side.value for side in pair] for pair in boundary.pairs]),
    }
    return parts | ({"side_rates": rates} if rates.any() else {})


def boundary_of(parts: Mapping[str, Part]) -> Boundary:
    """The sides again.

    Raises
    ------
    InvalidProblemError
        If they are none.
    """
    kinds, values = np.asarray(parts["side_kinds"]), np.asarray(parts["side_values"])
    rates = np.asarray(parts.get("side_rates", np.zeros((2, 2))))
    if not kinds.shape == values.shape == rates.shape == (2, 2):
        raise InvalidProblemError(
            f"side_kinds has shape {kinds.shape} and side_values {values.shape}; (2, 2), (bottom, top) and (left, "
            "right), is allowed."
        )
    pairs = zip(kinds.tolist(), values.tolist(), rates.tolist(), strict=True)
    return Boundary.of_pairs((Side(*low), Side(*high)) for low, high in (zip(*pair, strict=True) for pair in pairs))


def maps_of(parts: Mapping[str, Part]) -> dict[str, npt.NDArray[Any]]:
    """Those parts that are maps of the lattice."""
    return {name: value for name, value in parts.items() if name in PIXELS and isinstance(value, np.ndarray)}


def faces_in(parts: Mapping[str, Part]) -> dict[str, npt.NDArray[Any]]:
    """Those parts that are maps of the faces between pixels."""
    return {name: value for name, value in parts.items() if name in FACES and isinstance(value, np.ndarray)}


def numbers_of(parts: Mapping[str, Part]) -> dict[str, float]:
    """Those parts that are numbers."""
    return {name: value for name, value in parts.items() if not isinstance(value, np.ndarray)}


def fingerprint(parts: Mapping[str, Part], void: npt.NDArray[np.bool_] | None = None) -> str:
    """Names the operator: all but what is imposed and produced, and which values the sides hold.

    ``void``: (H, W) bool, the pixels that nobody solves for, if there are any.
    """
    made = hashlib.blake2b(digest_size=16)
    boundary, spacing = boundary_of(parts), parts["spacing"]
    kinds = tuple(side.kind for side in boundary.sides)
    apart = tuple(spacing.tolist()) if isinstance(spacing, np.ndarray) and spacing.ndim else spacing
    made.update(repr((np.shape(parts["source"]), apart, kinds)).encode())
    made.update(np.packbits(np.asarray(parts["fixed"])).tobytes())
    for name in ("diffusivity", "decay", "vmax", "km", *PER_AXIS, *FACES):
        if name in parts:
            value = parts[name]
            made.update(name.encode())
            made.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    exchange = tuple(side.rate if side.kind == "exchange" else 0.0 for side in boundary.sides)
    if any(exchange):
        made.update(repr(exchange).encode())
    if void is not None:
        made.update(b"void" + np.packbits(void).tobytes())
    return made.hexdigest()


def digest(parts: Mapping[str, Part]) -> str:
    """Names a problem with all its values. Recordings hold it, so it stays what it is."""
    made = hashlib.blake2b(fingerprint(parts).encode(), digest_size=16)
    made.update(np.asarray(parts["source"]).tobytes())
    made.update(np.asarray(parts["production"]).tobytes())
    boundary = boundary_of(parts)
    made.update(repr(boundary).encode())
    fluxes = tuple(side.rate if side.kind == "flux" else 0.0 for side in boundary.sides)
    if any(fluxes):
        made.update(repr(fluxes).encode())
    return made.hexdigest()
