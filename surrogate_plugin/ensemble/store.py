"""The store of an ensemble: one Zarr, in which each finished member is a group, written whole and then moved there.

::

    tumours.zarr/               attributes: what the ensemble is of, in order
        members/<key>/          one group a finished member: its arrays, and in its attributes all else
        table/                  parameters and numbers of all members, one row a member, as xarray reads them
    tumours.begun/              of members that are not finished: locks, checkpoints, partial results, errors

A group is moved in one step of the file system, so that a kill leaves a member whole or not there, and of two processes
that come to the same member the first has the last word. Nobody ever writes into a group that is there.
"""

from __future__ import annotations

import json
import shutil
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import shown
from surrogate_plugin.ensemble import groups
from surrogate_plugin.ensemble.claims import claimed
from surrogate_plugin.ensemble.given import Given, Number, read_number, written
from surrogate_plugin.ensemble.groups import attributes, move, of_the_disk
from surrogate_plugin.ensemble.members import Member
from surrogate_plugin.errors import EnsembleError
from surrogate_plugin.whole_files import write_text

FORMAT, VERSION = "surrogate-plugin ensemble", 1


@dataclass(frozen=True)
class Failure:
    """Why a member has no results.

    Attributes
    ----------
    error : str
        Type and message, on one line.
    traceback : str
    """

    error: str
    traceback: str


@dataclass(frozen=True)
class Found:
    """What a finished member gave, but its arrays.

    Attributes
    ----------
    numbers : dict of str to number
    texts : dict of str to str
    seconds : float
        From its begin to its end, of the process that came to the end.
    """

    numbers: dict[str, Number]
    texts: dict[str, str]
    seconds: float


