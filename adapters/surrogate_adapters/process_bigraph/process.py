"""`SurrogateDiffusion`, a process-bigraph process that answers with certified steady fields."""

from __future__ import annotations

from typing import Any

from process_bigraph import Process

from surrogate_adapters.process_bigraph.answering import Answering
from surrogate_adapters.process_bigraph.settings import SECONDS_PER_MINUTE


class SurrogateDiffusion(Answering, Process):  # type: ignore[misc]
    """Steady fields of substrates under decay, cells that take up and secrete, and vessels, each with its bound.

    Its config is that of `Settings`. At each update it reads cells and vessels and writes the fields that are steady
    for them. The interval only says how often; rates are per minute, whatever it is.

    As the host lets processes run side by side, a field stands at the end of the interval whose beginning it was solved
    for. The bound covers the steady field of the state that was solved for, so what cells read of it once they have
    moved or changed their rates is off by more: ``excess`` says by how much. `SurrogateDiffusionStep`, with the same
    config and wires, solves after the others and leaves none.

    Inputs: ``fields``, ``cells`` and ``vessels``. Outputs: ``fields``, as deltas; ``bound``, ``excess`` and ``method``
    by substrate; ``sampled``, what each cell has around it.

    Attributes
    ----------
    history : list of HistoryEntry
        One a field solved for, with the composite's time.
    notices : Notices
        What a steady field cannot follow in this composite; each kind is a `PromiseWarning` the first time.

    Raises
    ------
    InvalidProblemError
        If the config has a setting that is missing, unknown or out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from process_bigraph import allocate_core
    >>> oxygen = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.38}
    >>> config = {"shape": [8, 16], "spacing_um": 20.0, "substrates": {"oxygen": oxygen}}
    >>> process = SurrogateDiffusion(config, core=allocate_core())
    >>> vessel = {"position_um": [100.0, 80.0], "radius_um": 10.0, "value": {"oxygen": 38.0}}
    >>> update = process.update({"fields": {"oxygen": np.zeros((8, 16))}, "cells": {}, "vessels": {"v": vessel}}, 60.0)
    >>> float(update["fields"]["oxygen"].max()), bool(update["bound"]["oxygen"] <= 0.38)
    (38.0, True)
    """

    def initialize(self, config: dict[str, Any]) -> None:
        """One backend a substrate, over one engine; the time starts at 0."""
        super().initialize(config)
        self._time = 0.0

    def update(self, state: dict[str, Any], interval: float) -> dict[str, Any]:
        """The fields of the cells and vessels in ``state``, as deltas, and what goes with them."""
        ends = self._time + interval
        answer = self.answer(state, self._time, interval / SECONDS_PER_MINUTE, late=True, ends=ends)
        self._time = ends
        return answer
