"""What runs before each Monte Carlo step: the last look at what steppables have changed since ours ran."""

from __future__ import annotations

from collections.abc import Callable

try:
    from cc3d.core.PySteppables import SteppableBasePy
except ModuleNotFoundError:  # read without the host, for its documentation
    SteppableBasePy = object

__all__ = ["register"]


class SurrogateDiffusionBeforehand(SteppableBasePy):  # type: ignore[misc]
    """A steppable of the host's that runs before the cells move; its name is the one in the host's report."""

    def __init__(self, frequency: int = 1, look: Callable[[int], None] | None = None) -> None:
        super().__init__(frequency=frequency)
        self.runBeforeMCS = 1
        self._look = look

    def step(self, mcs: int) -> None:
        """Solve anew for what has changed."""
        if self._look is not None:
            self._look(mcs)


def register(look: Callable[[int], None]) -> None:
    """Have ``look(mcs)`` called before each Monte Carlo step, the first included, after a restart too."""
    from cc3d import CompuCellSetup

    beforehand = SurrogateDiffusionBeforehand(look=look)
    CompuCellSetup.register_steppable(steppable=beforehand)
    # Its turn to be initialised may be over: the host does it list by list.
    beforehand.simulator = CompuCellSetup.persistent_globals.steppable_registry.simulator
    beforehand.core_init()
