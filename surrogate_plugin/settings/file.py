"""All that a settings file may say, `surrogate.toml`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PrivateAttr, ValidationInfo, field_validator, model_validator

from surrogate_plugin.engine.request import DEVICES, installed_method, model_of
from surrogate_plugin.session.settings import Settings
from surrogate_plugin.settings.document import Document
from surrogate_plugin.settings.keys import RUN, Name, Positive, Table, WrittenPath, key, refusal
from surrogate_plugin.settings.scene import CellTable, Lattice, Source, Vessel
from surrogate_plugin.settings.schedule import Output, Time
from surrogate_plugin.settings.substrate import Stepping, Substrate

#: Those of each substrate, which may be said once for all.
_OF_EACH = ("tolerance", "stepping", "time_tolerance")
#: Those that hold for all substrates together.
_OF_ALL = ("model", "method", "policy", "device", "record", "report")


def _some(given: Any) -> Any:
    if isinstance(given, list | dict) and not given:
        raise refusal("is empty; the name of at least one substrate is allowed")
    return given


class SettingsFile(Table):
    """What a settings file says; its keys are those of the file.

    See Also
    --------
    load_settings : reads one.
    """

    substrates: Annotated[list[Name] | dict[Name, Substrate] | None, BeforeValidator(_some)] = key(
        None,
        "The substrates to answer for",
        allowed="a list of names, or a table for each, [substrates.oxygen]",
        example=["oxygen"],
        said_default="all that the host has",
    )
    tolerance: Positive | dict[Name, Positive] | None = key(
        None,
        "Largest error allowed anywhere in a field",
        unit="field units",
        allowed="a number > 0, or a table of substrate to these",
        example=0.38,
        said_default="1 % of the largest value imposed",
    )
    method: str = key(
        "guarded",
        "Who answers",
        allowed='"guarded", "surrogate", "exact", or the name of a solver',
        example="guarded",
    )
    policy: Literal["fastest", "surrogate-first"] = key(
        "fastest",
        "Which certified route the guarded method takes first",
        allowed='"fastest" or "surrogate-first"',
        example="fastest",
    )
    model: str = key(
        "default",
        "The network",
        allowed="the name of an installed one, or the path of its weights",
        example="default",
    )
    device: Literal["auto", "cpu", "cuda"] = key(
        "auto", "Where fields are solved for", allowed='"auto", "cpu" or "cuda"', example="auto"
    )
    stepping: Stepping | dict[Name, Stepping] = key(
        "steady",
        "Whether a field is at rest at each moment, or goes on in time",
        allowed='"steady", "implicit-euler", or a table of substrate to these',
        example="steady",
    )
    time_tolerance: Positive | dict[Name, Positive] | None = key(
        None,
        "Largest error that a step in time may be estimated to make by being so long; it is taken in parts then",
        unit="field units",
        allowed="a number > 0, or a table of substrate to these",
        example=0.05,
        said_default="steps are as long as they are asked for",
    )
    record: WrittenPath | None = key(
        None,
        "Where the states solved for are recorded, for retraining and pictures",
        allowed="the name of a folder",
        example="run.zarr",
        said_default="nothing is recorded",
    )
    report: WrittenPath | None = key(
        None,
        "Where the page of the run goes",
        allowed="the name of an .html file",
        example="run.html",
        said_default="no page is written",
    )
    refresh: Literal["changes", "phenotype", "mechanics"] | Positive | None = key(
        None,
        "When fields are solved for anew",
        unit="min",
        allowed='"phenotype" or "mechanics" (steps), a number of minutes > 0 in PhysiCell (C++), "changes" in '
        "pyphysicell",
        example="phenotype",
        readers=["physicell", "pyphysicell"],
        said_default="each phenotype step, in pyphysicell whenever something changed",
    )
    move_limit_um: Positive | None = key(
        None,
        "How far a cell may move before the field is solved for anew",
        unit="um",
        allowed="a number > 0",
        example=5.0,
        readers=["pyphysicell"],
        said_default="into another voxel",
    )
    on_error: Literal["stop", "host"] | None = key(
        None,
        "What an error does: end the run, or let the host's own solver answer until the next solve",
        allowed='"stop" or "host"',
        example="stop",
        readers=["physicell"],
        said_default="stop",
    )
    log: str | None = key(
        None,
        "A table with a line for each field solved for",
        allowed="the name of a .csv file",
        example="surrogate.csv",
        readers=["physicell"],
        said_default="none",
    )
    python: str | None = key(
        None,
        "The interpreter that has surrogate-plugin",
        allowed="the path of one",
        example="/usr/bin/python3",
        readers=["physicell"],
        said_default="that of the variable SURROGATE_PYTHON, or libpython's",
    )
    domain: Lattice | None = key(None, "The lattice", readers=[RUN])
    vessels: list[Vessel] = key([], "Vessels, one a table", readers=[RUN])
    sources: list[Source] = key([], "Vessels out of pictures and tables, one a file", readers=[RUN])
    cells: CellTable | None = key(None, "The cells", readers=[RUN])
    time: Time | None = key(None, "For fields that go on in time", readers=[RUN])
    output: Output = key(Output(), "What is written beside report and record", readers=[RUN])

    _document: Document | None = PrivateAttr(default=None)

    @field_validator("method")
    @classmethod
    def _callable(cls, given: str) -> str:
        return installed_method(given)

    @field_validator("device", mode="before")
    @classmethod
    def _device(cls, given: Any) -> Any:
        return given if not isinstance(given, str) or given in DEVICES else given.strip()

    @field_validator("model")
    @classmethod
    def _installed(cls, given: str, info: ValidationInfo) -> str:
        beside = Path((info.context or {}).get("folder", ".")) / given
        found = str(beside) if beside.suffix and os.path.isfile(beside) else given
        model_of(found)
        return found

    @field_validator("report")
    @classmethod
    def _page(cls, given: Path | None) -> Path | None:
        if given is not None and (given.suffix.lower() not in (".html", ".htm") or os.path.isdir(given)):
            raise refusal(f"is {given.name!r}; a file whose name ends in .html is allowed")
        return given

    @model_validator(mode="after")
    def _names_are_known(self) -> SettingsFile:
        known = self.names
        if known is None:
            return self
        if len(set(known)) < len(known):
            raise refusal("has a name in substrates twice; each once is allowed")
        for name in _OF_EACH:
            given = getattr(self, name)
            for substrate in given if isinstance(given, dict) else ():
                if substrate not in known:
                    raise refusal(f"has {name} of {substrate!r}; the substrates are {', '.join(known)}")
        return self

    @property
    def names(self) -> list[str] | None:
        """The substrates that are named, or None where none is."""
        return None if self.substrates is None else list(self.substrates)

    @property
    def document(self) -> Document:
        """The file that it was read from, to say in an error where something stands."""
        return self._document or Document(Path("settings"), {}, {})

    def substrate(self, name: str) -> Substrate:
        """The table of a substrate; an empty one where it has none."""
        tables = self.substrates
        return tables[name] if isinstance(tables, dict) and name in tables else Substrate()

    def of_each(self, option: str) -> Any:
        """What is said of an option of each substrate: one value for all, or those given, by substrate.

        A substrate's own table wins.
        """
        shared = getattr(self, option) if option in self.model_fields_set else None
        own = {name: getattr(self.substrate(name), option) for name in self.names or ()}
        own = {name: value for name, value in own.items() if value is not None}
        if not own:
            return shared
        if isinstance(shared, Mapping):
            return {**shared, **own}
        return {**({} if shared is None else dict.fromkeys(self.names or (), shared)), **own}

    def options(self) -> dict[str, Any]:
        """What is said of who answers, how exactly and what is kept of it: as the adapters take it, by name."""
        said = {name: self.of_each(name) for name in _OF_EACH}
        said |= {name: getattr(self, name) for name in _OF_ALL if name in self.model_fields_set}
        return {name: value for name, value in said.items() if value is not None}

    def settings(self, name: str) -> Settings:
        """Those of one substrate, for `BackendConfig`."""
        options = self.options()
        of_each = {option: options.get(option) for option in _OF_EACH}
        one = {option: value.get(name) if isinstance(value, Mapping) else value for option, value in of_each.items()}
        given = {option: options[option] for option in ("model", "method", "policy", "device") if option in options}
        return Settings(**given, **{option: value for option, value in one.items() if value is not None})

    def said_places(self) -> Iterator[tuple[str | int, ...]]:
        """Every key that the file has, outer ones first."""
        return _places(self.document.said, ())


def _places(tree: Any, above: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for part, value in items:
        yield (*above, part)
        yield from _places(value, (*above, part))