class Store:
    """The store of an ensemble, which any number of processes may read and write at once.

    Parameters
    ----------
    path : Path
        A folder that all of them see.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = path.with_name(f"{path.stem}.begun")

    def create(self, told: Mapping[str, Any], *, fresh: bool) -> None:
        """Make the store, or go on with the one that is there.

        Parameters
        ----------
        told : mapping
            What the ensemble is of; replaces what an earlier command has told.
        fresh : bool
            Whether what is there is left behind.

        Raises
        ------
        EnsembleError
            If something else is there.
        UnwritableError
            If nothing can be written there.
        """
        import zarr

        if self.path.exists():
            if groups.is_nameless(self.path):
                (self.path / "zarr.json").unlink(missing_ok=True)
            else:
                self.told()
            if fresh:
                shutil.rmtree(self.path, ignore_errors=True)
                shutil.rmtree(self.begun, ignore_errors=True)
        with of_the_disk(self.path), groups.readable(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            zarr.open_group(self.path, mode="a", zarr_format=3)
            groups.hold_groups(self.path / "members")
            self.begun.mkdir(exist_ok=True)
        self.tell(told)

    def tell(self, told: Mapping[str, Any]) -> None:
        """Have the store say what it is of; its table is written for that."""
        import zarr

        with of_the_disk(self.path), groups.readable(self.path):
            store = zarr.open_group(self.path, mode="r+", zarr_format=3)
            store.update_attributes({"format": FORMAT, "version": VERSION, **told})

    def told(self) -> dict[str, Any]:
        """What the ensemble is of.

        Raises
        ------
        EnsembleError
            If there is no such store.
        """
        if not self.path.exists():
            raise EnsembleError(f"there is no ensemble at {self.path}.")
        if groups.is_nameless(self.path):
            raise EnsembleError(
                f"{self.path} is damaged: its zarr.json cannot be read; the command that made it writes that anew, and "
                "keeps the members."
            )
        said = attributes(self.path)
        if said.get("format") != FORMAT:
            raise EnsembleError(f"{self.path} holds something other than an ensemble; name another path.")
        if said.get("version") != VERSION:
            raise EnsembleError(
                f"{self.path} has layout {shown(said.get('version'))} of an ensemble, this package knows {VERSION}; "
                "upgrade the package or name another path."
            )
        return said

    @contextmanager
    def claim(self, member: Member) -> Iterator[bool]:
        """Be the only one to run a member; False where somebody else does."""
        with of_the_disk(self.begun):
            lock = claimed(self.begun / f"{member.key}.lock")
            mine = lock.__enter__()
        try:
            yield mine
        finally:
            lock.__exit__(None, None, None)

    def folder(self, member: Member) -> Path:
        """Where a member keeps its own checkpoints; made if it is not there."""
        folder = self.begun / member.key
        with of_the_disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def is_finished(self, member: Member) -> bool:
        """Whether its results are there."""
        return (self._group(member) / "zarr.json").exists()

    def keep(self, member: Member, given: Any, seconds: float) -> None:
        """Keep what a member gave, whole, unless somebody else was first.

        Parameters
        ----------
        member : Member
        given : mapping of str to number, text or array
            Or None. An array may come with the names of its axes: ``(("y", "x"), array)``.
        seconds : float
            That it took.

        Raises
        ------
        EnsembleError
            If something given cannot be kept.
        UnwritableError
            If the disk is full.
        """
        made = Given.read(given, member.parameters)
        said = {
            "parameters": member.parameters, "repeat": member.repeat, "index": member.index, "seed": member.seed,
            "numbers": {name: written(each) for name, each in made.numbers.items()}, "texts": made.texts,
            "seconds": seconds,
        }  # fmt: skip
        partial = self.begun / f"{member.key}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        with of_the_disk(self.path):
            groups.write(partial, made.arrays, said)
            # A folder does not take the place of one that is there and not empty.
            with suppress(FileExistsError):
                move(partial, self._group(member))
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(self.begun / member.key, ignore_errors=True)
        (self.begun / f"{member.key}.json").unlink(missing_ok=True)

    def keep_failure(self, member: Member, error: BaseException) -> Failure:
        """Keep why a member has no results; the same command tries it again."""
        text = " ".join(str(error).split())
        trace = "".join(traceback.format_exception(error))
        failure = Failure(f"{type(error).__name__}: {text}" if text else type(error).__name__, trace)
        write_text(self.begun / f"{member.key}.json", json.dumps(vars(failure)), shared=True)
        return failure

    def failure(self, member: Member) -> Failure | None:
        """Why it has no results, if it was run and has none."""
        try:
            said = json.loads((self.begun / f"{member.key}.json").read_text(encoding="utf-8"))
            return Failure(str(said["error"]), str(said["traceback"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def found(self, member: Member) -> Found:
        """What a finished member gave, but its arrays.

        Raises
        ------
        EnsembleError
            If it is damaged.
        """
        said = attributes(self._group(member))
        try:
            groups.digests(said)
            numbers = {str(name): read_number(each) for name, each in said["numbers"].items()}
            texts = {str(name): str(each) for name, each in said["texts"].items()}
            return Found(numbers, texts, float(said["seconds"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise EnsembleError(f"{self._group(member)} is damaged; remove it, and its member is run again.") from None

    def arrays(self, member: Member) -> dict[str, npt.NDArray[Any]]:
        """The arrays that a finished member gave.

        Raises
        ------
        EnsembleError
            If one is damaged.
        """
        import zarr

        try:
            groups.check_files(self._group(member))
            expected = groups.digests(attributes(self._group(member)))
            group = zarr.open_group(self._group(member), mode="r", zarr_format=3)
            found = {name: np.asarray(cast(Any, each)[...]) for name, each in group.arrays()}
            if expected not in (None, {name: groups.digest_of(values) for name, values in found.items()}):
                raise ValueError("its arrays are not those that were written")
            return found
        except Exception as error:  # what Zarr makes of a damaged store has no common type
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise EnsembleError(
                f"{self._group(member)} is damaged ({said}); remove it, and its member is run again."
            ) from None

    def tidy(self, members: Iterable[Member]) -> None:
        """Leave nothing of finished members beside the store; other commands may have begun others."""
        for member in members:
            if self.is_finished(member):
                for left in (".lock", ".json"):
                    (self.begun / f"{member.key}{left}").unlink(missing_ok=True)
                for left in ("", ".partial"):  # of a process that was killed as it moved its results
                    shutil.rmtree(self.begun / f"{member.key}{left}", ignore_errors=True)
        with suppress(OSError):  # it is not empty
            self.begun.rmdir()

    def write_table(self, columns: Mapping[str, npt.NDArray[Any]], told: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the table of all members, in the place of the one that is there.

        Parameters
        ----------
        columns : mapping of str to (members,) array
        told : mapping of str to mapping
            Attributes of the columns that have some.
        """
        import zarr

        partial = self.path.with_name(f".partial-{self.path.name}-table")
        shutil.rmtree(partial, ignore_errors=True)
        with of_the_disk(self.path):
            group = zarr.open_group(partial, mode="w", zarr_format=3)
            for name, column in columns.items():
                groups.write_array(group, name, column, ("member",), told.get(name, {}))
            shutil.rmtree(self.path / "table", ignore_errors=True)
            move(partial, self.path / "table")
        shutil.rmtree(partial, ignore_errors=True)

    def _group(self, member: Member) -> Path:
        return self.path / "members" / member.key
