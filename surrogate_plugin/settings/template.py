"""The settings file that `surrogate-plugin init` writes: every key with a comment, those not said commented out."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic.fields import FieldInfo

from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.settings.keys import RUN, Table, facts
from surrogate_plugin.settings.scene import CellTable, Lattice, Source, Vessel
from surrogate_plugin.settings.schedule import Output, Time
from surrogate_plugin.settings.schema import SCHEMA_NAME
from surrogate_plugin.settings.substrate import Substrate

_WIDTH = 100

_HEADS = {
    RUN: "What `surrogate-plugin run` solves for. Lengths are in um, times in min, values in the unit of each field.",
    "physicell": "How surrogate_backend.hpp answers for this simulation. Paths begin where the simulation runs.",
}
_HEAD = "How {host} lets surrogate-plugin answer; `settings=` names this file, and what is said in the code wins."
_LEGEND = (
    "A line that begins with # and a key says nothing: its value is an example. Take the # away to say it. "
    "Relative paths begin in the folder of this file."
)


@dataclass(frozen=True)
class Section:
    """A table of the written file.

    Attributes
    ----------
    header : str
        As ``[domain]``; empty for the keys above all tables.
    model : subclass of Table
    head : str
        What the table is.
    said : mapping of key to value
        Those that are not commented out.
    active : bool
        Whether the table itself is said.
    left_out : tuple of str
        Keys that stand in another place of the file.
    """

    header: str
    model: type[Table]
    head: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    active: bool = True
    left_out: tuple[str, ...] = ()

    def lines(self, reader: str) -> Iterator[str]:
        """The table as it is written for one reader."""
        if self.header:
            yield ""
            if self.head:
                yield from _comment(self.head)
            yield self.header if self.active else f"#{self.header}"
        own = self.model.__annotations__
        for name, key in sorted(self.model.model_fields.items(), key=lambda each: each[0] not in own):
            readers = facts(key).get("readers", [])
            if name not in self.left_out and (not readers or reader in readers):
                yield ""
                allowed, example = _OTHERWISE.get((reader, name), ("", _example(key)))
                yield from _comment(_said_of(key, allowed))
                yield from self._entry(name, example)

    def _entry(self, name: str, example: Any) -> Iterator[str]:
        value = self.said.get(name, example)
        mark = "" if name in self.said and self.active else "#"
        yield f"{mark}{name} = {toml_value(value)}"


def settings_text(host: str | None = None, picture: str | None = None, *, schema: bool = True) -> str:
    """A settings file that is complete and valid.

    Parameters
    ----------
    host : str, optional
        The adapter that reads it; a run without a host if not given.
    picture : str, optional
        Of vessels, for a run without a host; a vessel in the middle if not given.
    schema : bool
        Whether it names the schema beside it, for editors.

    Returns
    -------
    str

    Examples
    --------
    >>> print(settings_text("mesa", schema=False)[:39])
    # How mesa lets surrogate-plugin answer
    """
    reader = RUN if host is None else host
    head = _HEADS.get(reader, _HEAD.format(host=host))
    sections = _of_a_run(picture) if reader == RUN else _of_a_host(reader)
    lines = [f"#:schema ./{SCHEMA_NAME}"] if schema else []
    lines += [*_comment(head), *_comment(_LEGEND if reader != "physicell" else _LEGEND.split(" Relative")[0])]
    for section in sections:
        lines += section.lines(reader)
    return "\n".join(lines) + "\n"


def _of_a_run(picture: str | None) -> list[Section]:
    size = {"size_um": [640.0, 320.0], "spacing_um": 5.0} if picture is None else {"spacing_um": 5.0}
    oxygen = {"units": "mmHg", "diffusivity_um2_per_min": 100000.0, "decay_per_min": 4.0}
    vessel = {"position_um": [160.0, 160.0], "radius_um": 12.0, "value": 38.0}
    source = {"file": picture or "vessels.png", "value": 38.0}
    return [
        Section("", SettingsFile, said={"tolerance": 0.38, "report": "run.html"}, left_out=_TABLES),
        Section("[domain]", Lattice, "The lattice: two of size, spacing and shape.", size),
        Section("[substrates.oxygen]", Substrate, "A substrate; further ones have a table each.", oxygen),
        Section("[[vessels]]", Vessel, "A vessel; each has a table.", vessel, picture is None),
        Section("[[sources]]", Source, "Vessels out of a file; each file has a table.", source, picture is not None),
        Section("[cells]", CellTable, "The cells.", active=False),
        Section("[time]", Time, 'Where stepping is "implicit-euler", or vessels come and go.', active=False),
        Section("[output]", Output, "What is written beside record and report.", {"files": ["oxygen.png"]}),
    ]


def _of_a_host(host: str) -> list[Section]:
    physicell = host == "physicell"  # which answers for none that is not named
    tables = tuple(name for name in _TABLES if physicell or name != "substrates")
    head = "A substrate to answer for; further ones have a table each, and all others stay with PhysiCell."
    if not physicell:
        head = "Or a table for each substrate, in the place of the list above."
    return [
        Section("", SettingsFile, left_out=tables),
        Section("[substrates.oxygen]", Substrate, head, active=physicell),
    ]


#: Keys whose values are tables, and follow all others.
_TABLES = ("substrates", "domain", "vessels", "sources", "cells", "time", "output")


#: What a host allows where it is less than what a run without one does, with an example.
_OTHERWISE: Mapping[tuple[str, str], tuple[str, Any]] = {
    ("physicell", "sides"): (
        "a table of xmin, xmax, ymin, ymax to { flux = ... } or { exchange = ..., value = ... }",
        {"xmin": {"flux": 200.0}},
    ),
    ("physicell", "refresh"): ('"phenotype" or "mechanics" (steps), or a number of minutes > 0', "phenotype"),
    ("pyphysicell", "refresh"): ('"changes", "phenotype" or "mechanics" (steps)', "changes"),
}


def _said_of(key: FieldInfo, allowed: str) -> str:
    told = facts(key)
    unit = f" ({told['unit']})" if told.get("unit") else ""
    allowed = allowed or told.get("allowed", "")
    allowed = f": {allowed}" if allowed else ""
    return f"{key.description}{unit}{allowed}. {_default(key, told)}"


def _default(key: FieldInfo, told: Mapping[str, Any]) -> str:
    if key.is_required():
        return "Needed."
    if told.get("default"):
        return f"Default: {told['default']}."
    if key.default is None:
        return "Not set by default."
    return f"Default: {toml_value(key.default) if key.default not in ({}, []) else 'none'}."


def _example(key: FieldInfo) -> Any:
    return key.examples[0] if key.examples else key.default


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)]


def toml_value(value: Any) -> str:
    """A value as TOML writes it.

    Examples
    --------
    >>> toml_value({"left": 38.0, "the right": ["a", True]})
    '{ left = 38.0, "the right" = ["a", true] }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {toml_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(each) for each in value) + "]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """As JSON quotes it, which is as TOML does but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)
