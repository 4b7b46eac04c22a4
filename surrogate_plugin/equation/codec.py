"""What a problem consists of, by name, as plain data: the one list that files, shards and digests go by.

A part is a number, or an array: a map of the lattice, or what the sides are. Coefficients are numbers or maps as they
come. ``vmax`` and ``km`` are there where uptake saturates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import shown
from surrogate_plugin.equation.sides import Boundary, Side
from surrogate_plugin.equation.uptake import MichaelisMenten
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

#: A number or an array.
Part = float | npt.NDArray[Any]
#: What is a number or a map.
COEFFICIENTS = ("diffusivity", "decay", "production", "vmax")
#: What is a map of the lattice, or may be one.
MAPS = ("source", "fixed", *COEFFICIENTS)
#: Every part, in order; those of `UPTAKE` are there together or not at all.
PARTS = (*MAPS, "km", "spacing", "side_kinds", "side_values")
UPTAKE = ("vmax", "km")


def parts_of(problem: Problem) -> dict[str, Part]:
    """The parts of a problem, see `Problem.parts`."""
    uptake = problem.uptake
    parts: dict[str, Any] = {name: getattr(problem, name) for name in MAPS[:-1]}
    if uptake is not None:
        parts |= {"vmax": uptake.vmax, "km": uptake.km}
    return parts | {"spacing": problem.spacing} | side_parts(problem.boundary)


def arguments_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What `Problem` is called with to have these parts.

    Raises
    ------
    InvalidProblemError
        If a part is missing or unknown, or the sides are none.
    """
    wanted = [name for name in PARTS if name not in UPTAKE or any(each in parts for each in UPTAKE)]
    missing, unknown = [name for name in wanted if name not in parts], [name for name in parts if name not in PARTS]
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has an unknown part {shown(unknown[0])}"
        raise InvalidProblemError(f"the problem {what}; its parts are {', '.join(wanted)}.")
    uptake = MichaelisMenten(parts["vmax"], parts["km"]) if "km" in parts else None
    plain = {name: parts[name] for name in (*MAPS[:-1], "spacing")}
    fixed = np.asarray(plain["fixed"])
    if fixed.dtype == np.bool_:
        plain["fixed"] = fixed.view(np.uint8) != 0  # a file's bytes may be neither 0 nor 1, which no digest tells
    return plain | {"uptake": uptake, "boundary": boundary_of(parts)}


def side_parts(boundary: Boundary) -> dict[str, Part]:
    """Kinds, text, and values, float64, of the sides; both (axes, 2): rows first, the low side first."""
    return {
        "side_kinds": np.array([[side.kind for side in pair] for pair in boundary.pairs]),
        "side_values": np.array([[side.value for side in pair] for pair in boundary.pairs]),
    }


def boundary_of(parts: Mapping[str, Part]) -> Boundary:
    """The sides again.

    Raises
    ------
    InvalidProblemError
        If they are none.
    """
    kinds, values = np.asarray(parts["side_kinds"]), np.asarray(parts["side_values"])
    if not kinds.shape == values.shape == (2, 2):
        raise InvalidProblemError(
            f"side_kinds has shape {kinds.shape} and side_values {values.shape}; (2, 2), (bottom, top) and (left, "
            "right), is allowed."
        )
    pairs = zip(kinds.tolist(), values.tolist(), strict=True)
    return Boundary.of_pairs((Side(*low), Side(*high)) for low, high in (zip(*pair, strict=True) for pair in pairs))


def maps_of(parts: Mapping[str, Part]) -> dict[str, npt.NDArray[Any]]:
    """Those parts that are maps of the lattice."""
    return {name: value for name, value in parts.items() if name in MAPS and isinstance(value, np.ndarray)}


def numbers_of(parts: Mapping[str, Part]) -> dict[str, float]:
    """Those parts that are numbers."""
    return {name: value for name, value in parts.items() if not isinstance(value, np.ndarray)}


def fingerprint(parts: Mapping[str, Part]) -> str:
    """Names the operator: all but what is imposed and produced, and which values the sides hold."""
    made = hashlib.blake2b(digest_size=16)
    kinds = tuple(side.kind for side in boundary_of(parts).sides)
    made.update(repr((np.shape(parts["source"]), parts["spacing"], kinds)).encode())
    made.update(np.packbits(np.asarray(parts["fixed"])).tobytes())
    for name in ("diffusivity", "decay", "vmax", "km"):
        if name in parts:
            value = parts[name]
            made.update(name.encode())
            made.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return made.hexdigest()


def digest(parts: Mapping[str, Part]) -> str:
    """Names a problem with all its values. Recordings hold it, so it stays what it is."""
    made = hashlib.blake2b(fingerprint(parts).encode(), digest_size=16)
    made.update(np.asarray(parts["source"]).tobytes())
    made.update(np.asarray(parts["production"]).tobytes())
    made.update(repr(boundary_of(parts)).encode())
    return made.hexdigest()
