"""Files of numbers: .npy, .npz and .csv, each with its header checked before anything is made of it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import MAX_PIXELS
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.files.levels import Kind, Levels, one_of_these, readable
from surrogate_plugin.memory import check_size, read_claims

#: What numpy puts in the place of masked entries where the mask is dropped, as `numpy.ma.filled` does.
_FILLERS = {"f": 1e20, "i": 999999, "u": 999999}
_DELIMITERS = (",", ";", "\t", None)


def read_npy(path: Path) -> Levels:
    """A 2-D array of real numbers; booleans are a mask.

    Raises
    ------
    InvalidProblemError
        If it is none, or its header claims more than the file holds or a solve could take.
    """
    with readable(path, "a .npy array") as said:
        with path.open("rb") as stream:
            _check_header(path, stream, path.stat().st_size)
        array = np.load(path, allow_pickle=False)
    return _levels(path, array, said)


def read_npz(path: Path, name: str | None) -> Levels:
    """One array of an archive, and with it which of its entries count.

    The array is ``name``; or ``source``, with the pixels that are held in ``fixed`` (bool) if that is there; or the
    only one. ``mask`` beside it (bool) marks entries that hold nothing, as numpy's masked arrays do:
    ``np.savez(path, data=array.data, mask=array.mask)``.
    """
    with readable(path, "a .npz archive") as said, zipfile.ZipFile(path) as archive:
        names = [entry.removesuffix(".npy") for entry in archive.namelist()]
        chosen = _chosen(path, names, name)
        array = _member(path, archive, chosen)
        beside = {each: _member(path, archive, each) for each in ("mask", "fixed") if each in names and each != chosen}
    for each, values in beside.items():
        if values.dtype != np.bool_ or values.shape != array.shape:
            raise InvalidProblemError(
                f"{path} has {each!r} of shape {values.shape} and dtype {values.dtype}; "
                f"booleans of shape {array.shape}, as {chosen!r}, are allowed."
            )
    notes = [f"Array {chosen!r} of {', '.join(names)} was read."] if len(names) > 1 else []
    opacity = (~beside["mask"]).astype(np.float64) if "mask" in beside else None
    return _levels(path, array, said, notes=tuple(notes), opacity=opacity, held=beside.get("fixed"))


def read_csv(path: Path) -> Levels:
    """Rows of numbers between commas, semicolons, tabs or blanks; the first line is row 0, at the lowest y."""
    with readable(path, "a table of numbers") as said:
        if path.stat().st_size > 32 * MAX_PIXELS:
            raise InvalidProblemError(
                f"{path} is larger than {MAX_PIXELS:.3g} numbers are; a smaller table is allowed."
            )
        with path.open(encoding="utf-8-sig") as stream:
            first = next((line for line in stream if line.strip()), "")
        if not first:
            raise InvalidProblemError(f"{path} is empty; rows of numbers are allowed.")
        delimiter = next(each for each in _DELIMITERS if each is None or each in first)
        array = np.loadtxt(path, delimiter=delimiter, ndmin=2, encoding="utf-8-sig")
    return _levels(path, array, said)


def _levels(path: Path, array: npt.NDArray[Any], said: list[str], **known: Any) -> Levels:
    filler = _FILLERS.get(array.dtype.kind, np.nan)
    if known.get("opacity") is None and _has(array, filler):
        raise InvalidProblemError(
            f"{path} holds {filler:g}, which numpy puts in the place of masked entries; to keep the mask, save with "
            "np.savez(path, data=array.data, mask=array.mask)."
        )
    kind = Kind.MASK if array.dtype.kind == "b" else Kind.NUMBERS
    # Extended precision beyond float64 becomes infinite here, and infinities are refused with their place.
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, dtype=np.float64)
    return Levels(values, kind, warnings=tuple(said), **known)


def _has(array: npt.NDArray[Any], value: float) -> bool:
    """Whether a number is in an array, whose type may have no room for it."""
    largest = float(np.finfo(array.dtype).max) if array.dtype.kind == "f" else np.inf
    return value <= largest and bool((array == value).any())


def _check_header(path: Path, stream: IO[bytes], size: int, name: str = "") -> None:
    """Refuse what is not one 2-D array of real numbers, or claims more bytes than the ``size`` that there are."""
    shape, dtype = read_claims(path, stream, size)
    if len(shape) != 2 or dtype.kind not in "fiub":
        which = f"{name!r} of " if name else ""
        raise InvalidProblemError(
            f"{path} holds {which}shape {shape} and dtype {dtype}; one 2-D array of real numbers is allowed."
        )
    check_size(path, shape)


def _chosen(path: Path, names: list[str], name: str | None) -> str:
    if name is None:
        candidates = [each for each in names if each not in ("mask", "fixed")] or names
        name = "source" if "source" in candidates else candidates[0] if len(candidates) == 1 else None
    if name is None or name not in names:
        asked = f"no array {name!r}" if name is not None else f"{len(names)} arrays"
        raise InvalidProblemError(f"{path} has {asked}; {one_of_these(names)}.")
    return name


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """One array of the archive; the header is read first, since a few bytes may unpack to terabytes."""
    entry = next(each for each in archive.infolist() if each.filename.removesuffix(".npy") == name)
    with archive.open(entry) as stream:
        _check_header(path, stream, entry.file_size, name)
    with archive.open(entry) as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array
