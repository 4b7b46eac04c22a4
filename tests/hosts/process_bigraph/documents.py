"""A document of process-bigraph with one cell and one vessel, and what it is made of."""

from __future__ import annotations

import copy
from typing import Any

from process_bigraph import Composite

from surrogate_adapters.process_bigraph import SurrogateDiffusion

OXYGEN = {"diffusivity_um2_per_min": 1e5, "decay_per_min": 0.1, "tolerance": 0.01}
CONFIG = {"shape": [9, 16], "spacing_um": 20.0, "substrates": {"oxygen": OXYGEN}}
CELL = {"position_um": [105.0, 62.0], "volume_um3": 2000.0, "uptake_per_min": {"oxygen": 10.0}}
VESSEL = {"position_um": [210.0, 90.0], "radius_um": 25.0, "value": {"oxygen": 38.0}}


def document(**config: Any) -> dict[str, Any]:
    state = {
        "diffusion": {
            "_type": "process",
            "address": "local:SurrogateDiffusion",
            "config": {**CONFIG, **config},
            "interval": "1 min",
            "inputs": {port: [port] for port in ("fields", "cells", "vessels")},
            "outputs": {port: [port] for port in ("fields", "bound", "method", "sampled")},
        },
        "cells": {"a": CELL},
        "vessels": {"v": VESSEL},
    }
    return {"state": copy.deepcopy(state)}


def process_of(composite: Composite) -> SurrogateDiffusion:
    return composite.state["diffusion"]["instance"]
