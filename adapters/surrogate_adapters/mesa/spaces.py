"""Which space of a model is answered for, and what has become of it since."""

from __future__ import annotations

from typing import Any

import surrogate_plugin as sp
from surrogate_adapters.mesa.continuum import Continuum
from surrogate_adapters.mesa.lattice import Lattice, Spacing

Space = Lattice | Continuum

_ALLOWED = "an orthogonal grid or a continuous space, in two dimensions, is allowed"
_USUAL = ("grid", "space")


class Whereabouts:
    """The space of a model, followed if another is put in its place.

    Parameters
    ----------
    model : mesa.Model
    space : a space of Mesa, optional
        The model's ``grid`` or ``space`` if not given.
    spacing_um : float or (dy, dx), um
    thickness_um : float, um, optional
        As in `attach`.

    Attributes
    ----------
    space : Lattice or Continuum

    Raises
    ------
    UnsupportedProblemError
        If there is none, or one that is hexagonal, a network, of irregular cells, or not two-dimensional.
    """

    def __init__(self, model: Any, space: Any, spacing_um: Spacing, thickness_um: float | None) -> None:
        self._model = model
        self._lengths = spacing_um, thickness_um
        if space is None:
            self._attribute: str | None = _only_one(model)
            space = getattr(model, self._attribute)
        else:
            self._attribute = next((name for name, value in vars(model).items() if value is space), None)
        self.space = _read(space, *self._lengths)

    def follow(self) -> bool:
        """Take the space that the model has now; whether it is another one.

        Raises
        ------
        UnsupportedProblemError
            If it is one that the fields do not fit.
        """
        if self._attribute is None:
            return False
        now = getattr(self._model, self._attribute, None)
        if now is self.space.origin:
            return False
        there = f"the model's {self._attribute} was replaced after attach"
        if now is None:
            raise sp.UnsupportedProblemError(f"{there} by nothing; detach, and attach when there is one.")
        other = _read(now, *self._lengths)
        if _terms(other) != _terms(self.space):
            raise sp.UnsupportedProblemError(
                f"{there}, and its fields are those of {_said(self.space)}, not of {_said(other)}; "
                "detach, and attach anew."
            )
        self.space = other
        return True


def _only_one(model: Any) -> str:
    found = [name for name in _USUAL if getattr(model, name, None) is not None]
    if len(found) != 1:
        raise sp.UnsupportedProblemError(
            f"{type(model).__name__} has {'both' if found else 'neither'} grid and space; say which by space=."
        )
    return found[0]


def _read(space: Any, spacing_um: Spacing, thickness_um: float | None) -> Space:
    kind = type(space).__name__
    orthogonal, continuous = _kinds()
    if not isinstance(space, orthogonal + continuous) or isinstance(space, _hexagonal()):
        raise sp.UnsupportedProblemError(f"the model's space is a {kind}; {_ALLOWED}.")
    dimensions = len(getattr(space, "dimensions", (0, 0)))
    if dimensions != 2:
        raise sp.UnsupportedProblemError(f"the model's {kind} has {dimensions} dimensions; {_ALLOWED}.")
    chosen = Lattice if isinstance(space, orthogonal) else Continuum
    return chosen(space, spacing_um, thickness_um)


def _terms(space: Space) -> tuple[object, ...]:
    """What the fields were set up for."""
    domain = space.domain
    return space.deposit, domain.shape, domain.origin_um, space.sides


def _said(space: Space) -> str:
    rows, columns = space.domain.shape
    torus = "a torus of " if space.sides == "periodic" else ""
    if isinstance(space, Lattice):
        return f"{torus}{columns} x {rows} cells"
    x, y = space.domain.origin_um
    return f"{torus}{columns} x {rows} pixels from ({x:g}, {y:g})"


def _kinds() -> tuple[tuple[type, ...], tuple[type, ...]]:
    from mesa import space as old
    from mesa.discrete_space import Grid
    from mesa.experimental.continuous_space import ContinuousSpace

    return (Grid, old.SingleGrid, old.MultiGrid), (ContinuousSpace, old.ContinuousSpace)


def _hexagonal() -> tuple[type, ...]:
    from mesa import space as old
    from mesa.discrete_space import HexGrid

    return HexGrid, old.HexSingleGrid, old.HexMultiGrid
