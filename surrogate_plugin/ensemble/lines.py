"""What an ensemble's processes and the one that started them say to each other, over the pipes of stdin and stdout."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass
from typing import IO, Any

from surrogate_plugin.ensemble.members import Member
from surrogate_plugin.ensemble.pool import Batches
from surrogate_plugin.ensemble.side_by_side import Outcome, Task


@dataclass(frozen=True)
class Job:
    """What a process is started for; after it comes how many members it is to run at once.

    Attributes
    ----------
    task : Task
    threads : int
        That it may compute with.
    numpy_errors : dict of str to str
        What numpy makes of a division by zero and the like, where the ensemble was started.
    arguments : list of str
        ``sys.argv`` there.
    """

    task: Task
    threads: int
    numpy_errors: dict[str, str]
    arguments: list[str]


@dataclass(frozen=True)
class Asks:
    """A process asks for a member; the answer is one, or None."""


@dataclass(frozen=True)
class Told:
    """What became of a member."""

    member: Member
    outcome: Outcome


@dataclass(frozen=True)
class Cannot:
    """The process cannot load what it was sent, and says which error that is."""

    why: str


@dataclass(frozen=True)
class Broken:
    """What no member is to blame for: results cannot be written."""

    error: BaseException


@dataclass(frozen=True)
class Bye:
    """There is nothing left to do; what was solved together."""

    batches: Batches


class Line:
    """Both directions of one connection.

    Parameters
    ----------
    inward, outward : binary files
        Unbuffered ones are read and written in many small pieces.
    """

    def __init__(self, inward: IO[bytes], outward: IO[bytes]) -> None:
        self._inward, self._outward = inward, outward
        self._writing = threading.Lock()

    def send(self, what: Any) -> None:
        """Say something, on any thread.

        Raises
        ------
        EOFError
            If the other one is gone.
        """
        self.send_packed(pickle.dumps(what))

    def send_packed(self, packed: bytes) -> None:
        """Say what is pickled already, as `send` does."""
        try:
            with self._writing:
                self._outward.write(packed)
                self._outward.flush()
        except OSError as error:
            raise EOFError from error

    def receive(self) -> Any:
        """Wait for what the other one says.

        Raises
        ------
        EOFError
            If the other one is gone.
        """
        try:
            return pickle.load(self._inward)
        except (OSError, ValueError, pickle.UnpicklingError) as error:  # killed in the middle of a word
            raise EOFError from error
