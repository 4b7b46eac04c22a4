"""An ensemble that a file describes, `ensemble.toml`: what is run, over which parameters, and where it is kept."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from surrogate_plugin.ensemble.members import Link
from surrogate_plugin.ensemble.settings_runs import SettingsRuns
from surrogate_plugin.ensemble.side_by_side import Function
from surrogate_plugin.ensemble.sweep import Parameters, checked, grid, latin_hypercube, sobol
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.settings import saying
from surrogate_plugin.settings.document import Document
from surrogate_plugin.settings.keys import Count, Name, ReadPath, Table, WrittenPath, key

Whole = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]


class Sweep(Table):
    """Which parameters members have, ``[sweep]``."""

    kind: Literal["grid", "latin-hypercube", "sobol", "list"] = key(
        "grid", "How parameters are chosen", allowed='"grid", "latin-hypercube", "sobol" or "list"'
    )
    over: dict[Name, Any] = key(
        {}, "The parameters", allowed="a table of lists: values in a grid, else the lowest and the highest"
    )
    count: Count | None = key(None, "How many points", allowed="a whole number >= 1")
    seed: Whole = key(0, "Of the points", allowed="a whole number >= 0")
    log: list[Name] = key([], "Parameters on a logarithmic scale", allowed="a list of names")
    members: list[dict[str, Any]] = key([], "The parameters of each member of a list", allowed="an array of tables")


class EnsembleFile(Table):
    """What the file may say."""

    function: Name | None = key(None, "What is run", allowed='a file and a function in it, "spheroid.py:grow"')
    settings: ReadPath | None = key(None, "A settings file to run", allowed="the name of a .toml file")
    out: WrittenPath | None = key(None, "The store", allowed="a name that ends in .zarr")
    repeats: Count = key(1, "How many members have the same parameters", allowed="a whole number >= 1")
    seed: Whole = key(0, "Of the random numbers of all members", allowed="a whole number >= 0")
    together: Count | None = key(None, "Members of a process begun at once", allowed="a whole number >= 1")
    limit: Count | None = key(None, "Problems solved without waiting for more", allowed="a whole number >= 1")
    sweep: Sweep = key(..., "Which parameters members have", allowed="a table, [sweep]")


@dataclass(frozen=True)
class Described:
    """An ensemble as `run` takes it.

    Attributes
    ----------
    function : callable
    sweep : list of Parameters
    out : Path
    repeats, seed : int
    options : dict
        ``together`` and ``limit``, where they are said.
    """

    function: Function
    sweep: list[Parameters]
    out: Path
    repeats: int
    seed: int
    options: dict[str, int]


@dataclass(frozen=True)
class FunctionIn:
    """A function in a file, which each process loads at its first call; so it travels to workers as its name.

    Attributes
    ----------
    path : Path
        Of the file.
    name : str
        Of the function.
    """

    path: Path
    name: str

    @property
    def subject(self) -> str:
        """What is run."""
        return self.name

    def __call__(self, parameters: Parameters, link: Link) -> Any:
        """Run it."""
        return self.load()(parameters, link)

    def load(self) -> Any:
        """The function.

        Raises
        ------
        InvalidProblemError
            If the file cannot be run, or has no such function.
        """
        module = sys.modules.get(self._module) or self._loaded()
        found = getattr(module, self.name, None)
        if not callable(found):
            raise InvalidProblemError(f"{self.path} has no function {self.name!r}.")
        return found

    @property
    def _module(self) -> str:
        return f"surrogate_plugin_ensemble:{self.path}"

    def _loaded(self) -> Any:
        spec = importlib.util.spec_from_file_location(self._module, self.path)
        if spec is None or spec.loader is None:
            raise InvalidProblemError(f"{self.path} is no file of Python; one whose name ends in .py is allowed.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[self._module] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[self._module]
            if not isinstance(error, Exception | SystemExit):
                raise
            said = " ".join(str(error).split())
            raise InvalidProblemError(f"{self.path} cannot be run ({type(error).__name__}: {said}).") from error
        return module


def read_ensemble(path: str | Path) -> Described:
    """An ensemble that a file describes.

    Raises
    ------
    InvalidProblemError
        One sentence with the file, the line, the key, its value and what is allowed.
    """
    document = Document.read(path)
    try:
        read = EnsembleFile.model_validate(document.said, context={"folder": document.folder, "must_exist": True})
    except ValidationError as error:
        raise saying.first_error(EnsembleFile, document, error) from None
    with document.at(("sweep",)):
        sweep = _sweep(read.sweep)
    out = document.path.with_suffix(".zarr") if read.out is None else read.out
    options = {name: value for name in ("together", "limit") if (value := getattr(read, name)) is not None}
    return Described(_function(read, document, sweep), sweep, out, read.repeats, read.seed, options)


def _function(read: EnsembleFile, document: Document, sweep: list[Parameters]) -> Function:
    if (read.function is None) == (read.settings is None):
        said = "are both given" if read.function is not None else "are both missing"
        raise document.error(("function",), f"function and settings {said}; one of them is allowed.")
    if read.settings is not None:
        return SettingsRuns.of(read.settings, sweep[0])
    file, colon, name = (read.function or "").rpartition(":")
    path = (document.folder / file).absolute()
    if not colon or not name.isidentifier() or not path.is_file():
        raise document.error(
            ("function",), f"function is {read.function!r}; a file that is there and a function in it, as "
            '"spheroid.py:grow", is allowed.'
        )  # fmt: skip
    function = FunctionIn(path, name)
    with document.at(("function",)):
        function.load()
    return function


def _sweep(said: Sweep) -> list[Parameters]:
    over = dict(_flat(said.over, ""))
    if said.kind == "list":
        _refuse(over=over, count=said.count, log=said.log)
        return checked(dict(_flat(each, "")) for each in said.members)
    _refuse(members=said.members)
    if said.kind == "grid":
        _refuse(count=said.count, log=said.log)
        return grid(over)
    if said.count is None:
        raise InvalidProblemError(f"count is missing; how many points a sweep of kind {said.kind!r} has is needed.")
    spread = sobol if said.kind == "sobol" else latin_hypercube
    return spread(over, said.count, seed=said.seed, log=said.log)


def _refuse(**given: Any) -> None:
    for name, value in given.items():
        if value:
            raise InvalidProblemError(f"{name} is for another kind of sweep; leave it out.")


def _flat(tables: Mapping[str, Any], above: str) -> list[tuple[str, Any]]:
    """Keys in tables by their whole names: TOML makes tables of the dots in a name without quotes."""
    found: list[tuple[str, Any]] = []
    for name, value in tables.items():
        found += _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else [(f"{above}{name}", value)]
    return found
