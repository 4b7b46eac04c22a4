"""The config of `SurrogateDiffusion`: checked here, and declared in the host's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, NotNegative, Positive, by_substrate
from surrogate_adapters.process_bigraph.sides import side_of
from surrogate_adapters.quantities import in_unit
from surrogate_adapters.settings_files import filled
from surrogate_plugin.session.settings import Stepping

#: The host counts in seconds.
SECONDS_PER_MINUTE = 60.0

_Count = Annotated[int, Field(gt=0)]
_Index = Annotated[int, Field(ge=0)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class Medium(BaseModel):
    """One substrate.

    Parameters
    ----------
    diffusivity_um2_per_min : float, um^2 / min
    decay_per_min : float, 1 / min
    tolerance : float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest value imposed.
    michaelis_km : float, field units, optional
        If given, uptake saturates, see `BackendConfig`.
    boundary : mapping of side to what `Problem` takes
        Sides that are not named reflect. A number may be written as text; ``"flux:3"`` is a side through which so much
        comes in, field units um / min, and ``"exchange:2:38"`` one that lets in ``2 (38 - field)``, um / min.
    fixed : list of (row, column, value)
        Voxels that hold a value.
    diffusivity_map, decay_map : list of H lists of W numbers, optional
        What each voxel has in the place of the number above; nothing passes into voxels of diffusivity 0, and between
        two voxels counts the harmonic mean.
    regions : list of H lists of W whole numbers, optional
        Between voxels of different regions there is a membrane.
    permeability_um_per_min : float, um / min, optional
        That of these membranes, with ``regions`` alone; 0 lets nothing through.
    stepping : "steady" or "implicit-euler"
        Whether the field is at rest with the cells at each update, or goes on in time from what the document holds.
    time_tolerance : float, field units, optional
        The largest error that a step in time may be estimated to make by being so long; it is then taken in parts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    diffusivity_um2_per_min: Positive
    decay_per_min: NotNegative = 0.0
    tolerance: Positive | None = None
    michaelis_km: Positive | None = None
    boundary: dict[str, Any] = {}
    fixed: list[tuple[_Index, _Index, NotNegative]] = []
    diffusivity_map: list[list[NotNegative]] | None = None
    decay_map: list[list[NotNegative]] | None = None
    regions: list[list[int]] | None = None
    permeability_um_per_min: NotNegative | None = None
    stepping: Stepping = "steady"
    time_tolerance: Positive | None = None

    @field_validator("boundary", mode="before")
    @classmethod
    def _mapping(cls, boundary: Any) -> Any:
        """One word for all sides would be lost when the host saves the document."""
        if not isinstance(boundary, Mapping):
            raise ValueError(f"boundary is {boundary!r}; a mapping of sides is allowed, as {{'left': {boundary!r}}}.")
        return boundary

    @field_validator("boundary", mode="after")
    @classmethod
    def _read(cls, boundary: dict[str, float | str]) -> dict[str, Any]:
        return {side: side_of(given) for side, given in boundary.items()}

    @model_validator(mode="after")
    def _walled(self) -> Medium:
        if (self.regions is None) != (self.permeability_um_per_min is None):
            raise ValueError("regions and permeability_um_per_min come together; one of the two is missing.")
        return self


