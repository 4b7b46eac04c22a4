"""A problem in one file: its parts as the arrays of a .npz archive, without pickles, and a digest of them.

Whatever numpy reads is a file for other programs too; ``source`` and ``fixed`` alone are what `surrogate-plugin solve`
reads of it. A file that comes from outside is looked at before it is believed: names, shapes, and how much it claims to
hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.codec import FACES, PARTS, PIXELS, Part, digest
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.memory import check_size, read_claims
from surrogate_plugin.plain_files import check_plain
from surrogate_plugin.whole_files import whole

if TYPE_CHECKING:
    import zipfile

    from surrogate_plugin.equation.problem import Problem

P = TypeVar("P", bound="Problem")

SUFFIX = ".npz"
#: What the archive says that it is.
FORMAT = "surrogate-plugin problem 1"
_BESIDE = ("format", "digest")
#: What is no map is no larger than this, bytes.
_SMALL = 1024


def write(path: Path, parts: Mapping[str, Part]) -> None:
    """See `Problem.save`."""
    check_name(path)
    with whole(path) as stream:
        arrays: dict[str, Any] = {"format": FORMAT, "digest": digest(parts), **parts}
        np.savez_compressed(stream, **arrays)


def read(path: Path, kind: type[P]) -> P:
    """See `Problem.load`."""
    import zipfile  # with what it needs as long to load as the rest of a problem

    check_name(path)
    with _one_sentence(path):
        check_plain(path)
    with _one_sentence(path), zipfile.ZipFile(path) as archive:
        entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        _check_names(path, list(entries))
        _check_claims(path, {name: _claims(path, archive, entry) for name, entry in entries.items()})
        arrays = {name: _array(archive, entry) for name, entry in entries.items()}
    said, named = (str(arrays.pop(name).item()) for name in _BESIDE)
    if said != FORMAT:
        raise InvalidProblemError(f"{path} says it is {said!r}; {FORMAT!r} is read, upgrade the package for others.")
    try:
        problem = kind.of_parts(arrays)
    except InvalidProblemError as error:
        raise InvalidProblemError(f"{path} is damaged: {error}") from None
    if digest(problem.parts) != named:
        raise InvalidProblemError(f"{path} is damaged: it does not hold the problem that was saved.")
    return problem


def check_name(path: Path) -> None:
    """Refuse the name of a file of another kind.

    Raises
    ------
    InvalidProblemError
    """
    if path.suffix.lower() != SUFFIX:
        raise InvalidProblemError(f"problem {path.name!r} ends in {path.suffix!r}; {SUFFIX} is allowed.")


def _check_names(path: Path, names: list[str]) -> None:
    known = (*_BESIDE, *PARTS)
    missing, unknown = [name for name in _BESIDE if name not in names], [name for name in names if name not in known]
    if missing or unknown or "source" not in names:
        raise InvalidProblemError(f"{path} holds no problem; write one by Problem.save.")


def _check_claims(path: Path, claims: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]) -> None:
    """Refuse maps that differ in shape or would not fit, and numbers that are none, before any is read."""
    lattice = claims["source"][0]
    check_size(path, lattice)
    for name, (shape, dtype) in claims.items():
        fits = dtype.itemsize * int(np.prod(shape)) <= _SMALL
        if name in PIXELS and shape:
            fits = shape == lattice
        elif name in FACES and len(lattice) == 2:
            axis = FACES.index(name)
            fits = shape in (lattice, tuple(size - (each == axis) for each, size in enumerate(lattice)))
        if not fits or dtype.kind not in "fbU":
            raise InvalidProblemError(f"{path} is damaged: {name!r} has shape {shape} and dtype {dtype}.")


def _claims(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(entry) as stream:
        return read_claims(path, stream, entry.file_size)


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(entry) as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """Turn whatever is raised by reading into one sentence."""
    try:
        yield
    except InvalidProblemError:
        raise
    except MemoryError:
        raise InvalidProblemError(f"{path} does not fit into memory; a smaller lattice is allowed.") from None
    except Exception as error:  # damaged archives make decoders raise nearly anything
        said = (getattr(error, "strerror", None) or str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise InvalidProblemError(f"{path} cannot be read as a problem ({said.rstrip('.').lower()}).") from None
