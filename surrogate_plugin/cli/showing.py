"""What ``view`` and ``export`` share: the film of a path, and what of it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from surrogate_plugin.cli.posing import parse_spacing
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.pictures.scene import Film


@dataclass(frozen=True)
class Asked:
    """What a user says of a path beside it; each as the option of its name."""

    problem: Path | None = None
    array: str | None = None
    spacing: str | None = None
    units: str = ""
    length_units: str = ""
    method: str | None = None
    settings: Path | None = None
    nodes: str | None = None


def open_film(path: Path, asked: Asked) -> Film:
    """The moments of a recording, a finished run, a saved field or a saved problem.

    Raises
    ------
    InvalidProblemError, RecordingError
        If it is none of these, or damaged.
    """
    from surrogate_plugin.files import films  # which knows recordings, and so loads what solves

    if not path.exists():
        raise InvalidProblemError(
            f"{str(path)!r} does not exist; a recording, a finished run or a saved field is allowed."
        )
    if asked.settings is not None or asked.nodes is not None:
        return _run(path, asked)
    if films.is_recording(path):
        _refuse(path, asked, "a recording")
        return films.RecordingFilm(path, asked.method or "exact", asked.units)
    if films.is_problem(path):
        _refuse(path, asked, "a problem")
        return films.ProblemFilm(path, asked.method or "exact", asked.units, asked.length_units)
    if films.is_field(path):
        if asked.method is not None:
            raise InvalidProblemError(
                f"{path} holds a field, which is not solved for; --method is for recordings and problems."
            )
        problem = None if asked.problem is None else Problem.load(asked.problem)
        spacing = None if asked.spacing is None else parse_spacing(asked.spacing)
        return films.FieldFilm(path, problem, asked.array, spacing, asked.units, asked.length_units)
    return _run(path, asked)


def default_threshold(substrate: str) -> float | None:
    """Below which value of a substrate tissue counts as hypoxic, where nobody says otherwise."""
    from surrogate_plugin.audit.options import THRESHOLDS

    return THRESHOLDS.get(substrate)


def _run(path: Path, asked: Asked) -> Film:
    from surrogate_plugin.audit.film import RunFilm
    from surrogate_plugin.audit.reading import open_run

    given = {"settings": asked.settings, "nodes": asked.nodes}
    run = open_run(path, **{name: value for name, value in given.items() if value is not None})
    _refuse(path, asked, "a finished run", "method")
    return RunFilm(run)


def _refuse(path: Path, asked: Asked, what: str, *others: str) -> None:
    for name in ("problem", "array", "spacing", *others):
        if getattr(asked, name) is not None:
            raise InvalidProblemError(f"{path} is {what}, which --{name} is not for.")
