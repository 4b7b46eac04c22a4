"""`SurrogateDiffusionStep`, a step that solves as soon as cells, vessels or fields have changed."""

from __future__ import annotations

from typing import Any

from process_bigraph import Step

import surrogate_plugin as sp
from surrogate_adapters.process_bigraph.answering import Answering
from surrogate_adapters.process_bigraph.settings import SECONDS_PER_MINUTE


class SurrogateDiffusionStep(Answering, Step):  # type: ignore[misc]
    """The fields of `SurrogateDiffusion`, solved after all processes instead of beside them.

    The host runs it before the first process reads anything, and at each time at which cells or vessels have been
    updated, after the updates: what processes read next is of the cells as they are, within the bound. It has no
    interval. If ``time`` is wired, to ``["global_time"]``, it also runs at each time of the composite, so that it
    notices what others wrote into the fields, and `history` has that time.

    Config, ports and attributes are those of `SurrogateDiffusion`.

    Examples
    --------
    >>> import numpy as np
    >>> from process_bigraph import allocate_core
    >>> oxygen = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.38, "boundary": {"left": 38.0}}
    >>> config = {"shape": [8, 16], "spacing_um": 20.0, "substrates": {"oxygen": oxygen}}
    >>> step = SurrogateDiffusionStep(config, core=allocate_core())
    >>> update = step.update({"fields": {"oxygen": np.zeros((8, 16))}})
    >>> bool(update["fields"]["oxygen"].min() > 30.0), bool(update["bound"]["oxygen"] <= 0.38)
    (True, True)
    """

    def initialize(self, config: dict[str, Any]) -> None:
        """One backend a substrate, over one engine; no time has been seen yet."""
        super().initialize(config)
        self._time: float | None = None

    def inputs(self) -> dict[str, Any]:
        """Those of the process, and the composite's time, which need not be wired."""
        return {**super().inputs(), "time": "float"}

    def triggers(self) -> dict[str, Any]:
        """All but the fields, which this step writes itself."""
        return {port: kind for port, kind in self.inputs().items() if port != "fields"}

    def update(self, state: dict[str, Any], interval: float | None = None) -> dict[str, Any]:
        """The fields of the cells and vessels in ``state``, as deltas, and what goes with them."""
        time = state.get("time")
        if time is None:
            self._require_no_time()
        passed = None if time is None or self._time is None or time <= self._time else time - self._time
        self._time = time
        step_min = None if passed is None else passed / SECONDS_PER_MINUTE
        now = 0.0 if time is None else time
        return self.answer(state, now, step_min, late=False, ends=now)

    def _require_no_time(self) -> None:
        for name in self.names:
            if self._fields.is_stepping(name):
                raise sp.InvalidProblemError(
                    f"substrates.{name} goes on in time, but the step is not told the time; a wire of its input port "
                    "'time' to ['global_time'] is needed."
                )
