"""The CSV file of a run: a line for each field solved for, and in the end one for each kind of notice."""

from __future__ import annotations

import csv
import os

import surrogate_plugin as sp

__all__ = ["COLUMNS", "Log"]

#: `excess` is how far the field before was off by then, since cells or nodes had changed.
COLUMNS = ("minutes", "substrate", "reason", "agents", "method", "bound", "seconds", "flags", "excess")


class Log:
    """Lines that are written out at once, so that they are there when the simulation ends abruptly.

    Parameters
    ----------
    path : str or None
        None keeps no log.

    Raises
    ------
    InvalidProblemError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "run.csv")
    ...     Log(str(path)).append(0.0, "oxygen", "first", 800, "spectral", 1e-9, 0.01, "", 0.0)
    ...     print(path.read_text().splitlines()[1])
    0.0,oxygen,first,800,spectral,1e-09,0.01,,0.0
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        if path is None:
            return
        started = os.path.abspath(path)
        # Whoever detaches and attaches again goes on with the file, and a new run begins one.
        if started not in _begun:
            try:
                self._write("w", *COLUMNS)
            except OSError as error:
                raise sp.InvalidProblemError(f"log is {path!r}, which cannot be written: {error.strerror}.") from None
            _begun.add(started)

    def append(self, *entries: object) -> None:
        """One line, in the order of `COLUMNS`."""
        self._write("a", *entries)

    def _write(self, mode: str, *entries: object) -> None:
        if self._path is not None:
            with open(self._path, mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(entries)


_begun: set[str] = set()
