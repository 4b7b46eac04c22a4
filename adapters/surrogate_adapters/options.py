"""The options that every adapter takes, read in one way: who may answer, and what is said of each substrate."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypedDict, TypeVar, get_args

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, Positive, by_substrate
from surrogate_adapters.settings_files import filled
from surrogate_plugin.session.settings import Stepping

__all__ = ["Chosen", "Given", "Options", "names_of", "recorders", "settings_of", "takes_options"]

F = TypeVar("F", bound=Callable[..., Any])


class Options(Checked, sp.EngineSettings):
    """What the settings of an adapter have in common; a subclass adds its own and says its ``owner``.

    Parameters
    ----------
    tolerance : float or mapping of substrate to float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest imposed value.
    model, method, policy, device : str
        As in `Settings`.
    stepping : "steady", "implicit-euler" or mapping of substrate to these
        Whether a substrate's field is the steady one at each step, or goes on in time; those a mapping leaves out are
        steady.
    time_tolerance : float or mapping of substrate to float, field units, optional
        The largest error that a step in time may be estimated to make by being so long, see `Settings`.
    record : str or Path, optional
        Where to record the states solved for, see `recorders`.
    report : str or Path, optional
        Where to write the page of the run, such as ``"run.html"``, see `RunReport`.

    Examples
    --------
    >>> chosen = Options(tolerance={"oxygen": 0.38}, method="exact").settings(["oxygen", "glucose"])
    >>> chosen["oxygen"].tolerance, chosen["glucose"].tolerance, chosen["glucose"].method
    (0.38, None, 'exact')
    """

    tolerance: Positive | dict[str, Positive] | None = None
    stepping: Stepping | dict[str, Stepping] = "steady"
    time_tolerance: Positive | dict[str, Positive] | None = None
    record: str | Path | None = None
    report: str | Path | None = None

    def settings(self, names: Sequence[str]) -> dict[str, sp.Settings]:
        """Those of each substrate, for `BackendConfig`.

        Raises
        ------
        InvalidProblemError
            If a mapping names a substrate that is not answered for.
        """
        in_time: dict[str, Any] = {"stepping": self.stepping, "time_tolerance": self.time_tolerance}
        return settings_of(names, self.tolerance, **in_time, **self.shared())


class Given(TypedDict, total=False):
    """The options that every `attach` takes, as a caller gave them; a settings file says what is left out or None."""

    tolerance: float | Mapping[str, float] | None
    stepping: Stepping | Mapping[str, Stepping] | None
    time_tolerance: float | Mapping[str, float] | None
    model: str | None
    method: str | None
    policy: str | None
    device: str | None
    record: str | Path | None
    report: str | Path | None
    settings: str | Path | sp.SettingsFile | None


def takes_options(attach: F) -> F:
    """Have a function that takes ``**options: Unpack[Given]`` show each of them by name, to `help` and to editors.

    Examples
    --------
    >>> @takes_options
    ... def attach(dish, *, depth=1.0, **options): ...
    >>> list(inspect.signature(attach).parameters)[:4]
    ['dish', 'depth', 'tolerance', 'stepping']
    """
    signature = inspect.signature(attach)
    own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint.__forward_arg__)
        for name, hint in Given.__annotations__.items()
    ]
    attach.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    return attach


@dataclass(frozen=True)
class Chosen:
    """What an `attach` goes by: its caller's options and, where one was not given, what a settings file says.

    Attributes
    ----------
    names : list of str
        The substrates answered for.
    settings : dict of str to Settings
        Those of each.
    record, report : str, Path or None
        Where to record the states solved for, and to write the page of the run.
    own : dict
        The host's own options, as far as somebody gave them.

    Examples
    --------
    >>> options: Given = {"tolerance": {"oxygen": 0.38}, "device": "cpu"}
    >>> chosen = Chosen.of("pyphysicell", ["oxygen", "drug"], options, own={"refresh": "mechanics"})
    >>> chosen.names, chosen.settings["oxygen"].tolerance, chosen.settings["drug"].device, chosen.own
    (['oxygen', 'drug'], 0.38, 'cpu', {'refresh': 'mechanics'})
    """

    names: list[str]
    settings: dict[str, sp.Settings]
    record: str | Path | None
    report: str | Path | None
    own: dict[str, Any]

    @classmethod
    def of(
        cls,
        host: str,
        known: Sequence[str],
        options: Given,
        *,
        substrates: Sequence[str] | None = None,
        own: Mapping[str, Any] | None = None,
        called: str = "attach",
    ) -> Self:
        """Read what a caller gave.

        Parameters
        ----------
        host : str
            As its adapter is called.
        known : sequence of str
            The substrates that the host has.
        options : Given
        substrates : sequence of str, optional
            Those to answer for; all if not given.
        own : mapping of option to value, optional
            What this host alone takes, and a settings file may say too; None is as not given.
        called : str
            What took the options, for the error of one that there is not.

        Raises
        ------
        InvalidProblemError
            If an option is not allowed, or the file cannot be read or says what it may not.
        UnsupportedProblemError
            If the host has no such substrate.
        TypeError
            If there is no such option.
        """
        given: dict[str, Any] = {"substrates": substrates, **options, **(own or {})}
        for name in options:
            if name not in Given.__annotations__:
                raise TypeError(f"{called}() got an unexpected keyword argument {name!r}")
        said = filled(host, given.pop("settings", None), known, given)
        names = names_of(said.pop("substrates", None), known)
        its_own = {name: said.pop(name) for name in own or () if name in said}
        record, report = said.pop("record", None), said.pop("report", None)
        return cls(names, settings_of(names, **said), record, report, its_own)


def settings_of(
    names: Sequence[str],
    tolerance: float | Mapping[str, float] | None = None,
    stepping: Stepping | Mapping[str, Stepping] = "steady",
    time_tolerance: float | Mapping[str, float] | None = None,
    **options: Any,
) -> dict[str, sp.Settings]:
    """The settings of each substrate: tolerances and stepping of its own, and all else the same.

    Parameters
    ----------
    names : sequence of str
        The substrates answered for.
    tolerance : float or mapping of substrate to float, field units, optional
        One for all, or one each; None, and what a mapping leaves out, stands for 1 % of the largest imposed value.
    **options
        As in `Settings`: ``model``, ``method``, ``policy``, ``device``.

    Raises
    ------
    InvalidProblemError
        If an option is not allowed, or the tolerance names a substrate that is not answered for.

    Examples
    --------
    >>> settings = settings_of(["oxygen"], 0.38, policy="surrogate-first")["oxygen"]
    >>> domain = sp.Domain.from_lattice((16, 32), spacing_um=20.0)
    >>> sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, **dict(settings)).tolerance
    0.38
    >>> both = settings_of(["oxygen", "drug"], stepping={"drug": "implicit-euler"}, time_tolerance=0.01)
    >>> both["oxygen"].stepping, both["drug"].stepping
    ('steady', 'implicit-euler')
    """
    wanted = by_substrate("tolerance", tolerance, names, None)
    longest = by_substrate("time_tolerance", time_tolerance, names, None)
    words = _stepping_of(stepping, names)
    try:
        return {
            name: sp.Settings(tolerance=wanted[name], stepping=words[name], time_tolerance=longest[name], **options)
            for name in names
        }
    except sp.InvalidProblemError as error:
        raise sp.InvalidProblemError(str(error).removeprefix("Settings.")) from None


def names_of(substrates: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """The substrates to answer for; all that the host has if not given.

    Parameters
    ----------
    substrates : sequence of str, optional
    known : sequence of str
        Those of the host.

    Returns
    -------
    list of str

    Raises
    ------
    InvalidProblemError
        If it is one string, or names none, or one twice.
    UnsupportedProblemError
        If the host has no such substrate.

    Examples
    --------
    >>> names_of(None, ["oxygen", "glucose"]), names_of(["glucose"], ["oxygen", "glucose"])
    (['oxygen', 'glucose'], ['glucose'])
    """
    if isinstance(substrates, str):
        raise sp.InvalidProblemError(f"substrates is {substrates!r}; a list of names is allowed, as [{substrates!r}].")
    names = list(known if substrates is None else substrates)
    if not names or len(set(names)) < len(names):
        raise sp.InvalidProblemError(f"substrates is {names}; at least one name, each once, is allowed.")
    for name in names:
        if name not in known:
            has = ", ".join(known) or "none"
            raise sp.UnsupportedProblemError(f"the host has no substrate {name!r}; it has {has}.")
    return names


def _stepping_of(stepping: Stepping | Mapping[str, Stepping], names: Sequence[str]) -> dict[str, Stepping]:
    """The word of each substrate; all that is wrong with it in one sentence, since a user meets it in `attach`."""
    given = stepping if isinstance(stepping, Mapping) else dict.fromkeys(names, stepping)
    default: Stepping = "steady"
    words = by_substrate("stepping", given, names, default)
    for name, word in words.items():
        if word not in get_args(Stepping):
            of = f" of {name!r}" if isinstance(stepping, Mapping) else ""
            raise sp.InvalidProblemError(
                f"stepping{of} is {word!r}; allowed are 'steady' and 'implicit-euler', or a mapping of substrate to "
                "these."
            )
    return words


def recorders(record: str | Path | None, names: Sequence[str]) -> dict[str, sp.Recorder | None]:
    """A recorder for each substrate, or None for each.

    Parameters
    ----------
    record : str or Path, optional
        A store for one substrate; for several a folder with a store for each, under its name.
    names : sequence of str

    Returns
    -------
    dict of str to Recorder or None

    Examples
    --------
    >>> recorders(None, ["oxygen"])
    {'oxygen': None}
    """
    if record is None:
        return dict.fromkeys(names)
    return {name: sp.Recorder(record if len(names) == 1 else Path(record) / name) for name in names}
