"""Which substrates of BioFVM, which both of PhysiCell's adapters take over, a steady field suits; from a few facts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import surrogate_plugin as sp
from surrogate_adapters.notices import Kind
from surrogate_adapters.quasi_steady import IN_TIME, not_quasi_steady, relaxation_min

#: Against the fastest substrate of the host, a diffusion coefficient that spreads nothing within any simulation.
NO_DIFFUSION = 1e-12

#: The share of the largest value held that an error may have by default; the smaller one where cells climb the field,
#: since it is its slope that they read.
SHARE, SHARE_CLIMBED = 0.01, 0.001


@dataclass(frozen=True)
class Substrate:
    """What decides whether a steady field suits one substrate.

    Attributes
    ----------
    name : str
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
    held : bool
        Whether an active Dirichlet node holds it, at whatever value.
    supplied : bool or None
        Whether such a node is above 0, or cells could secrete or export it; None while the cell types are not known.
    taken_up : bool or None
        Whether cells could take it up or secrete it, either of which pulls it to a value; None while not known.
    """

    name: str
    diffusivity_um2_per_min: float
    decay_per_min: float
    held: bool
    supplied: bool | None = None
    taken_up: bool | None = None


@dataclass(frozen=True)
class Concern:
    """One reason why a steady field may not be what the cells would see.

    Attributes
    ----------
    kind : str
        As in `surrogate_adapters.notices`.
    sentence : str
        It names the substrate and the numbers.
    """

    kind: Kind
    sentence: str


def do_not_diffuse(substrates: Iterable[Substrate]) -> set[str]:
    """The names of those that do not diffuse: with ``D = 0``, or at most `NO_DIFFUSION` of the largest.

    Examples
    --------
    >>> oxygen, ecm = Substrate("oxygen", 1e5, 0.1, True), Substrate("ecm", 1e-9, 0.0, False)
    >>> do_not_diffuse([oxygen, ecm])
    {'ecm'}
    """
    given = list(substrates)
    largest = max((one.diffusivity_um2_per_min for one in given), default=0.0)
    return {one.name for one in given if one.diffusivity_um2_per_min <= NO_DIFFUSION * largest}


def require_allowed(substrate: Substrate, *, steady: bool = True) -> None:
    """Refuse coefficients that no field has.

    Parameters
    ----------
    substrate : Substrate
    steady : bool
        Whether a steady field is asked for; one that goes on in time needs nothing that pulls it to a value.

    Raises
    ------
    InvalidProblemError
        If diffusion coefficient or decay rate is negative or not finite.
    UnsupportedProblemError
        If a steady field is asked for, it diffuses, but nothing at all pulls it to a value.
    """
    one = substrate
    for what, number in (("diffusion coefficient", one.diffusivity_um2_per_min), ("decay rate", one.decay_per_min)):
        if not (math.isfinite(number) and number >= 0.0):
            raise sp.InvalidProblemError(
                f"substrate {one.name!r} has {what} {number:g}; a finite number >= 0 is allowed."
            )
    if steady and one.diffusivity_um2_per_min > 0.0 and _drifts(one) and one.taken_up is False:
        raise sp.UnsupportedProblemError(
            f"substrate {one.name!r} has decay rate 0, no active Dirichlet node, and no cell type takes it up or "
            f"secretes it, so it has no steady field; {IN_TIME}."
        )


def concerns(substrate: Substrate, size_um: Sequence[float], step_min: float) -> list[Concern]:
    """Why the steady field of a substrate that diffuses may not be what the cells would see; empty where it suits.

    Parameters
    ----------
    substrate : Substrate
    size_um : (float, float), um
        Width and height of the microenvironment.
    step_min : float, min
        The time from one solve to the next.

    Returns
    -------
    list of Concern

    Examples
    --------
    >>> concerns(Substrate("oxygen", 1e5, 0.1, held=True, supplied=True), (1000.0, 1000.0), 6.0)
    []
    >>> for one in concerns(Substrate("antigen", 10.0, 0.001, held=True), (1000.0, 1000.0), 6.0):
    ...     print(one.kind)
    not quasi-steady
    """
    one, told = substrate, list[Concern]()
    width, height = size_um
    rest = relaxation_min(one.diffusivity_um2_per_min, one.decay_per_min, (width, height), held=one.held)
    slow = not_quasi_steady(one.name, rest, step_min)
    if slow is not None:
        told.append(Concern("not quasi-steady", slow))
    if _drifts(one):
        told.append(Concern("not anchored", _adrift(one.name)))
    if one.supplied is False:
        told.append(Concern("nothing supplies it", _unsupplied(one.name)))
    return told


def _drifts(one: Substrate) -> bool:
    return one.decay_per_min == 0.0 and not one.held


def _adrift(name: str) -> str:
    return (
        f"{name} has decay rate 0 and no active Dirichlet node, so only cells that take it up or secrete it pull it to "
        "a value: it has no steady field as long as none does."
    )


def _unsupplied(name: str) -> str:
    return (
        f"nothing supplies {name} (no active Dirichlet node above 0, and no cell type secretes or exports it), so its "
        "steady field is 0 everywhere, whatever it was at first."
    )
