"""Mends of the guard, each taken out again: what was wrong before, put back where python can reach it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from surrogate_plugin.engine import exact, network_start, trace
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.guard import barriers, certificate_kernels
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.inverse import FactorisedInverse
from surrogate_plugin.solvers.direct import newton
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.spectral.solver import Spectral
from tests.attack import hunts


@dataclass(frozen=True)
class Mutation:
    """How to take a mend out, and the search that has to notice."""

    take_out: Callable[[pytest.MonkeyPatch], None]
    hunt: Callable[[], Iterator[str]]


def _sign_of_nan(patch: pytest.MonkeyPatch) -> None:
    """The largest of a row by its bits as signed integers: a NaN whose sign bit is set was less than 0."""
    kernel = certificate_kernels.deficit
    names = list(inspect.signature(kernel.py_func).parameters)

    def largest_by_bits(array: Any) -> float:
        inner = np.ascontiguousarray(array[1:-1, 1:-1], dtype=np.float64)
        bits = max(0, int(inner.view(np.int64).max()))
        value = float(np.array(bits, np.int64).view(np.float64))
        return value if value == value else np.inf

    def deficit(*arguments: Any) -> tuple[float, float]:
        given = dict(zip(names, arguments, strict=True))
        # What is no number has to stay none on its way through the kernel's chunks.
        kernel(*arguments)
        return largest_by_bits(given["out"]), largest_by_bits(given["w"])

    patch.setattr(certificate_kernels, "deficit", deficit)


def _one_over_zero(patch: pytest.MonkeyPatch) -> None:
    """``1 / (inverse + (1 - free))``, reordered, was 1 / 0 where decay is strong; x86 makes a negative NaN of it."""
    cycle = Hierarchy.v_cycle

    def v_cycle(self: Hierarchy, z: Any, b: Any, **sweeps: int) -> None:
        cycle(self, z, b, **sweeps)
        if ((self._inverse > 0) & (self._inverse < 6e-8)).any():
            z[1:-1, 1:-1] = np.array(0xFFC00000, np.uint32).view(np.float32)

    patch.setattr(Hierarchy, "v_cycle", v_cycle)


def _strong_decay(patch: pytest.MonkeyPatch) -> None:
    _sign_of_nan(patch)
    _one_over_zero(patch)


def _maximum_principle(patch: pytest.MonkeyPatch) -> None:
    """Fields as the solvers left them."""
    patch.setattr(trace, "settle", lambda problem, field, bound: (np.ascontiguousarray(field), bound))


def _barrier_of_another(patch: pytest.MonkeyPatch) -> None:
    """A barrier that was made for one field served every later one."""
    patch.setattr(barriers.Barrier, "for_candidate", lambda self, c: barriers.Usable(self.height, np.inf))


def _silent_default(patch: pytest.MonkeyPatch) -> None:
    """Without a tolerance nothing was asked, so nothing was missed."""
    accuracy = exact._accuracy

    def asked(asking: Any, answer: FloatArray) -> tuple[float, str]:
        return accuracy(asking, answer) if asking.tolerance is not None else (np.inf, "nothing")

    patch.setattr(exact, "_accuracy", asked)


def _unsettled_charges(patch: pytest.MonkeyPatch) -> None:
    """Charges that did not settle raised an error that nobody had documented."""

    def solve(self: Spectral, *arguments: Any, **named: Any) -> Any:
        raise ArithmeticError("the charges did not settle to the tolerance; use 'multigrid' or 'sparse-direct'.")

    patch.setattr(Spectral, "solve", solve)


def _small_km(patch: pytest.MonkeyPatch) -> None:
    """Newton's method judged its steps beside the largest value alone, and took those of small pixels for rounding."""

    def refine(self: newton.Newton) -> None:
        last = np.inf
        for _ in range(200):
            field = self.nodes[self.inside]
            if self.factors is None or (self.saturates and last > 1e-6):
                self._factorise(self.law.slope(field))
            moved = np.maximum(field + self._correction(field, self.km), 0.0) - field
            change = float(np.max(np.abs(moved))) / max(float(np.max(field)), 1e-300) if field.any() else np.inf
            if change > 0.5 * last and change < 1e-6:
                break
            self.nodes[self.inside] = field + moved
            if change <= 4e-16 or not moved.any():
                break
            last = change

    patch.setattr(newton.Newton, "_approach", lambda self, start: None)
    patch.setattr(newton.Newton, "_refine", refine)


def _silent_surrogate(patch: pytest.MonkeyPatch) -> None:
    """The network's own field missed the tolerance without a word."""
    flag = trace.Trace.flag

    def quiet(self: trace.Trace, reason: Reason, message: str) -> None:
        if not message.startswith("The network's own field"):
            flag(self, reason, message)

    patch.setattr(trace.Trace, "flag", quiet)


def _trusted_state(patch: pytest.MonkeyPatch) -> None:
    """Whatever a plugin's state called ``factors`` and ``graph`` was what its errors were measured with."""
    bound = exact.Exact._bound

    def trusting(self: exact.Exact, asking: Any, answer: FloatArray, solver: Any, state: Any, *rest: Any) -> float:
        if getattr(state, "graph", None) is None:
            return float(bound(self, asking, answer, solver, state, *rest))
        operator = asking.equation
        certifier = Certifier(operator, FactorisedInverse(operator, state.factors))
        # What a factorisation proposes is taken for what it should be.
        patch.setattr(certifier, "_deficit", lambda w, *_: (0.0, float(w.max())))
        return certifier.bound(operator.embed(answer), 0.0).value

    patch.setattr(exact.Exact, "_bound", trusting)


def _unjudged_network(patch: pytest.MonkeyPatch) -> None:
    """A network's answer was a field because it came from a network."""
    patch.setattr(network_start, "_judged", lambda answer, problem: (np.maximum(answer, 0.0), None))
    patch.setattr(network_start.NetworkStart, "propose", network_start.NetworkStart._proposal)


MUTATIONS: dict[str, Mutation] = {
    "the sign bit of NaN": Mutation(_sign_of_nan, lambda: hunts.bounds(2, 2_000, hostile=True)),
    "a division reordered": Mutation(_one_over_zero, lambda: hunts.cycles(2, 2_000)),
    "both, where decay is strong": Mutation(_strong_decay, lambda: hunts.answers(2, 1_000, ("broken",))),
    "the maximum principle": Mutation(_maximum_principle, lambda: hunts.answers(2, 1_000, ("outside",))),
    "a barrier for its candidate": Mutation(_barrier_of_another, lambda: hunts.bounds(3, 6_000, hostile=False)),
    "steps beside km": Mutation(_small_km, lambda: hunts.last_resort(2, 1_000)),
    "the default accuracy": Mutation(_silent_default, lambda: hunts.answers(2, 1_000, ("unflagged",))),
    "charges that do not settle": Mutation(_unsettled_charges, lambda: hunts.answers(2, 1_000, ("exception",))),
    "the raw network's tolerance": Mutation(
        _silent_surrogate, lambda: hunts.answers(2, 1_000, ("unflagged",), "surrogate")
    ),
    "a plugin's own matrices": Mutation(_trusted_state, lambda: hunts.answers(2, 1_000, ("broken",), "boastful")),
    "a network's answer judged": Mutation(_unjudged_network, lambda: hunts.answers(2, 1_000, ("exception",))),
}
