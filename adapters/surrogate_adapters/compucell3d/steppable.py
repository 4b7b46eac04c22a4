"""`SurrogateDiffusion`: the steppable that keeps fields at the steady state of the present cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Unpack

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, Positive
from surrogate_adapters.compucell3d.beforehand import register
from surrogate_adapters.compucell3d.chemotaxis import climbed
from surrogate_adapters.compucell3d.fields import Field, LatticeField
from surrogate_adapters.compucell3d.lattice import (
    dimensions_of,
    domain_of,
    first_mcs,
    is_count,
    periodic_of,
    square_lattice_of,
)
from surrogate_adapters.compucell3d.sharing import make_concentration_field, make_map
from surrogate_adapters.compucell3d.substrate import Substrate
from surrogate_adapters.compucell3d.tissue import Tissue, check_types, entries_of, needs_ids
from surrogate_adapters.compucell3d.upkeep import Upkeep
from surrogate_adapters.notices import Notices
from surrogate_adapters.options import Chosen, Given, takes_options
from surrogate_adapters.steady_fields import HistoryEntry

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
    """A CompuCell3D steppable whose fields are the certified steady ones of the present cells, or go on in time.

    It makes the fields itself, before the host's plugins look for theirs, so that chemotaxis, secretion and
    ``self.field`` find them by name; no solver of the host's XML may have a field of the same name. They are solved for
    in ``start`` and at each ``step``, after the host has moved its cells, and held while no cell has changed. Before
    each Monte Carlo step comes another look: what steppables that run after this one have changed in the meantime
    (deaths, divisions, types, rates, values written into the field) is seen before the cells move.

    Parameters
    ----------
    fields : mapping of name to Field or LatticeField
    um_per_pixel : float, um
    minutes_per_mcs : float, min
    substrates : sequence of str, optional
        Which of the fields to answer for; all if not given.
    tolerance : float or mapping of name to float, field units, optional
        Largest pointwise error allowed in the solve; by default 1 % of the largest value imposed, and 0.1 % of that
        at the start where the XML's Chemotaxis plugin has the field, since cells feel its slopes.
    shape : (int, int), optional
        Solve on (rows, columns) instead of the host's lattice: rates are averaged, and the field comes back as a
        smooth one. The tolerance is then that of the other lattice's field. Fields with membranes or diffusivities by
        type, and those that go on in time, stay on the host's own.
    coarsen : int, optional
        Solve on pixels this many times as wide; instead of ``shape``.
    model, method, policy, device : str, optional
        As in `surrogate_plugin.BackendConfig`.
    record : str or Path, optional
        Where to record the states solved for, see `surrogate_plugin.Recorder`.
    report : str or Path, optional
        Where to write the page of the run, such as ``"run.html"``: one for all fields, see `RunReport`.
    frequency : int, MCS
        Step every so many Monte Carlo steps.
    stepping : "steady", "implicit-euler" or mapping of name to these, optional
        Whether a field is at rest with the cells after each step, or goes on in time from what it holds, whatever
        plugins and steppables have written there, by the MCS that have passed; it is then solved for on the host's own
        lattice. Those that a mapping leaves out are steady.
    time_tolerance : float or mapping of name to float, field units, optional
        The largest error that a step in time may be estimated to make by being so long; it is then taken in parts.
    settings : str, Path or SettingsFile, optional
        A settings file, ``"surrogate.toml"``, which says what is not said here: see `surrogate_plugin.load_settings`.

    Attributes
    ----------
    history : list of HistoryEntry
        One a field solved for: the MCS (-1 at the start), who answered, the bound, why, and how long it was held.
        The bound covers the steady field of the cells that were solved for, on the host's own lattice, as it is left
        in the host's memory: rounded to float32, and brought back from another lattice if one was solved on. ``excess``
        is how far the field that cells read just before was off this one, because they have moved or changed since.
    notices : Notices
        What the user was told, and how often: ``"not quasi-steady"``, ``"nothing supplies it"``, ``"written from
        outside"``.

    Raises
    ------
    InvalidProblemError
        If an option is not allowed; for cell types and lattices when the host starts.
    UnsupportedProblemError
        If the lattice is hexagonal or not (x, y, 1), or the host has a field of this name already.
    ModuleNotFoundError
        If CompuCell3D is not installed.

    Warns
    -----
    PromiseWarning
        The first time of each notice; at the end of the run their counts are printed.
    """

    @takes_options
    def __init__(
        self,
        fields: Mapping[str, Field | LatticeField],
        *,
        um_per_pixel: float,
        minutes_per_mcs: float,
        substrates: Sequence[str] | None = None,
        shape: tuple[int, int] | None = None,
        coarsen: int | None = None,
        frequency: int = 1,
        **options: Unpack[Given],
    ) -> None:
        if SteppableBasePy is object:
            raise ModuleNotFoundError("SurrogateDiffusion runs in CompuCell3D (cc3d), which is not installed here.")
        if not is_count(frequency):
            raise sp.InvalidProblemError(f"frequency is {frequency!r}; a whole number of MCS >= 1 is allowed.")
        super().__init__(frequency=frequency)
        self._units = Units(um_per_pixel=um_per_pixel, minutes_per_mcs=minutes_per_mcs)
        chosen = Chosen.of(
            "compucell3d", list(fields), options, substrates=substrates, called="SurrogateDiffusion.__init__"
        )
        self._record, self._report = chosen.record, chosen.report
        self._given = {name: _described(name, fields[name]) for name in chosen.names}
        self._other_lattice = shape, coarsen
        self._settings = chosen.settings
        self._upkeep: Upkeep | None = None
        self._maps: dict[str, npt.NDArray[Any]] = {}
        self.notices = Notices()

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return [] if self._upkeep is None else self._upkeep.steady.history

    def core_init(self, reinitialize_cell_types: bool = True) -> None:
        """Make the fields; called by the host once it has its lattice, and again when that changes."""
        super().core_init(reinitialize_cell_types)
        if self._upkeep is not None:
            return
        self._lattice = square_lattice_of(self)
        self._make_maps()
        substrates = {name: self._substrate(name) for name in self._given}
        self._upkeep = Upkeep(
            substrates,
            lambda name: make_concentration_field(self.simulator, name),
            settings=self._settings,
            climbed=climbed(),
            minutes_per_mcs=self._units.minutes_per_mcs,
            every=self.frequency,
            first=first_mcs(),
            notices=self.notices,
            record=self._record,
            report=self._report,
        )
        register(lambda mcs: self._kept().catch_up(self._tissue, mcs))
        # The host makes every steppable anew when it resizes its lattice, by this call.
        self.__init__ = self._refuse_another_lattice  # type: ignore[misc]

    def start(self) -> None:
        """Solve for the fields, so that they are there before the first Monte Carlo step."""
        self._kept().step(self._tissue(), -1)

    def step(self, mcs: int) -> None:
        """Solve for the fields of the cells as they are after this Monte Carlo step, or hold them."""
        self._kept().step(self._tissue(), mcs)

    def finish(self) -> None:
        """Print how often what was told, and let go of the host's memory, which goes with the simulation."""
        for sentence in self.notices.summary() if self._maps else ():
            print(f"SurrogateDiffusion: {sentence}")
        if self._upkeep is not None:
            self._upkeep.let_go()
            self._upkeep.steady.finish()
        self._maps = {}

    def on_stop(self) -> None:
        """As `finish`, when the user stops the simulation."""
        self.finish()

    def change(self, name: str, **options: Any) -> None:
        """Give a field other options, in mid run too: sides, decay, diffusivity, rates and values by type.

        Parameters
        ----------
        name : str
        **options
            Of its `Field` or `LatticeField`, in whose units they are; the others stay. They hold from the next solve
            on, which is at the latest before the cells move again.

        Raises
        ------
        InvalidProblemError
            If an option is not allowed; the field is left as it was.
        """
        before = self._given[self._known(name)]
        self._given[name] = before.changed(**options)
        if self._upkeep is None:
            return
        try:
            self._upkeep.change(name, self._substrate(name))
        except ValueError:
            self._given[name] = before
            raise
        self._make_maps()

    def refresh(self) -> None:
        """Solve at once for what has changed, for who changes cells and reads the field in the same MCS."""
        self._kept().refresh(self._tissue())

    def backend(self, name: str) -> sp.Backend:
        """The backend of a field, with its records and settings; made when the host starts."""
        return self._kept().steady.backends[self._known(name)]

    def result(self, name: str) -> sp.StepResult | None:
        """The last field of a name in float64, on the lattice solved on; None before the host has started."""
        known = self._known(name)
        return None if self._upkeep is None else self._upkeep.results.get(known)

    def gradient(self, name: str) -> npt.NDArray[np.float64]:
        """The slopes of what is in the host's memory: centred differences along x and along y.

        Returns
        -------
        (2, x, y) float64, field units / um
            On the host's lattice, whatever lattice was solved on; each within `gradient_bound` of that of the steady
            field, or of that which implicit steps of this length come to.
        """
        kept = self._kept()
        return kept.gradient(self._known(name)).transpose(0, 2, 1)

    def gradient_bound(self, name: str) -> float:
        """At least how far any slope of `gradient` is off, field units / um: a difference of two values that are."""
        return self._kept().steady.latest(self._known(name)).bound / self._units.um_per_pixel

    def problem(self, name: str) -> sp.Problem:
        """The discrete problem of the host's present state, to look at or to audit with another method."""
        backend, substrate = self.backend(name), self._kept().substrates[name]
        return backend.problem(substrate.solved_on(substrate.state(self._tissue())))

    def _kept(self) -> Upkeep:
        if self._upkeep is None:
            raise RuntimeError("the fields are made when the host starts: CompuCellSetup.run() comes first.")
        return self._upkeep

    def _substrate(self, name: str) -> Substrate:
        given, units = self._given[name], self._units
        elsewhere = self._settings[name].steady and not given.conducts()
        solved_on = self._other_lattice if elsewhere else ()
        check_types(name, given, self.cell_type.get_data())
        return Substrate(
            name,
            given if isinstance(given, Field) else given.physical(units.um_per_pixel, units.minutes_per_mcs),
            domain_of(self._lattice, units.um_per_pixel, *solved_on),
            domain_of(self._lattice, units.um_per_pixel),
            periodic_of(self.potts),
            per="min" if isinstance(given, Field) else "mcs",
        )

    def _make_maps(self) -> None:
        """The host's maps of what has to be read of its cells."""
        self._maps["type"] = make_map(self.simulator, _TYPE_MAP, "uint8")
        if needs_ids(self._given.values()):
            self._maps["id"] = make_map(self.simulator, _ID_MAP, "int32")

    def _tissue(self) -> Tissue:
        if dimensions_of(self) != (*self._lattice[::-1], 1):
            self._refuse_another_lattice()
        self.copy_cell_attribute_field_values_to(_TYPE_MAP, "type")
        if "id" in self._maps:
            self.copy_cell_attribute_field_values_to(_ID_MAP, "id")
        type_ids = self.cell_type.get_data()
        # Copies: the next look fills the same maps, and what was is compared with what is.
        types, ids = self._maps["type"].copy(), self._maps["id"].copy() if "id" in self._maps else None
        entries = entries_of(self.cell_list, self._given.values(), type_ids)
        return Tissue(types, ids, entries, type_ids, periodic_of(self.potts))

    def _refuse_another_lattice(self, *_: object) -> NoReturn:
        made, now = (*self._lattice[::-1], 1), dimensions_of(self)
        raise sp.UnsupportedProblemError(f"the lattice was resized to {now}; fields keep the size {made} they have.")

    def _known(self, name: str) -> str:
        if name not in self._given:
            raise sp.UnsupportedProblemError(
                f"field {name!r} is not answered for; those that are: {', '.join(self._given)}."
            )
        return name


def _described(name: str, field: Field | LatticeField) -> Field | LatticeField:
    if not isinstance(field, Field | LatticeField):
        raise sp.InvalidProblemError(f"field {name!r} is {field!r}; a Field or a LatticeField is allowed.")
    return field
