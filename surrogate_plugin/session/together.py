"""Several backends stepped at the same moment: their steady fields are solved for together where that is quicker."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.session.backend import Backend
from surrogate_plugin.session.questions import answer_together, goes_together
from surrogate_plugin.session.results import StepResult
from surrogate_plugin.tissue.state import TissueState

__all__ = ["solve_ahead", "step_together"]

K = TypeVar("K", bound=Hashable)


def step_together(
    backends: Sequence[Backend], states: Sequence[TissueState], dt_min: float | None = None
) -> list[StepResult]:
    """A step of each of several backends, as ``backend.step(state, dt_min)`` of one after the other has it.

    Fields, bounds and records are what they would be by themselves, to rounding and within the same tolerances. What
    is gained is time: steady fields of backends over one engine are solved for together, on a device as one batch.

    Parameters
    ----------
    backends : sequence of Backend
        Such as those of a host's substrates; best over one engine, ``Backend(config, engine=engine)``.
    states : sequence of TissueState
        One a backend.
    dt_min : float, min, optional
        How long the step is, for fields that go on in time.

    Returns
    -------
    list of StepResult

    Raises
    ------
    InvalidProblemError
        Of the first backend that cannot go on, as of `Backend.step`: those before it have taken their step by then, and
        those after it have not. Also if there is not one state a backend.

    Examples
    --------
    >>> from surrogate_plugin import BackendConfig, Domain, Vessels
    >>> domain = Domain((0.0, 0.0), (640.0, 640.0), (32, 32))
    >>> config = BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1)
    >>> oxygen = Backend(config)
    >>> glucose = Backend(config.replace(diffusivity_um2_per_min=4e4), engine=oxygen.engine)
    >>> states = [TissueState(vessels=Vessels([(400.0, 300.0)], 30.0, value)) for value in (38.0, 5.0)]
    >>> [float(result.field.max()) for result in step_together([oxygen, glucose], states)]
    [38.0, 5.0]
    """
    if len(backends) != len(states):
        raise InvalidProblemError(f"states has {len(states)} for {len(backends)} backends; one a backend is allowed.")
    solve_ahead(dict(enumerate(backends)), lambda place: states[place])
    return [backend.step(state, dt_min) for backend, state in zip(backends, states, strict=True)]


def solve_ahead(backends: Mapping[K, Backend], state_of: Callable[[K], TissueState | None]) -> dict[K, TissueState]:
    """Solve together, where that is quicker, for what the next steps of several backends are going to ask.

    To be called before a host that asks for several fields at the same moment goes through them. Then
    ``backend.step(state)`` with the same state hands out what was found here, and is recorded as any step; so is an
    error, which it raises. Where it is asked for another state, or by another configuration, it solves as ever.

    Parameters
    ----------
    backends : mapping of name to Backend
        Those that go on in time, and those that take the same steps one by one as quickly, are left alone.
    state_of : callable
        The state that a backend's next step is going to be asked for, by its name; None where it is asked for none.
        Whatever it raises is left to that step.

    Returns
    -------
    dict of name to TissueState
        The states that were made, to be handed to the steps; none where nothing is solved for together.
    """
    if not _may_pay(backends):
        return {}
    steady = {name: backend for name, backend in backends.items() if backend.config.steady}
    states: dict[K, TissueState] = {}
    for name in steady:
        with suppress(Exception):
            state = state_of(name)
            if state is not None:
                states[name] = state
    asking = {name: question for name, state in states.items() if (question := steady[name].question(state))}
    for name, answer in zip(asking, answer_together(list(asking.values())), strict=True):
        if answer is not None:
            steady[name].expect(answer)
    return states


def _may_pay(backends: Mapping[K, Backend]) -> bool:
    """Whether it pays for some of them if all have changed; a host's held steps ask too, so it takes a microsecond."""
    count = len(backends)
    if count < 2:
        return False
    return any(goes_together(each.engine, each.config.method, count) for each in backends.values())
