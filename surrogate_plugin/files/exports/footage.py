"""What is exported: some moments of a film, each with its substrates and cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.pictures.scene import Dots, Film, Scene

Moved = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Footage:
    """Moments of a film, read when they are asked for."""

    film: Film
    moments: tuple[int, ...]
    substrates: tuple[str, ...]

    def __iter__(self) -> Iterator[Mapping[str, Scene]]:
        """The substrates of one moment after another."""
        return (self.at(index) for index in self.moments)

    def at(self, index: int) -> Mapping[str, Scene]:
        """The substrates of a moment."""
        return {name: self.film.scene(index, name) for name in self.substrates}


def time_of(scenes: Mapping[str, Scene], number: int) -> float:
    """The time of a moment, min; where it is not known, its number."""
    first = next(iter(scenes.values()))
    return float(number) if first.time is None else first.time


def cells_of(scenes: Mapping[str, Scene]) -> Dots | None:
    """The cells of a moment, whose levels are those of the first substrate."""
    return next(iter(scenes.values())).cells


def needed_cells(scenes: Mapping[str, Scene], what: str) -> Dots:
    """The cells of a moment.

    Raises
    ------
    InvalidProblemError
        If it has none.
    """
    first = next(iter(scenes.values()))
    if first.cells is None:
        raise InvalidProblemError(
            f"{what} is of cells, and {first.name} holds none, only maps; a .vti, .pvd or .ome.zarr holds maps."
        )
    return first.cells
