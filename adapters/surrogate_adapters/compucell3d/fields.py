"""What a field's cells do to it, by cell type: in micrometres and minutes, or in the host's pixels and MCS."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, InstanceOf, model_validator
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, NotNegative, Positive
from surrogate_adapters.compucell3d.sides import ConstantDerivative, in_um_and_min

__all__ = ["Amounts", "Contacts", "Described", "Field", "LatticeField"]


class _Kept(dict[str, Any]):
    """A copy of what was given by name, that says how a field is changed instead of being changed in place."""

    def _refuse(self, *_: object, **__: object) -> Any:
        raise sp.InvalidProblemError(
            "the options of a field are read once; in mid run SurrogateDiffusion.change(name, ...) gives it others."
        )

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def _amount(given: float | str) -> float | str:
    if given == "" or (isinstance(given, float) and not (math.isfinite(given) and given >= 0)):
        raise PydanticCustomError("amount", "a finite number >= 0, or the name of an entry of cell.dict, is allowed")
    return given


#: For each cell type a number, or the name of the entry of ``cell.dict`` in which each cell keeps its own.
Amounts = Annotated[Mapping[str, Annotated[float | str, AfterValidator(_amount)]], AfterValidator(_Kept)]


class _Contacts(_Kept):
    """Amounts by type, and by the type that is touched."""


#: For each cell type a number for each type that its cells touch.
Contacts = Annotated[
    Mapping[str, Annotated[Mapping[str, NotNegative], AfterValidator(_Kept)]], AfterValidator(_Contacts)
]

_Side = str | float | InstanceOf[sp.Flux] | InstanceOf[sp.Exchange] | InstanceOf[ConstantDerivative]
Sides = _Side | Annotated[Mapping[str, _Side], AfterValidator(_Kept)]


class Described(Checked):
    """What both descriptions of a field share."""

    def changed(self, **options: Any) -> Self:
        """The same description with other options.

        Examples
        --------
        >>> oxygen = Field(diffusivity_um2_per_min=1e5, decay_per_min=0.1, fixed={"Vessel": 38.0})
        >>> starved = oxygen.changed(fixed={"Vessel": 20.0})
        >>> starved.fixed["Vessel"], starved.decay_per_min
        (20.0, 0.1)
        """
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **options})

    def by_type(self) -> dict[str, Mapping[str, float | str]]:
        """The options that go by cell type, under their names."""
        names = [name for name in type(self).model_fields if name != "boundary"]
        return {name: given for name in names if type(given := getattr(self, name)) is _Kept}

    def on_contact(self) -> tuple[str, Mapping[str, Mapping[str, float]]]:
        """What cells make where they touch others, under its name."""
        name = f"production_on_contact_per_{self._time()}"
        return name, getattr(self, name)

    def on_surface(self) -> bool:
        """Whether anything is made or held back on the surface of cells, which types alone do not show."""
        at_boundary = getattr(self, f"production_at_boundary_per_{self._time()}")
        return bool(at_boundary or self.on_contact()[1] or self.__dict__.get(self._length("membrane_{}_per_{}")))

    def conducts(self) -> bool:
        """Whether types conduct in ways of their own, or have membranes."""
        names = map(self._length, ("membrane_{}_per_{}", "diffusivity_by_type_{}2_per_{}"))
        return any(self.__dict__[name] for name in names)

    @model_validator(mode="after")
    def _secretes_towards_something(self) -> Self:
        """A rate without its target would be a sink towards 0, and a target without its rate nothing at all."""
        rate, constant = (f"{kind}_per_{self._time()}" for kind in ("secretion", "production"))
        rates, targets = getattr(self, rate), self.__dict__["secretion_target"]
        remedy = f"{rate} is towards a target, and the host's <Secretion>, so much each MCS, is {constant}"
        for missing, there, names in (
            ("secretion_target", rate, rates.keys() - targets.keys()),
            (rate, "secretion_target", targets.keys() - rates.keys()),
        ):
            if names:
                raise ValueError(f"{there} has {_listed(names)}, {missing} has not; {remedy}.")
        return self

    @model_validator(mode="after")
    def _holds_what_is_at_the_edge(self) -> Self:
        given = self.__dict__["boundary"]
        words = given.values() if isinstance(given, Mapping) else (given,)
        if self.__dict__["boundary_at"] == "edge" and not any(_is_value(word) for word in words):
            raise ValueError("boundary_at is 'edge', but no side of boundary holds a value; name one that does.")
        return self

    def _length(self, name: str) -> str:
        return name.format("um" if self._time() == "min" else "pixel", self._time())

    def _time(self) -> str:
        return "min" if "secretion_per_min" in type(self).model_fields else "mcs"


class Field(Described):
    """One field, in micrometres and minutes.

    Each option that goes by cell type maps names of types to a number or to the name of an entry of ``cell.dict``, in
    which each cell of the type keeps a number of its own. Types that are not named do nothing; ``"Medium"`` is a type
    like any other, with numbers only. A rate is that of each voxel of the cell, so a cell of twice the volume takes up
    twice as much. What is given is copied: `SurrogateDiffusion.change` gives a field other options in mid run.

    Parameters
    ----------
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
        Background decay, in all voxels.
    uptake_per_min : by cell type, 1 / min
        First-order uptake.
    secretion_per_min, secretion_target : by cell type, 1 / min and field units
        Secretion towards a target: it adds ``secretion (target - field)``; both name the same types.
    production_per_min : by cell type, field units / min
        Constant secretion, as the host's ``<Secretion>`` has it.
    production_at_boundary_per_min : by cell type, field units / min
        The same in the boundary pixels of cells alone: those beside another cell or the medium.
    production_on_contact_per_min : by cell type, by the type touched, field units / min
        The same in pixels beside another cell of the type touched, as the host's ``<SecretionOnContact>`` has it; the
        largest where a pixel touches several.
    diffusivity_by_type_um2_per_min : by cell type, um^2 / min
        What voxels of these types conduct, in the place of the one above: >= 0, and nothing passes into voxels of 0.
        Between two voxels counts the harmonic mean.
    decay_by_type_per_min : by cell type, 1 / min
        Decay in voxels of these types, in the place of the background: more, or less.
    membrane_um_per_min : by cell type, um / min
        The permeability of the membranes of cells of these types, on each side between a cell and what is no part of
        it: >= 0, and nothing passes one of 0. Two membranes between two cells count both.
    fixed : by cell type, field units
        The value that voxels of these types hold: vessels.
    boundary : str, float, Flux, Exchange, ConstantDerivative, or mapping of side to these, optional
        As in `surrogate_plugin.Problem`, with the host's slopes besides; sides not given are periodic where the host's
        lattice is, and let nothing through elsewhere.
    boundary_at : "outside" or "edge"
        Where a side's value is held: one pixel outside the lattice, as in the host's ``DiffusionSolverFE``, or in the
        lattice's own edge pixels, as in its ``SteadyStateDiffusionSolver2D``; in corners bottom and top win.
    michaelis_km : float, field units, optional
        If given, uptake saturates: ``rate c km / (km + c)``.
    initial : float, field units
        What a field that goes on in time holds at first; steady ones have no memory.
    entries_per_min : float, 1 / min
        The unit of the rates kept in ``cell.dict``.
    entries_um : float, um
        That of the lengths in what is kept there.

    Raises
    ------
    InvalidProblemError
        One sentence naming the option, its value and what is allowed.

    Examples
    --------
    >>> oxygen = Field(
    ...     diffusivity_um2_per_min=1e5, decay_per_min=0.1,
    ...     uptake_per_min={"Tumour": 10.0, "Stroma": "oxygen_uptake"}, fixed={"Vessel": 38.0})
    >>> oxygen.uptake_per_min["Stroma"]
    'oxygen_uptake'
    """

    diffusivity_um2_per_min: Positive
    decay_per_min: NotNegative = 0.0
    uptake_per_min: Amounts = Setting(default_factory=_Kept)
    secretion_per_min: Amounts = Setting(default_factory=_Kept)
    secretion_target: Amounts = Setting(default_factory=_Kept)
    production_per_min: Amounts = Setting(default_factory=_Kept)
    production_at_boundary_per_min: Amounts = Setting(default_factory=_Kept)
    production_on_contact_per_min: Contacts = Setting(default_factory=_Contacts)
    diffusivity_by_type_um2_per_min: Amounts = Setting(default_factory=_Kept)
    decay_by_type_per_min: Amounts = Setting(default_factory=_Kept)
    membrane_um_per_min: Amounts = Setting(default_factory=_Kept)
    fixed: Amounts = Setting(default_factory=_Kept)
    boundary: Sides | None = None
    boundary_at: Literal["outside", "edge"] = "outside"
    michaelis_km: Positive | None = None
    initial: NotNegative = 0.0
    entries_per_min: Positive = 1.0
    entries_um: Positive = 1.0


class LatticeField(Described):
    """One field, in the units of the host's XML: pixels and Monte Carlo steps.

    Parameters
    ----------
    diffusivity_pixel2_per_mcs : float, pixel^2 / MCS
        The host's ``GlobalDiffusionConstant``.
    decay_per_mcs : float, 1 / MCS
        The host's ``GlobalDecayConstant``.
    uptake_per_mcs, secretion_per_mcs : by cell type, 1 / MCS
    production_per_mcs : by cell type, field units / MCS
        The host's ``<Secretion>``.
    production_at_boundary_per_mcs, production_on_contact_per_mcs : field units / MCS
        The host's ``secreteInsideCellAtBoundary`` and ``<SecretionOnContact>``.
    diffusivity_by_type_pixel2_per_mcs, decay_by_type_per_mcs, membrane_pixel_per_mcs : by cell type
        The host's ``DiffusionCoefficient`` and ``DecayCoefficient``; it has no membranes.
    secretion_target, fixed, boundary, boundary_at, michaelis_km, initial
        As in `Field`; rates kept in ``cell.dict`` are per MCS too.

    Examples
    --------
    >>> oxygen = LatticeField(diffusivity_pixel2_per_mcs=250.0, decay_per_mcs=0.1, fixed={"Vessel": 38.0})
    >>> physical = oxygen.physical(um_per_pixel=4.0, minutes_per_mcs=0.5)
    >>> physical.diffusivity_um2_per_min, physical.decay_per_min
    (8000.0, 0.2)
    """

    diffusivity_pixel2_per_mcs: Positive
    decay_per_mcs: NotNegative = 0.0
    uptake_per_mcs: Amounts = Setting(default_factory=_Kept)
    secretion_per_mcs: Amounts = Setting(default_factory=_Kept)
    secretion_target: Amounts = Setting(default_factory=_Kept)
    production_per_mcs: Amounts = Setting(default_factory=_Kept)
    production_at_boundary_per_mcs: Amounts = Setting(default_factory=_Kept)
    production_on_contact_per_mcs: Contacts = Setting(default_factory=_Contacts)
    diffusivity_by_type_pixel2_per_mcs: Amounts = Setting(default_factory=_Kept)
    decay_by_type_per_mcs: Amounts = Setting(default_factory=_Kept)
    membrane_pixel_per_mcs: Amounts = Setting(default_factory=_Kept)
    fixed: Amounts = Setting(default_factory=_Kept)
    boundary: Sides | None = None
    boundary_at: Literal["outside", "edge"] = "outside"
    michaelis_km: Positive | None = None
    initial: NotNegative = 0.0

    def physical(self, um_per_pixel: float, minutes_per_mcs: float) -> Field:
        """The same field in micrometres and minutes."""
        return Field(
            diffusivity_um2_per_min=self.diffusivity_pixel2_per_mcs * um_per_pixel**2 / minutes_per_mcs,
            decay_per_min=self.decay_per_mcs / minutes_per_mcs,
            uptake_per_min=_divided(self.uptake_per_mcs, minutes_per_mcs),
            secretion_per_min=_divided(self.secretion_per_mcs, minutes_per_mcs),
            secretion_target=self.secretion_target,
            production_per_min=_divided(self.production_per_mcs, minutes_per_mcs),
            production_at_boundary_per_min=_divided(self.production_at_boundary_per_mcs, minutes_per_mcs),
            production_on_contact_per_min={
                name: {other: amount / minutes_per_mcs for other, amount in by_type.items()}
                for name, by_type in self.production_on_contact_per_mcs.items()
            },
            diffusivity_by_type_um2_per_min=_divided(
                self.diffusivity_by_type_pixel2_per_mcs, minutes_per_mcs / um_per_pixel**2
            ),
            decay_by_type_per_min=_divided(self.decay_by_type_per_mcs, minutes_per_mcs),
            membrane_um_per_min=_divided(self.membrane_pixel_per_mcs, minutes_per_mcs / um_per_pixel),
            fixed=self.fixed,
            boundary=in_um_and_min(self.boundary, um_per_pixel, minutes_per_mcs),
            boundary_at=self.boundary_at,
            michaelis_km=self.michaelis_km,
            initial=self.initial,
            entries_per_min=1.0 / minutes_per_mcs,
            entries_um=um_per_pixel,
        )


def _is_value(word: Any) -> bool:
    """Whether a side holds a value."""
    return isinstance(word, float) or (isinstance(word, str) and word not in ("reflecting", "periodic"))


def _divided(amounts: Mapping[str, float | str], by: float) -> dict[str, float | str]:
    """Numbers converted; entries of ``cell.dict`` are when they are read."""
    return {name: amount if isinstance(amount, str) else amount / by for name, amount in amounts.items()}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
