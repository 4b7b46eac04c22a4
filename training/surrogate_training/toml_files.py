"""Configurations: TOML files of one's own, and those that ship with the package and are known by name."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from surrogate_plugin.plain_files import read_plain

#: Where the shipped ones are, to copy and change.
FOLDER = Path(__file__).parent / "configs"
#: No configuration is longer.
_MOST_BYTES = 2**24


class ConfigurationError(ValueError):
    """A configuration cannot be found or is no TOML; the message is one sentence."""


def shipped() -> tuple[str, ...]:
    """The names of the configurations that ship with the package.

    Examples
    --------
    >>> [name for name in shipped() if not name.startswith("study")]
    ['default', 'plain']
    """
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read_toml(source: str | Path) -> dict[str, Any]:
    """What a configuration says.

    Parameters
    ----------
    source : str or Path
        A TOML file, or else a name out of `shipped`.

    Raises
    ------
    ConfigurationError
        If there is no such configuration, or it cannot be read.

    Examples
    --------
    >>> read_toml("default")["seed"]
    3
    """
    path = Path(source)
    if not path.is_file() and str(source) in shipped():
        path = FOLDER / f"{source}.toml"
    try:
        return tomllib.loads(read_plain(path, _MOST_BYTES).decode())
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no configuration {source}; name a TOML file, or one that ships: {', '.join(shipped())}."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"the configuration {source} cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:  # brackets in brackets in brackets
        raise ConfigurationError(f"the configuration {source} is not TOML ({' '.join(str(error).split())}).") from None


def with_changes(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A configuration with dotted fields replaced.

    Raises
    ------
    ConfigurationError
        If something in the place of a section is none.

    Examples
    --------
    >>> with_changes({"data": {"batch": 4}}, {"data.batch": 8, "seed": 1})
    {'data': {'batch': 8}, 'seed': 1}
    """
    changed = dict(given)
    for name, value in changes.items():
        section, dot, field = name.partition(".")
        if not dot:
            changed[section] = value
            continue
        inner = changed.get(section, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(f"{section} is {str(inner)[:60]!r}; a section is expected.")
        changed[section] = with_changes(inner, {field: value})
    return changed


def merged(given: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A configuration with another laid over it: sections are merged, all else is replaced.

    Examples
    --------
    >>> merged({"data": {"batch": 4, "seed": 1}, "seeds": [0]}, {"data": {"batch": 8}, "seeds": [1, 2]})
    {'data': {'batch': 8, 'seed': 1}, 'seeds': [1, 2]}
    """
    both = dict(given)
    for name, value in over.items():
        held = both.get(name)
        both[name] = merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return both
