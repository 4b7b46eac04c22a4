"""The Python side of `surrogate_backend.hpp`: the header's buffers in, certified fields out."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.biofvm import Substrate, do_not_diffuse, require_allowed
from surrogate_adapters.options import names_of
from surrogate_adapters.physicell.choices import Choices, load
from surrogate_adapters.physicell.fields import Answer, Fields, Going
from surrogate_adapters.physicell.state import HostState, Roles, domain_of
from surrogate_adapters.physicell.telling import Telling
from surrogate_adapters.physicell.wording import in_the_hosts_words

#: For `surrogate-plugin hosts`: nothing to import, so nobody can tell whether it is there.
HOST_NOTE = "C++; `surrogate-plugin physicell init` sets a project up"

#: What an error in a solve leaves behind, in the folder the simulation runs in.
SAVED_STATE = "surrogate-failure.npz"

#: Raised with each change of what header and bridge say to one another.
PROTOCOL = 4


class SolveError(RuntimeError):
    """A solve failed; the message says why, and where the state it was given is saved."""


def connect(protocol: object, *given: Any) -> Bridge:
    """What the header calls once, when it attaches.

    Parameters
    ----------
    protocol : int
        Which calls the header makes; those of other releases made others.
    *given
        Settings and microenvironment, see `_connect`.

    Returns
    -------
    Bridge

    Raises
    ------
    UnsupportedProblemError
        If the program was compiled with the headers of another release.
    """
    if protocol != PROTOCOL:
        raise sp.UnsupportedProblemError(
            "this program was compiled with the headers of another release of surrogate-plugin than the one installed; "
            "run `surrogate-plugin physicell init PROJECT` and make again."
        )
    return _connect(*given)


def _connect(
    settings: str,
    known: Sequence[str],
    buffer: memoryview,
    nodes: Sequence[int],
    spacing_um: Sequence[float],
    origin_um: Sequence[float],
    run: tuple[float, int],
) -> Bridge:
    """The backends for a microenvironment, from what the header says of it.

    Parameters
    ----------
    settings : str
        Path of `surrogate.toml`.
    known : sequence of str
        The host's substrates.
    buffer : memoryview
        Diffusion coefficient and decay rate of each of them.
    nodes, spacing_um, origin_um
        The host's lattice, see `domain_of`.
    run : (minutes, threads)
        Time between two phenotype steps, and the host's threads; 0 if it has no such number.

    Returns
    -------
    Bridge

    Raises
    ------
    InvalidProblemError, UnsupportedProblemError
        If the settings or the lattice are not allowed.
    """
    chosen = load(settings)
    try:
        names = names_of(chosen.names, known)
        chosen.settings(names)
    except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
        raise type(error)(f"{settings}: {error}") from None
    pairs = np.frombuffer(buffer).reshape(-1, 2)
    coefficients = {name: (pair[0], pair[1]) for name, pair in zip(known, pairs.tolist(), strict=True)}
    every = [Substrate(name, *pair, held=True) for name, pair in coefficients.items()]
    for one in every:
        if one.name in names:
            require_allowed(one)
    still = do_not_diffuse(every)
    step_min, threads = run
    if threads:
        sp.use_threads(threads)
    domain = domain_of(nodes, spacing_um, origin_um)
    fields = Fields(chosen, {name: coefficients[name] for name in names if name not in still}, domain)
    return Bridge(chosen, known, fields, domain, step_min)


def speak_as_program() -> None:
    """Show warnings as a program does; called where the interpreter is the header's own."""
    warnings.formatwarning = lambda message, *_, **__: f"Warning: surrogate: {message}\n"


def settle_down() -> None:
    """Never look again for garbage among what has been loaded; called so, after the first solve."""
    gc.freeze()


