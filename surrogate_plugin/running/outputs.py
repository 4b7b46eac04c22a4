"""The files that a run without a host leaves: pictures, fields, cells, films."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from surrogate_plugin import files
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files import exports
from surrogate_plugin.files.writing import Told
from surrogate_plugin.pictures import animation, panels
from surrogate_plugin.pictures.scene import Dots, Scene
from surrogate_plugin.running.going import Going
from surrogate_plugin.running.saving import Moment
from surrogate_plugin.running.tissue import Tissue
from surrogate_plugin.settings.file import SettingsFile
from surrogate_plugin.whole_files import replacing

#: Of one substrate, whose name is in the file's where there are several.
_OF_ONE = (".png", ".npy", *animation.SUFFIXES)
_OF_CELLS = (".csv", ".vtp", ".simularium")


class KeptFilm:
    """The moments of a run, read again when they are asked for."""

    def __init__(self, going: Going) -> None:
        self._tissue = going.tissue
        self.substrates: Sequence[str] = going.tissue.names
        last, saved = going.last, going.saved
        assert last is not None, "there is a moment after a run"
        self._steps = [last.step] if saved is None else saved.steps()
        in_time = saved is not None
        self.names: Sequence[str] = [f"step {step}" if in_time else "at rest" for step in self._steps]
        self._in_time = in_time

        def moment(step: int) -> Moment:
            return last if saved is None or step == last.step else saved.moment(step)

        self._moment = lru_cache(maxsize=2)(moment)

    def scene(self, index: int, substrate: str) -> Scene:
        """The field of a substrate, with the cells, and what holds it."""
        moment = self._moment(self._steps[index])
        settings = self._tissue.settings
        before = np.nextafter(moment.time_min, 0.0) if self._in_time else 0.0
        field = moment.fields[substrate]
        return Scene(
            self.names[index],
            self._tissue.domain,
            field,
            substrate,
            moment.time_min if self._in_time else None,
            settings.substrate(substrate).units,
            "um",
            held=self._tissue.raster(substrate, float(before)).fixed,
            cells=_dots(self._tissue, substrate, field),
            bound=moment.bounds[substrate],
            method=moment.methods[substrate],
        )


def check_outputs(settings: SettingsFile) -> None:
    """Refuse files that cannot be written, before anything is solved.

    Raises
    ------
    InvalidProblemError, UnwritableError
        One sentence with file and line.
    """
    names = settings.names or []
    seen: set[Path] = set()
    for number, path in enumerate(settings.output.files):
        with settings.document.at(("output", "files", number)):
            suffix = path.suffix.lower()
            if path in seen:
                raise InvalidProblemError(f"{path.name} is named twice; another name is allowed.")
            seen.add(path)
            if suffix in _OF_CELLS and settings.cells is None:
                raise InvalidProblemError(f"{path.name} is of cells, of which there are none; [cells] names a table.")
            if suffix in _OF_ONE:
                substrate_of(path, names)
            if suffix in (".png", ".npy"):
                files.check_writable(path, colours=settings.output.colours)
            elif suffix in animation.SUFFIXES:
                animation.check(path)
            else:
                exports.check(path)
    with settings.document.at(("output", "colours")):
        panels.check(["field"], settings.output.colours)


def write_outputs(going: Going, moved: Callable[[], None] = lambda: None) -> list[Path]:
    """Write them, and return what was written.

    Raises
    ------
    UnwritableError
        If the disk is full.
    """
    film, settings = KeptFilm(going), going.settings
    moments = range(len(film.names))
    written: list[Path] = []
    for path in settings.output.files:
        suffix = path.suffix.lower()
        style = panels.Style(settings.output.colours)
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix in _OF_ONE:
            name = substrate_of(path, list(film.substrates))
            scene = film.scene(len(film.names) - 1, name)
            if suffix == ".npy":
                files.write_field(path, scene.field, told=Told(scene.method, scene.bound, units=scene.units))
            elif suffix == ".png":
                with replacing(path) as partial:
                    panels.draw(scene, ["field"], style).savefig(partial, dpi="figure", metadata=_metadata(scene))
            else:
                animation.write_film(path, film, list(moments), name, ["field"], style)
            written.append(path)
        else:
            chosen = list(moments)[-1:] if suffix in (".vti", ".vtp") else list(moments)
            written += exports.export(path, film, chosen, film.substrates)
        moved()
    return written


def substrate_of(path: Path, names: Sequence[str]) -> str:
    """The substrate that a file of one is of: the only one, or the one whose name is in the file's.

    Raises
    ------
    InvalidProblemError
        If it is not told.

    Examples
    --------
    >>> substrate_of(Path("oxygen.png"), ["oxygen", "glucose"])
    'oxygen'
    """
    if len(names) == 1:
        return names[0]
    named = [name for name in names if name in path.stem]
    if len(named) != 1:
        raise InvalidProblemError(
            f"{path.name} is of one substrate, and does not say which; the name of one of {', '.join(names)} in it is "
            "allowed."
        )
    return named[0]


def _metadata(scene: Scene) -> dict[str, str]:
    """What a picture says of itself."""
    told = {"Software": "surrogate-plugin", "Title": panels.heading(scene), "units": scene.units}
    return told | {"error_bound": repr(float(scene.bound or 0.0))}


def _dots(tissue: Tissue, substrate: str, field: np.ndarray) -> Dots | None:
    if not len(tissue.placed):
        return None
    cells = tissue.placed.cells(tissue.settings.substrate(substrate), 0.0)
    level = tissue.domain.sample(field, cells.position_um, boundary=tissue.configs[substrate].boundary, outside="clamp")
    count = len(cells)
    return Dots(
        cells.position_um, cells.radius_um, tissue.placed.kind, np.arange(count), level, np.ones(count, dtype=np.bool_)
    )
