"""Films as files that other programs open; the name of the file says which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.exports import multicellds, ome_zarr, simularium, tables, vtk
from surrogate_plugin.files.exports.footage import Footage, Moved
from surrogate_plugin.pictures.scene import Film
from surrogate_plugin.whole_files import UnwritableError

_Write = Callable[[Path, Footage, Moved], list[Path]]
#: The kinds that are folders, and whether one that is there was written by us.
_FOLDERS: Mapping[str, Callable[[Path], bool]] = {".ome.zarr": ome_zarr.is_ours, ".multicellds": multicellds.is_ours}
#: How each kind of file is written.
KINDS: Mapping[str, _Write] = {
    ".vti": vtk.write_vti,
    ".vtp": vtk.write_vtp,
    ".pvd": vtk.write_pvd,
    ".ome.zarr": ome_zarr.write_ome_zarr,
    ".multicellds": multicellds.write_multicellds,
    ".simularium": simularium.write_simularium,
    ".csv": tables.write_csv,
}


def kind_of(path: Path) -> str:
    """The kind of file that a name asks for.

    Raises
    ------
    InvalidProblemError
        If there is none.
    """
    for kind in KINDS:
        if path.name.lower().endswith(kind):
            return kind
    raise InvalidProblemError(f"output {path.name!r} is of no kind that is known; {', '.join(KINDS)} are allowed.")


def check(path: Path, ngff: str | None = None) -> None:
    """Refuse what cannot be written, before anything is solved.

    Raises
    ------
    InvalidProblemError, UnwritableError
    """
    kind = kind_of(path)
    if ngff is not None and kind != ".ome.zarr":
        raise InvalidProblemError(f"ngff is {ngff!r}, but output {path.name!r} is no .ome.zarr, which it is of.")
    if ngff is not None and ngff not in ome_zarr.VERSIONS:
        raise InvalidProblemError(f"ngff is {ngff!r}; {' or '.join(ome_zarr.VERSIONS)} is allowed.")
    if path.is_dir() and kind not in _FOLDERS:
        raise UnwritableError(f"{path} is a folder; the name of a file is allowed.")
    if path.is_dir() and any(path.iterdir()) and not _FOLDERS[kind](path):
        raise UnwritableError(f"{path} holds something other than an export; another name is allowed.")
    if kind == ".simularium":
        simularium.check()


def export(
    path: Path,
    film: Film,
    moments: Sequence[int],
    substrates: Sequence[str],
    moved: Moved = lambda: None,
    ngff: str | None = None,
) -> list[Path]:
    """Write moments of a film.

    Parameters
    ----------
    path : Path
        Of one of `KINDS`; of a .vti and a .vtp, the last of the moments is written.
    film : Film
    moments : sequence of int
    substrates : sequence of str
    moved : callable
        Called after each moment.
    ngff : str, optional
        Of an .ome.zarr, the version of its format, "0.4" or "0.5"; "0.4" if not given.

    Returns
    -------
    list of Path
        What was written: ``path``, and what it refers to.

    Raises
    ------
    InvalidProblemError
        If the film lacks what this kind of file is of, such as cells.
    UnwritableError
        If the disk is full.
    """
    check(path, ngff)
    if ngff is not None:
        return ome_zarr.write_ome_zarr(path, Footage(film, tuple(moments), tuple(substrates)), moved, ngff)
    return KINDS[kind_of(path)](path, Footage(film, tuple(moments), tuple(substrates)), moved)
