"""`surrogate-plugin physicell init`: what is there, what is proposed, what is written, what is said of it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import surrogate_plugin as sp
from surrogate_adapters.biofvm import require_allowed
from surrogate_adapters.options import names_of
from surrogate_adapters.physicell import project
from surrogate_adapters.physicell.choices import Choices, load
from surrogate_adapters.physicell.embedding import Embedding, this_python
from surrogate_adapters.physicell.facts import substrate_of
from surrogate_adapters.physicell.headers import write_headers
from surrogate_adapters.physicell.patching import patch
from surrogate_adapters.physicell.project import FORMER, PLACES, Written
from surrogate_adapters.physicell.proposal import Verdict, verdicts
from surrogate_adapters.physicell.settings import CONFIGURATION, Settings, read_settings
from surrogate_adapters.physicell.settings_file import differences, settings_text, write_settings
from surrogate_plugin.arguments import one_of
from surrogate_plugin.engine.request import DEVICES

_MOVES = """
The header and the settings are in the project's folder, where `make save` and `make pack` pass them by; --patch moves
them to custom_modules/ and config/.
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What the command was given; None for what it was not.

    Attributes
    ----------
    substrates : list of str or None
    tolerance : float or None, field units
    configuration : Path or None
    patch, force : bool
    device : str or None
    """

    substrates: list[str] | None = None
    tolerance: float | None = None
    configuration: Path | None = None
    patch: bool = False
    force: bool = False
    device: str | None = None


def set_up(folder: Path, asked: Asked, say: Say) -> list[Written]:
    """Set a project up, and say what was done and what is left to do; nothing is written if anything is refused.

    Parameters
    ----------
    folder : Path
        The project.
    asked : Asked
    say : callable
        Takes the lines.

    Returns
    -------
    list of Written
        What became of each file.

    Raises
    ------
    InvalidProblemError, UnsupportedProblemError
        One sentence.
    """
    project.require_project(folder)
    _require(asked)
    python = this_python()
    present = _present(folder, asked)
    configuration = _configuration(folder, asked, present, say)
    proposed = [] if configuration is None else verdicts(configuration)
    names = _names(asked, present, configuration, proposed, say)
    for line in _told(names, configuration, proposed):
        say(line)
    written = list(_written(folder, asked, python, present, names, proposed))
    for one in written:
        say(f"{one.outcome:>9}  {one.path}{f' ({one.why})' if one.why else ''}")
    if not asked.patch:
        say(_to_add(folder, python))
    return written


def _require(asked: Asked) -> None:
    if asked.substrates is not None:
        names_of(asked.substrates, asked.substrates)
    tolerance = asked.tolerance
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance > 0):
        raise sp.InvalidProblemError(f"tolerance is {tolerance}; a finite number > 0 is allowed.")
    if asked.device is not None:
        one_of("device", asked.device, DEVICES)


def _settings_path(folder: Path, asked: Asked) -> Path:
    """The settings that are there, or where they will be."""
    places = project.places_of(folder)
    moving = asked.patch and not (folder / PLACES.settings).exists()
    return folder / (places if moving or not asked.patch else PLACES).settings


def _present(folder: Path, asked: Asked) -> Choices | None:
    """The settings of the project, if they are there and are to stay."""
    path = _settings_path(folder, asked)
    if asked.force or not path.exists():
        return None
    try:
        return load(path)
    except sp.InvalidProblemError as error:
        raise sp.InvalidProblemError(f"{str(error).rstrip('.')}; correct it, or replace it with --force.") from None


def _configuration(folder: Path, asked: Asked, present: Choices | None, say: Say) -> Settings | None:
    """The project's XML; without one, or with one that only PhysiCell can read, names have to be given."""
    path = asked.configuration or folder / CONFIGURATION
    if asked.configuration is None and not path.is_file():
        say(f"There is no {path}, so nothing is known of the substrates.")
        return None
    try:
        found = read_settings(path, folder)
    except sp.InvalidProblemError as error:
        if asked.configuration is not None or (asked.substrates is None and present is None):
            raise
        say(f"Warning: {error} Nothing is known of the substrates.")
        return None
    if found.variables:
        return found
    say(f"{path} declares no substrates (microenvironment_setup), so nothing is known of them.")
    return None


