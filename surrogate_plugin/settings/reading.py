"""`load_settings`: a settings file, read and checked before anything is solved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.settings import saying, walking
from surrogate_plugin.settings.document import Document, named
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.keys import RUN, facts
from surrogate_plugin.settings.lines import Place


def load_settings(
    path: str | Path, reader: str | None = None, changes: Mapping[str, Any] | None = None
) -> SettingsFile:
    """Read a settings file, `surrogate.toml`.

    Parameters
    ----------
    path : str or Path
        Relative paths in it begin in its folder.
    reader : str, optional
        Who is going to use it: ``"run"``, without a host, or the name of a host's adapter, such as ``"mesa"``. Keys
        that are for others are then refused; if not given, all are read.
    changes : mapping of str to value, optional
        Other values of some keys than the file has, by their names, such as ``"substrates.oxygen.decay_per_min"``.

    Returns
    -------
    SettingsFile
        With the keys of the file as attributes. ``.settings(name)`` are those of one substrate for a `BackendConfig`.

    Raises
    ------
    InvalidProblemError
        One sentence with the file, the line, the key, its value and what is allowed, and the nearest key for one that
        there is not.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "surrogate.toml"
    ...     _ = path.write_text('tolerance = { oxygen = 0.38 }\\nmethod = "exact"\\n')
    ...     load_settings(path).settings("oxygen").tolerance
    0.38
    """
    document = Document.read(path).changed(changes or {})
    context = {"folder": document.folder, "must_exist": reader in (None, RUN)}
    try:
        read = SettingsFile.model_validate(document.said, context=context)
    except ValidationError as error:
        raise saying.first_error(SettingsFile, document, error) from None
    except RecursionError:
        raise InvalidProblemError(f"{path} has brackets that are nested too deeply.") from None
    read._document = document
    if reader is not None:
        require_reader(read, reader)
    return read


def require_reader(settings: SettingsFile, reader: str) -> None:
    """Refuse keys that are for others.

    Parameters
    ----------
    settings : SettingsFile
    reader : str
        As of `load_settings`.

    Raises
    ------
    InvalidProblemError
        Naming the first of them, and whose it is.
    """
    for place in settings.said_places():
        field = walking.field_at(SettingsFile, place)
        readers: list[str] = [] if field is None else facts(field).get("readers", [])
        if readers and reader not in readers:
            raise settings.document.error(place, _not_for(reader, place, readers))


def _not_for(reader: str, place: Place, readers: list[str]) -> str:
    theirs = " and ".join("a run without a host" if each == RUN else each for each in readers)
    if reader == RUN:
        return f"{named(place)} is for {theirs}, and a run without a host does not read it; leave it out."
    says = ", which says it itself" if RUN in readers else ""
    return f"{named(place)} is for {theirs}, not for {reader}{says}; leave it out."


def read_given(settings: Any, reader: str) -> SettingsFile:
    """What an adapter was given as its settings: a file, or what `load_settings` made of one.

    Raises
    ------
    InvalidProblemError
        As `load_settings`.
    """
    if isinstance(settings, SettingsFile):
        require_reader(settings, reader)
        return settings
    if not isinstance(settings, str | Path):
        raise InvalidProblemError(f"settings is {settings!r}; the path of a settings file is allowed.")
    return load_settings(settings, reader)