class Settings(Checked, sp.EngineSettings):
    """The whole config.

    Parameters
    ----------
    shape : (int, int)
        (H, W): rows along y, columns along x, as the fields are.
    spacing_um : float or (dy, dx), um
        Side of a voxel; where it is not square, along y and along x, as of ``shape``, with a ``thickness_um``.
    substrates : mapping of name to Medium
    elsewhere : list of str
        What else cells and vessels name, since other processes read it: further substrates, and keys that look like
        those which are read here.
    origin_um : (float, float), um
        The lattice's lower left corner.
    thickness_um : float, um, optional
        Depth of a voxel; the spacing if not given and this is one number.
    gradients : list of str
        Substrates whose slopes are told where cells are, in the output ports ``gradient`` and ``gradient_bound``.
    cells : "map" or "arrays"
        How the composite keeps its cells.
    deposit : "voxel" or "area"
        How cells land on voxels and read them: all in the one that holds the centre, or by the area of the disc, and
        bilinear between voxels' centres.
    outside : "clamp", "drop" or "error"
        What becomes of cells and vessels off the lattice.
    model, method, policy, device : str
        As in `BackendConfig`; a model that is not there is refused.
    record : str, optional
        Where to record the states solved for, see `Recorder`.
    report : str, optional
        Where to write the page of the run, such as ``"run.html"``: one for all substrates, see `RunReport`.
    settings : str, optional
        A settings file, ``"surrogate.toml"``, which says what is not said here: see `load_settings`.

    Raises
    ------
    InvalidProblemError
        If a setting is missing, unknown or out of its range.

    Examples
    --------
    >>> settings = Settings(shape=[8, 16], spacing_um=20.0, substrates={"oxygen": {"diffusivity_um2_per_min": 1e5}})
    >>> settings.domain.size_um, settings.substrates["oxygen"].decay_per_min
    ((320.0, 160.0), 0.0)
    """

    owner = "SurrogateDiffusion"

    shape: tuple[_Count, _Count]
    spacing_um: Positive | tuple[Positive, Positive]
    substrates: Annotated[dict[str, Medium], Field(min_length=1)]
    elsewhere: tuple[str, ...] = ()
    origin_um: tuple[_Number, _Number] = (0.0, 0.0)
    thickness_um: Positive | None = None
    gradients: tuple[str, ...] = ()
    cells: Literal["map", "arrays"] = "map"
    deposit: Literal["voxel", "area"] = "voxel"
    outside: Literal["clamp", "drop", "error"] = "clamp"
    record: str | None = None
    report: str | None = None
    settings: str | None = None

    @property
    def domain(self) -> sp.Domain:
        """The lattice."""
        return sp.Domain.from_lattice(self.shape, self.spacing_um, self.origin_um, self.thickness_um)

    def backend_config(self, name: str) -> sp.BackendConfig:
        """What the backend of one substrate is told."""
        medium = self.substrates[name]
        return sp.BackendConfig(
            domain=self.domain,
            diffusivity_um2_per_min=_map_or(medium.diffusivity_map, medium.diffusivity_um2_per_min),
            decay_per_min=_map_or(medium.decay_map, medium.decay_per_min),
            tolerance=medium.tolerance,
            michaelis_km=medium.michaelis_km,
            stepping=medium.stepping,
            time_tolerance=medium.time_tolerance,
            boundary=sp.Boundary.parse(medium.boundary, unnamed="reflecting"),
            deposit=self.deposit,
            outside=self.outside,
            **self.shared(),
        )

    def voxels(self, name: str) -> sp.Voxels | None:
        """What the voxels of one substrate are wherever cells are: held at values, walled off from each other.

        Raises
        ------
        InvalidProblemError
            If one is off the lattice.
        """
        fixed, value = np.zeros(self.shape, dtype=np.bool_), np.zeros(self.shape)
        for row, column, held in self.substrates[name].fixed:
            if row >= self.shape[0] or column >= self.shape[1]:
                raise sp.InvalidProblemError(
                    f"SurrogateDiffusion: substrates.{name}.fixed names voxel ({row}, {column}), but the lattice has "
                    f"{self.shape[0]} rows and {self.shape[1]} columns."
                )
            fixed[row, column], value[row, column] = True, held
        walls = self._membranes(name)
        if not fixed.any() and walls is None:
            return None
        return sp.Voxels(fixed=fixed if fixed.any() else None, value=value, membranes=walls)

    def _membranes(self, name: str) -> sp.Membranes | None:
        medium = self.substrates[name]
        if medium.regions is None or medium.permeability_um_per_min is None:
            return None
        rings = sp.Boundary.parse(medium.boundary, unnamed="reflecting").rings
        return sp.Membranes.between(np.array(medium.regions), medium.permeability_um_per_min, rings=rings)


