"""The network as a proposer of starts: loaded once, asked where its card applies, never able to stop a solve."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from surrogate_plugin import calibration, loading
from surrogate_plugin.arguments import HUGE
from surrogate_plugin.engine.starts import CONTRACTION
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Flag, Reason
from surrogate_plugin.guard.maximum_principle import ceiling
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration
from surrogate_plugin.team import thread_count

if TYPE_CHECKING:
    from torch import Tensor

    from surrogate_plugin.batched.network import Predictor as OnDevice
    from surrogate_plugin.batched.stack import Stack
    from surrogate_plugin.surrogate.card import ModelCard
    from surrogate_plugin.surrogate.predictor import Predictor

#: What one cycle from nothing leaves, as a part of the largest value.
_ERROR_WITHOUT = 1.0
#: Seconds of solves on a lattice after which it is measured whether the network would be quicker: loading and compiling
#: it takes up to a quarter of that, once a machine.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Proposal:
    """A field to start from, or the reasons why there is none; ``rival``: it may still be asked for."""

    field: FloatArray | None
    flags: tuple[Flag, ...] = ()
    seconds: dict[str, float] = default(default_factory=dict)
    rival: Rival | None = None


class NetworkStart:
    """Asks the surrogate where that pays; nothing that a network does, or lacks, can stop a solve.

    Parameters
    ----------
    model : str or Predictor
        Name or path, as `surrogate_plugin.surrogate.model.load` takes it, or a network that is loaded already. A name
        is loaded at the first question that needs the network itself.
    device : str
    """

    def __init__(self, model: str | Predictor, device: str) -> None:
        self._name = model if isinstance(model, str) else ""
        self._device = device
        self._model: Predictor | None = None if isinstance(model, str) else model
        self._trouble: Flag | None = None
        self._card: ModelCard | None = None
        self._spent: dict[tuple[int, ...], float] = {}
        #: Seconds of a forward pass of a network without a card.
        self._of_unnamed: dict[str, float] = {}
        self._on_device: OnDevice | None = None

    def propose(
        self, problem: Problem, policy: Literal["surrogate-first", "fastest", "always"], has_previous: bool
    ) -> Proposal:
        """The network's field where its card covers ``problem`` and the policy wants it.

        ``"always"`` asks neither the card nor the cost; what keeps the network from running at all is still a flag.
        """
        try:
            return self._proposal(problem, policy, has_previous)
        except (Exception, SystemExit) as error:  # Whatever a network does, the exact answer must still come.
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            return Proposal(None, (Flag(Reason.NETWORK_FAILED, f"The network stopped with {what}."),))

    def declines(self, problem: Problem, policy: str, has_previous: bool) -> tuple[Flag, ...] | None:
        """Why the network is not asked first, as far as that is known without asking it; else None.

        It goes by shape, faces and whether coefficients vary, so that the answer holds for others like this one.
        """
        if policy != "fastest":
            return None
        try:
            cheaper = self._cheaper_without(problem, has_previous)
        except (Exception, SystemExit):  # Whatever is wrong with a network, asking it tells.
            return None
        return None if cheaper is None else (cheaper,)

    def propose_stack(self, stack: Stack, problems: list[Problem]) -> tuple[Tensor | None, list[tuple[Flag, ...]]]:
        """The network's fields for problems on a device, NaN where its card does not cover one, and flags for each.

        None in the place of fields where there is no network that answers stacks, or none of them is covered.
        """
        try:
            return self._proposed_stack(stack, problems)
        except (Exception, SystemExit) as error:  # Whatever a network does, the answer must still come.
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            flag = Flag(Reason.NETWORK_FAILED, f"The network stopped with {what}.")
            return None, [(flag,)] * len(problems)

    def _proposed_stack(self, stack: Stack, problems: list[Problem]) -> tuple[Tensor | None, list[tuple[Flag, ...]]]:
        import torch

        from surrogate_plugin.surrogate.model import Model

        model, trouble = self._load()
        if not isinstance(model, Model):
            return None, [(trouble,) if trouble else ()] * len(problems)
        flags = [_outside(problem, model.card) for problem in problems]
        if all(flags):
            return None, flags
        if self._on_device is None or self._on_device.device != stack.device:
            from surrogate_plugin.batched.network import Predictor as OnDevice

            self._on_device = OnDevice(model, stack.device)
        fields = self._on_device.predict(stack)
        if any(flags):
            outside = torch.tensor([bool(each) for each in flags], device=stack.device)
            fields = torch.where(outside[:, None, None], math.nan, fields)
        return fields, flags

    def count(self, problem: Problem, seconds: float) -> None:
        """Remember what a solve without the network took; after a while it is worth knowing what one with it takes."""
        self._spent[problem.shape] = self._spent.get(problem.shape, 0.0) + seconds

    def _proposal(
        self, problem: Problem, policy: Literal["surrogate-first", "fastest", "always"], has_previous: bool
    ) -> Proposal:
        if policy == "fastest":
            cheaper = self._cheaper_without(problem, has_previous)
            if cheaper is not None:
                return Proposal(None, (cheaper,), rival=Rival(self, problem) if has_previous else None)
        unasked = self._uncovered(problem) if self._model is None and self._there() else ()
        if unasked and policy != "always" and self._device != "cuda":
            return Proposal(None, unasked)
        model, trouble = self._load()
        if model is None:
            return Proposal(None, (trouble,) if trouble else ())
        outside = _outside(problem, model.card)
        if outside and policy != "always":
            return Proposal(None, outside)
        began, loaded = time.perf_counter(), loading.seconds_spent()
        answer = model.predict(problem)
        seconds = {"network": time.perf_counter() - began}
        if loading.seconds_spent() > loaded:
            seconds["load"] = loading.seconds_spent() - loaded
            seconds["network"] -= seconds["load"]
        field, fault = _judged(answer, problem)
        return Proposal(field, () if fault is None else (Flag(Reason.NETWORK_FAILED, fault),), seconds)

    def _load(self) -> tuple[Predictor | None, Flag | None]:
        if self._model is None and self._trouble is None:
            self._model, self._trouble = _load(self._name, self._device)
        return self._model, self._trouble

    def _cheaper_without(self, problem: Problem, has_previous: bool) -> Flag | None:
        """Why the exact route is the cheaper one, by what was measured on this machine; None if the network is.

        It takes a small part of a solve to say so: no network is loaded for it, and no problem looked through.
        """
        if not self._there():
            return None  # asking tells more
        on_cpu = (self._device if self._model is None else self._model.device) != "cuda"
        if problem.constant_coefficients and on_cpu:
            return Flag(
                Reason.EXACT_IS_CHEAPER,
                "With constant coefficients on a CPU an exact solver costs less than the network's forward pass.",
            )
        if has_previous:
            return Flag(Reason.EXACT_IS_CHEAPER, "The previous field is at hand and costs nothing.")
        if self._would_load(problem) and self._uncovered(problem):
            return None  # and what the card says is the better reason
        costs = self._measured(problem)
        if costs is None:
            return Flag(
                Reason.EXACT_IS_CHEAPER,
                "What the network takes on this machine is not known yet; to measure it costs some seconds, so it is "
                f"done once {_PATIENCE:.0f} s have gone into solves on this lattice.",
            )
        forward, cycle, error = costs
        saved = math.log(_ERROR_WITHOUT / min(max(error, 1e-6), _ERROR_WITHOUT)) / math.log(1.0 / CONTRACTION)
        if forward <= saved * cycle:
            return None
        return Flag(
            Reason.EXACT_IS_CHEAPER,
            f"The network takes {1e3 * forward:.1f} ms and saves about {saved:.1f} cycles of {1e3 * cycle:.1f} ms.",
        )

    def typical_error(self) -> float:
        """About how far off the network's fields are, as a part of the largest value; 0 where nobody knows."""
        from surrogate_plugin.surrogate.model import typical_error

        if self._model is not None:
            return self._model.typical_error
        return 0.0 if self._card is None else typical_error(self._card)

    def price(self, problem: Problem) -> float | None:
        """What the network's field takes, in cycles; None where that is not known yet, or it does not know such."""
        try:
            card = self._card if self._model is None else self._model.card
            costs = None if _outside(problem, card) else self._measured(problem)
        except (Exception, SystemExit):  # Whatever a network does, there is a previous field.
            return None
        return None if costs is None else costs[0] / costs[1]

    def _uncovered(self, problem: Problem) -> tuple[Flag, ...]:
        """Why the network would not be asked once it were loaded, by its card alone: torch is not loaded for that."""
        return _outside(problem, self._card)

    def _would_load(self, problem: Problem) -> bool:
        """Whether to know what the network takes means to load it now."""
        if self._model is not None:
            return False
        if self._device == "cuda":  # whoever asks for a card wants to hear of it at once
            return True
        return self._known(_where(problem)) is None and self._spent.get(problem.shape, 0.0) >= _PATIENCE

    def _measured(self, problem: Problem) -> tuple[float, float, float] | None:
        """Seconds of a forward pass, seconds of a cycle, and the network's typical error; None where not known yet."""
        where, model = _where(problem), self._model
        cycle = f"cycle|{where}"
        if model is None:
            if not self._would_load(problem):
                return self._known(where)
            model, _ = self._load()
            if model is None:
                return 0.0, 0.0, 1.0  # asking tells what is wrong with it
        loaded = model
        if loaded.card is None:  # nothing names it to another process
            if where not in self._of_unnamed:
                self._of_unnamed[where] = calibration.measured(lambda: loaded.predict(problem))
            forward = self._of_unnamed[where]
        else:
            name = f"{loaded.card.sha256}|{loaded.device}|{where}"
            forward = calibration.seconds(name, lambda: loaded.predict(problem))
        return forward, calibration.seconds(cycle, _cycle(problem)), loaded.typical_error

    def _there(self) -> bool:
        """Whether there is a network, as far as can be told without loading it."""
        if self._model is None and self._card is None and self._trouble is None:
            from surrogate_plugin.surrogate.card import ModelCard
            from surrogate_plugin.surrogate.weights import find

            try:
                self._card = ModelCard.read(find(self._name).with_suffix(".json"))
            except Exception:  # Whatever is wrong with it, loading it says what.
                self._load()
        return self._trouble is None

    def _known(self, where: str) -> tuple[float, float, float] | None:
        """What an earlier process has measured, looked up by the card alone."""
        from surrogate_plugin.surrogate.model import typical_error

        if self._card is None:
            return None
        forward = calibration.known(f"{self._card.sha256}|cpu|{where}")
        cycle = calibration.known(f"cycle|{where}")
        if forward is None or cycle is None:
            return None
        return forward, cycle, typical_error(self._card)


