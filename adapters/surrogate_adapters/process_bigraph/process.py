"""`SurrogateDiffusion`, a process-bigraph process that answers with certified steady fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from process_bigraph import Process

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph.reading import RATES, CellTable, vessels_of
from surrogate_adapters.process_bigraph.settings import CONFIG_SCHEMA, Settings
from surrogate_adapters.steady_fields import HistoryEntry, SteadyFields

FloatArray = npt.NDArray[np.float64]


class SurrogateDiffusion(Process):  # type: ignore[misc]
    """Steady fields of substrates under decay, cells that take up and secrete, and vessels, each with its bound.

    Its config is that of `Settings`. At each update it reads cells and vessels and writes the fields that are steady
    for them. The interval only says how often; rates are per minute, whatever the composite's time is counted in.

    Inputs: ``fields``, ``cells`` and ``vessels``. Outputs: ``fields``, as deltas; ``bound`` and ``method`` by
    substrate; ``sampled``, what each cell has around it.

    Attributes
    ----------
    history : list of HistoryEntry
        One a field solved for, with the composite's time.

    Raises
    ------
    InvalidProblemError
        If the config has a setting that is missing, unknown or out of its range.

    Examples
    --------
    >>> from process_bigraph import allocate_core
    >>> oxygen = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.38}
    >>> config = {"shape": [8, 16], "spacing_um": 20.0, "substrates": {"oxygen": oxygen}}
    >>> process = SurrogateDiffusion(config, core=allocate_core())
    >>> vessel = {"position_um": [100.0, 80.0], "radius_um": 10.0, "value": {"oxygen": 38.0}}
    >>> update = process.update({"fields": {"oxygen": np.zeros((8, 16))}, "cells": {}, "vessels": {"v": vessel}}, 1.0)
    >>> float(update["fields"]["oxygen"].max()), bool(update["bound"]["oxygen"] <= 0.38)
    (38.0, True)
    """

    config_schema = CONFIG_SCHEMA
    description = (
        "Steady fields of D lap(c) - (k + sum u V / V_voxel) c + p = 0 on a lattice, c held in vessels and fixed "
        "voxels, each with a bound on its largest pointwise error."
    )

    def __init__(self, config: dict[str, Any] | None = None, core: Any = None) -> None:
        # Read before the host fills it in, which would leave unknown keys out without a word.
        self._settings = Settings(**{key: value for key, value in (config or {}).items() if value is not None})
        super().__init__(config, core)

    def initialize(self, config: dict[str, Any]) -> None:
        """One backend a substrate, over one engine."""
        settings = self._settings
        self.names = tuple(settings.substrates)
        self._domain = settings.domain
        self._voxels = {name: settings.voxels(name) for name in self.names}
        self._fields = SteadyFields({name: settings.backend_config(name) for name in self.names}, settings.record)
        self._time = 0.0

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._fields.history

    def backend(self, substrate: str) -> sp.Backend:
        """The backend of a substrate, with its records."""
        return self._fields.backends[substrate]

    def inputs(self) -> dict[str, Any]:
        """Fields, cells and vessels, in the host's types."""
        return {
            "fields": self._field_types(),
            "cells": self._cell_types(),
            "vessels": {"_type": "map", "_value": _VESSEL},
        }

    def outputs(self) -> dict[str, Any]:
        """Deltas of the fields; all else replaces what was there."""
        arrays = dict.fromkeys(self.names, "overwrite[array]")
        return {
            "fields": self._field_types(),
            "bound": dict.fromkeys(self.names, "overwrite[float]"),
            "method": dict.fromkeys(self.names, "overwrite[string]"),
            "sampled": arrays if self._settings.cells == "arrays" else "overwrite[map[map[float]]]",
        }

    def update(self, state: dict[str, Any], interval: float) -> dict[str, Any]:
        """The steady fields of the cells and vessels in ``state``, as deltas, and what goes with them."""
        read = CellTable.of_arrays if self._settings.cells == "arrays" else CellTable.of_map
        table = read(state["cells"], self.names)
        result = {name: self._solve(name, table, state["vessels"]) for name in self.names}
        self._time += interval
        return {
            "fields": {name: result[name].field - self._checked(name, state["fields"][name]) for name in self.names},
            "bound": {name: result[name].record.bound for name in self.names},
            "method": {name: self._fields.method(name) for name in self.names},
            "sampled": self._sampled(table, result),
        }

    def _solve(self, name: str, table: CellTable, vessels: dict[str, Any]) -> sp.StepResult:
        state = sp.TissueState(cells=table.cells(name), vessels=vessels_of(vessels, name), voxels=self._voxels[name])
        return self._fields.solve(name, state, self._time)

    def _sampled(self, table: CellTable, result: dict[str, sp.StepResult]) -> dict[str, Any]:
        value = {name: self._seen(table.position_um, result[name]) for name in self.names}
        if self._settings.cells == "arrays":
            return value
        return {key: {name: float(value[name][k]) for name in self.names} for k, key in enumerate(table.ids)}

    def _seen(self, position_um: FloatArray, result: sp.StepResult) -> FloatArray:
        if self._settings.deposit == "area":
            return result.sample(position_um)
        pixel = np.floor((position_um - self._domain.origin_um) / self._domain.spacing_um).astype(np.int64)
        column, row = np.clip(pixel, 0, np.array(self._domain.shape[::-1]) - 1).T
        return np.asarray(result.field[row, column])

    def _checked(self, name: str, field: Any) -> FloatArray:
        """The field as the composite has it, which the delta is taken from."""
        array = np.asarray(field, dtype=np.float64)
        if array.shape != self._domain.shape:
            raise sp.InvalidProblemError(
                f"fields.{name} has shape {array.shape}; that of the lattice, {self._domain.shape}, is allowed."
            )
        if not np.isfinite(array).all():
            raise sp.InvalidProblemError(f"fields.{name} holds a value that is not finite; something else wrote it.")
        return array

    def _field_types(self) -> dict[str, Any]:
        return {name: {"_type": "array", "_shape": self._domain.shape, "_data": "float64"} for name in self.names}

    def _cell_types(self) -> dict[str, Any]:
        if self._settings.cells == "arrays":
            rates = {rate: dict.fromkeys(self.names, "array") for rate in RATES}
            return {"position_um": "array", "volume_um3": "array", **rates}
        each = {"position_um": "list[float]", "volume_um3": "float", **dict.fromkeys(RATES, "map[float]")}
        return {"_type": "map", "_value": each}


_VESSEL = {"position_um": "list[float]", "end_um": "maybe[list[float]]", "radius_um": "float", "value": "map[float]"}