class Bridge:
    """The backends of one microenvironment, one a substrate; made by `connect`.

    Attributes
    ----------
    names : list of str
        The substrates answered for: those named that diffuse.
    indices : list of int
        Their places among the host's.
    variables : list of str
        The custom variables of cells that say how they conduct and decay.
    in_time : list of bool
        Which of them go on in time.
    refresh, on_error : str
        As in `Choices`; "interval" for a number of minutes.
    interval_min : float, min
        That number, else 0.
    notices : Notices
    """

    def __init__(self, settings: Choices, known: Sequence[str], fields: Fields, domain: sp.Domain, step_min: float):
        self.names = fields.names
        self.indices = [list(known).index(name) for name in self.names]
        self.variables = fields.variables
        self.in_time = [fields.is_stepping(name) for name in self.names]
        self.refresh = settings.refresh if isinstance(settings.refresh, str) else "interval"
        self.interval_min = 0.0 if isinstance(settings.refresh, str) else settings.refresh
        self.on_error = settings.on_error
        self._telling = Telling(domain.size_um, step_min)
        self.notices = self._telling.notices
        self._fields = fields
        self._domain = domain

    def require(self, *buffers: memoryview) -> None:
        """Refuse at once what the first solve would refuse, and tell what is amiss with a substrate.

        Parameters
        ----------
        *buffers : memoryview
            Coefficients, active Dirichlet nodes and their values, as in `HostState`.
        """
        coefficients, fixed, value = HostState.lattice(buffers, len(self.names), self._domain.shape)
        for s, name in enumerate(self.names):
            diffusivity, decay = coefficients[s].tolist()
            supplied = True if bool(value[s].any()) else None
            held = bool(fixed[s].any()) or self._fields.anchors(name)
            if not self.in_time[s]:
                self._telling.concerns_of(Substrate(name, diffusivity, decay, held=held, supplied=supplied))
            try:
                self._fields.take_up(name, diffusivity, decay)
            except (sp.InvalidProblemError, sp.UnsupportedProblemError) as error:
                raise type(error)(f"{name}: {in_the_hosts_words(str(error))}") from None

    def solve(
        self,
        minutes: float,
        reason: str,
        stale: memoryview,
        read: memoryview,
        roles: memoryview,
        passed: memoryview,
        starts: Sequence[memoryview | None],
        as_before: int,
        kinds: Sequence[tuple[int, str]],
        *buffers: memoryview,
    ) -> list[Answer]:
        """The fields of the state in the buffers, steady ones and those that go on in time.

        Parameters
        ----------
        minutes : float, min
            The host's time, for the log.
        reason : str
            Why the header asks.
        stale : memoryview
            For each substrate 1, or 0 if its field is held on.
        read : memoryview
            For each substrate in how many steps of the host, after the one that it was solved for, cells have read its
            field; 2 for more.
        roles : memoryview
            For each substrate of the host what cells do with it, as in `Roles`.
        passed : memoryview
            For each substrate the minutes that its field is to go on, if it goes on in time.
        starts : sequence of memoryview or None
            For each the field to go on from, where others than the last step have changed it.
        as_before : int
            1 to go on with the nodes and coefficients of the last step.
        kinds : sequence of (int, str)
            Numbers and names of the cell types.
        *buffers : memoryview
            As in `HostState`.

        Returns
        -------
        list of (field, method, bound, seconds, tolerance)
            One a stale substrate: (H, W) float64 read-only, who answered, its error bound, the solver's wall time, and
            how far agents may take it before it is solved for again.

        Raises
        ------
        SolveError
            Whatever went wrong, in one sentence; unless the host's solver takes over, the state is saved before.
        """
        state = HostState.over(buffers, len(self.names), self._domain.shape, dict(kinds), self.variables)
        asked = [s for s, wanted in enumerate(np.frombuffer(stale, dtype=np.uint8)) if wanted]
        seen = np.frombuffer(read, dtype=np.uint8)
        every = [Roles.of(np.frombuffer(roles, dtype=np.uint8)[index]) for index in self.indices]
        self._fields.solve_ahead(asked, state, climbed={s for s in asked if every[s].climbed})
        answers = []
        for s in asked:
            try:
                if reason == "first" and not self.in_time[s]:
                    self._telling.concerns_of(self._fields.described(s, state, every[s]))
                if every[s].climbed:
                    self._fields.climb(self.names[s])
                if self.in_time[s]:
                    last = Going(float(np.frombuffer(passed)[s]), starts[s], bool(as_before))
                    answers.append(self._fields.go_on(minutes, reason, s, state, last))
                else:
                    answers.append(self._fields.answer(minutes, reason, s, state))
                    if seen[s] > 1:  # in the last of them cells have moved only after they had read
                        self._telling.was_off(self.names[s], *self._fields.excess(self.names[s]), minutes)
            except Exception as error:
                raise SolveError(self._told(minutes, self.names[s], state, error)) from error
        return answers

    def tell(self, kind: str, substrate: int, voxels: int, minutes: float) -> None:
        """Tell of what the header noticed between two solves, in so many voxels of one substrate."""
        self._telling.happened(kind, self.names[substrate], voxels, minutes)

    def told(self) -> list[tuple[str, str, int]]:
        """Kind, substrate and times of all that was told."""
        return self._telling.counted()

    def finish(self, minutes: float) -> list[str]:
        """What there is to say at the end of the run, a sentence each; it goes into the log too."""
        sp.use_threads(None)
        self._fields.note(minutes, self.told())
        self._fields.finish()
        return self._telling.at_the_end(never=self._fields.never)

    def _told(self, minutes: float, name: str, state: HostState, error: Exception) -> str:
        reason = in_the_hosts_words(str(error)) or type(error).__name__
        why = f"the solve of {name} at {minutes:g} min failed: {reason}"
        why = why if why.endswith(".") else f"{why}."
        if self.on_error == "host":
            return why
        path = Path(SAVED_STATE).absolute()
        try:
            np.savez(path, names=np.array(self.names), minutes=minutes, field=self._fields.held(), **vars(state))
        except OSError as unsaved:
            return f"{why} Its state could not be saved in {path}: {unsaved.strerror}."
        return f"{why} Its state is saved in {path}."
