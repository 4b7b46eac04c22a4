"""The network as a proposer of starts: loaded once, asked where its card applies, never able to stop a solve."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numba import get_num_threads

from surrogate_plugin import calibration
from surrogate_plugin.problem import FloatArray, Problem
from surrogate_plugin.solution import Flag, Reason
from surrogate_plugin.solvers.equation import Equation
from surrogate_plugin.solvers.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid import Iteration

if TYPE_CHECKING:
    from surrogate_plugin.surrogate.card import ModelCard

#: A cycle cuts the error to about this part; the unit of the network's worth.
_CONTRACTION = 0.11
#: What one cycle from nothing leaves, as a part of the largest value.
_ERROR_WITHOUT = 1.0


@dataclass(frozen=True)
class Proposal:
    """A field to start from, or the reasons why there is none."""

    field: FloatArray | None
    flags: tuple[Flag, ...] = ()
    seconds: dict[str, float] = default(default_factory=dict)


class Predictor(Protocol):
    """A network that is ready to run, such as `surrogate_plugin.surrogate.model.Model`.

    With a ``card`` of None it is tried on every problem of constant diffusivity.
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


class NetworkStart:
    """Loads the surrogate at the first question and remembers why it could not be loaded.

    Parameters
    ----------
    model : str or Predictor
        Name or path, as `surrogate_plugin.surrogate.model.load` takes it, or a network that is loaded already.
    device : str
    """

    def __init__(self, model: str | Predictor, device: str) -> None:
        self._name = model if isinstance(model, str) else ""
        self._device = device
        self._model: Predictor | None = None if isinstance(model, str) else model
        self._trouble: Flag | None = None

    def propose(
        self, problem: Problem, policy: Literal["surrogate-first", "fastest", "always"], has_previous: bool
    ) -> Proposal:
        """The network's field where its card covers ``problem`` and the policy wants it.

        ``"always"`` asks neither the card nor the cost; what keeps the network from running at all is still a flag.
        """
        model, trouble = self._load()
        if model is None:
            return Proposal(None, (trouble,) if trouble else ())
        outside = _outside(problem, model.card)
        if outside and (policy != "always" or isinstance(problem.diffusivity, np.ndarray)):
            return Proposal(None, outside)
        if policy == "fastest":
            cheaper = self._cheaper_without(problem, model, has_previous)
            if cheaper is not None:
                return Proposal(None, (cheaper,))
        return self._run(problem, model)

    def _run(self, problem: Problem, model: Predictor) -> Proposal:
        began = time.perf_counter()
        try:
            proposed = model.predict(problem)
        except Exception as error:  # Whatever a network does, the exact answer must still come.
            return Proposal(
                None, (Flag(Reason.NETWORK_FAILED, f"The network stopped with {type(error).__name__}: {error}."),)
            )
        seconds = {"network": time.perf_counter() - began}
        lowest = float(proposed.min())
        if proposed.shape != problem.shape or not (math.isfinite(lowest) and math.isfinite(proposed.max())):
            return Proposal(None, (Flag(Reason.NETWORK_FAILED, "The network's field is not finite."),), seconds)
        return Proposal(proposed if lowest >= 0.0 else np.maximum(proposed, 0.0), (), seconds)

    def _load(self) -> tuple[Predictor | None, Flag | None]:
        if self._model is None and self._trouble is None:
            self._model, self._trouble = _load(self._name, self._device)
        return self._model, self._trouble

    def _cheaper_without(self, problem: Problem, model: Predictor, has_previous: bool) -> Flag | None:
        """Why the exact route is the cheaper one, by the costs measured on this machine; None if the network is."""
        if problem.constant_coefficients and model.device == "cpu":
            return Flag(
                Reason.EXACT_IS_CHEAPER,
                "With constant coefficients on a CPU the spectral solver costs less than the network's forward pass.",
            )
        if has_previous:
            return Flag(Reason.EXACT_IS_CHEAPER, "The previous field is at hand and costs nothing.")
        where = f"{problem.shape}, {get_num_threads()} threads"
        digest = model.card.sha256 if model.card is not None else f"unnamed {id(model)}"
        forward = calibration.seconds(f"{digest}|{model.device}|{where}", lambda: model.predict(problem))
        cycle = calibration.seconds(f"cycle|{where}", _cycle(problem))
        error = min(max(model.typical_error, 1e-6), _ERROR_WITHOUT)
        saved = math.log(_ERROR_WITHOUT / error) / math.log(1.0 / _CONTRACTION)
        if forward <= saved * cycle:
            return None
        return Flag(
            Reason.EXACT_IS_CHEAPER,
            f"The network takes {1e3 * forward:.1f} ms and saves about {saved:.1f} cycles of {1e3 * cycle:.1f} ms.",
        )


def _outside(problem: Problem, card: ModelCard | None) -> tuple[Flag, ...]:
    if isinstance(problem.diffusivity, np.ndarray):
        return (Flag(Reason.OUTSIDE_CARD, "diffusivity varies, and networks know a constant diffusivity only."),)
    if card is None:
        return ()
    from surrogate_plugin.guard.applicability import check

    return check(problem, card)


def _load(name: str, device: str) -> tuple[Predictor | None, Flag | None]:
    try:
        from surrogate_plugin.surrogate.model import DamagedModelError, DeviceMissingError, ModelNotFoundError, load
    except ImportError as error:
        return None, Flag(Reason.NO_TORCH, f"torch cannot be imported ({error}); install torch to use the surrogate.")
    try:
        return load(name, device), None
    except ModelNotFoundError as error:
        return None, Flag(Reason.NO_MODEL, str(error))
    except DeviceMissingError as error:
        return None, Flag(Reason.NO_DEVICE, str(error))
    except DamagedModelError as error:
        return None, Flag(Reason.DAMAGED_MODEL, str(error))
    except ImportError as error:
        return None, Flag(Reason.NO_TORCH, f"torch cannot be imported ({error}); install torch to use the surrogate.")
    except Exception as error:  # A model of a plugin may fail in ways of its own.
        return None, Flag(Reason.DAMAGED_MODEL, f"The model {name!r} does not load: {type(error).__name__}: {error}.")


def _cycle(problem: Problem) -> Callable[[], None]:
    """One cycle of the polish on this problem, to be timed."""
    hierarchy = Hierarchy(problem.shape, problem.boundary)
    return Iteration(Equation(problem), hierarchy, None).advance
