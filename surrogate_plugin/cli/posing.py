"""What options of the command line mean as parts of a problem: sides, spacing, tissue, uptake."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from surrogate_plugin import files
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.equation.problem import MichaelisMenten
from surrogate_plugin.equation.sides import Boundary, BoundaryLike, Exchange, Flux, SideLike
from surrogate_plugin.errors import InvalidProblemError


def parse_boundary(text: str) -> BoundaryLike:
    """``"reflecting"``, ``"38"`` or ``"left=38,right=exchange:2:38"`` as `Problem` takes it.

    Examples
    --------
    >>> parse_boundary("left=38, right=reflecting")
    {'left': 38.0, 'right': 'reflecting'}
    >>> parse_boundary("left=flux:3, right=exchange:2:38")
    {'left': Flux(inward=3.0), 'right': Exchange(rate=2.0, value=38.0)}
    """
    if "=" not in text:
        return _side(text)
    sides: dict[str, SideLike] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name in sides:
            raise InvalidProblemError(f"boundary has {part.strip()!r}; side=kind, each side once, is allowed.")
        sides[name] = _side(value)
    return sides


def _side(text: str) -> SideLike:
    kind, *numbers = (piece.strip() for piece in text.split(":"))
    if kind not in ("flux", "exchange"):
        try:
            return float(text)
        except ValueError:
            return text.strip()
    try:
        each = [float(number) for number in numbers]
    except ValueError:
        each = []
    if len(each) != (1 if kind == "flux" else 2):
        raise InvalidProblemError(f"boundary has {text.strip()!r}; flux:INWARD and exchange:RATE:VALUE are allowed.")
    return Flux(*each) if kind == "flux" else Exchange(*each)


def parse_spacing(text: str) -> float | tuple[float, ...]:
    """``"20"`` or ``"20,30"``, the height and the width of a pixel, as `Problem` takes it.

    Examples
    --------
    >>> parse_spacing("20,30")
    (20.0, 30.0)
    """
    try:
        each = tuple(float(piece) for piece in text.split(","))
    except ValueError:
        raise InvalidProblemError(f"spacing is {text!r}; a number, or height,width is allowed.") from None
    return each[0] if len(each) == 1 else each


def diffusivity_of(along_x: float, along_y: float | None, tissue: files.Map | None) -> Diffusivity:
    """One number, one along each axis, or a map."""
    if along_y is None:
        return along_x if tissue is None else tissue.values
    if tissue is not None:
        raise InvalidProblemError("diffusivity_y and diffusivity_map are both given; one of them is allowed.")
    return PerAxis(x=along_x, y=along_y)


def membranes_of(regions: Path | None, permeability: float | None, boundary: BoundaryLike) -> Membranes | None:
    """Between regions of different numbers or shades."""
    if regions is None and permeability is None:
        return None
    if regions is None or permeability is None:
        raise InvalidProblemError(f"regions is {regions} and permeability {permeability}; give both, or neither.")
    values = files.read_map(regions, 1.0).values
    _, ids = np.unique(values, return_inverse=True)
    return Membranes.between(ids.reshape(values.shape), permeability, rings=Boundary.parse(boundary).rings)


def uptake_of(vmax: float | None, km: float | None) -> MichaelisMenten | None:
    """Both numbers, or neither."""
    if vmax is None and km is None:
        return None
    if vmax is None or km is None:
        raise InvalidProblemError(f"uptake has vmax {vmax} and km {km}; give both --vmax and --km, or neither.")
    return MichaelisMenten(vmax, km)
