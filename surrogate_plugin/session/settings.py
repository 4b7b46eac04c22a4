"""The settings of a solve that hosts, backends and adapters share: who may answer, and how exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError, ValidationInfo, field_validator

from surrogate_plugin.arguments import one_of, shown
from surrogate_plugin.engine.request import DEVICES, installed_method, model_of, tolerance_of
from surrogate_plugin.errors import InvalidProblemError

if TYPE_CHECKING:
    from surrogate_plugin.engine.engine import Engine


#: Whether a field is the steady one of each state, or goes on in time from the field before.
Stepping = Literal["steady", "implicit-euler"]


class Frozen(BaseModel):
    """Frozen options without unknown names, whose errors are those of this package: one sentence.

    Attributes
    ----------
    owner : str
        Whose options they are, for the errors; the name of the class if a subclass does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    owner: ClassVar[str] = ""

    if not TYPE_CHECKING:  # the signature that pydantic gives type checkers is the better one

        def __init__(self, /, **options: Any) -> None:
            try:
                super().__init__(**options)
            except ValidationError as error:
                raise InvalidProblemError(self.sentence(error)) from None

    @classmethod
    def sentence(cls, error: ValidationError) -> str:
        """What pydantic found wrong first, in the words of this package."""
        first, owner = error.errors()[0], cls.owner or cls.__name__
        name = str(first["loc"][0])
        if first["type"] == "missing":
            return f"{owner}.{name} is missing."
        if first["type"] == "extra_forbidden":
            return f"{owner} has no option {name!r}; it has {', '.join(cls.options())}."
        if first["type"] == "value_error":
            found = str(first["ctx"]["error"])
            return f"{owner}.{found}" if found.startswith(name) else f"{owner}.{name}: {found}"
        message = first["msg"]
        return f"{owner}.{name} is {shown(first['input'])}; {message[0].lower()}{message[1:]}."

    def replace(self, **changes: Any) -> Self:
        """The same with some options changed, validated as ever; this one itself if nothing is another value.

        Examples
        --------
        >>> settings = Settings(tolerance=0.38)
        >>> settings.replace(method="exact").tolerance, settings.replace(tolerance=0.38) is settings
        (0.38, True)
        """
        if all(_equal(getattr(self, name, None), value) for name, value in changes.items()):
            return self  # a host that says the same at every step need not wait for it to be validated
        changed = type(self)(**{**dict(self), **changes})
        return self if all(_equal(getattr(self, name), getattr(changed, name)) for name in changes) else changed

    @classmethod
    def options(cls) -> list[str]:
        """The names of all options; those of the class itself before those that it shares with others."""
        return sorted(cls.model_fields, key=lambda name: name not in cls.__annotations__)


class EngineSettings(Frozen):
    """Who may answer, and on which device.

    Parameters
    ----------
    model : str
        Name of an installed network, or the path of one's weights.
    method, policy, device : str
        As in `solve`.

    Raises
    ------
    InvalidProblemError
        One sentence naming the option and what is allowed; also for an unknown option.

    Examples
    --------
    >>> EngineSettings(policy="surrogate-first").method
    'guarded'
    """

    model: StrictStr = "default"
    method: StrictStr = "guarded"
    policy: Literal["surrogate-first", "fastest"] = "fastest"
    device: str = "auto"

    @field_validator("model")
    @classmethod
    def _installed(cls, given: str) -> str:
        model_of(given)
        return given

    @field_validator("method")
    @classmethod
    def _callable(cls, given: str) -> str:
        return installed_method(given)

    @field_validator("device", mode="before")
    @classmethod
    def _known(cls, given: Any) -> str:
        return one_of("device", given, DEVICES)

    def shared(self) -> dict[str, Any]:
        """Those of this class by name, without what a subclass adds.

        Examples
        --------
        >>> Settings(tolerance=0.38, method="exact").shared()
        {'model': 'default', 'method': 'exact', 'policy': 'fastest', 'device': 'auto'}
        """
        return {name: getattr(self, name) for name in EngineSettings.model_fields}

    def engine(self) -> Engine:
        """A new engine with these settings."""
        from surrogate_plugin.engine.engine import Engine

        return Engine(model=self.model, device=self.device, policy=self.policy)


class Settings(EngineSettings):
    """Who may answer for one field, how exactly, and whether it is steady at each step or goes on in time.

    Parameters
    ----------
    model : str
        Name of an installed network, or the path of one's weights.
    method, policy, device : str
        As in `solve`.
    tolerance : float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest imposed value. Of a field that goes on in time it
        is what the errors of all steps may come to, by default 0.1 % of the largest value around; where nothing
        decays, those of a thousand steps.
    stepping : "steady" or "implicit-euler"
        Whether each field is the steady one of its state, or the field before gone on by a step of time.
    time_tolerance : float, field units, optional
        The largest error that a step may be estimated to make by being so long; it is taken in parts where it makes
        more. If not given, steps are as long as the host's. Of no meaning for steady fields.

    Raises
    ------
    InvalidProblemError
        One sentence naming the option and what is allowed; also for an unknown option.

    Examples
    --------
    >>> Settings(tolerance=0.38).model
    'default'
    >>> Settings(tolerance=-1.0)
    Traceback (most recent call last):
    surrogate_plugin.errors.InvalidProblemError: Settings.tolerance is -1.0; a positive finite number is allowed.

    A `BackendConfig` takes them all at once:

    >>> from surrogate_plugin import BackendConfig, Domain
    >>> domain = Domain((0.0, 0.0), (640.0, 320.0), (16, 32))
    >>> settings = Settings(tolerance=0.38, policy="surrogate-first")
    >>> BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, **dict(settings)).policy
    'surrogate-first'
    """

    model_config = ConfigDict(validate_default=True)

    tolerance: float | None = None
    stepping: Stepping = "steady"
    time_tolerance: float | None = None

    @field_validator("tolerance", "time_tolerance", mode="before")
    @classmethod
    def _reachable(cls, given: Any, found: ValidationInfo) -> float | None:
        return tolerance_of(given, str(found.field_name))

    @property
    def steady(self) -> bool:
        """Whether each field is the steady one of its state."""
        return self.stepping == "steady"


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else bool(one == other)