def _quoted(kind: Any, default: Any = None) -> dict[str, Any]:
    """A type whose values reach the process as they were given.

    The host would turn what does not fit its type into a default without a word; here it meets `Settings` instead.
    """
    declared = {"_type": "quote", "_value": kind}
    return declared if default is None else {**declared, "_default": default}


_MEDIUM = {
    "diffusivity_um2_per_min": "float",
    "decay_per_min": "float",
    "tolerance": "maybe[float]",
    "michaelis_km": "maybe[float]",
    "boundary": "map[string]",
    "fixed": "list[tuple[integer,integer,float]]",
    "diffusivity_map": "maybe[list[list[float]]]",
    "decay_map": "maybe[list[list[float]]]",
    "regions": "maybe[list[list[integer]]]",
    "permeability_um_per_min": "maybe[float]",
    "stepping": "maybe[string]",
    "time_tolerance": "maybe[float]",
}

#: The same in the host's types.
CONFIG_SCHEMA = {
    "shape": _quoted("tuple[integer,integer]"),
    "spacing_um": _quoted("float"),
    "substrates": _quoted({"_type": "map", "_value": _MEDIUM}),
    "elsewhere": _quoted("list[string]", []),
    "origin_um": _quoted("tuple[float,float]", [0.0, 0.0]),
    "thickness_um": _quoted("maybe[float]"),
    "gradients": _quoted("list[string]", []),
    "cells": _quoted("string", "map"),
    "deposit": _quoted("string", "voxel"),
    "outside": _quoted("string", "clamp"),
    "model": _quoted("string", "default"),
    "method": _quoted("string", "guarded"),
    "policy": _quoted("string", "fastest"),
    "device": _quoted("string", "auto"),
    "record": _quoted("maybe[string]"),
    "report": _quoted("maybe[string]"),
    "settings": _quoted("maybe[string]"),
}


#: The units of the settings that may come as quantities; those of a field's values are the user's own.
_UNITS = {"spacing_um": "um", "origin_um": "um", "thickness_um": "um"}
_MEDIUM_UNITS = {
    "diffusivity_um2_per_min": "um**2/min",
    "decay_per_min": "1/min",
    "permeability_um_per_min": "um/min",
}


def with_file(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with what its settings file says besides.

    Raises
    ------
    InvalidProblemError
        As `filled`.
    """
    media = config.get("substrates")
    if config.get("settings") is None or not isinstance(media, Mapping):
        return dict(config)
    names = [str(name) for name in media]
    options = filled("process-bigraph", config["settings"], names, {"substrates": names})
    del options["substrates"]
    told = dict(media)
    for option in ("tolerance", "stepping", "time_tolerance"):
        given = by_substrate(option, options.pop(option, None), names, None)
        for name, value in given.items():
            if value is not None and isinstance(told[name], Mapping):
                told[name] = {option: value, **{key: each for key, each in told[name].items() if each is not None}}
    plain = {option: str(value) for option, value in options.items()}  # a document has no paths
    return {**plain, **config, "substrates": told}


def without_units(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as plain numbers.

    Raises
    ------
    InvalidProblemError
        If one comes in a unit of another dimension.
    """
    plain = {key: in_unit(key, value, _UNITS[key]) if key in _UNITS else value for key, value in config.items()}
    media = plain.get("substrates")
    if isinstance(media, Mapping):
        plain["substrates"] = {name: _plain_medium(name, medium) for name, medium in media.items()}
    return plain


def _plain_medium(name: str, medium: Any) -> Any:
    if not isinstance(medium, Mapping):
        return medium
    return {key: in_unit(f"substrates.{name}.{key}", value, _MEDIUM_UNITS.get(key)) for key, value in medium.items()}


def _map_or(rows: list[list[float]] | None, number: float) -> Any:
    """A map of voxels, if there is one."""
    return number if rows is None else np.array(rows, dtype=np.float64)
