"""The four sides of the lattice: what holds just outside it."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import HUGE, instance_of, number_not_negative, one_number, one_of, shown
from surrogate_plugin.errors import InvalidProblemError

Kind = Literal["value", "reflecting", "periodic", "flux", "exchange"]
SIDES = ("left", "right", "bottom", "top")
_OPPOSITE = {"left": "right", "right": "left", "bottom": "top", "top": "bottom"}


@dataclass(frozen=True)
class Flux:
    """A side through which so much comes in, whatever is inside.

    Parameters
    ----------
    inward : float, field units * length / time
        Per area of the side, >= 0; nothing enters pixels whose diffusivity is 0.

    Raises
    ------
    InvalidProblemError
        If it is negative or not finite.

    Examples
    --------
    >>> from surrogate_plugin import Problem
    >>> problem = Problem(np.zeros((4, 8)), boundary={"left": Flux(2.0)}, production=1.0, spacing=0.5)
    >>> problem.supply[0].tolist()
    [5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    inward: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "inward", number_not_negative("flux", self.inward))


@dataclass(frozen=True)
class Exchange:
    """A side that exchanges with what is outside: ``rate (value - c)`` comes in, per area (Robin's condition).

    Parameters
    ----------
    rate : float, length / time
        >= 0: 0 is a reflecting side, and inf one that holds the value.
    value : float, field units
        What is outside, >= 0.

    Raises
    ------
    InvalidProblemError
        If one of them is negative or NaN.

    Notes
    -----
    What is outside is half a membrane's resistance and a whole spacing away from the centre of the edge pixel, like the
    ghost pixel of a side that holds a value: ``1 / (h / D + 1 / rate)`` passes, per difference.

    Examples
    --------
    >>> from surrogate_plugin import Problem
    >>> Problem(np.zeros((4, 4)), boundary=Exchange(rate=1.0, value=38.0)).walls.conductance.tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """

    rate: float
    value: float

    def __post_init__(self) -> None:
        rate = one_number("exchange.rate", self.rate, _RATES)
        if not (0 <= rate <= HUGE or rate == math.inf):
            raise InvalidProblemError(f"exchange.rate is {shown(self.rate)}; {_RATES} are allowed.")
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "value", number_not_negative("exchange.value", self.value))


_RATES = f"numbers >= 0 and at most {HUGE:g}, or inf,"

#: What a caller may write for one side, or for all four at once.
SideLike = str | float | Flux | Exchange
BoundaryLike = SideLike | Mapping[str, SideLike]


@dataclass(frozen=True)
class Side:
    """One side of the lattice.

    ``value``: the ghost pixel one spacing outside holds ``value`` (absorbing is ``value`` 0).
    ``reflecting``: no link to a ghost pixel. ``periodic``: the link leads to the opposite side. ``flux``: no link, and
    ``rate`` comes in. ``exchange``: the link to the ghost pixel that holds ``value`` has the resistance ``1 / rate``
    besides its own.

    Raises
    ------
    InvalidProblemError
        For another kind, or a value or a rate that is not in [0, 1e100].
    """

    kind: Kind
    value: float = 0.0
    rate: float = field(default=0.0, repr=False)  # digests of sides without one stay what they are

    def __post_init__(self) -> None:
        one_of("side.kind", self.kind, get_args(Kind))
        object.__setattr__(self, "value", _value_of("side.value", self.value))
        object.__setattr__(self, "rate", number_not_negative("side.rate", self.rate))

    @property
    def passes(self) -> bool:
        """Whether the field is drawn to what is outside, so that the side anchors it."""
        return self.kind == "value" or (self.kind == "exchange" and self.rate > 0)

    @property
    def permeability(self) -> float:
        """What resists besides the edge pixel's own link, length / time: inf where a value is held, 0 where none is."""
        return math.inf if self.kind == "value" else self.rate if self.kind == "exchange" else 0.0


