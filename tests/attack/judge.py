"""Whether an answer keeps every promise, judged by the reference."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from surrogate_plugin.engine.engine import Engine
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.equation.solution import Reason, Solution
from surrogate_plugin.errors import InvalidProblemError, UnsupportedProblemError
from tests.attack import plugins
from tests.attack.networks import NETWORKS, Network
from tests.attack.plugins import registered
from tests.attack.trials import Target, Trial

#: Where nothing else is asked: of the largest value, by an exact method and by the guard.
_EXACT_SHARE, _GUARDED_SHARE = 1e-10, 0.01
#: Below this part of the largest value an error is rounding, and bound over error says nothing.
_TELLING = 1e-12


@dataclass(frozen=True)
class Fault:
    """A promise that was broken; ``kind`` is one of `KINDS`."""

    kind: str
    detail: str


#: In the order of the table that is printed.
KINDS = ("exception", "field", "bound", "broken", "outside", "unflagged")


@dataclass(frozen=True)
class Verdict:
    """Who answered (empty for one sentence of refusal), bound over error where that tells something, and the faults."""

    answered: str
    effectivity: float | None
    faults: tuple[Fault, ...]


class Court:
    """Engines, one for each network and policy, used again and again as a simulator would."""

    def __init__(self) -> None:
        self._networks = {name: Network(propose) for name, propose in NETWORKS.items()}
        self._engines: dict[tuple[str, str], Engine] = {}

    def judge(self, target: Target, trial: Trial) -> Verdict:
        """Solve and compare; whatever is raised is caught, but for an interruption by hand."""
        try:
            plugin = registered(target.rng) if trial.method == plugins.NAME else contextlib.nullcontext()
            with np.errstate(all="raise", under="ignore"), warnings.catch_warnings(), plugin:
                warnings.simplefilter("error")
                solution = self._engine(target, trial).solve(
                    target.problem, method=trial.method, tolerance=trial.tolerance, previous=trial.previous
                )
        except (InvalidProblemError, UnsupportedProblemError) as error:
            faults = () if _one_sentence(str(error)) else (Fault("exception", f"no sentence: {error}"),)
            return Verdict("", None, faults)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Verdict("", None, (Fault("exception", f"{type(error).__name__}: {error}"),))
        faults = tuple(_faults(target, trial, solution))
        error = target.reference.distance(solution.field) if not any(f.kind == "field" for f in faults) else math.inf
        telling = math.isfinite(solution.error_bound) and error > _TELLING * target.largest
        return Verdict(solution.method, float(solution.error_bound / error) if telling else None, faults)

    def _engine(self, target: Target, trial: Trial) -> Engine:
        key = (trial.network, trial.policy)
        network = self._networks.get(trial.network)
        if network is not None:
            network.rng, network.exact = target.rng, target.reference.field.astype(np.float64)
        if key not in self._engines:
            self._engines[key] = Engine(model=network or "default", policy=trial.policy)
        return self._engines[key]


def _faults(target: Target, trial: Trial, solution: Solution) -> Iterator[Fault]:
    problem, field, bound = target.problem, solution.field, solution.error_bound
    if not isinstance(field, np.ndarray) or field.dtype != np.float64 or field.shape != problem.shape:
        yield Fault("field", f"{type(field).__name__} instead of a float64 array of shape {problem.shape}")
        return
    if not np.isfinite(field).all():
        yield Fault("field", "not finite")
        return
    if not np.array_equal(field[problem.fixed], problem.source[problem.fixed]):
        yield Fault("field", "fixed pixels do not hold their values")
    yield from false_bound(target, field, bound)
    lowest, highest = float(field.min()), float(field.max())
    if lowest < 0:
        yield Fault("outside", f"lowest {lowest:.6g}, largest value {target.largest:.6g}")
    if highest > problem.largest_imposed and not np.any(problem.production):
        yield Fault("outside", f"highest {highest!r}, largest imposed {problem.largest_imposed!r}")
    if bound > _asked(target, trial) and not any(
        flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags
    ):
        yield Fault("unflagged", f"bound {bound:.6g}, asked {_asked(target, trial):.6g}")


def false_bound(target: Target, field: FloatArray, bound: float) -> Iterator[Fault]:
    """Whether ``bound`` is no bound on the error of ``field``, as far as the reference can tell."""
    if not isinstance(bound, float) or not bound >= 0:
        yield Fault("bound", f"{bound!r}")
        return
    error = target.reference.distance(field)
    if error > bound + target.reference.error:
        yield Fault("broken", f"error {error:.6g}, bound {bound:.6g}, largest value {target.largest:.6g}")


def _asked(target: Target, trial: Trial) -> float:
    """The tolerance, or the accuracy that is documented for none, with room for the bound of a largest value."""
    if trial.tolerance is not None:
        return trial.tolerance
    largest = max(target.problem.largest_imposed, target.largest)
    return (_GUARDED_SHARE if trial.method in ("guarded", "surrogate") else _EXACT_SHARE) * largest * (1 + 1e-9)


def _one_sentence(message: str) -> bool:
    return message.endswith(".") and "\n" not in message and len(message) < 600
