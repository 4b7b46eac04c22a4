"""One moment of one substrate, as pictures and exports take it, whatever file it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from surrogate_plugin.arguments import BoolArray, FloatArray, IndexArray
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.tissue.domain import Domain


@dataclass(frozen=True, eq=False)
class Dots:
    """Cells as they are drawn and listed.

    Attributes
    ----------
    position_um : (n, 2) float64, um
        Centres (x, y).
    radius_um : (n,) float64, um
    kind : tuple of str
        The type of each; empty where types are not known.
    name : (n,) int64
        By which number the host knows each.
    level : (n,) float64, field units
        What each reads of the field.
    alive : (n,) bool
    """

    position_um: FloatArray
    radius_um: FloatArray
    kind: tuple[str, ...]
    name: IndexArray
    level: FloatArray
    alive: BoolArray

    def __len__(self) -> int:
        return len(self.radius_um)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two fields of one problem, the left one less the exact one, and what the left one is called."""

    left: FloatArray
    exact: FloatArray
    difference: FloatArray
    name: str

    @classmethod
    def of(cls, left: FloatArray, exact: FloatArray, name: str) -> Comparison:
        """The two fields compared."""
        return cls(left, exact, left - exact, name)

    def light(self) -> Comparison:
        """The same in half the memory."""
        return Comparison(_single(self.left), _single(self.exact), _single(self.difference), self.name)


@dataclass(frozen=True, eq=False)
class Scene:
    """One moment of one substrate.

    Attributes
    ----------
    name : str
        Of the moment, as its file calls it.
    domain : Domain
        In the file's own unit of length, which is ``length_units``.
    field : (H, W) float64, field units
        Row 0 at the lowest y.
    substrate : str
    time : float or None, min
    units, length_units : str
        Empty where the file does not say.
    held : (H, W) bool or None
        The pixels that hold a value, such as vessels.
    problem : Problem or None
        The equation that the field is to solve, where it is known.
    cells : Dots or None
    bound : float or None, field units
        At least the largest error of the field.
    saved : bool
        Whether the field was read; else it was solved for.
    method : str
        Who solved for it.
    exact : bool
        Whether an exact solver was asked.
    """

    name: str
    domain: Domain
    field: FloatArray
    substrate: str = "field"
    time: float | None = None
    units: str = ""
    length_units: str = ""
    held: BoolArray | None = None
    problem: Problem | None = None
    cells: Dots | None = None
    bound: float | None = None
    saved: bool = False
    method: str = ""
    exact: bool = False

    @cached_property
    def error_map(self) -> FloatArray:
        """At least the error of the field at each pixel, field units.

        Raises
        ------
        InvalidProblemError
            If nothing can be shown, or the equation is not known.
        """
        import surrogate_plugin as sp

        certificate = sp.certify(self._posed("a bound on the error"), self.field)
        if not np.isfinite(certificate.error_bound):
            raise InvalidProblemError(f"nothing can be shown of the error of {self.substrate} at {self.name}.")
        return certificate.error_map

    @cached_property
    def comparison(self) -> Comparison:
        """The surrogate's answer, or a field that was saved, beside the exact one.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            If the equation is not known, or the surrogate does not take it.
        """
        import surrogate_plugin as sp

        problem = self._posed("a comparison with the exact field")
        if self.saved or not self.exact:
            name = "saved" if self.saved else self.method
            return Comparison.of(self.field, sp.solve(problem, method="exact").field, name)
        return Comparison.of(sp.solve(problem, method="surrogate").field, self.field, "surrogate")

    @cached_property
    def uptake(self) -> FloatArray:
        """What decays or is taken up at each pixel, 1 / time; saturating uptake at the field that there is."""
        problem = self._posed("what is taken up")
        rate = np.broadcast_to(np.asarray(problem.decay, dtype=np.float64), self.field.shape).copy()
        if problem.uptake is not None:
            rate += problem.uptake.vmax / (problem.uptake.km + np.maximum(self.field, 0.0))
        return rate

    def light(self, *, error_map: bool = False, comparison: bool = False, uptake: bool = False) -> Scene:
        """The same without its equation, in half the memory, for films; of what follows from that, what is asked for.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            As of `error_map`, `comparison` and `uptake`.
        """
        made = replace(self, field=_single(self.field), problem=None)
        kept = vars(made)  # where a cached property looks first
        if error_map:
            kept["error_map"] = _single(self.error_map)
        if comparison:
            kept["comparison"] = self.comparison.light()
        if uptake:
            kept["uptake"] = _single(self.uptake)
        return made

    def _posed(self, what: str) -> Problem:
        if self.problem is None:
            raise InvalidProblemError(
                f"{what} needs the equation, which {self.name} does not have; --problem with a .npz that `solve "
                "--save-problem` wrote, a recording or a finished run is allowed."
            )
        return self.problem


def _single(values: FloatArray) -> FloatArray:
    """In single precision, of which a picture shows less."""
    return values.astype(np.float32)


class Film(Protocol):
    """Moments in the order of time, each read or solved for when it is asked for."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the moments."""

    @property
    def substrates(self) -> Sequence[str]:
        """The names of the substrates."""

    def scene(self, index: int, substrate: str) -> Scene:
        """One moment of one substrate.

        Raises
        ------
        InvalidProblemError
            If it cannot be read or solved.
        """


def chosen_substrate(film: Film, name: str | None) -> str:
    """The substrate of this name, or the first.

    Raises
    ------
    InvalidProblemError
        If there is none of this name.
    """
    if name is None:
        return film.substrates[0]
    if name not in film.substrates:
        raise InvalidProblemError(f"substrate is {name!r}; {', '.join(film.substrates)} is what there is.")
    return name


def chosen_moment(film: Film, step: int) -> int:
    """The index of a moment, counted from the end where it is below 0.

    Raises
    ------
    InvalidProblemError
        If there is no such moment.
    """
    count = len(film.names)
    if not -count <= step < count:
        raise InvalidProblemError(f"step is {step}, but there are {count} moments; {-count} to {count - 1} is allowed.")
    return step % count


def chosen_moments(film: Film, text: str | None, most: int | None = None) -> list[int]:
    """``"0:100:10"``, from the first to before the last by so many, as Python counts; all if None.

    Parameters
    ----------
    film : Film
    text : str, optional
    most : int, optional
        Where nothing is asked for, no more than so many, evenly spread.

    Raises
    ------
    InvalidProblemError
        If it cannot be read, or chooses none.
    """
    count = len(film.names)
    if text is None:
        kept = count if most is None else min(count, most)
        return [round(index) for index in np.linspace(0, count - 1, kept)]
    try:
        parts = [int(part) if part.strip() else None for part in text.split(":")]
        chosen = list(range(count))[slice(*parts) if len(parts) > 1 else slice(parts[0], None)]
        if len(parts) > 3 or parts == [None]:
            raise ValueError
    except (TypeError, ValueError):
        raise InvalidProblemError(
            f"moments is {text!r}; FIRST:LAST or FIRST:LAST:EVERY is allowed, as 0:100:10."
        ) from None
    if not chosen:
        raise InvalidProblemError(f"moments is {text!r}, which chooses none of {count}.")
    return chosen
