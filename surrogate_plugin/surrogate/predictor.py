"""What the engine and a training ask of a network that is ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from surrogate_plugin.equation.problem import FloatArray, Problem

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.card import ModelCard


class Predictor(Protocol):
    """A network that is ready to run, such as `surrogate_plugin.surrogate.model.Model`.

    With a ``card`` of None it is tried on every problem.
    """

    @property
    def card(self) -> ModelCard | None:
        """What it was trained on."""

    @property
    def device(self) -> str:
        """Where it runs."""

    @property
    def typical_error(self) -> float:
        """What the cycles have to remove, over the largest imposed value."""

    def predict(self, problem: Problem) -> FloatArray:
        """A field, (H, W) float64, field units."""