@dataclass(frozen=True, eq=False)
class Walls:
    """What sides are to an operator: every face between an edge pixel and a ghost pixel, axis by axis.

    Attributes
    ----------
    permeance : (axes, 2) float64
        Of what resists besides the edge pixels' own links, below the first pixel and above the last one, over the
        problem's ``reference_link``: inf where a ghost pixel holds a value, 0 where nothing passes and on rings.
    conductance : (axes, 2) float64
        Of the face as a whole, in units of the link ``D / h^2`` of a pixel that conducts best along that axis: 1 where
        the ghost pixel holds a value, 0 where nothing passes, between them where the side exchanges.
    value : (axes, 2) float64, field units
        What the ghost pixels hold.
    ring : (axes,) bool
        Whether the pixel beyond the last is the first.
    """

    permeance: npt.NDArray[np.float64]
    conductance: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    ring: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Boundary:
    """The four sides; ``left`` is column 0 and ``bottom`` is row 0.

    Examples
    --------
    >>> Boundary.parse({"left": 38.0, "right": "reflecting"}).left
    Side(kind='value', value=38.0)
    """

    left: Side
    right: Side
    bottom: Side
    top: Side

    def __post_init__(self) -> None:
        for name in SIDES:
            instance_of(f"boundary.{name}", getattr(self, name), Side, "a Side")
        for name in SIDES:
            if getattr(self, name).kind == "periodic" and getattr(self, _OPPOSITE[name]).kind != "periodic":
                raise InvalidProblemError(
                    f"boundary['{name}'] is periodic but boundary['{_OPPOSITE[name]}'] is not; "
                    "periodic sides come in opposite pairs."
                )

    @classmethod
    def parse(cls, boundary: BoundaryLike | Boundary, unnamed: BoundaryLike | Boundary = "absorbing") -> Boundary:
        """Read what a caller wrote; a host says what the sides are that a mapping does not name.

        Parameters
        ----------
        boundary : str, float, mapping or Boundary
            As in `Problem`.
        unnamed : str, float, mapping or Boundary
            What the sides are that a mapping ``boundary`` leaves out; a mapping here leaves them absorbing.

        Returns
        -------
        Boundary

        Raises
        ------
        InvalidProblemError
            For an unknown side or kind, a value that is not in [0, 1e100], or a periodic side whose opposite is
            not periodic.

        Examples
        --------
        >>> Boundary.parse({"left": 38.0}, unnamed="reflecting").top
        Side(kind='reflecting', value=0.0)
        >>> torus = Boundary.parse("periodic")
        >>> Boundary.parse({"left": 38.0, "right": "absorbing"}, unnamed=torus).top
        Side(kind='periodic', value=0.0)
        """
        if isinstance(boundary, Boundary):
            return boundary
        if not isinstance(boundary, Mapping):
            return cls(**{name: _parse_side("all sides", boundary) for name in SIDES})
        _check_names(boundary)
        own = cls.parse(unnamed)
        sides = {name: _parse_side(name, boundary[name]) if name in boundary else getattr(own, name) for name in SIDES}
        for name in boundary:
            _check_pair_is_named(name, boundary, sides)
        return cls(**sides)

    @property
    def sides(self) -> tuple[Side, Side, Side, Side]:
        """Left, right, bottom, top."""
        return self.left, self.right, self.bottom, self.top

    @property
    def pairs(self) -> tuple[tuple[Side, Side], ...]:
        """The sides axis by axis in the order of a shape, the low side first: (bottom, top), (left, right)."""
        return (self.bottom, self.top), (self.left, self.right)

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[Side, Side]]) -> Boundary:
        """The boundary whose `pairs` these are."""
        (bottom, top), (left, right) = pairs
        return cls(left, right, bottom, top)

    def walls(self, links: Sequence[float] = (1.0, 1.0), per_permeability: Sequence[float] = (1.0, 1.0)) -> Walls:
        """The sides as conductances and values; nothing else of an operator knows of kinds.

        Parameters
        ----------
        links : (axes,) floats
            The largest link of each axis, over the reference link.
        per_permeability : (axes,) floats, time / length
            What a permeability is to be multiplied with to be a permeance, ``1 / (h reference_link)``.

        Examples
        --------
        >>> Boundary.parse({"left": 38.0, "right": "reflecting"}).walls().conductance.tolist()
        [[1.0, 1.0], [1.0, 0.0]]
        """
        return _walls_of(self, tuple(map(float, links)), tuple(map(float, per_permeability)))

    @property
    def periodic_x(self) -> bool:
        """Whether columns wrap around."""
        return self.left.kind == "periodic"

    @property
    def periodic_y(self) -> bool:
        """Whether rows wrap around."""
        return self.bottom.kind == "periodic"

    @property
    def rings(self) -> tuple[bool, bool]:
        """Whether rows and columns wrap around, in the order of a shape."""
        return self.periodic_y, self.periodic_x

    @property
    def largest_value(self) -> float:
        """The largest value of a ghost pixel (0 where no side has one)."""
        return max(side.value for side in self.sides)

    @property
    def holds_a_value(self) -> bool:
        """Whether any side draws the field to a value, which alone makes the problem well posed."""
        return any(side.passes for side in self.sides)


