"""Each step of a run as its page and its last words count it, kept beside its fields, so that a stop loses none."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.plain_files import check_plain
from surrogate_plugin.session.steps import StepRecord
from surrogate_plugin.whole_files import UnwritableError, said_of

#: No line is longer, so that a damaged file never asks for more memory than there is.
_MOST_BYTES = 1 << 20


class Taken(BaseModel):
    """A step of one substrate.

    Attributes
    ----------
    substrate : str
    time_min : float, min
        The end of the step.
    spent_s : float, s
        What the run had taken until then, in all processes that went on with it.
    record : StepRecord
        Its number counts from the first step of the run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")

    substrate: str
    time_min: float = Field(ge=0)
    spent_s: float = Field(ge=0)
    record: StepRecord


class Steps:
    """The file of the steps of a run: lines of JSON, packed in pieces, one more whenever the run is kept.

    Parameters
    ----------
    path : Path
    size : int, bytes
        As much of it as belongs to what the run goes on from. What lies beyond was written as a kill came, and the next
        piece takes its place.

    Attributes
    ----------
    size : int, bytes
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        self.path = path
        self.size = size if path.exists() else 0

    def add(self, taken: Sequence[Taken]) -> None:
        """Append steps.

        Raises
        ------
        UnwritableError
            If the disk is full; what was there before still counts.
        """
        lines = "".join(each.model_dump_json(exclude_defaults=True) + "\n" for each in taken)
        piece = gzip.compress(lines.encode(), mtime=0)
        try:
            with self.path.open("r+b" if self.path.exists() else "xb") as stream:
                stream.seek(self.size)
                stream.truncate()
                stream.write(piece)
        except OSError as error:
            raise UnwritableError(
                f"{self.path} could not be written ({said_of(error)}); what was there before still counts."
            ) from None
        self.size += len(piece)

    def until(self, step: int, names: Sequence[str]) -> Iterator[Taken]:
        """The steps up to one, which is counted from 1; none where the file was not there.

        Parameters
        ----------
        step : int
        names : sequence of str
            The substrates.

        Raises
        ------
        InvalidProblemError
            If they do not follow on one another up to there, as where the file is damaged.
        """
        if not self.size:
            return
        due: dict[str, int] = {}
        try:
            check_plain(self.path)
            with self.path.open("rb") as stream:
                packed = stream.read(self.size)
            with gzip.open(io.BytesIO(packed)) as lines:
                while line := lines.readline(_MOST_BYTES):
                    taken = Taken.model_validate_json(line)
                    name, number = taken.substrate, taken.record.step
                    if name not in names or not 0 <= number == due.get(name, number):
                        raise ValueError(f"step {number} of {name} does not follow")
                    due[name] = number + 1
                    yield taken
        except Exception:  # gzip, zlib and pydantic have many for what is damaged
            due = {}
        if due != dict.fromkeys(names, step):
            raise InvalidProblemError(
                f"{self.path} is damaged; if it is removed, the run goes on, and does not tell of its steps until now."
            )
