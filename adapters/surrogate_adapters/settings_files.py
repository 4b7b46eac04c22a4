"""The options of an adapter filled up from a settings file: what is said in the code wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.lines import Place
from surrogate_plugin.settings.reading import read_given
from surrogate_plugin.settings.saying import nearest

__all__ = ["filled"]

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
