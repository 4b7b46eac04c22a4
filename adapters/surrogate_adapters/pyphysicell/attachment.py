"""`attach` a pyphysicell simulation to the backend, and give it back untouched."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack, get_args

import surrogate_plugin as sp
from surrogate_adapters.notices import Notices
from surrogate_adapters.options import Chosen, Given, takes_options
from surrogate_adapters.pyphysicell import facts, gradients, uptake
from surrogate_adapters.pyphysicell.asked import Asked
from surrogate_adapters.pyphysicell.in_time import InTime
from surrogate_adapters.pyphysicell.loop import Loop, Since
from surrogate_adapters.pyphysicell.medium import Medium
from surrogate_adapters.pyphysicell.side_by_side import refuse_shared_threads
from surrogate_adapters.pyphysicell.upkeep import FloatArray, Refresh, Upkeep
from surrogate_adapters.steady_fields import HistoryEntry, SteadyFields


@takes_options
def attach(
    simulation: Any,
    *,
    substrates: Sequence[str] | None = None,
    refresh: Refresh | None = None,
    move_limit_um: float | None = None,
    media: Mapping[str, Medium] | None = None,
    **options: Unpack[Given],
) -> Attachment:
    """Let the backend answer for some substrates of a pyphysicell simulation.

    From the next call of its microenvironment's step on, these substrates hold the steady field of the present cells
    and Dirichlet nodes. It is solved for before each phenotype step, so that cells decide on a fresh field, and, if
    anybody reads it in between, when cells were born, died, changed their rates or volumes or came into another voxel,
    or when Dirichlet nodes changed; otherwise it is held. All other substrates, and all that the host does with cells,
    are left to the host. Lattice, coefficients and Dirichlet nodes are read from the host; its outer faces let nothing
    through. Uptake counts once, internalised totals keep counting, and gradients are those of the field.

    What a steady field cannot follow is told as a `PromiseWarning`, once a kind and substrate: substrates slower than a
    phenotype step, fields that others write into, nodes that change.

    Parameters
    ----------
    simulation : pyphysicell.Simulation
        With one layer of voxels.
    substrates : sequence of str, optional
        The substrates to answer for; all if not given. Those that do not diffuse have no steady field and stay with
        the host.
    tolerance : float or mapping of substrate to float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest value that a Dirichlet node holds, or of the
        last field where none does, and 0.1 % where a cell type climbs the substrate or a rule reads its gradient.
    model, method, policy, device : str, optional
        As in `BackendConfig`.
    stepping : "steady", "implicit-euler" or mapping of substrate to these, optional
        Whether a substrate's field is the steady one, or goes on in time from the host's initial condition, by a step
        before each phenotype step or, with ``refresh="mechanics"``, each mechanics step; those a mapping leaves out are
        steady. See the guide for what cells and your own code do to it in between.
    time_tolerance : float or mapping of substrate to float, field units, optional
        The largest error that a step in time may be estimated to make by being so long; it is taken in parts then.
    refresh : "changes", "phenotype" or "mechanics", optional
        When to solve anew: by default whenever something changed; "phenotype" solves once, before each phenotype step,
        whatever cells do in between, and "mechanics" before each mechanics step too.
    move_limit_um : float, um, optional
        How far a cell may move between phenotype steps before the field is solved for anew. If not given, it is
        whenever a cell with any rate of the substrate comes into another voxel; within one nothing changes.
    media : mapping of substrate to Medium, optional
        What types of cells, cells, places and sides do to a substrate beyond what the host can say: see `Medium`.
    record : str or Path, optional
        Where to record the states solved for, see `Recorder`: a store, or with several substrates a folder with a store
        for each, under its name. An earlier recording of the same lattice is gone on with.
    report : str or Path, optional
        Where to write the page of the run, such as ``"run.html"``: one for all substrates, see `RunReport`.
    settings : str, Path or SettingsFile, optional
        A settings file, ``"surrogate.toml"``, which says what is not said here: see `load_settings`.

    Returns
    -------
    Attachment
        ``.detach()`` gives the host back, ``.history`` lists the fields. Also a context manager.

    Raises
    ------
    UnsupportedProblemError
        If the host has several layers of voxels, or no such substrate; if none of the substrates diffuses, nothing
        pulls one to a value, or a cell type exports a negative amount.
    InvalidProblemError
        If an option is not allowed.
    RecordingError
        If what is at ``record`` is no recording, or one of another lattice.

    Notes
    -----
    The bound covers the steady field of the state that was solved for: the cells as they are when a diffusion step
    begins. What they do later in that step, they read in the next one; where nobody reads before the next phenotype
    step, inside the host's ``run`` without gradients, it is solved for then, or when ``run`` ends. With
    ``move_limit_um`` or ``refresh="phenotype"`` they read the field of a state gone by until it is solved for anew; how
    far off that was is then the ``excess`` of the new `HistoryEntry`.

    Examples
    --------
    >>> import pyphysicell as pc
    >>> tumour = pc.CellType("tumour", secretion={"oxygen": pc.SecretionEntry(uptake_rate=10.0)})
    >>> oxygen = pc.Substrate("oxygen", dirichlet_faces={"xmin": (True, 38.0)})
    >>> sim = pc.Simulation(pc.Model(substrates=[oxygen], cell_types=[tumour]))
    >>> cells = sim.add_cells([(0.0, 0.0, 0.0)], "tumour")
    >>> with attach(sim, substrates=["oxygen"], tolerance=0.38) as link:
    ...     sim.microenvironment.step(0.01)
    >>> bool(link.history[0].bound <= 0.38), sim.microenvironment["oxygen"][0, :, 0].min().item()
    (True, 38.0)
    """
    refuse_shared_threads()
    known = list(simulation.model.substrate_names)
    own = {"refresh": refresh, "move_limit_um": move_limit_um}
    chosen = Chosen.of("pyphysicell", known, options, substrates=substrates, own=own)
    names, of_each = chosen.names, chosen.settings
    refresh, move_limit_um = chosen.own.get("refresh", "changes"), chosen.own.get("move_limit_um")
    _check_move_limit(move_limit_um)
    if refresh not in get_args(Refresh):
        raise sp.InvalidProblemError(f"refresh is {refresh!r}; 'changes', 'phenotype' or 'mechanics' is allowed.")
    given_media = _media(simulation, names, {} if media is None else media)
    notices = Notices()
    me, diffusing = simulation.microenvironment, facts.diffusing(simulation, names)
    asked = [Asked.of(simulation, name, of_each[name], given_media.get(name)) for name in diffusing]
    configs = {one.name: one.config(me) for one in asked}
    fields = SteadyFields(configs, chosen.record, noun=None, report=chosen.report, host="pyphysicell")
    owned = [
        (InTime if fields.is_stepping(one.name) else Upkeep)(simulation, one, fields, refresh, move_limit_um, notices)
        for one in asked
    ]
    for name in names:
        if name not in diffusing:
            notices.tell(
                "not quasi-steady", name, f"{name} does not diffuse and has no steady field: it is left to the host."
            )
    return Attachment(simulation, owned, fields, notices)


class Attachment:
    """What holds a host's microenvironment; made by `attach`.

    It is copied and saved along with its simulation (``branch``, ``save``): the copy is attached as the original is,
    but writes no recording.

    Attributes
    ----------
    history : list of HistoryEntry
        One a field solved for, with how long it was held.
    notices : Notices
        What was told of the run so far, with counts; ``notices.summary()`` at its end.
    seconds : float, s
        Wall time of all steps so far, held ones, what is put back after them, and the host's own share for the other
        substrates included.
    """

    def __init__(self, simulation: Any, substrates: Sequence[Upkeep], fields: SteadyFields, notices: Notices) -> None:
        self.notices = notices
        self.seconds = 0.0
        self._simulation = simulation
        self._substrates = list(substrates)
        self._fields = fields
        me = simulation.microenvironment
        self._replaced = vars(me).get("step")
        self._host_step = me.step
        self._attached = True
        me.step = self.step
        self._loop = Loop(simulation, self.settle)
        uptake.stand_guard(self)

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._fields.history

    def step(self, dt: float) -> None:
        """Stand in for the microenvironment's step of ``dt`` minutes."""
        began = time.perf_counter()
        me = self._simulation.microenvironment
        # A step around ours is a turn of somebody else's.
        ours = vars(me).get("step") == self.step
        since = self._loop.since() if ours else Since.ANYTHING
        unread = ours and self._loop.unread and self.answers_for_all()
        self._solve_ahead(lambda one: one.ahead(self._simulation, since, unread))
        to_write = [one for one in self._substrates if one.advance(self._simulation, dt, since, unread)]
        if not self.answers_for_all():
            self._host_step(dt)
            to_write = self._substrates
        for substrate in to_write:
            substrate.write(me.density)
        self.seconds += time.perf_counter() - began

    def settle(self) -> None:
        """Solve for what cells changed while nobody read the field, since somebody is going to."""
        began = time.perf_counter()
        self._solve_ahead(lambda one: one.ahead_of_settling(self._simulation))
        changed = [one for one in self._substrates if one.settle(self._simulation)]
        for substrate in changed:
            substrate.write(self._simulation.microenvironment.density)
        if changed:
            self._simulation._sample_fields()
        self.seconds += time.perf_counter() - began

    def _solve_ahead(self, state_of: Callable[[Upkeep], sp.TissueState | None]) -> None:
        """Solve together for what substrates are about to be solved for, where that is quicker than in their turns."""
        every = {one.name: one for one in self._substrates}
        self._fields.solve_ahead(every, lambda name: state_of(every[name]))

    def detach(self) -> None:
        """Give the host its own step back; the density keeps the last fields. Doing so twice does no harm.

        Raises
        ------
        RuntimeError
            If somebody else has replaced the step since.
        """
        if not self._attached:
            return
        me = self._simulation.microenvironment
        if vars(me).get("step") != self.step:
            raise RuntimeError("microenvironment.step was replaced after attach; detach what was attached last first.")
        if self._replaced is None:
            del me.step
        else:
            me.step = self._replaced
        self._loop.leave()
        self._attached = False
        uptake.stand_down(self)
        self._fields.finish()

    @property
    def report(self) -> sp.RunReport | None:
        """The page of the run, if one was asked for; ``report.write()`` writes it at once."""
        return self._fields.report

    def backend(self, substrate: str) -> sp.Backend:
        """The backend of a substrate, with its records."""
        return self._named(substrate).backend

    def result(self, substrate: str) -> sp.StepResult | None:
        """The field held for a substrate, with its solution; None before the first step."""
        return self._named(substrate).result

    def gradient(self, substrate: str) -> FloatArray | None:
        """The slopes of a substrate's field along x and y, (2, ny, nx) field units / um; None before the first step.

        They are the host's own differences, over two voxels and on the rim over one.
        """
        field = self._named(substrate).field
        return None if field is None else gradients.gradient_of(self._simulation.microenvironment, field)

    def gradient_bound(self, substrate: str) -> float:
        """At least how far a slope is off that of the exact field, anywhere, in field units / um.

        As the bound of the field, it is for the state that was solved for last; infinite before the first step.
        """
        return self._named(substrate).gradient_bound(self._simulation)

    def state(self, substrate: str) -> sp.TissueState:
        """The host's present state, as a substrate's field depends on it."""
        return self._named(substrate).state(self._simulation)

    def problem(self, substrate: str) -> sp.Problem:
        """The discrete problem of the host's present state, to look at or to audit with another method."""
        return self.backend(substrate).problem(self.state(substrate))

    def owns(self, density: Any) -> bool:
        """Whether this is the density of the attached microenvironment."""
        # A copy that is being made, maybe on another thread, has no microenvironment yet.
        me = vars(self._simulation).get("microenvironment")
        return me is not None and density is vars(me).get("density")

    def answers_for_all(self) -> bool:
        """Whether none of the host's substrates is left to it."""
        return len(self._substrates) == int(self._simulation.microenvironment.ns)

    def restore(self, density: Any, voxel: Any) -> None:
        """Put the held fields back into some voxels."""
        began = time.perf_counter()
        for substrate in self._substrates:
            substrate.restore(density, voxel)
        self.seconds += time.perf_counter() - began

    def count(self, internalized: Any, before: Any, voxel: Any, *rest: Any) -> None:
        """Reckon what the cells took in from the held fields, see `uptake`."""
        began = time.perf_counter()
        for substrate in self._substrates:
            substrate.count(internalized, before, voxel, *rest)
        self.seconds += time.perf_counter() - began

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._attached:
            uptake.stand_guard(self)

    def _named(self, name: str) -> Upkeep:
        for substrate in self._substrates:
            if substrate.name == name:
                return substrate
        owned = ", ".join(substrate.name for substrate in self._substrates)
        raise sp.UnsupportedProblemError(f"substrate {name!r} is left to the host; attached are {owned}.")


def _media(simulation: Any, names: Sequence[str], media: Mapping[str, Medium]) -> Mapping[str, Medium]:
    for name, medium in media.items():
        if name not in names:
            raise sp.InvalidProblemError(f"media names {name!r}; the substrates attached are {', '.join(names)}.")
        try:
            medium.require(simulation)
        except sp.InvalidProblemError as error:
            raise sp.InvalidProblemError(f"media of {name!r}: {error}") from None
    return media


def _check_move_limit(move_limit_um: float | None) -> None:
    if move_limit_um is not None and not (math.isfinite(move_limit_um) and move_limit_um >= 0):
        raise sp.InvalidProblemError(f"move_limit_um is {move_limit_um}; None or a finite number >= 0 is allowed.")
