"""What an ensemble came to: parameters, numbers and arrays of its members, and why some have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import BoolArray, shown
from surrogate_plugin.ensemble.members import Member, members_of
from surrogate_plugin.ensemble.store import Failure, Found, Store
from surrogate_plugin.ensemble.sweep import Parameters
from surrogate_plugin.errors import EnsembleError


@dataclass(frozen=True, eq=False)
class MemberResult:
    """What one finished member gave.

    Attributes
    ----------
    index : int
    parameters : dict of str to value
    repeat : int
    numbers : dict of str to number
    texts : dict of str to str
    seconds : float
        That it took.
    """

    index: int
    parameters: Parameters
    repeat: int
    numbers: dict[str, bool | int | float]
    texts: dict[str, str]
    seconds: float
    _store: Store
    _member: Member

    @cached_property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that it gave, by name.

        Raises
        ------
        EnsembleError
            If one is damaged.
        """
        return self._store.arrays(self._member)


class Results:
    """The members of an ensemble, in the order of its sweep; those that are not finished are left out where it is said.

    Parameters
    ----------
    path : str or Path
        The store, as `run` wrote it; results of an ensemble that is still going on are those finished by now.
    told : mapping, optional
        What it is of, where that is not what the newest command has told the store.

    Attributes
    ----------
    path : Path
    subject : str
        What was run.

    Raises
    ------
    EnsembleError
        If there is none.

    Examples
    --------
    >>> import tempfile
    >>> from surrogate_plugin import ensemble
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = ensemble.run(lambda given, link: {"twice": 2 * given["x"]}, ensemble.grid({"x": [1, 2, 3]}),
    ...         Path(folder) / "twice.zarr")
    >>> results
    Results('twice.zarr': 3 of 3 members finished, 0 failed)
    >>> results.number("twice").tolist(), results.parameter("x")
    ([2.0, 4.0, 6.0], [1, 2, 3])
    """

    def __init__(self, path: str | Path, *, told: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self._store = Store(self.path)
        told = self._store.told() if told is None else told
        try:
            self.subject = str(told["subject"])
            self._members: Sequence[Member] = members_of(
                told["sweep"], self.subject, repeats=int(told["repeats"]), seed=int(told["seed"])
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise EnsembleError(f"{self.path} is damaged: its attributes do not say what it is of.") from None
        self._found: list[Found | None] = []
        self._failed: dict[int, Failure] = {}
        for member in self._members:
            found, failure = self._of(member)
            self._found.append(found)
            if failure is not None:
                self._failed[member.index] = failure

    def __repr__(self) -> str:
        done = int(self.finished.sum())
        return f"Results({self.path.name!r}: {done} of {len(self)} members finished, {len(self.failed)} failed)"

    def __len__(self) -> int:
        """How many members there are, finished or not."""
        return len(self._members)

    def __iter__(self) -> Iterator[MemberResult]:
        """The finished members."""
        return (self[index] for index in np.flatnonzero(self.finished).tolist())

    def __getitem__(self, index: int) -> MemberResult:
        """One finished member, by its row.

        Raises
        ------
        IndexError
            If there is no such row.
        EnsembleError
            If it is not finished.
        """
        member, found = self._members[index], self._found[index]
        if found is None:
            failure = self._failed.get(member.index)
            why = "is not finished" if failure is None else f"failed ({failure.error})"
            raise EnsembleError(f"member {member.index} of {self.path} {why}.")
        numbers, texts = found.numbers, found.texts
        return MemberResult(
            member.index, member.parameters, member.repeat, numbers, texts, found.seconds, self._store, member
        )

    @property
    def finished(self) -> BoolArray:
        """Whether each member is finished, (members,)."""
        return np.array([found is not None for found in self._found], dtype=np.bool_)

    @property
    def failed(self) -> dict[int, Failure]:
        """Why members failed, or cannot be read any more, by their rows."""
        return self._failed

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(self._members[0].parameters)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The names of the numbers that finished members gave."""
        return tuple(dict.fromkeys(name for found in self._found if found is not None for name in found.numbers))

    def parameter(self, name: str) -> list[bool | int | float | str]:
        """One parameter of all members.

        Raises
        ------
        EnsembleError
            If there is none of that name.
        """
        self._known(name, self.parameters)
        return [member.parameters[name] for member in self._members]

    def number(self, name: str) -> npt.NDArray[np.float64]:
        """One number of all members, (members,); NaN where a member has none.

        Raises
        ------
        EnsembleError
            If no member has one of that name.
        """
        if name in self.parameters:
            column: list[Any] = self.parameter(name)
            if any(isinstance(each, str) for each in column):
                raise EnsembleError(f"{name} of {self.path} is text, not a number.")
        else:
            self._known(name, self.numbers)
            column = [np.nan if found is None else found.numbers.get(name, np.nan) for found in self._found]
        return np.array(column, dtype=np.float64)

    def stack(self, name: str) -> npt.NDArray[Any]:
        """One array of all finished members, one below the other, (finished members, ...).

        Raises
        ------
        EnsembleError
            If members have none of that name, or of different shapes.
        """
        found = []
        for each in self:
            if name not in each.arrays:
                raise EnsembleError(f"member {each.index} of {self.path} gave no array {name!r}.")
            found.append(each.arrays[name])
        shapes = {each.shape for each in found}
        if len(shapes) != 1:
            raise EnsembleError(f"{name} has the shapes {shown(sorted(shapes))} in {self.path}; one is allowed.")
        return np.stack(found)

    def write_table(self) -> None:
        """Write parameters and numbers of all members into the store, as its group ``table``.

        ``xarray.open_zarr(path, group="table")`` reads it. Text becomes whole numbers, whose meaning the attribute
        ``labels`` has.

        Raises
        ------
        UnwritableError
            If the disk is full.
        """
        members = self._members
        columns: dict[str, npt.NDArray[Any]] = {
            "member": np.arange(len(self)),
            "repeat": np.array([each.repeat for each in members]),
            "finished": self.finished,
            "seconds": np.array([np.nan if found is None else found.seconds for found in self._found]),
        }
        said: dict[str, dict[str, Any]] = {}
        texts = dict.fromkeys(name for found in self._found if found is not None for name in found.texts)
        for name in self.parameters:
            if any(isinstance(each, str) for each in self.parameter(name)):
                columns[name], said[name] = _labelled([str(each) for each in self.parameter(name)])
            else:
                columns[name] = self.number(name)
        columns |= {name: self.number(name) for name in self.numbers}
        for name in texts:
            said_by_each = ["" if found is None else found.texts.get(name, "") for found in self._found]
            columns[name], said[name] = _labelled(said_by_each)
        self._store.write_table(columns, said)

    def _of(self, member: Member) -> tuple[Found | None, Failure | None]:
        """What a member gave, or why it has nothing; one that a disk has damaged keeps nobody from the others."""
        if not self._store.is_finished(member):
            return None, self._store.failure(member)
        try:
            return self._store.found(member), None
        except EnsembleError as error:
            return None, Failure(str(error).rstrip("."), "")

    def _known(self, name: str, names: Sequence[str]) -> None:
        if name not in names:
            there = ", ".join(map(repr, names)) or "nothing yet"
            raise EnsembleError(f"{self.path} has no {shown(name)}; it has {there}.")


def _labelled(column: list[str]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    """Texts as numbers, and what these mean."""
    labels = list(dict.fromkeys(column))
    place = {label: number for number, label in enumerate(labels)}
    return np.array([place[each] for each in column], dtype=np.int32), {"labels": labels}
