"""Where a model of Mesa steps: what Mesa itself calls, whichever way a step comes about.

``model.step()``, ``run_for``, ``run_until``, simulators and schedules all end in the step of the model's class, which
Mesa looks up as ``_user_step`` each time, from its 3.3 to its 3.5. Only a ``step`` that somebody has put in the place
of Mesa's own may go past it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import surrogate_plugin as sp

_KEPT, _PUBLIC = "_user_step", "step"


class Updating(Protocol):
    """Whose fields are to be there before a model steps."""

    def update(self) -> None:
        """Solve for the model's present state."""


class Hook:
    """Has its owner update ahead of each step of a model; copied and saved along with both.

    Parameters
    ----------
    model : mesa.Model
    owner : Updating
    """

    def __init__(self, model: Any, owner: Updating) -> None:
        self.owner = owner
        self._model = model
        self._own: dict[str, Callable[..., Any]] = {}
        self._finished: int | None = None

    @property
    def finished(self) -> int:
        """How many steps the model has finished; the one that is under way is none of them."""
        return int(self._model.steps) if self._finished is None else self._finished

    def put_in(self) -> None:
        """Stand in for what Mesa calls from now on."""
        replaced = self._model.step != self._model._wrapped_step
        for name in (_KEPT, _PUBLIC) if replaced else (_KEPT,):
            self._own[name] = getattr(self._model, name)
            setattr(self._model, name, self._stand_in(name))

    def take_out(self) -> bool:
        """Give the model its own steps back; whether they had not been given back already.

        Raises
        ------
        RuntimeError
            If somebody else has replaced one since.
        """
        for name in self._own:
            if getattr(self._model, name) != self._stand_in(name):
                raise RuntimeError("the model's step was replaced after attach; detach what was attached last first.")
        given, self._own = self._own, {}
        for name, own in given.items():
            setattr(self._model, name, own)
        return bool(given)

    def step(self, *args: Any, **options: Any) -> None:
        """Stand in for a ``step`` that was put in the place of Mesa's."""
        self._run(_PUBLIC, self._model.steps, args, options)

    def kept_step(self, *args: Any, **options: Any) -> None:
        """Stand in for the step of the model's class, which Mesa counts before it calls it."""
        self._run(_KEPT, self._model.steps - 1, args, options)

    def earlier(self) -> Hook | None:
        """The hook that was put in before this one."""
        return _hook_of(self._own.get(_KEPT))

    def _run(self, name: str, finished: int, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        if self._finished is not None:  # the step that calls this one has updated
            self._own[name](*args, **options)
            return
        self._finished = finished
        try:
            try:
                self.owner.update()
            except Exception:
                self._model.steps = finished
                _schedule_the_next(self._model)
                raise
            self._own[name](*args, **options)
        finally:
            self._finished = None

    def _stand_in(self, name: str) -> Callable[..., None]:
        return self.kept_step if name == _KEPT else self.step


def hooks(model: Any) -> Iterator[Hook]:
    """Those that a model has, the last one put in first.

    Raises
    ------
    UnsupportedProblemError
        If it is no model of Mesa, or one whose own ``__init__`` has not run yet, or of a Mesa that steps otherwise.
    """
    if not callable(getattr(model, "_wrapped_step", None)):
        raise sp.UnsupportedProblemError(f"host is a {type(model).__name__}; a mesa.Model is allowed.")
    _check_version()
    if _KEPT not in vars(model):
        raise sp.UnsupportedProblemError(
            f"host is a {type(model).__name__} whose super().__init__() has not run yet; attach after it."
        )
    hook = _hook_of(getattr(model, _KEPT))
    while hook is not None:
        yield hook
        hook = hook.earlier()


def _hook_of(step: Any) -> Hook | None:
    owner = getattr(step, "__self__", None)
    return owner if isinstance(owner, Hook) else None


def _check_version() -> None:
    import mesa

    release = tuple(int(part) for part in mesa.__version__.split(".")[:2])
    if not (3, 3) <= release <= (3, 5):  # nobody knows what others call at a step
        raise sp.UnsupportedProblemError(f"Mesa {mesa.__version__} is installed; 3.3 to 3.5 are allowed.")


def _schedule_the_next(model: Any) -> None:
    """See to it that a model goes on after an error of ours: Mesa 3.5 schedules no step after one that raised."""
    schedule = getattr(model, "_default_schedule", None)
    if schedule is None or not schedule.is_active:
        return
    event = schedule._current_event
    if event is not None and event.time <= model.time:  # it is this step that is under way
        schedule._schedule_next(model.time + schedule._get_interval())