def _names(
    asked: Asked, present: Choices | None, configuration: Settings | None, proposed: Sequence[Verdict], say: Say
) -> list[str]:
    """The substrates that the settings will name: those that are there, those asked for, or those that fit."""
    if configuration is None:
        return present.names if present is not None else asked.substrates or ["oxygen"]
    _require_declared(asked.substrates or [], configuration)
    if present is not None:
        for name in present.names:
            if name not in configuration.names:
                say(f"Warning: the settings name {name!r}, which {configuration.path} does not declare.")
        return present.names
    chosen = asked.substrates or [one.name for one in proposed if one.fits]
    if not chosen:
        for line in _told([], configuration, proposed):
            say(line)
        raise sp.UnsupportedProblemError(
            f"a steady field fits none of the substrates of {configuration.path}; leave them to PhysiCell, or name "
            f"those to answer for, slow ones in time: --substrates {shlex.quote(','.join(configuration.names))}."
        )
    return chosen


def _require_declared(names: Sequence[str], configuration: Settings) -> None:
    declared = {one.name: substrate_of(configuration, one) for one in configuration.variables}
    for name in names:
        if name not in declared:
            raise sp.UnsupportedProblemError(
                f"{configuration.path} has no substrate {name!r}; it has {', '.join(declared)}. Where your own code "
                f"adds it, write {PLACES.settings} by hand."
            )
        require_allowed(declared[name])


def _told(names: Sequence[str], configuration: Settings | None, proposed: Sequence[Verdict]) -> Iterator[str]:
    """A line a substrate."""
    if configuration is None:
        return
    (nx, ny, _), (dx, dy, _) = configuration.lattice.nodes, configuration.lattice.spacing_um
    size = f"{dx:g}" if dx == dy else f"{dx:g} x {dy:g}"
    yield (
        f"{configuration.path}: {nx} x {ny} voxels of {size} um, a phenotype step of "
        f"{configuration.times.phenotype_min:g} min."
    )
    width = max(len(one.name) for one in proposed)
    for one in proposed:
        if one.name not in names:
            what = "left to PhysiCell, though it would fit." if one.fits else "left to PhysiCell."
        elif one.slow:
            yield f"  {one.name:{width}}  answered for in time (implicit-euler), as asked: {one.pace}"
            continue
        else:
            what = "answered for." if one.fits else "answered for, as asked, but:"
        yield f"  {one.name:{width}}  {what} {one.reason}"


def _written(
    folder: Path,
    asked: Asked,
    python: Embedding,
    present: Choices | None,
    names: Sequence[str],
    proposed: Sequence[Verdict],
) -> Iterator[Written]:
    former = asked.patch and project.places_of(folder) == FORMER
    if asked.patch:
        yield from patch(folder, python)
    if former:
        yield from project.move_from_former(folder)
    places = PLACES if asked.patch else project.places_of(folder)
    yield from write_headers(folder, places, force=asked.force)
    path = folder / places.settings
    if present is None:
        own = {one.name: one.tolerance for one in proposed if one.name in names and one.tolerance is not None}
        steady, slow = (
            {one.name: one.pace for one in proposed if one.pace is not None and one.slow is is_slow}
            for is_slow in (False, True)
        )
        yield write_settings(
            path, settings_text(python.executable, names, asked.tolerance or own, steady, slow, asked.device)
        )
    else:
        differing = differences(present, python.executable, asked.substrates, asked.tolerance, asked.device)
        why = f"{'; '.join(differing)}; --force replaces it" if differing else ""
        yield Written(path, "kept" if differing else "as it was", why)


def _to_add(folder: Path, python: Embedding) -> str:
    """What is left to the modeller, or to ``--patch``."""
    places = project.places_of(folder)
    moves = "" if places == PLACES else _MOVES
    return f"""
Add to main.cpp, below the other includes:
    {places.include}
and below setup_microenvironment();
    {places.attach}

Add to the Makefile, above "all:":
    {project.define_flags(python)}
and at the end of the line that links main.cpp, after a space:
    {project.USE_FLAGS}
{moves}
Or let --patch do both. Then: make"""
