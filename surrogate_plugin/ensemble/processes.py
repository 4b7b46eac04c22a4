"""Processes of this machine that run members, started and served by threads of this one.

Each asks for one member after the other, so that a quick one has more of them, and writes what is finished into the
store itself. If it dies, the member that it had begun is known; another process is started in its place.
"""

from __future__ import annotations

import multiprocessing.spawn
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from surrogate_plugin.ensemble.left import Left, WorkerDied
from surrogate_plugin.ensemble.lines import Asks, Broken, Bye, Cannot, Line, Told
from surrogate_plugin.ensemble.members import Member
from surrogate_plugin.ensemble.pool import Batches
from surrogate_plugin.ensemble.side_by_side import ONE_THREAD, Outcome, Task, name_of
from surrogate_plugin.ensemble.travelling import CannotTravelError, packed
from surrogate_plugin.whole_files import said_of

_PROGRAM = "import sys; sys.path[:] = {}; from surrogate_plugin.ensemble.worker import main; main(*sys.argv[1:])"
#: Variables by which libraries are told how many threads they have, unless somebody says otherwise.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
#: Seconds that a process has to end by itself once nothing is left to do.
_PATIENCE = 10.0


class Processes:
    """Some processes, and the members that are left for them.

    Parameters
    ----------
    task : Task
    left : Left
        Which others may take members from too.
    told : callable
        Called after each member, on some thread, one at a time.
    batches : Batches
        Where what was solved together is counted.
    """

    def __init__(self, task: Task, left: Left, told: Callable[[Member, Outcome], None], batches: Batches) -> None:
        self.task, self.left, self._told, self._batches = task, left, told, batches
        self.refusal: CannotTravelError | None = None
        self._telling = threading.Lock()
        self._hands: list[_Hand] = []
        self._broken: list[BaseException] = []

    @property
    def are_there(self) -> bool:
        """Whether some run members, or are on their way to it."""
        return any(hand.is_alive() for hand in self._hands)

    @property
    def helping(self) -> int:
        """How many have come so far as to ask for members."""
        return sum(hand.has_helped for hand in self._hands)

    def pack(self, *, threads: int) -> None:
        """Have ready what is sent to each, as things are now; each computes with so many threads.

        Raises
        ------
        CannotTravelError
            If there is no way to another process for what members need.
        """
        self._command = _command()
        self._job = packed(self.task, threads=threads)
        self._slots, self._threads = self.task.slots(threads), threads

    def open(self, count: int) -> None:
        """Start some."""
        for _ in range(count):
            hand = _Hand(self, self._job, self._command, self._slots, self._threads)
            hand.start()
            self._hands.append(hand)

    def tell(self, member: Member, outcome: Outcome) -> None:
        """A member has come to its end, here or there."""
        with self._telling:
            self.left.settle()
            self._told(member, outcome)
        if self.left.is_settled:
            self.dismiss()

    def dismiss(self) -> None:
        """Where nothing is left to begin, those that have not come so far as to ask need not go on."""
        for hand in [] if len(self.left) or self.left.suspects else self._hands:
            hand.dismiss()

    def wait(self) -> None:
        """Wait until each has ended.

        Raises
        ------
        BaseException
            What no member is to blame for, such as a full disk.
        """
        for hand in self._hands:
            while hand.is_alive():
                hand.join(_PATIENCE)  # without an end Ctrl-C would not reach this thread everywhere
        if self._broken:
            raise self._broken[0]

    def kill(self) -> None:
        """End all at once; what they have begun is begun anew by whoever goes on."""
        self.left.close()
        for hand in self._hands:
            hand.kill()
        for hand in self._hands:
            hand.join()

    # What the hands say.

    def count(self, batches: Batches) -> None:
        with self._telling:
            self._batches.join(batches)

    def give_up(self, member: Member) -> None:
        self.task.store.keep_failure(member, WorkerDied())
        self.tell(member, Outcome.FAILED)

    def refuse(self, why: str) -> None:
        self.refusal = self.refusal or CannotTravelError(f"{name_of(self.task.function)} {why}")

    def break_off(self, error: BaseException) -> None:
        self._broken.append(error)
        self.left.close()


