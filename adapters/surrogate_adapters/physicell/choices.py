"""`surrogate.toml`: what a modeller chooses, read and checked once, when the header attaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError, WrapValidator, field_validator
from pydantic_core import PydanticCustomError

import surrogate_plugin as sp
from surrogate_adapters.checked import Positive
from surrogate_adapters.options import Options, settings_of
from surrogate_adapters.physicell.medium import Medium
from surrogate_plugin.session.settings import Stepping
from surrogate_plugin.settings.document import Document
from surrogate_plugin.settings.saying import nearest


def _refresh(given: Any, check: Any) -> Any:
    try:
        return check(given)
    except ValidationError:
        allowed = "'phenotype', 'mechanics' or a number of minutes > 0 is allowed"
        raise PydanticCustomError("refresh", allowed) from None


def _some(given: Any) -> Any:
    if isinstance(given, list | dict) and not given:
        raise PydanticCustomError("substrates", "the name of at least one substrate is allowed")
    return given


class Choice(Medium):
    """A table of its own for one substrate, ``[substrates.oxygen]``."""

    tolerance: Positive | None = None
    stepping: Stepping | None = None
    time_tolerance: Positive | None = None


class Choices(Options):
    """The keys of `surrogate.toml`; paths are relative to the folder the simulation runs in, as PhysiCell's are.

    Parameters
    ----------
    substrates : list of str, or a table for each
        Those to answer for; the others are stepped as the host steps them.
    tolerance : float or table of substrate to float, field units, optional
        Largest pointwise error allowed; by default 1 % of the largest value, 0.1 % where cells climb the substrate.
    model, method, policy, device : str
        As in `BackendConfig`.
    stepping : "steady", "implicit-euler", or table of substrate to these
        Which fields go on in time instead, by a step whenever a solve is due by ``refresh``.
    time_tolerance : float or table of substrate to float, field units, optional
        The largest error that a step in time may be estimated to make by being so long.
    refresh : "phenotype", "mechanics" or float, min
        Solve right before each phenotype step, right before each mechanics step, or every so many minutes. The first
        two also solve for what cells have moved, changed or come and gone by more than the tolerance allows; a number
        of minutes only where their number has changed, and tells the rest.
    on_error : "stop" or "host"
        What an error in a solve does: end the simulation with what it was given saved, or let the host's solver answer
        until the next solve is due.
    record : str, optional
        Where to record the states solved for, as in pyphysicell's `attach`.
    report : str, optional
        Where to write the page of the run, such as ``"output/run.html"``, see `RunReport`.
    log : str, optional
        A CSV file with a line for each field solved for.
    python : str, optional
        The interpreter to run, in the environment that holds this package; read by the header.

    Examples
    --------
    >>> Choices(substrates=["oxygen"], tolerance=0.38).refresh
    'phenotype'
    """

    owner = "surrogate.toml"

    substrates: Annotated[list[str] | dict[str, Choice], BeforeValidator(_some)]
    refresh: Annotated[Literal["phenotype", "mechanics"] | Positive, WrapValidator(_refresh)] = "phenotype"
    on_error: Literal["stop", "host"] = "stop"
    log: str | None = None
    python: str | None = None

    @field_validator("model")
    @classmethod
    def _installed(cls, given: str) -> str:
        # Its path counts from where the simulation runs, so that only `settings` can tell whether it is there.
        return given

    @property
    def names(self) -> list[str]:
        """The substrates to answer for."""
        return list(self.substrates)

    @property
    def tolerances(self) -> float | dict[str, float] | None:
        """One tolerance for all, or those given, by substrate; a substrate's own table wins."""
        found: float | dict[str, float] | None = self._by_substrate("tolerance")
        return found

    def medium(self, name: str) -> Medium:
        """What conducts and decays otherwise than the host says, of one substrate."""
        return Medium() if isinstance(self.substrates, list) else self.substrates[name]

    def _by_substrate(self, key: str) -> Any:
        """What all have alike, or what each has that has it; a substrate's own table wins."""
        given = getattr(self, key)
        if isinstance(self.substrates, list):
            return given
        shared = given if isinstance(given, dict) else dict.fromkeys(self.names, given)
        return _given(shared) | _given({name: getattr(own, key) for name, own in self.substrates.items()})

    def settings(self, names: Sequence[str]) -> dict[str, sp.Settings]:
        """Those of each substrate, for `BackendConfig`.

        Raises
        ------
        InvalidProblemError
            If the model is not there, or a tolerance is of a substrate that is not named.
        """
        keys = ("tolerance", "stepping", "time_tolerance")
        of_each = settings_of(self.names, *(self._by_substrate(key) for key in keys), **self.shared())
        return {name: of_each[name] for name in names}


def load(path: str | Path) -> Choices:
    """Read the settings.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Choices

    Raises
    ------
    InvalidProblemError
        If the file cannot be read, is no TOML, or a key is missing, unknown or not allowed: one sentence naming it.
    """
    document = Document.read(path)
    made = Choices.__new__(Choices)
    try:  # what `Choices` does itself, but for its errors, which do not know the line
        Choices.__pydantic_validator__.validate_python(document.said, self_instance=made)
    except ValidationError as error:
        raise _with_line(document, error) from None
    return made


def _with_line(document: Document, error: ValidationError) -> sp.InvalidProblemError:
    """What is wrong, where it stands, and the nearest key to one that there is not."""
    sentence, place = Choices.sentence(error).removeprefix(Choices.owner), Choices.place(error)
    known = list(Choices.model_fields) if len(place) == 1 else [*Choice.model_fields]
    near = nearest(place[-1], known) if place and place[-1] not in known else None
    meant = f"; the nearest is {near!r}" if near is not None and "has no setting" in sentence else ""
    return sp.InvalidProblemError(f"{document.where(place)}{sentence.rstrip('.')}{meant}.")


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
