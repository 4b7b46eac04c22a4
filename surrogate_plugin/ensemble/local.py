"""Members on this machine: in this process, or in a number of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surrogate_plugin.ensemble.cores import cores
from surrogate_plugin.ensemble.left import Left
from surrogate_plugin.ensemble.members import Member
from surrogate_plugin.ensemble.pool import Batches
from surrogate_plugin.ensemble.processes import Processes
from surrogate_plugin.ensemble.side_by_side import Outcome, Task, run_side_by_side

#: Called after each member, on some thread, one at a time.
Moved = Callable[[Member, Outcome], None]


def run_here(task: Task, members: Sequence[Member], moved: Moved) -> Batches:
    """Run members in this process, and say what was solved together.

    Raises
    ------
    UnwritableError
        If results cannot be written.
    """
    slots = min(task.slots(cores()), len(members))
    return run_side_by_side(task, Left(members).take, moved, slots=slots, running=min(slots, cores()))


def run_in_processes(task: Task, members: Sequence[Member], moved: Moved, *, count: int) -> Batches:
    """Run members in so many other processes, and say what was solved together.

    Raises
    ------
    CannotTravelError
        If what members need cannot be sent there.
    UnwritableError
        If results cannot be written.
    """
    left, batches = Left(members), Batches()
    processes = Processes(task, left, moved, batches)
    processes.pack(threads=max(1, cores() // count))
    try:
        processes.open(min(count, len(members)))
        processes.wait()
    except BaseException:
        processes.kill()
        raise
    if processes.refusal is not None and not left.is_settled:
        raise processes.refusal
    return batches
