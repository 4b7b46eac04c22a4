"""`Substrate`: what Mesa does not know of a substrate, and which agents take it up, give it or hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationInfo, field_validator, model_validator

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, NotNegative, Positive
from surrogate_adapters.mesa.readings import Reading, of_class
from surrogate_adapters.quantities import in_unit

_READINGS = "the name of an attribute, or a function of the agent, is allowed"


#: The units in which quantities of pint are taken; those of a field's values are the user's own.
UNITS = {
    "diffusivity_um2_per_min": "um**2/min",
    "decay_per_min": "1/min",
    "uptake_per_min": "1/min",
    "secretion_per_min": "1/min",
    "diffusivity_in_um2_per_min": "um**2/min",
    "decay_in_per_min": "1/min",
    "membrane_um_per_min": "um/min",
}
#: Of what inf is a number too: that of cells without a membrane.
ENDLESS = ("membrane_um_per_min",)
_BY_CLASS = ("uptake_per_min", "secretion_per_min", "secretion_target", "release_per_min", "membrane_um_per_min")
_BY_PLACE = ("production_per_min", "diffusivity_in_um2_per_min", "decay_in_per_min", "vessels")
#: What agents make of the grid's cell they are in, or of what they cover of a continuous space.
_OF_CELLS = ("diffusivity_in_um2_per_min", "decay_in_per_min", "membrane_um_per_min")


class Substrate(Checked):
    """One substrate of a model, with its units.

    A rate or value of agents is a number, the name of an attribute (``"uptake"``), or a function of the agent; a
    mapping gives one for each class, and subclasses share that of their nearest named ancestor. Of what an agent
    conducts, lets decay or holds back, None says that it has nothing of its own. Quantities of pint are taken wherever
    a unit is said here.

    Parameters
    ----------
    diffusivity_um2_per_min : float, um^2 / min
        Larger than 0.
    decay_per_min : float, 1 / min
        Background decay, >= 0.
    uptake_per_min, secretion_per_min : mapping of agent class to reading, 1 / min
        First-order rates of a cell, which count by its volume: ``rate V_cell / V_voxel``.
    secretion_target : mapping of agent class to reading, field units
        The value at which secretion stops.
    production_per_min : mapping of agent class, or name of a layer, to reading, field units / min
        What a cell makes whatever is there already; it counts by its volume too. On a grid also by place, as for
        ``vessels``: the true cells of a boolean property layer make it.
    release_per_min : mapping of agent class to reading, field units / min
        What an agent adds to the cell of the grid that it is in, or in a continuous space to the pixels around it,
        whatever its volume is, which need not be known: an ant's trail.
    diffusivity_in_um2_per_min : mapping of agent class, or name of a layer, to reading, um^2 / min
        What cells of the grid conduct where such agents are, or where the layer is true: >= 0, and nothing passes into
        cells of 0. Between two cells counts the harmonic mean. In a continuous space what the agents conduct, by the
        area that they cover.
    decay_in_per_min : mapping of agent class, or name of a layer, to reading, 1 / min
        Decay there, in the place of the background; in a continuous space in the share of a pixel's volume that is the
        agents'.
    membrane_um_per_min : mapping of agent class to reading, um / min
        The permeability of a membrane around the grid's cell that an agent is in, or around the agent itself in a
        continuous space; 0 lets nothing through, and inf is none. Two membranes between two cells count both.
    vessels : mapping of agent class, or name of a layer, to reading, field units
        Agents that hold a value where they are. On a grid also a boolean property layer, given by its name: its
        true cells hold the number, or what the property layer so named says.
    boundary : str, float, mapping or Boundary, optional
        As in `Problem`. What is not given, or sides that a mapping does not name, are the space's own: periodic on a
        torus, and otherwise they let nothing through.
    michaelis_km : float, field units, optional
        If given, uptake saturates as in `BackendConfig`.
    initial : float, field units, optional
        What a property layer that is made holds before the first step. If not given, it holds the field, if agents are
        there when the model is attached, and else 0.

    Raises
    ------
    InvalidProblemError
        One sentence naming the option and what is allowed; also for an unknown option.

    Examples
    --------
    >>> class Tumour: ...
    >>> oxygen = Substrate(diffusivity_um2_per_min=1e5, decay_per_min=0.1, uptake_per_min={Tumour: 10.0})
    >>> oxygen.kinds
    (<class '...Tumour'>,)
    """

    diffusivity_um2_per_min: Positive
    decay_per_min: NotNegative = 0.0
    uptake_per_min: Mapping[type, Reading] = {}
    secretion_per_min: Mapping[type, Reading] = {}
    secretion_target: Mapping[type, Reading] = {}
    production_per_min: Mapping[type | str, Reading] = {}
    release_per_min: Mapping[type, Reading] = {}
    diffusivity_in_um2_per_min: Mapping[type | str, Reading] = {}
    decay_in_per_min: Mapping[type | str, Reading] = {}
    membrane_um_per_min: Mapping[type, Reading] = {}
    vessels: Mapping[type | str, Reading] = {}
    boundary: Any = None
    michaelis_km: Positive | None = None
    initial: NotNegative | None = None

    @field_validator("diffusivity_um2_per_min", "decay_per_min", "michaelis_km", "initial", mode="before")
    @classmethod
    def _plain(cls, given: Any, found: ValidationInfo) -> Any:
        return in_unit("it", given, UNITS.get(str(found.field_name)))

    @field_validator(*_BY_CLASS, *_BY_PLACE, mode="plain")
    @classmethod
    def _readable(cls, given: Any, found: ValidationInfo) -> Any:
        if not isinstance(given, Mapping):
            raise ValueError(f"{given!r} is no mapping; one of agent classes to readings is allowed.")
        readings = {}
        for kind, reading in given.items():
            if not isinstance(kind, type | str):
                raise ValueError(f"{kind!r} is no class of agents.")
            what = f"the reading for {kind if isinstance(kind, str) else kind.__name__}"
            readings[kind] = in_unit(what, reading, UNITS.get(str(found.field_name)))
            endless = found.field_name in ENDLESS
            if not _is_reading(readings[kind], endless):
                number = "a number >= 0 or inf" if endless else "a number >= 0"
                raise ValueError(f"{what} is {reading!r}; {number}, {_READINGS}.")
        return readings

    @model_validator(mode="after")
    def _whole(self) -> Substrate:
        for name in _BY_CLASS:
            for kind in getattr(self, name):
                if isinstance(kind, str):
                    by_place = " and ".join(_BY_PLACE)
                    raise ValueError(
                        f"{name} names {kind!r}; classes of agents are allowed, layers in {by_place} only."
                    )
        for kind in self.secretion_per_min:
            if of_class(self.secretion_target, kind) is None:
                raise ValueError(f"secretion_per_min names {kind.__name__}, but secretion_target does not.")
        return self

    def sides(self, own: str) -> sp.Boundary:
        """The four sides; those that are not named are as the space has them, ``own``."""
        return sp.Boundary.parse({} if self.boundary is None else self.boundary, unnamed=own)

    @property
    def kinds(self) -> tuple[type, ...]:
        """Classes of agents that take up, secrete or produce, by their volume."""
        makers = (kind for kind in self.production_per_min if isinstance(kind, type))
        return tuple(dict.fromkeys((*self.uptake_per_min, *self.secretion_per_min, *makers)))

    @property
    def bodies(self) -> tuple[type, ...]:
        """Classes of agents that conduct, hold back or let decay in their own way."""
        kinds = (kind for option in _OF_CELLS for kind in getattr(self, option) if isinstance(kind, type))
        return tuple(dict.fromkeys(kinds))

    @property
    def layers(self) -> tuple[str, ...]:
        """Property layers that hold or make it."""
        named = (kind for option in _BY_PLACE for kind in getattr(self, option) if isinstance(kind, str))
        return tuple(dict.fromkeys(named))

    @property
    def supplied(self) -> bool:
        """Whether any agent or layer may ever give some of it."""
        giving = (self.vessels, self.production_per_min, self.release_per_min)
        if any(_may_be_positive(given) for each in giving for given in each.values()):
            return True
        return any(
            _may_be_positive(rate) and _may_be_positive(of_class(self.secretion_target, kind))
            for kind, rate in self.secretion_per_min.items()
        )


def _may_be_positive(reading: Reading | None) -> bool:
    return reading is not None and (callable(reading) or isinstance(reading, str) or reading > 0)


def _is_reading(reading: Any, endless: bool) -> bool:
    if isinstance(reading, str) or callable(reading):
        return True
    try:
        number = float(reading)
    except (TypeError, ValueError):
        return False
    return number >= 0.0 and (endless or number < float("inf"))
