"""What is left of an ensemble: members that nobody has begun, and those whose process died."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence

from surrogate_plugin.ensemble.members import Member

#: So many processes may die of a member before it is given up.
ATTEMPTS = 3


class WorkerDied(RuntimeError):
    """A member ended the process that ran it, as a fault in compiled code or a lack of memory does."""

    def __init__(self) -> None:
        super().__init__("the process that ran it died, time after time.")


class Left:
    """Hands members out, one at a time, to threads of this process and through them to others.

    Parameters
    ----------
    members : sequence of Member
        In the order in which they are begun.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self._lock = threading.Lock()
        self._waiting, self._suspects = deque(members), deque[Member]()
        self._deaths: Counter[int] = Counter()
        self._settled, self._among = 0, len(members)

    def __len__(self) -> int:
        """How many have not been begun."""
        return len(self._waiting)

    @property
    def is_settled(self) -> bool:
        """Whether each has come to its end."""
        return self._settled == self._among

    @property
    def suspects(self) -> int:
        """How many were begun by a process that died, and wait."""
        return len(self._suspects)

    def take(self) -> Member | None:
        """The next one that nobody has begun; None if there is none."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def take_alone(self) -> Member | None:
        """The next one, for a process that runs it and no other: after the others those whose process died."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            return self._suspects.popleft() if self._suspects else None

    def settle(self) -> None:
        """Count one that has come to its end."""
        with self._lock:
            self._settled += 1

    def after_death(self, begun: Sequence[Member]) -> Member | None:
        """A process died, and these were begun: they are begun anew, but for the one, if any, that has to be given up.

        Where there were several nobody knows which of them did it; then each is run alone.
        """
        with self._lock:
            if len(begun) == 1:
                self._deaths[begun[0].index] += 1
                if self._deaths[begun[0].index] == ATTEMPTS:
                    return begun[0]
            self._suspects.extend(begun)
            return None

    def close(self) -> None:
        """Hand nothing out any more."""
        with self._lock:
            self._waiting.clear()
            self._suspects.clear()
