"""The Python side of `surrogate_backend.hpp`: the header's buffers in, certified fields out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import surrogate_plugin as sp
from surrogate_adapters.options import names_of, recorders, tolerances
from surrogate_adapters.physicell.settings import Settings, load
from surrogate_adapters.physicell.state import FloatArray, HostState, domain_of

#: For `surrogate-plugin hosts`: nothing to import, so nobody can tell whether it is there.
HOST_NOTE = "C++; `surrogate-plugin physicell init` sets a project up"

#: What an error in a solve leaves behind, in the folder the simulation runs in.
SAVED_STATE = "surrogate-failure.npz"

_COLUMNS = ("minutes", "substrate", "reason", "agents", "method", "bound", "seconds", "flags")

Answer = tuple[FloatArray, str, float, float]


class SolveError(RuntimeError):
    """A solve failed; the message says why, and where the state it was given is saved."""


def connect(
    settings: str,
    known: Sequence[str],
    nodes: Sequence[int],
    spacing_um: Sequence[float],
    origin_um: Sequence[float],
) -> Bridge:
    """What the header calls once, when it attaches.

    Parameters
    ----------
    settings : str
        Path of `surrogate.toml`.
    known : sequence of str
        The host's substrates.
    nodes, spacing_um, origin_um
        The host's lattice, see `domain_of`.

    Returns
    -------
    Bridge

    Raises
    ------
    InvalidProblemError, UnsupportedProblemError
        If the settings or the lattice are not allowed.
    """
    chosen = load(settings)
    return Bridge(chosen, known, domain_of(nodes, spacing_um, origin_um))


class Bridge:
    """The backends of one microenvironment, one a substrate; made by `connect`.

    Attributes
    ----------
    names : list of str
        The substrates answered for.
    indices : list of int
        Their places among the host's.
    refresh, on_error : str
        As in `Settings`; "interval" for a number of minutes.
    interval_min : float, min
        That number, else 0.
    """

    def __init__(self, settings: Settings, known: Sequence[str], domain: sp.Domain) -> None:
        self.names = names_of(settings.names, known)
        self.indices = [list(known).index(name) for name in self.names]
        self.refresh = settings.refresh if isinstance(settings.refresh, str) else "interval"
        self.interval_min = 0.0 if isinstance(settings.refresh, str) else settings.refresh
        self.on_error = settings.on_error
        self._settings = settings
        self._domain = domain
        self._tolerances = tolerances(settings.tolerances, self.names)
        self._recorders = recorders(settings.record, self.names)
        self._engine = sp.Engine(model=settings.model, device=settings.device, policy=settings.policy)
        self._backends: dict[str, sp.Backend] = {}
        self._fields: dict[str, FloatArray] = {}
        self._log = _Log(settings.log)

    def require(self, coefficients: memoryview) -> None:
        """Refuse at once what the first solve would refuse: options and coefficients that are not allowed."""
        for name, (diffusivity, decay) in zip(self.names, np.frombuffer(coefficients).reshape(-1, 2), strict=True):
            self._backend(name, float(diffusivity), float(decay))

    def solve(self, minutes: float, reason: str, *buffers: memoryview) -> list[Answer]:
        """The steady fields of the state in the buffers.

        Parameters
        ----------
        minutes : float, min
            The host's time, for the log.
        reason : str
            Why the header asks.
        *buffers : memoryview
            As in `HostState`.

        Returns
        -------
        list of (field, method, bound, seconds)
            One a substrate: (H, W) float64 read-only, who answered, its error bound, and the solver's wall time.

        Raises
        ------
        SolveError
            Whatever went wrong, in one sentence; unless the host's solver takes over, the state is saved before.
        """
        state = HostState.over(buffers, len(self.names), self._domain.shape)
        try:
            return [self._answer(minutes, reason, s, state) for s in range(len(self.names))]
        except Exception as error:
            raise SolveError(self._told(minutes, state, error)) from error

    def _answer(self, minutes: float, reason: str, substrate: int, state: HostState) -> Answer:
        name = self.names[substrate]
        diffusivity, decay = state.coefficients[substrate]
        backend = self._backend(name, float(diffusivity), float(decay))
        result = backend.step(state.tissue(substrate, self._domain))
        # A run makes more solves than anyone wants to keep records of; the log has them.
        del backend.records[:-1]
        seconds = result.record.seconds.get("solve", 0.0)
        solution = result.solution
        flags = " ".join(flag.reason for flag in solution.flags)
        agents = int((state.voxel >= 0).sum())
        self._log.append(minutes, name, reason, agents, solution.method, solution.error_bound, seconds, flags)
        self._fields[name] = np.ascontiguousarray(result.field)
        return self._fields[name], solution.method, float(solution.error_bound), seconds

    def _backend(self, name: str, diffusivity: float, decay: float) -> sp.Backend:
        """The backend of a substrate; a new one, with the old engine and recording, where coefficients changed."""
        last = self._backends.get(name)
        if last is not None and (last.config.diffusivity_um2_per_min, last.config.decay_per_min) == (
            diffusivity,
            decay,
        ):
            return last
        if diffusivity <= 0:
            raise sp.UnsupportedProblemError(
                f"substrate {name!r} has diffusion coefficient {diffusivity:g}, so it has no steady field; "
                "leave it to the host."
            )
        settings = self._settings
        config = sp.BackendConfig(
            domain=self._domain,
            diffusivity_um2_per_min=diffusivity,
            decay_per_min=decay,
            tolerance=self._tolerances[name],
            model=settings.model,
            method=settings.method,
            policy=settings.policy,
            device=settings.device,
            boundary="reflecting",  # the host's outer faces let nothing through; its Dirichlet faces are voxels
            deposit="voxel",
            outside="clamp",
        )
        self._backends[name] = sp.Backend(config, engine=self._engine, recorder=self._recorders[name])
        return self._backends[name]

    def _told(self, minutes: float, state: HostState, error: Exception) -> str:
        why = f"the solve at {minutes:g} min failed: {str(error) or type(error).__name__}"
        why = why if why.endswith(".") else f"{why}."
        if self.on_error == "host":
            return why
        path = Path(SAVED_STATE).absolute()
        try:
            np.savez(path, names=np.array(self.names), minutes=minutes, field=self._held(), **vars(state))
        except OSError as unsaved:
            return f"{why} Its state could not be saved in {path}: {unsaved.strerror}."
        return f"{why} Its state is saved in {path}."

    def _held(self) -> FloatArray:
        """The last fields, (substrates, H, W); 0 where there is none yet."""
        none = np.zeros(self._domain.shape)
        return np.stack([self._fields.get(name, none) for name in self.names])


class _Log:
    """The lines of ``log``, each written out at once, so that they are there when the simulation ends abruptly."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._write("w", *_COLUMNS)

    def append(self, *entries: object) -> None:
        self._write("a", *entries)

    def _write(self, mode: str, *entries: object) -> None:
        if self._path is not None:
            with open(self._path, mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(entries)
