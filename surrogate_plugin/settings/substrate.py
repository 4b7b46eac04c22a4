"""What is said of one substrate: how exact its field is to be and, without a host, how it moves and decays."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from surrogate_plugin.equation.sides import Boundary, Exchange, Flux, SideLike
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.settings.keys import RUN, Name, NotNegative, Positive, ReadPath, Table, key, refusal

#: PhysiCell's reader has some of the keys of a run without a host too.
_PHYSICELL = "physicell"
_BOTH = (RUN, _PHYSICELL)
#: The hosts' names of the sides, and those of the core.
_SIDES = {
    "left": "left", "right": "right", "bottom": "bottom", "top": "top",
    "xmin": "left", "xmax": "right", "ymin": "bottom", "ymax": "top",
}  # fmt: skip

_RATES = "a table of cell type to a number >= 0"


class Face(Table):
    """What comes in through one side, ``{ flux = 500.0 }`` or ``{ exchange = 40.0, value = 38.0 }``."""

    flux: NotNegative | None = key(None, "What comes in", unit="field units um/min", allowed="a number >= 0")
    exchange: NotNegative | None = key(None, "How fast it exchanges", unit="um/min", allowed="a number >= 0")
    value: NotNegative | None = key(None, "With what is outside", unit="field units", allowed="a number >= 0")

    @model_validator(mode="after")
    def _one_of_them(self) -> Face:
        if (self.flux is None) == (self.exchange is None) or (self.exchange is None) != (self.value is None):
            raise refusal("is neither { flux = ... } nor { exchange = ..., value = ... }, which are allowed")
        return self

    @property
    def side(self) -> Flux | Exchange:
        """As the core has it."""
        if self.flux is not None:
            return Flux(self.flux)
        assert self.exchange is not None, "it is one of the two"
        assert self.value is not None, "an exchange has a value"
        return Exchange(self.exchange, self.value)


class Axes(Table):
    """Diffusivities along the axes, ``{ x = 1e5, y = 5e4 }``."""

    x: NotNegative = key(..., "Along x", unit="um^2/min", allowed="a number >= 0")
    y: NotNegative = key(..., "Along y", unit="um^2/min", allowed="a number >= 0")


Side = Literal["absorbing", "reflecting", "periodic"] | NotNegative | Face
SideName = Literal["left", "right", "bottom", "top", "xmin", "xmax", "ymin", "ymax"]
Stepping = Literal["steady", "implicit-euler"]


class Substrate(Table):
    """A table of its own for one substrate, ``[substrates.oxygen]``."""

    tolerance: Positive | None = key(
        None,
        "Largest error allowed anywhere in the field of this substrate",
        unit="field units",
        allowed="a number > 0",
        example=0.38,
        said_default="what tolerance above says",
    )
    stepping: Stepping | None = key(
        None,
        "Whether its field is at rest at each moment, or goes on in time",
        allowed='"steady" or "implicit-euler"',
        example="steady",
        said_default="what stepping above says",
    )
    time_tolerance: Positive | None = key(
        None,
        "Largest error that a step in time may be estimated to make by being so long",
        unit="field units",
        allowed="a number > 0",
        example=0.05,
        said_default="what time_tolerance above says",
    )
    units: str = key(
        "", "What its field is measured in, for pages and files", allowed="a text", example="mmHg", readers=[RUN]
    )
    diffusivity_um2_per_min: NotNegative | Axes | None = key(
        None,
        "How fast it spreads",
        unit="um^2/min",
        allowed="a number >= 0, or { x = ..., y = ... }",
        example=100000.0,
        readers=[RUN],
        said_default="none; it is needed",
    )
    decay_per_min: NotNegative | None = key(
        None,
        "How fast it decays where no cell is",
        unit="1/min",
        allowed="a number >= 0",
        example=0.1,
        readers=[RUN],
        said_default="none; it is needed",
    )
    production_per_min: NotNegative = key(
        0.0,
        "What is produced everywhere",
        unit="field units/min",
        allowed="a number >= 0",
        example=0.0,
        readers=[RUN],
    )
    michaelis_km: Positive | None = key(
        None,
        "The value at which cells take up half of their most; uptake saturates then",
        unit="field units",
        allowed="a number > 0",
        example=5.0,
        readers=[RUN],
        said_default="uptake is of first order",
    )
    initial: NotNegative = key(
        0.0,
        "The field before the first step in time, everywhere",
        unit="field units",
        allowed="a number >= 0",
        example=0.0,
        readers=[RUN],
    )
    sides: Literal["absorbing", "reflecting", "periodic"] | NotNegative | dict[SideName, Side] = key(
        {},
        "What the sides are: one word or value for all, or each",
        unit="field units, um/min",
        allowed=(
            '"reflecting", "absorbing", "periodic", a value held >= 0, or a table of left, right, bottom, top to one '
            "of these, { flux = ... } or { exchange = ..., value = ... }"
        ),
        example={"left": 38.0, "right": "reflecting"},
        readers=_BOTH,
        said_default="sides that are not named let nothing through",
    )
    uptake_by_type: dict[Name, NotNegative] = key(
        {}, "What cells take up, by type", unit="1/min", allowed=_RATES, example={"tumour": 10.0}, readers=[RUN]
    )
    max_uptake_by_type: dict[Name, NotNegative] = key(
        {},
        "What cells take up at most where uptake saturates, in a voxel that they fill, in the place of uptake_by_type; "
        "it needs michaelis_km",
        unit="field units/min",
        allowed=_RATES,
        example={"tumour": 250.0},
        readers=[RUN],
    )
    secretion_by_type: dict[Name, NotNegative] = key(
        {}, "How fast cells secrete, by type", unit="1/min", allowed=_RATES, example={"tumour": 0.0}, readers=[RUN]
    )
    secretion_target_by_type: dict[Name, NotNegative] = key(
        {},
        "The value at which their secretion stops, by type",
        unit="field units",
        allowed=_RATES,
        example={"tumour": 0.0},
        readers=[RUN],
    )
    production_by_type: dict[Name, NotNegative] = key(
        {},
        "What cells make whatever is there, in a voxel that they fill, by type",
        unit="field units/min",
        allowed=_RATES,
        example={"tumour": 0.0},
        readers=[RUN],
    )
    diffusivity_by_type: dict[Name, NotNegative] = key(
        {},
        "What cells conduct, by type; 0 for obstacles",
        unit="um^2/min",
        allowed=_RATES,
        example={"tumour": 50000.0},
        readers=_BOTH,
    )
    decay_by_type: dict[Name, NotNegative] = key(
        {},
        "What decays in a voxel that the cell fills, in the place of the decay around it, by type",
        unit="1/min",
        allowed=_RATES,
        example={"tumour": 0.2},
        readers=_BOTH,
    )
    membrane_by_type: dict[Name, NotNegative] = key(
        {},
        "The permeability around cells, by type; 0 lets nothing through",
        unit="um/min",
        allowed=_RATES,
        example={"tumour": 100.0},
        readers=_BOTH,
    )
    diffusivity_file: ReadPath | None = key(
        None,
        "How fast it spreads at each pixel, in the place of one number",
        unit="um^2/min",
        allowed="a file of numbers (.npy, .npz, .csv, .vti) of the lattice's shape, or a picture whose white is "
        "diffusivity_um2_per_min",
        example="diffusivity.npy",
        readers=_BOTH,
    )
    decay_file: ReadPath | None = key(
        None,
        "How fast it decays at each pixel, in the place of one number",
        unit="1/min",
        allowed="a file of numbers (.npy, .npz, .csv, .vti) of the lattice's shape, or a picture whose white is "
        "decay_per_min",
        example="decay.npy",
        readers=_BOTH,
    )
    diffusivity_variable: Name | None = key(
        None,
        "A custom variable of PhysiCell's cells that says what each conducts",
        unit="um^2/min",
        allowed="a name",
        example="my_diffusivity",
        readers=[_PHYSICELL],
    )
    decay_variable: Name | None = key(
        None,
        "A custom variable that says what decays in each",
        unit="1/min",
        allowed="a name",
        example="my_decay",
        readers=[_PHYSICELL],
    )
    membrane_variable: Name | None = key(
        None,
        "A custom variable that says how permeable each is",
        unit="um/min",
        allowed="a name",
        example="my_membrane",
        readers=[_PHYSICELL],
    )

    @model_validator(mode="after")
    def _each_side_once(self) -> Substrate:
        if isinstance(self.sides, dict):
            named = [_SIDES[name] for name in self.sides]
            for name in named:
                if named.count(name) > 1:
                    raise refusal(f"has sides that name {name!r} twice, under both of its names; once is allowed")
            try:
                _ = self.boundary
            except InvalidProblemError as error:
                raise refusal(f"has sides of which {str(error).rstrip('.')}") from None
        return self

    @property
    def boundary(self) -> Boundary:
        """The sides as the core has them."""
        if not isinstance(self.sides, dict):
            return Boundary.parse(self.sides)
        return Boundary.parse({_SIDES[name]: _side(side) for name, side in self.sides.items()}, unnamed="reflecting")

    @property
    def types(self) -> dict[str, dict[str, float]]:
        """The keys that are by type of cell, with what they say."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: given for name, given in fields.items() if name.endswith("_by_type") and given}


def _side(given: Any) -> SideLike:
    return given.side if isinstance(given, Face) else given