class _Hand(threading.Thread):
    """Starts a process and serves it; if it dies and something is left, another one."""

    def __init__(self, among: Processes, job: bytes, command: list[str], slots: int, threads: int) -> None:
        super().__init__(name="surrogate-plugin-ensemble", daemon=True)
        self._among, self._job, self._command, self._slots = among, job, command, slots
        self._environment = _environment(threads, slots)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.has_helped = False
        self._has_asked = self._is_over = False

    def run(self) -> None:
        left, stillborn = self._among.left, 0
        try:
            while stillborn < 2 and (len(left) or left.suspects):
                if not self._serve(alone=self._slots == 1 or not len(left)):
                    return
                stillborn = 0 if self._has_asked else stillborn + 1
            if stillborn == 2:
                self._among.refuse("stays here, since other processes end as they are started")
        except BaseException as error:
            self._among.break_off(error)

    def dismiss(self) -> None:
        """End a process that has not asked for anything yet."""
        with self._lock:
            if self._process is not None and not self._has_asked:
                self._is_over = True
                self._process.kill()

    def kill(self) -> None:
        """End it."""
        with self._lock:
            self._is_over = True
            if self._process is not None:
                self._process.kill()

    def _serve(self, *, alone: bool) -> bool:
        """Start a process and serve it to its end; False where another one would be of no use."""
        line = self._start()
        if line is None:
            return False
        begun: dict[int, Member] = {}
        try:
            line.send_packed(self._job)
            line.send(1 if alone else self._slots)
            return self._listen(line, begun, self._among.left.take_alone if alone else self._among.left.take)
        except EOFError:  # it died
            if begun and not self._is_over:
                given_up = self._among.left.after_death(list(begun.values()))
                if given_up is not None:
                    self._among.give_up(given_up)
            return not self._is_over
        finally:
            self._end()

    def _listen(self, line: Line, begun: dict[int, Member], take: Callable[[], Member | None]) -> bool:
        while True:
            said = line.receive()
            if isinstance(said, Asks):
                with self._lock:
                    self._has_asked = self.has_helped = True
                member = take()
                if member is not None:
                    begun[member.index] = member
                line.send(member)
            elif isinstance(said, Told):
                self._among.tell(begun.pop(said.member.index), said.outcome)
            elif isinstance(said, Bye):
                self._among.count(said.batches)
                return True
            elif isinstance(said, Broken):
                self._among.break_off(said.error)
                return False
            else:
                assert isinstance(said, Cannot)
                self._among.refuse(f"cannot be loaded in another process {said.why}")
                return False

    def _start(self) -> Line | None:
        printed = _copy_of_stdout()
        command = self._command if printed is None else [*self._command, str(printed)]
        try:
            with self._lock:
                if self._is_over:
                    return None
                self._has_asked = False
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment,
                    pass_fds=() if printed is None else (printed,),
                )  # fmt: skip
        except OSError as error:  # too many are open, or there is no memory: fewer will do
            self._among.refuse(f"stays here, since no other process can be started ({said_of(error)})")
            return None
        finally:
            if printed is not None:
                os.close(printed)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return Line(self._process.stdout, self._process.stdin)

    def _end(self) -> None:
        process = self._process
        assert process is not None
        for end in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not sent is for nobody
                end.close()  # type: ignore[union-attr]
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:  # a thread of a member that nobody waits for
            process.kill()
            process.wait()
        with self._lock:
            self._process = None


def _command() -> list[str]:
    """What starts a process.

    Raises
    ------
    CannotTravelError
        If this one is no Python, but a program that has one inside.
    """
    given: Any = multiprocessing.spawn.get_executable()
    python = os.fsdecode(given) if given else ""
    if "py" not in Path(python).name.lower() or getattr(sys, "frozen", False):
        raise CannotTravelError(f"no other process can be started, since {python or 'this program'} is no Python")
    path = [str(each) for each in sys.path]
    options = [f"-W{each}" for each in sys.warnoptions] + ["-O"] * sys.flags.optimize
    return [python, *options, "-c", _PROGRAM.format(path)]


def _environment(threads: int, slots: int) -> dict[str, str]:
    """This one's, with as many threads as a process has; a user's word for this package is for all of them."""
    hosts = ONE_THREAD if slots > 1 else dict.fromkeys(ONE_THREAD, str(threads))
    usual = hosts | dict.fromkeys(_THREADS, str(threads))
    return usual | dict(os.environ) | {"SURROGATE_PLUGIN_THREADS": str(threads)}


def _copy_of_stdout() -> int | None:
    """Where members print to, for a process whose own stdout is a pipe to this one; None where that cannot be."""
    if sys.platform == "win32":
        return None
    try:
        return os.dup(2 if sys.stdout is sys.stderr else 1)
    except OSError:  # it is closed
        return None
