"""What an attached model has: fields that are solved for before each of its steps, and what became of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

import surrogate_plugin as sp
from surrogate_adapters.mesa.census import Census, state_of
from surrogate_adapters.mesa.readings import ByClass, Reading
from surrogate_adapters.mesa.spaces import Whereabouts
from surrogate_adapters.mesa.stepping import Hook
from surrogate_adapters.mesa.substrate import Substrate
from surrogate_adapters.mesa.suitability import require_anchored
from surrogate_adapters.notices import Notices
from surrogate_adapters.slopes import slopes_of
from surrogate_adapters.steady_fields import HistoryEntry, SteadyFields

FloatArray = npt.NDArray[np.float64]


class Attachment:
    """What updates a model's substrates before each of its steps; made by `attach`.

    It is copied and saved along with its model: the copy is attached as the original is, but writes no recording.

    Attributes
    ----------
    history : list of HistoryEntry
        One a field solved for, with the number of steps that the model had finished, and how long it was held. The
        bound covers the steady field of the state that was solved for: the agents as they were before the step.
    notices : Notices
        What was told, with counts: ``notices.summary()``.
    substrates : dict of name to Substrate
    """

    def __init__(
        self,
        host: Any,
        where: Whereabouts,
        substrates: Mapping[str, Substrate],
        fields: SteadyFields,
        volume_um3: ByClass,
        vessel_radius_um: Reading,
        notices: Notices,
        step_min: float | None,
    ) -> None:
        self.notices = notices
        self.substrates = dict(substrates)
        self._host = host
        self._where = where
        self._fields = fields
        self._volume_um3 = dict(volume_um3)
        self._vessel_radius_um = vessel_radius_um
        self._kinds = where.space.counted(substrates.values())
        self._results: dict[str, sp.StepResult] = {}
        self._step_min = step_min
        self._hook = Hook(host, self)
        #: The model's steps that a field in time has behind it.
        self._stepped = {name: self._hook.finished for name in substrates if fields.is_stepping(name)}
        self._hook.put_in()

    @property
    def history(self) -> list[HistoryEntry]:
        """One entry a field solved for."""
        return self._fields.history

    def step(self, *args: Any, **options: Any) -> None:
        """Step the model, which begins with the fields; the same as its own ``step``."""
        self._host.step(*args, **options)

    def update(self) -> None:
        """Solve for the model's present state now; held if nothing has changed.

        Each step begins with it. Call it within one too, where agents should see what others have just done. Fields
        that go on in time do so by as many steps as the model has finished since.

        Raises
        ------
        InvalidProblemError, UnsupportedProblemError
            If an agent says something that is not allowed, or the space was replaced by one that the fields do not fit;
            all layers are left as they were.

        Warns
        -----
        PromiseWarning
            If somebody else has written into a layer since the last update.
        """
        self._follow()
        self._notice_writing()
        self._solve(self._states(list(self.substrates)))

    def fill(self, names: list[str]) -> None:
        """Solve for fields of agents that are there already; what is not right with them yet, the first step tells."""
        with suppress(Exception):  # readings are the user's own, and fail in ways of their own
            states = self._states(names)
            self._solve({name: state for name, state in states.items() if _anybody(state)})

    def detach(self) -> None:
        """Give the model its own step back; layers stay, with the last fields. Doing so twice does no harm.

        Raises
        ------
        RuntimeError
            If somebody else has replaced the step since.

        Warns
        -----
        PromiseWarning
            If something was so more often than the once that it was told: how often in all.
        """
        taken_out = self._hook.take_out()
        if taken_out:
            self._fields.finish()
        if taken_out and max(self.notices.counts.values(), default=0) > 1:
            warnings.warn(f"until it was detached: {' '.join(self.notices.summary())}", sp.PromiseWarning, stacklevel=2)

    def sample(self, substrate: str, points_um: npt.ArrayLike) -> FloatArray:
        """A substrate's field at one point or several, bilinear between the centres of pixels.

        Before the first update it is solved for at once.

        Parameters
        ----------
        substrate : str
        points_um : (2,) or (n, 2) array, um
            (x, y), as agents of a continuous space have them.

        Returns
        -------
        (n,) float64, field units
        """
        points, backend = np.atleast_2d(np.asarray(points_um, dtype=np.float64)), self.backend(substrate)
        if substrate not in self._stepped or substrate in self._results:
            return self.result(substrate).sample(points)
        assert backend.field is not None, "what goes on in time has a field from the start on"
        sides = sp.Boundary.parse(backend.config.boundary)
        return backend.config.domain.sample(backend.field, points, boundary=sides)

    def gradient(self, substrate: str, points_um: npt.ArrayLike | None = None) -> FloatArray:
        """The slopes of a substrate's field at the last update: centred differences along x and along y.

        Parameters
        ----------
        substrate : str
        points_um : (2,) or (n, 2) array, um, optional
            Where to read them, bilinear between the centres of pixels.

        Returns
        -------
        (n, 2) float64, field units / um
            At points; without them those of all pixels, (2, width, height), each within `gradient_bound` of that of
            the exact field.
        """
        found, _ = slopes_of(self.result(substrate).solution)
        if points_um is None:
            return found.transpose(0, 2, 1)
        points, domain = np.atleast_2d(np.asarray(points_um, dtype=np.float64)), self.backend(substrate).config.domain
        own = sp.Boundary.parse(self._where.space.sides)
        return np.column_stack([domain.sample(each, points, boundary=own, outside="clamp") for each in found])

    def gradient_bound(self, substrate: str) -> float:
        """At least how far any slope of `gradient` is off, field units / um."""
        return slopes_of(self.result(substrate).solution)[1]

    def result(self, substrate: str) -> sp.StepResult:
        """The field of a substrate at the last update, with its solution; before the first it is solved for at once."""
        self.backend(substrate)
        if substrate not in self._results:
            self.update()
        if substrate not in self._results:
            raise sp.UnsupportedProblemError(
                f"substrate {substrate!r} goes on in time and has no solution before the model's first step."
            )
        return self._results[substrate]

    def state(self, substrate: str) -> sp.TissueState:
        """The model's present state, as a substrate's field depends on it."""
        self.backend(substrate)
        self._follow()
        return self._states([substrate])[substrate]

    def backend(self, substrate: str) -> sp.Backend:
        """The backend of a substrate, with its records."""
        if substrate not in self.substrates:
            attached = ", ".join(self.substrates)
            raise sp.UnsupportedProblemError(f"substrate {substrate!r} is not attached; attached are {attached}.")
        return self._fields.backends[substrate]

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def _follow(self) -> None:
        if self._where.follow():
            for name, substrate in self.substrates.items():
                self._where.space.prepare(name, substrate.initial or 0.0)

    def _notice_writing(self) -> None:
        for name in self.substrates:
            if name in self._stepped:
                continue  # what was written is gone on from
            sentence = self._where.space.written(name)
            if sentence is not None:
                self.notices.tell("written from outside", name, sentence)

    def _states(self, names: list[str]) -> dict[str, sp.TissueState]:
        host, space = self._host, self._where.space
        space.mend()
        census = Census(host, space, self._kinds, self._volume_um3)
        radius = self._vessel_radius_um
        return {name: state_of(host, space, census, name, self.substrates[name], radius) for name in names}

    def _solve(self, states: Mapping[str, sp.TissueState]) -> None:
        space = self._where.space
        for name, state in states.items():
            space.require(name)
            config = self._fields.backends[name].config
            if config.steady:
                require_anchored(name, self.substrates[name], sp.Boundary.parse(config.boundary), state)
        finished = self._hook.finished
        # Those that go on in time come last: a steady field may be refused, and no step of theirs is taken twice then.
        due = sorted((name for name in states if self._stepped.get(name) != finished), key=self._fields.is_stepping)
        self._fields.solve_ahead(due, states.__getitem__)
        results = {name: self._answer(name, states[name], finished) for name in due}
        for name, result in results.items():
            space.write(name, result.field)
            if name in self._stepped:
                self._stepped[name] = finished
        self._results.update(results)

    def _answer(self, name: str, state: sp.TissueState, finished: int) -> sp.StepResult:
        """The steady field, or where the one that the layer holds has come to."""
        if name not in self._stepped:
            return self._fields.solve(name, state, finished)
        assert self._step_min is not None, "what goes on in time is attached with the length of a step"
        passed = (finished - self._stepped[name]) * self._step_min
        return self._fields.step(name, state, finished, passed, field=self._where.space.held(name))


def _anybody(state: sp.TissueState) -> bool:
    voxels = state.voxels
    held = voxels is not None and voxels.fixed is not None and bool(voxels.fixed.any())
    return len(state.cells) > 0 or len(state.vessels) > 0 or held
