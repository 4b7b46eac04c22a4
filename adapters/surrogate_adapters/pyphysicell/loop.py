"""Who may have had a turn between two diffusion steps: nobody, the host's own mechanics, or anybody at all.

To find out whether somebody wrote into a field of 512x512 voxels takes a look at 2 MB, which is most of what a held
step costs. Inside ``Simulation.run`` there is no need to look: between two diffusion steps the host then runs its own
code alone, unless hooks, timers or ``stop_when`` let others in. In a loop of somebody's own anything may happen.

Nor does anybody read the field then, from one phenotype step to the next, unless cells climb it or what they take in
is counted: what they sample in each diffusion step they use in phenotype steps alone. So what cells change in between
may be put off until somebody reads: the next phenotype step, the host's record, or whoever called ``run``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

__all__ = ["Loop", "Since"]

#: Hooks that run in phenotype steps, after which everything is looked at in any case.
_IN_PHENOTYPE_STEPS = ("phenotype", "division")


class Since(IntEnum):
    """What may have happened since the last diffusion step."""

    NOTHING = 0
    #: Cells may have moved or come and gone; neither fields nor nodes were touched.
    MECHANICS = 1
    ANYTHING = 2


class Loop:
    """Stands in for ``simulation.run``, and knows from it who else has a turn.

    Parameters
    ----------
    simulation : pyphysicell.Simulation
    settle : callable
        Is called before anybody reads a field for which something was put off.

    Attributes
    ----------
    unread : bool
        Whether nobody reads the field before the next phenotype step, unless ``settle`` is called first.
    """

    def __init__(self, simulation: Any, settle: Callable[[], None]) -> None:
        self.unread = False
        self._settle = settle
        self._simulation = simulation
        self._replaced = vars(simulation).get("run")
        self._host_run = simulation.run
        self._alone = False
        self._turns: tuple[float, float, int] | None = None
        self._between = Since.ANYTHING
        simulation.run = self.run

    def run(self, *args: Any, **options: Any) -> Any:
        """The host's own ``run(until, record_every, progress, stop_when)``."""
        before, host = self._alone, self._simulation
        self._alone = len(args) < 4 and options.get("stop_when") is None and self._is_the_hosts_own()
        self._turns = None
        if "record" not in vars(host):
            host.record = self._record
        try:
            return self._host_run(*args, **options)
        finally:
            if vars(host).get("record") == self._record:
                del host.record
            self._alone, self._turns, self.unread = before, None, False
            self._settle()

    def since(self) -> Since:
        """What may have happened since this was last asked, once a diffusion step."""
        if not self._alone:
            return Since.ANYTHING
        host = self._simulation
        before, now = self._turns, (host._next_phenotype, host._next_mechanics, host._deaths)
        if now == before:
            return self._between
        self._turns = now
        if self.unread and before is not None and before[::2] == now[::2]:
            return Since.MECHANICS  # nobody had a turn to change who has one
        hooked = {slot for slot, *_ in host._hooks}
        self._between = Since.ANYTHING if "step" in hooked or host._timers else Since.NOTHING
        if before is None or before[0] != now[0]:
            alone = hooked <= {*_IN_PHENOTYPE_STEPS} and not host._timers
            self.unread = alone and self._reads_in_phenotype_steps_alone()
        # Cells that are removed give their voxels back what they held.
        if before is None or before[::2] != now[::2] or not hooked <= {*_IN_PHENOTYPE_STEPS}:
            return Since.ANYTHING
        return max(Since.MECHANICS, self._between)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # A copy that was made in mid run, by a hook, is not in that run.
        self._alone, self._turns, self.unread = False, None, False

    def leave(self) -> None:
        """Give the host its ``run`` back, unless somebody else has replaced it since."""
        if vars(self._simulation).get("run") != self.run:
            return
        if self._replaced is None:
            del self._simulation.run
        else:
            self._simulation.run = self._replaced

    def _record(self) -> None:
        """The host's own ``record()``, which reads the field."""
        self._settle()
        type(self._simulation).record(self._simulation)

    def _reads_in_phenotype_steps_alone(self) -> bool:
        """Whether the host, left to itself, uses what cells sample of a field in phenotype steps and nowhere else."""
        host = self._simulation
        replaced = {name for name in vars(host) if callable(getattr(type(host), name, None))}
        climbs_or_counts = host.needs_gradients or host.model.track_internalized_substrates
        return not climbs_or_counts and replaced <= {"run", "record"} and vars(host).get("record") == self._record

    def _is_the_hosts_own(self) -> bool:
        """Whether nobody has put steps of their own into the loop."""
        import pyphysicell

        host = self._simulation
        return type(host) is pyphysicell.Simulation and "step" not in vars(host)
