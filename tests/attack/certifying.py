"""The certifier alone: any field, cycles that return anything, barriers that were made for any other field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from surrogate_plugin.equation.assembly import assemble
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray
from surrogate_plugin.guard.certificate import Certifier
from surrogate_plugin.guard.matrix_certificate import bound_by_factorisation
from surrogate_plugin.solvers.direct.factorisation import Factorisation, factorise
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from tests.attack.judge import Fault, false_bound
from tests.attack.poison import PLACES, POISONS
from tests.attack.trials import Target

AnyArray = npt.NDArray[Any]
Junk = Callable[[np.random.Generator, AnyArray], None]


def _poisoned(rng: np.random.Generator, z: AnyArray) -> None:
    value, place = rng.choice(list(POISONS.values())), rng.choice(PLACES)
    if place == "everything":
        z[...] = value
    elif place == "row":
        z[int(rng.integers(z.shape[0]))] = value
    else:
        z.flat[{"first": 0, "last": -1}.get(str(place), int(rng.integers(z.size)))] = value


def _negative_nan(rng: np.random.Generator, z: AnyArray) -> None:
    z[...] = POISONS["NaN, negative"]


def _nothing(rng: np.random.Generator, z: AnyArray) -> None:
    z[...] = 0.0


def _huge(rng: np.random.Generator, z: AnyArray) -> None:
    z[rng.random(z.shape) < rng.choice([0.1, 1.0])] = rng.choice([1e30, 3e38, -3e38])


def _tiny(rng: np.random.Generator, z: AnyArray) -> None:
    z[...] = 1e-45


def _negative(rng: np.random.Generator, z: AnyArray) -> None:
    np.negative(z, out=z)


def _noise(rng: np.random.Generator, z: AnyArray) -> None:
    z += np.float32(10.0 ** rng.uniform(-6, 6)) * rng.normal(size=z.shape).astype(z.dtype)


def _scaled(rng: np.random.Generator, z: AnyArray) -> None:
    z *= np.float32(10.0 ** rng.uniform(-6, 6))


def _unchanged(rng: np.random.Generator, z: AnyArray) -> None:
    pass


JUNK: tuple[Junk, ...] = (
    _poisoned, _poisoned, _negative_nan, _nothing, _huge, _tiny, _negative, _noise, _scaled, _unchanged,
)  # fmt: skip


class HostileHierarchy(Hierarchy):
    """One whose cycles are spoilt after they were made, each time or now and then."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.problem.shape, target.problem.walls)
        self._rng = target.rng
        self._junk = JUNK[int(target.rng.integers(len(JUNK)))]
        self._often = float(target.rng.choice([1.0, 0.3]))

    def v_cycle(self, z: AnyArray, b: AnyArray, *, pre: int = 2, post: int = 2) -> None:
        super().v_cycle(z, b, pre=pre, post=post)
        if self._rng.random() < self._often:
            self._junk(self._rng, z)


def any_candidate(target: Target) -> FloatArray:
    """From the exact field to an absurd one, all >= 0 or no number at all."""
    rng, exact = target.rng, target.reference.field.astype(np.float64)
    largest = target.largest or 1.0
    form = int(rng.integers(8))
    if form == 0:
        return exact
    if form == 1:
        return np.zeros_like(exact)
    if form == 2:
        return np.full_like(exact, largest * 10.0 ** rng.uniform(-12, 12))
    if form == 3:
        field = exact.copy()
        field[rng.random(exact.shape) < rng.choice([0.02, 0.5])] = rng.choice(list(POISONS.values()))
        return field
    unit = rng.choice([largest, largest, target.problem.uptake.km if target.problem.uptake else largest])
    noise = rng.choice([rng.normal(size=exact.shape), rng.random(exact.shape), -rng.random(exact.shape)])
    return np.asarray(np.maximum(exact + unit * 10.0 ** rng.uniform(-14, 2) * noise, 0.0))


def certified(
    seed: int, start: int, count: int, candidates: int = 4, *, hostile: bool = True
) -> Iterator[tuple[str, list[Fault]]]:
    """Several fields, one after the other, of one certifier a problem; the faults of each bound."""
    for number in range(start, start + count):
        target = Target(seed, number)
        if isinstance(target.problem.diffusivity, np.ndarray) or target.problem.source.size > 600:
            continue
        rng, equation = target.rng, Operator(target.problem)
        hierarchy = HostileHierarchy(target)
        if not hostile:
            hierarchy = Hierarchy(target.problem.shape, target.problem.walls)
        hierarchy.rebuild(equation.free, equation.decay)
        with np.errstate(all="ignore"):
            certifier = Certifier(equation, hierarchy, rebuild=bool(rng.random() < 0.5))
            for _ in range(candidates):
                candidate = equation.embed(any_candidate(target))
                tolerance = max(target.largest, 1e-90) * 10.0 ** rng.uniform(-14, 1)
                bound = certifier.bound(candidate, tolerance if rng.random() < 0.7 else 0.0).value
                yield target.name, list(false_bound(target, candidate[1:-1, 1:-1], bound))


def factorised(seed: int, start: int, count: int, candidates: int = 3) -> Iterator[tuple[str, list[Fault]]]:
    """The same of the certificate by factorisation, with factors of its own, of another matrix, or of nothing."""
    for number in range(start, start + count):
        target = Target(seed, number)
        if target.problem.source.size > 600 or target.problem.fixed.all():
            continue
        rng = target.rng
        with np.errstate(all="ignore"):
            for _ in range(candidates):
                field = np.where(target.problem.fixed, target.problem.source, any_candidate(target))
                factors = _spoilt_factors(target) if rng.random() < 0.7 else None
                bound = bound_by_factorisation(target.problem, field, factors)
                yield target.name, list(false_bound(target, field, float(bound)))


def _spoilt_factors(target: Target) -> Factorisation:
    rng, junk = target.rng, JUNK[int(target.rng.integers(len(JUNK)))]
    own = factorise(assemble(target.problem).matrix(10.0 ** rng.uniform(-15, 15)))

    def apply(b: FloatArray) -> FloatArray:
        x = np.array(own.apply(b))
        junk(rng, x[None])
        return x

    return Factorisation(apply, own.nbytes, own.kind)
