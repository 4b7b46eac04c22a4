"""What the process and the step share: the ports, the fields solved for, and what is told about them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.notices import Notices
from surrogate_adapters.options import names_of
from surrogate_adapters.process_bigraph.reading import OWN, RATES, CellTable, Names, vessels_of
from surrogate_adapters.process_bigraph.settings import CONFIG_SCHEMA, Settings, with_file, without_units
from surrogate_adapters.process_bigraph.watching import Watch
from surrogate_adapters.slopes import slopes_of
from surrogate_adapters.steady_fields import HistoryEntry, SteadyFields

FloatArray = npt.NDArray[np.float64]


class Answering:
    """Fields of substrates under decay, cells that take up and secrete, and vessels, each with its bound.

    To be inherited before the host's ``Process`` or ``Step``.
    """

    config_schema = CONFIG_SCHEMA
    description = (
        "Steady fields of D lap(c) - (k + sum u V / V_voxel) c + p = 0 on a lattice, c held in vessels and fixed "
        "voxels, each with a bound on its largest pointwise error."
    )

    def __init__(self, config: dict[str, Any] | None = None, core: Any = None) -> None:
        # Read before the host fills it in, which would leave unknown keys out without a word.
        given = without_units({key: value for key, value in (config or {}).items() if value is not None})
        # With what the file says, so that a document that the host saves does not depend on it.
        whole = with_file(given)
        self._settings = Settings(**whole)
        super().__init__(whole, core)  # type: ignore[call-arg]

    def initialize(self, config: dict[str, Any]) -> None:
        """One backend a substrate, over one engine."""
        settings = self._settings
        self.names = tuple(settings.substrates)
        self.notices = Notices()
        self._known = Names(self.names, settings.elsewhere)
        self._domain = settings.domain
        self._climbed = names_of(settings.gradients, self.names) if settings.gradients else []
        self._voxels = {name: settings.voxels(name) for name in self.names}
        configs = {name: settings.backend_config(name) for name in self.names}
        self._fields = SteadyFields(configs, settings.record, report=settings.report, host="process-bigraph")
        self._watch = Watch(self._fields, self.notices)

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._fields.history

    def backend(self, substrate: str) -> sp.Backend:
        """The backend of a substrate, with its records."""
        return self._fields.backends[substrate]

    def inputs(self) -> dict[str, Any]:
        """Fields, cells, vessels and sources, in the host's types; all but the fields need not be wired."""
        return {
            "fields": self._field_types(),
            "cells": self._cell_types(),
            "vessels": {"_type": "map", "_value": _VESSEL},
            "sources": self._field_types(),
        }

    def outputs(self) -> dict[str, Any]:
        """Deltas of the fields; all else replaces what was there."""
        in_arrays = self._settings.cells == "arrays"
        arrays = dict.fromkeys(self.names, "overwrite[array]")
        slopes: dict[str, Any] = {}
        if self._climbed:
            each = dict.fromkeys(self._climbed, "overwrite[array]")
            slopes["gradient"] = each if in_arrays else "overwrite[map[map[list[float]]]]"
            slopes["gradient_bound"] = dict.fromkeys(self._climbed, "overwrite[float]")
        return {
            "fields": self._field_types(),
            "bound": dict.fromkeys(self.names, "overwrite[float]"),
            "excess": dict.fromkeys(self.names, "overwrite[float]"),
            "method": dict.fromkeys(self.names, "overwrite[string]"),
            "sampled": arrays if in_arrays else "overwrite[map[map[float]]]",
            **slopes,
        }

    def answer(
        self, state: dict[str, Any], time: float, step_min: float | None, *, late: bool, ends: float
    ) -> dict[str, Any]:
        """The fields of the cells and vessels in ``state``, as deltas, and what goes with them.

        Parameters
        ----------
        state : dict
            What the host hands over.
        time : float
            The composite's.
        step_min : float, min, optional
            How long the composite goes on with these fields, or what goes on in time has gone on; None if no time is
            known to have passed.
        late : bool
            Whether cells have read the fields of the step before until now.
        ends : float
            The composite's time once fields have gone on by ``step_min``.
        """
        read = CellTable.of_arrays if self._settings.cells == "arrays" else CellTable.of_map
        table = read(state.get("cells") or {}, self._known)
        vessels = vessels_of(state.get("vessels") or {}, self._known)
        deltas, sampled = {}, {}

        def tissue_of(name: str) -> sp.TissueState:
            cells = table.cells(name, self._domain.voxel_volume_um3)
            return sp.TissueState(cells, vessels[name], self._place(name, state))

        made = self._fields.solve_ahead(self.names, tissue_of)
        for name in self.names:
            there = self._checked(name, (state.get("fields") or {}).get(name))
            tissue = made[name] if name in made else tissue_of(name)
            if self._fields.is_stepping(name):
                field = self._gone_on(name, tissue, there, step_min, ends)
                sampled[name] = self._seen(name, table.position_um, field)
            else:
                self._watch.writes(name, there)
                field = self._fields.solve(name, tissue, time).field
                sampled[name] = self._seen(name, table.position_um, field)
                self._watch.left(name, field, tissue, step_min)
                if late:
                    self._watch.misreading(name, table.ids, sampled[name])
            deltas[name] = field - there
        told = {name: self._told(name) for name in self.names}
        return {
            "fields": deltas,
            **{port: {name: each[port] for name, each in told.items()} for port in ("bound", "excess", "method")},
            "sampled": self._by_cell(table, sampled),
            **self._slopes(table, {name: deltas[name] + state["fields"][name] for name in self._climbed}),
        }

    def _slopes(self, table: CellTable, fields: dict[str, FloatArray]) -> dict[str, Any]:
        """The slopes of some fields where cells are, (x, y) each, and how far they may be off."""
        seen, bounds = {}, {}
        for name, field in fields.items():
            result = self._fields.result(name)
            found, bounds[name] = (np.zeros((2, *field.shape)), 0.0)
            if result is not None:
                found, bounds[name] = slopes_of(result.solution, field)
            seen[name] = np.column_stack([self._seen(name, table.position_um, each) for each in found])
        if not fields:
            return {}
        if self._settings.cells == "arrays":
            return {"gradient": seen, "gradient_bound": bounds}
        by_cell = {key: {name: each[k].tolist() for name, each in seen.items()} for k, key in enumerate(table.ids)}
        return {"gradient": by_cell, "gradient_bound": bounds}

    def _gone_on(
        self, name: str, tissue: sp.TissueState, there: FloatArray, step_min: float | None, ends: float
    ) -> FloatArray:
        """Where a field that the document holds has come to; itself, if no time has passed."""
        return there if step_min is None else self._fields.step(name, tissue, ends, step_min, field=there).field

    def _told(self, name: str) -> dict[str, Any]:
        """What is known of the field of a substrate; one that has not gone on yet is the document's own."""
        if self._fields.result(name) is None:
            return {"bound": 0.0, "excess": 0.0, "method": "initial"}
        entry = self._fields.latest(name)
        return {"bound": entry.bound, "excess": entry.excess, "method": entry.method}

    def _place(self, name: str, state: dict[str, Any]) -> sp.Voxels | None:
        """What voxels hold, and what they make wherever cells are."""
        held, sources = self._voxels[name], (state.get("sources") or {}).get(name)
        made = np.asarray(0.0 if sources is None else sources, dtype=np.float64)
        if not made.any():
            return held
        if made.shape != self._domain.shape:
            raise sp.InvalidProblemError(
                f"sources.{name} has shape {made.shape}; that of the lattice, {self._domain.shape}, is allowed."
            )
        there = sp.Voxels() if held is None else held
        return sp.Voxels(there.fixed, there.value, production_per_min=made, membranes=there.membranes)

    def _by_cell(self, table: CellTable, sampled: dict[str, FloatArray]) -> dict[str, Any]:
        if self._settings.cells == "arrays":
            return dict(sampled)
        return {key: {name: float(sampled[name][k]) for name in self.names} for k, key in enumerate(table.ids)}

    def _seen(self, name: str, position_um: FloatArray, field: FloatArray) -> FloatArray:
        sides = sp.Boundary.parse(self.backend(name).config.boundary)
        if self._settings.deposit == "area":
            outside: Literal["error", "clamp"] = "error" if self._settings.outside == "error" else "clamp"
            result = self._fields.result(name)
            around = None if result is None else result.solution.around  # what a flux or an exchange makes outside
            return self._domain.sample(field, position_um, boundary=sides, outside=outside, around=around)
        x, y = self._domain.nearest(*self._domain.pixels(position_um), sides)
        rows, columns = self._domain.shape
        column, row = np.minimum(x.astype(np.int64), columns - 1), np.minimum(y.astype(np.int64), rows - 1)
        return np.asarray(field[row, column])

    def _checked(self, name: str, field: Any) -> FloatArray:
        """The field as the composite has it, which the delta is taken from."""
        if field is None:
            raise sp.InvalidProblemError(
                f"fields.{name} is not there; a wire of the input port 'fields' to the store that the output port "
                "'fields' writes is needed, since what is written is added to it."
            )
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
            rates = {rate: dict.fromkeys(self.names, "array") for rate in (*RATES, *OWN)}
            return {"position_um": "array", "volume_um3": "array", **rates}
        each = {"position_um": _PLACE, "volume_um3": _NUMBER, **dict.fromkeys((*RATES, *OWN), "map[float]")}
        return {"_type": "map", "_value": each}


#: Where a key is left out the host would fill in the value of another cell or vessel, unless it may be missing.
_PLACE, _NUMBER = "maybe[list[float]]", "maybe[float]"
_VESSEL = {
    "position_um": _PLACE,
    "end_um": _PLACE,
    "radius_um": _NUMBER,
    "value": "map[float]",
    "permeability_um_per_min": "map[float]",
}
