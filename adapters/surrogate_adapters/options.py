"""The options that every adapter takes, read in one way: who may answer, and what is said of each substrate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import surrogate_plugin as sp
from surrogate_adapters.checked import Checked, Positive
from surrogate_plugin.session.settings import Stepping
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.lines import Place
from surrogate_plugin.settings.reading import read_given
from surrogate_plugin.settings.saying import nearest

__all__ = ["Options", "filled", "names_of", "recorders", "settings_of", "tolerances"]


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
    wanted, longest = tolerances(tolerance, names), tolerances(time_tolerance, names, "time_tolerance")
    words = _stepping_of(stepping, names)
    try:
        return {
            name: sp.Settings(tolerance=wanted[name], stepping=words[name], time_tolerance=longest[name], **options)
            for name in names
        }
    except sp.InvalidProblemError as error:
        raise sp.InvalidProblemError(str(error).removeprefix("Settings.")) from None


#: Options that a settings file, like an adapter, may have of each substrate.
_OF_EACH = ("tolerance", "stepping", "time_tolerance")
#: What only some hosts' adapters take.
_OF_SOME = ("refresh", "move_limit_um")


def filled(
    host: str, settings: str | Path | SettingsFile | None, known: Sequence[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The options that a caller gave and, where one was not, what a settings file says.

    Parameters
    ----------
    host : str
        Whose file it is, as its adapter is called.
    settings : str, Path, SettingsFile or None
        The file, see `load_settings`.
    known : sequence of str
        The substrates that the host has.
    given : mapping of str to value
        The options by name; None for those that were not given. Of a mapping of substrates, those that it leaves out
        are taken from the file.

    Returns
    -------
    dict
        Without those that neither says.

    Raises
    ------
    InvalidProblemError
        If the file cannot be read, says what is the host's to say, or names a substrate that the host has not: one
        sentence with the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "surrogate.toml"
    ...     _ = path.write_text('method = "exact"\\ntolerance = 0.38\\n')
    ...     filled("mesa", path, ["oxygen", "drug"], {"tolerance": {"drug": 0.1}, "method": None})
    {'tolerance': {'oxygen': 0.38, 'drug': 0.1}, 'method': 'exact'}
    """
    said = {option: value for option, value in given.items() if value is not None}
    if settings is None:
        return said
    file = read_given(settings, host)
    _require_known(file, known)
    if file.names is not None:
        said.setdefault("substrates", file.names)
    names = list(said.get("substrates", known))
    for option, value in file.options().items():
        if option in _OF_EACH:
            said[option] = _together(said.get(option), value, names)
        else:
            said.setdefault(option, value)
    for option in _OF_SOME:
        if getattr(file, option) is not None:
            said.setdefault(option, getattr(file, option))
    return said


def _together(given: Any, of_file: Any, names: Sequence[str]) -> Any:
    """An option of each substrate: as it was given, and where it was not, as the file has it."""
    if given is not None and not isinstance(given, Mapping):
        return given
    if not isinstance(of_file, Mapping):
        return of_file if given is None else {**dict.fromkeys(names, of_file), **given}
    return {**{name: value for name, value in of_file.items() if name in names}, **(given or {})}


def _require_known(file: SettingsFile, known: Sequence[str]) -> None:
    places: list[Place] = [("substrates", number) for number in range(len(file.names or ()))]
    if isinstance(file.substrates, dict):
        places = [("substrates", name) for name in file.substrates]
    named = list(zip(places, file.names or (), strict=True))
    for option in _OF_EACH:
        value = getattr(file, option)
        named += [((option, name), name) for name in value] if isinstance(value, Mapping) else []
    for place, name in named:
        if name not in known:
            near = nearest(name, list(known))
            meant = f"; the nearest is {near!r}" if near is not None else ""
            has = ", ".join(known) or "none"
            raise file.document.error(place, f"there is no substrate {name!r} in the host; it has {has}{meant}.")


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


def tolerances(
    tolerance: float | Mapping[str, float] | None, names: Sequence[str], option: str = "tolerance"
) -> dict[str, float | None]:
    """The tolerance of each substrate, field units; None stands for 1 % of its largest imposed value.

    Parameters
    ----------
    tolerance : float or mapping of substrate to float, field units, optional
        One for all, or one each; those a mapping leaves out get the default.
    names : sequence of str
        The substrates answered for.
    option : str
        What the error calls it.

    Returns
    -------
    dict of str to float or None

    Raises
    ------
    InvalidProblemError
        If a mapping names a substrate that is not answered for.

    Examples
    --------
    >>> tolerances({"oxygen": 0.38}, ["oxygen", "glucose"])
    {'oxygen': 0.38, 'glucose': None}
    """
    if not isinstance(tolerance, Mapping):
        return dict.fromkeys(names, tolerance)
    for name in tolerance:
        if name not in names:
            raise _stranger(option, name, names)
    return {name: tolerance.get(name) for name in names}


def _stepping_of(stepping: Stepping | Mapping[str, Stepping], names: Sequence[str]) -> dict[str, Stepping]:
    """The word of each substrate; all that is wrong with it in one sentence, since a user meets it in `attach`."""
    given = stepping if isinstance(stepping, Mapping) else dict.fromkeys(names, stepping)
    for name, word in given.items():
        if name not in names:
            raise _stranger("stepping", name, names)
        if word not in get_args(Stepping):
            of = f" of {name!r}" if isinstance(stepping, Mapping) else ""
            raise sp.InvalidProblemError(
                f"stepping{of} is {word!r}; allowed are 'steady' and 'implicit-euler', or a mapping of substrate to "
                "these."
            )
    return {name: given.get(name, "steady") for name in names}


def _stranger(option: str, name: str, names: Sequence[str]) -> sp.InvalidProblemError:
    return sp.InvalidProblemError(f"{option} names {name!r}; the substrates attached are {', '.join(names)}.")


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
