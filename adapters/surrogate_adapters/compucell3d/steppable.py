"""`SurrogateDiffusion`: the steppable that keeps fields at the steady state of the present cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, Positive
from surrogate_adapters.compucell3d.fields import Field, LatticeField
from surrogate_adapters.compucell3d.lattice import dimensions_of, domain_of, is_count, periodic_of, square_lattice_of
from surrogate_adapters.compucell3d.sharing import make_concentration_field, make_map
from surrogate_adapters.compucell3d.substrate import Substrate
from surrogate_adapters.compucell3d.tissue import Tissue, check_types, needs_ids
from surrogate_adapters.options import names_of, tolerances
from surrogate_adapters.steady_fields import HistoryEntry, SteadyFields

try:
    from cc3d.core.PySteppables import SteppableBasePy
except ModuleNotFoundError:  # read without the host, for its documentation; it cannot be made then
    SteppableBasePy = object

#: What the host's maps of its cells are called; the Player lists them with the other fields.
_TYPE_MAP, _ID_MAP = "surrogate_cell_type", "surrogate_cell_id"


class Units(Checked):
    """How long a pixel and a Monte Carlo step are."""

    owner = "SurrogateDiffusion"

    um_per_pixel: Positive
    minutes_per_mcs: Positive


class SurrogateDiffusion(SteppableBasePy):  # type: ignore[misc]
    """A CompuCell3D steppable whose fields are the certified steady ones of the present cells.

    It makes the fields itself, before the host's plugins look for theirs, so that chemotaxis, secretion and
    ``self.field`` find them by name; no solver of the host's XML may have a field of the same name. They are solved for
    in ``start`` and at each ``step``, after the host has moved its cells, and held while no cell has changed.

    Parameters
    ----------
    fields : mapping of name to Field or LatticeField
    um_per_pixel : float, um
    minutes_per_mcs : float, min
    substrates : sequence of str, optional
        Which of the fields to answer for; all if not given.
    tolerance : float or mapping of name to float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest value imposed.
    shape : (int, int), optional
        Solve on (rows, columns) instead of the host's lattice, and average both ways. The bound is then that of the
        other lattice's field.
    coarsen : int, optional
        Solve on pixels this many times as wide; instead of ``shape``.
    model, method, policy, device : str
        As in `surrogate_plugin.BackendConfig`.
    record : str or Path, optional
        Where to record the states solved for, see `surrogate_plugin.Recorder`.
    frequency : int, MCS
        Step every so many Monte Carlo steps.

    Attributes
    ----------
    history : list of HistoryEntry
        One a field solved for: the MCS (-1 at the start), who answered, the bound, why, and how long it was held.

    Raises
    ------
    InvalidProblemError
        If an option is not allowed; for cell types and lattices when the host starts.
    UnsupportedProblemError
        If the lattice is hexagonal or not (x, y, 1), or the host has a field of this name already.
    ModuleNotFoundError
        If CompuCell3D is not installed.

    Notes
    -----
    The host keeps its fields in float32: what it reads is off the field solved for by up to 6e-8 of each value.
    """

    def __init__(
        self,
        fields: Mapping[str, Field | LatticeField],
        *,
        um_per_pixel: float,
        minutes_per_mcs: float,
        substrates: Sequence[str] | None = None,
        tolerance: float | Mapping[str, float] | None = None,
        shape: tuple[int, int] | None = None,
        coarsen: int | None = None,
        model: str = "default",
        method: str = "guarded",
        policy: str = "fastest",
        device: str = "auto",
        record: str | Path | None = None,
        frequency: int = 1,
    ) -> None:
        if SteppableBasePy is object:
            raise ModuleNotFoundError("SurrogateDiffusion runs in CompuCell3D (cc3d), which is not installed here.")
        if not is_count(frequency):
            raise sp.InvalidProblemError(f"frequency is {frequency!r}; a whole number of MCS >= 1 is allowed.")
        super().__init__(frequency=frequency)
        units = Units(um_per_pixel=um_per_pixel, minutes_per_mcs=minutes_per_mcs)
        names = names_of(substrates, list(fields))
        self._described = {name: _physical(name, fields[name], units) for name in names}
        self._um_per_pixel = units.um_per_pixel
        self._other_lattice = shape, coarsen
        self._options = {"model": model, "method": method, "policy": policy, "device": device}
        self._tolerances = tolerances(tolerance, names)
        self._record = record
        self._substrates: dict[str, Substrate] = {}
        self._results: dict[str, sp.StepResult] = {}
        self._shared: dict[str, npt.NDArray[np.float32]] = {}
        self._maps: dict[str, npt.NDArray[Any]] = {}

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._steady.history if self._substrates else []

    def core_init(self, reinitialize_cell_types: bool = True) -> None:
        """Make the fields; called by the host once it has its lattice, and again when that changes."""
        super().core_init(reinitialize_cell_types)
        if self._substrates:
            return
        lattice = square_lattice_of(self)
        domain = domain_of(lattice, self._um_per_pixel, *self._other_lattice)
        for name, field in self._described.items():
            check_types(name, field, self.cell_type.get_data())
            self._substrates[name] = Substrate(name, field, domain, lattice)
        periodic = periodic_of(self.potts)
        configs = {
            name: substrate.config(periodic, self._options | {"tolerance": self._tolerances[name]})
            for name, substrate in self._substrates.items()
        }
        self._steady = SteadyFields(configs, self._record)
        self._maps["type"] = make_map(self.simulator, _TYPE_MAP, "uint8")
        if needs_ids(self._described.values()):
            self._maps["id"] = make_map(self.simulator, _ID_MAP, "int32")
        self._shared = {name: make_concentration_field(self.simulator, name) for name in self._substrates}
        # The host makes every steppable anew when it resizes its lattice, by this call.
        self.__init__ = self._refuse_another_lattice  # type: ignore[misc]

    def start(self) -> None:
        """Solve for the fields, so that they are there before the first Monte Carlo step."""
        self._answer(-1)

    def step(self, mcs: int) -> None:
        """Solve for the fields of the cells as they are after this Monte Carlo step, or hold them."""
        self._answer(mcs)

    def finish(self) -> None:
        """Let go of the host's memory, which goes with the simulation."""
        self._shared, self._maps = {}, {}

    def on_stop(self) -> None:
        """As `finish`, when the user stops the simulation."""
        self.finish()

    def backend(self, name: str) -> sp.Backend:
        """The backend of a field, with its records and settings; made when the host starts."""
        known = self._known(name)
        if not self._substrates:
            raise RuntimeError("the fields are made when the host starts: CompuCellSetup.run() comes first.")
        return self._steady.backends[known]

    def result(self, name: str) -> sp.StepResult | None:
        """The last field of a name in float64, on the lattice solved on; None before the host has started."""
        return self._results.get(self._known(name))

    def problem(self, name: str) -> sp.Problem:
        """The discrete problem of the host's present state, to look at or to audit with another method."""
        return self.backend(name).problem(self._substrates[name].state(self._tissue()))

    def _answer(self, mcs: int) -> None:
        tissue = self._tissue()
        for name, substrate in self._substrates.items():
            result = self._steady.solve(name, substrate.state(tissue), mcs)
            self._results[name] = result
            # Written when held too: a plugin of the host may have added to it.
            self._shared[name][...] = substrate.on_lattice(result.field, tissue)

    def _tissue(self) -> Tissue:
        if dimensions_of(self) != (*self._lattice()[::-1], 1):
            self._refuse_another_lattice()
        self.copy_cell_attribute_field_values_to(_TYPE_MAP, "type")
        if "id" in self._maps:
            self.copy_cell_attribute_field_values_to(_ID_MAP, "id")
        return Tissue(self._maps["type"], self._maps.get("id"), self.cell_list, self.cell_type.get_data())

    def _refuse_another_lattice(self, *_: object) -> NoReturn:
        made, now = (*self._lattice()[::-1], 1), dimensions_of(self)
        raise sp.UnsupportedProblemError(f"the lattice was resized to {now}; fields keep the size {made} they have.")

    def _lattice(self) -> tuple[int, int]:
        return next(iter(self._substrates.values())).lattice

    def _known(self, name: str) -> str:
        if name not in self._described:
            raise sp.UnsupportedProblemError(
                f"field {name!r} is not answered for; those that are: {', '.join(self._described)}."
            )
        return name


def _physical(name: str, field: Field | LatticeField, units: Units) -> Field:
    if isinstance(field, LatticeField):
        return field.physical(units.um_per_pixel, units.minutes_per_mcs)
    if not isinstance(field, Field):
        raise sp.InvalidProblemError(f"field {name!r} is {field!r}; a Field or a LatticeField is allowed.")
    return field
