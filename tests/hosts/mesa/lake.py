"""A small model of Mesa in a continuous space: a lake with swimming cells and a vessel."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
from mesa.experimental.continuous_space import ContinuousSpace, ContinuousSpaceAgent

from surrogate_adapters.mesa import Substrate
from tests.hosts.mesa.models import DECAY, D


class Swimmer(ContinuousSpaceAgent):
    """A cell of a continuous space."""

    def __init__(self, model: Any, place: Any) -> None:
        super().__init__(model.space, model)
        self.position = np.asarray(place, dtype=float)


class Lung(Swimmer):
    """A vessel there."""


PLACES = [(-60.0, 30.0), (10.0, 95.0), (150.0, 20.0), (155.0, 25.0)]


def lake(torus: bool = False) -> mesa.Model:
    model = mesa.Model(rng=0)
    model.space = ContinuousSpace([[-80.0, 240.0], [0.0, 200.0]], torus=torus, random=model.random)
    Lung(model, (100.0, 100.0))
    for place in PLACES:
        Swimmer(model, place)
    return model


WATER = Substrate(
    diffusivity_um2_per_min=D, decay_per_min=DECAY, uptake_per_min={Swimmer: 10.0, Lung: 0.0}, vessels={Lung: 38.0}
)