@functools.lru_cache(maxsize=64)
def _walls_of(boundary: Boundary, links: tuple[float, ...], per_permeability: tuple[float, ...]) -> Walls:
    """Known again from one step of a host to the next: they take a tenth of a solve of 64 x 64 pixels."""
    own, unit = np.reshape(links, (-1, 1)), np.reshape(per_permeability, (-1, 1))
    permeability = np.array([[side.permeability for side in pair] for pair in boundary.pairs])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        permeance = np.where(permeability > 0, permeability * unit, 0.0)
        through = np.where(permeance > 0, 1.0 / (1.0 + own / permeance), 0.0)
    return Walls(
        permeance=permeance,
        conductance=np.where(own > 0, through, 0.0),
        value=np.array([[side.value for side in pair] for pair in boundary.pairs], np.float64),
        ring=np.array([low.kind == "periodic" for low, _ in boundary.pairs]),
    )


_ALLOWED = f"'absorbing', 'reflecting', 'periodic', a Flux, an Exchange or a number >= 0 and at most {HUGE:g}"


def _check_names(boundary: Mapping[str, SideLike]) -> None:
    for name in boundary:
        if name not in SIDES:
            raise InvalidProblemError(
                f"boundary names an unknown side {shown(name)}; the sides are {', '.join(SIDES)}."
            )


def _check_pair_is_named(name: str, boundary: Mapping[str, SideLike], sides: Mapping[str, Side]) -> None:
    """Refuse a mapping that opens a ring at one end alone, in words about the side that the caller did not name."""
    far = _OPPOSITE[name]
    if far not in boundary and sides[far].kind == "periodic" and sides[name].kind != "periodic":
        raise InvalidProblemError(
            f"boundary names '{name}', which is periodic unless it is named, without '{far}' across from it; "
            "name both, since periodic sides come in opposite pairs."
        )


def _parse_side(name: str, side: SideLike) -> Side:
    if isinstance(side, Flux):
        return Side("flux", rate=side.inward) if side.inward > 0 else Side("reflecting")
    if isinstance(side, Exchange):
        if side.rate in (0.0, math.inf):
            return Side("value", side.value) if side.rate else Side("reflecting")
        return Side("exchange", side.value, side.rate)
    if not isinstance(side, str):
        return Side("value", _value_of(f"boundary ({name})", side))
    if side == "absorbing":
        return Side("value", 0.0)
    if side == "reflecting":
        return Side("reflecting")
    if side == "periodic":
        return Side("periodic")
    raise InvalidProblemError(f"boundary ({name}) is {shown(side)}; allowed are {_ALLOWED}.")


def _value_of(name: str, value: Any) -> float:
    number = one_number(name, value, _ALLOWED)
    if not 0 <= number <= HUGE:
        raise InvalidProblemError(f"{name} is {shown(value)}; {_ALLOWED} are allowed.")
    return number
