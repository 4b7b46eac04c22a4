"""A process of an ensemble: asks the one that started it for members, runs them, and says what became of each."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any

import numpy as np

from surrogate_plugin.ensemble.lines import Asks, Broken, Bye, Cannot, Job, Line, Told
from surrogate_plugin.ensemble.members import Member
from surrogate_plugin.ensemble.side_by_side import INSIDE, Outcome, run_side_by_side
from surrogate_plugin.team import use_threads


def main(printed: str = "") -> None:
    """Serve until there is nothing left to do.

    Parameters
    ----------
    printed : str
        Where that which members print goes, a descriptor; if there is none, the error stream.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal it reaches all; the one that started this ends it
    INSIDE.set(True)
    line = _line(int(printed) if printed else None)
    try:
        job: Job = line.receive()
        slots: int = line.receive()
    except EOFError:
        return
    except (Exception, SystemExit) as error:  # a module that is not found here, or fails
        said = (str(error).strip() or "it does not say why").splitlines()[0]
        line.send(Cannot(f"({type(error).__name__}: {said})"))
        return
    sys.argv[:] = job.arguments
    np.seterr(**job.numpy_errors)  # type: ignore[arg-type]
    use_threads(job.threads)
    asking = _Asking(line)

    def told(member: Member, outcome: Outcome) -> None:
        asking.tell(Told(member, outcome))

    try:
        batches = run_side_by_side(job.task, asking.take, told, slots=slots, running=min(slots, job.threads))
    except BaseException as error:
        asking.tell(Broken(_portable(error)))
        return
    asking.tell(Bye(batches))


class _Asking:
    """Asks for members and tells of them, on any thread; if the one that is asked is gone, this process goes too."""

    def __init__(self, line: Line) -> None:
        self._line, self._turn = line, threading.Lock()
        self._answers: SimpleQueue[Member | None] = SimpleQueue()
        threading.Thread(target=self._listen, name="surrogate-plugin-listening", daemon=True).start()

    def take(self) -> Member | None:
        with self._turn:
            self.tell(Asks())
            return self._answers.get()

    def tell(self, what: Any) -> None:
        try:
            self._line.send(what)
        except EOFError:
            os._exit(1)

    def _listen(self) -> None:
        while True:
            try:
                self._answers.put(self._line.receive())
            except BaseException:  # killed or ended, and nobody wants what is begun here
                os._exit(1)


def _line(printed: int | None) -> Line:
    """The pipes that this process was given, out of the way of members that read and print."""
    inward, outward = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2 if printed is None else printed, 1)
    if printed is not None:
        os.close(printed)
    stdout: Any = sys.stdout
    stdout.reconfigure(line_buffering=True)
    return Line(os.fdopen(inward, "rb"), os.fdopen(outward, "wb"))


def _portable(error: BaseException) -> BaseException:
    """An error that can be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