class Rival:
    """A network that is asked only where it turns out to be a better start than the previous field."""

    def __init__(self, network: NetworkStart, problem: Problem) -> None:
        self._network, self._problem = network, problem

    @property
    def share(self) -> float:
        """About how far off its fields are, as a part of the largest value."""
        return self._network.typical_error()

    def price(self) -> float | None:
        """What its field takes, in cycles; None where that is not known yet, or its card does not cover the problem."""
        return self._network.price(self._problem)

    def propose(self) -> Proposal:
        """Its field."""
        return self._network.propose(self._problem, "surrogate-first", True)


def _where(problem: Problem) -> str:
    """What the time of a solve depends on beside the machine."""
    return f"{problem.shape}{'' if problem.plain else ' with faces'}, {thread_count()} threads"


def _judged(answer: Any, problem: Problem) -> tuple[FloatArray | None, str | None]:
    """A network's answer as a field to start from, within what is possible; or what is wrong with it."""
    if isinstance(answer, np.ma.MaskedArray) or not hasattr(answer, "__array__"):
        return None, f"The network's answer is a {type(answer).__name__}, not an array."
    array = np.asarray(answer)
    if array.dtype.kind not in "fiu" or array.shape != problem.shape:
        return None, f"The network's answer has dtype {array.dtype} and shape {array.shape}, not a field's."
    if not np.isfinite(array).all():
        return None, "The network's field is not finite."
    # What no field can be is no start either; and far beyond it even a residual would overflow.
    return np.clip(array, 0.0, min(ceiling(problem), HUGE)).astype(np.float64, copy=False), None


def _outside(problem: Problem, card: ModelCard | None) -> tuple[Flag, ...]:
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
    hierarchy = Hierarchy(problem.shape, problem.walls)
    return Iteration(Operator(problem), hierarchy, None).advance
