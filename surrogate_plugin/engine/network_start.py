"""The network as a proposer of starts: asked where its card applies and it pays, never able to stop a solve."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from surrogate_plugin import loading
from surrogate_plugin.arguments import HUGE
from surrogate_plugin.engine.network import Network
from surrogate_plugin.engine.network_cost import NetworkCost
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Flag, Reason
from surrogate_plugin.guard.maximum_principle import ceiling

if TYPE_CHECKING:
    from torch import Tensor

    from surrogate_plugin.batched.network import Predictor as OnDevice
    from surrogate_plugin.batched.stack import Stack
    from surrogate_plugin.surrogate.predictor import Predictor


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
        self._device = device
        self._network = Network(model, device)
        self._cost = NetworkCost(self._network)
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
            return Proposal(None, (_stopped(error),))

    def declines(self, problem: Problem, policy: str, has_previous: bool) -> tuple[Flag, ...] | None:
        """Why the network is not asked first, as far as that is known without asking it; else None.

        It goes by shape, faces and whether coefficients vary, so that the answer holds for others like this one.
        """
        if policy != "fastest":
            return None
        try:
            cheaper = self._cost.cheaper_without(problem, has_previous)
        except (Exception, SystemExit):  # Whatever is wrong with a network, asking it tells.
            return None
        return None if cheaper is None else (cheaper,)

    def propose_stack(self, stack: Stack, problems: list[Problem]) -> tuple[Tensor | None, list[tuple[Flag, ...]]]:
        """The network's fields for problems on a device, NaN where its card does not cover one, and flags for each.

        None in the place of fields where there is no network that answers stacks, or none of them is covered.

        Raises
        ------
        torch.OutOfMemoryError, MemoryError or RuntimeError
            Where memory does not suffice: fewer problems at a time will do.
        """
        from surrogate_plugin.batched.memory import is_too_large

        try:
            return self._proposed_stack(stack, problems)
        except (Exception, SystemExit) as error:  # Whatever else a network does, the answer must still come.
            if is_too_large(error):
                raise
            return None, [(_stopped(error),)] * len(problems)

    def count(self, problem: Problem, seconds: float) -> None:
        """Remember what a solve without the network took."""
        self._cost.count(problem, seconds)

    def typical_error(self) -> float:
        """About how far off the network's fields are, as a part of the largest value; 0 where nobody knows."""
        return self._network.typical_error()

    def _proposal(
        self, problem: Problem, policy: Literal["surrogate-first", "fastest", "always"], has_previous: bool
    ) -> Proposal:
        network = self._network
        if policy == "fastest":
            cheaper = self._cost.cheaper_without(problem, has_previous)
            if cheaper is not None:
                rival = Rival(self, network, self._cost, problem) if has_previous else None
                return Proposal(None, (cheaper,), rival=rival)
        # By its card alone, if it is not loaded yet; whoever asks for a device wants to hear whether that is there.
        if policy != "always" and self._device != "cuda" and network.loaded is None and network.there():
            unasked = network.outside(problem)
            if unasked:
                return Proposal(None, unasked)
        model, trouble = network.load()
        if model is None:
            return Proposal(None, (trouble,) if trouble else ())
        outside = network.outside(problem)
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

    def _proposed_stack(self, stack: Stack, problems: list[Problem]) -> tuple[Tensor | None, list[tuple[Flag, ...]]]:
        import torch

        from surrogate_plugin.batched.transfers import sent
        from surrogate_plugin.surrogate.model import Model

        model, trouble = self._network.load()
        if not isinstance(model, Model):
            return None, [(trouble,) if trouble else ()] * len(problems)
        flags = [self._network.outside(problem) for problem in problems]
        if all(flags):
            return None, flags
        if self._on_device is None or self._on_device.device != stack.device:
            from surrogate_plugin.batched.network import Predictor as OnDevice

            self._on_device = OnDevice(model, stack.device)
        fields = self._on_device.predict(stack)
        if any(flags):
            outside = sent(torch.tensor([bool(each) for each in flags]), stack.device)
            fields = torch.where(outside[:, None, None], math.nan, fields)
        return fields, flags


class Rival:
    """A network that is asked only where it turns out to be a better start than the previous field."""

    def __init__(self, asked: NetworkStart, network: Network, cost: NetworkCost, problem: Problem) -> None:
        self._asked, self._network, self._cost, self._problem = asked, network, cost, problem

    @property
    def share(self) -> float:
        """About how far off its fields are, as a part of the largest value."""
        return self._network.typical_error()

    def price(self) -> float | None:
        """What its field takes, in cycles; None where that is not known yet, or its card does not cover the problem."""
        return self._cost.price(self._problem)

    def propose(self) -> Proposal:
        """Its field."""
        return self._asked.propose(self._problem, "surrogate-first", True)


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


def _stopped(error: BaseException) -> Flag:
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    return Flag(Reason.NETWORK_FAILED, f"The network stopped with {what}.")
