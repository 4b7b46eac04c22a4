"""Batches of hostile problems of one kind, candidates for their fields, and levels that propose nonsense."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from copy import copy
from typing import Any

import numpy as np
import torch

from surrogate_plugin.batched.levels import Levels
from surrogate_plugin.batched.stack import Stack, kind_of
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.gallery import KINDS, WIDER_KINDS, extreme_problem
from surrogate_plugin.reference import Reference, solve_extended
from surrogate_plugin.solvers.multigrid.solver import Multigrid
from tests.attack.certifying import JUNK

#: Where the batched engine is tested.
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def extremes(seed: int, count: int, shape: tuple[int, int]) -> list[Problem]:
    """Problems from the whole range that may be posed, all of one shape; every sixth conducts unevenly."""
    found = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        wide = WIDER_KINDS[index // 6 % len(WIDER_KINDS)]
        found.append(wide(rng, shape) if index % 6 == 5 else extreme_problem(rng, shape=shape))
    return found


def nasty(seed: int, count: int, shape: tuple[int, int]) -> list[Problem]:
    """The gallery's nasty kinds in turn, all of one shape."""
    return [KINDS[index % len(KINDS)](np.random.default_rng([seed, index]), shape) for index in range(count)]


def by_kind(problems: Iterable[Problem]) -> list[list[Problem]]:
    """The problems in lists of one kind each, as stacks take them; those that nothing feeds are left out."""
    groups: dict[Any, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.largest_imposed > 0.0 or problem.largest_supply > 0.0:
            groups[kind_of(problem)].append(problem)
    return list(groups.values())


def for_lattices(problems: Iterable[Problem]) -> list[Problem]:
    """Those whose faces coarse lattices follow; the others are for algebraic solvers."""
    multigrid = Multigrid()
    return [problem for problem in problems if multigrid.refusal(problem) is None]


def slack(problem: Problem, reference: Reference) -> float:
    """What the reference itself may be off by."""
    return reference.error + 1e-18 * max(float(reference.field.max()), problem.largest_imposed)


def references(problems: Iterable[Problem]) -> list[Reference]:
    """Their fields in extended precision."""
    return [solve_extended(problem) for problem in problems]


def any_candidate(rng: np.random.Generator, problem: Problem, exact: FloatArray) -> FloatArray:
    """Something from all but exact to absurd; above the solution, below it, or both. Now and then it is not allowed."""
    largest = max(float(exact.max()), 1e-300)
    unit = rng.choice([1.0, 0.0 if problem.uptake is None else problem.uptake.km / largest])
    size = largest * unit * 10.0 ** rng.uniform(-12, 2)
    noise = rng.choice([rng.normal(size=exact.shape), rng.random(exact.shape), -rng.random(exact.shape)])
    base = rng.choice([exact, exact, exact, np.zeros_like(exact), np.full_like(exact, largest)])
    field = np.where(problem.unknown, np.maximum(base + size * noise, 0.0), problem.known)
    if rng.random() < 0.1:
        field.flat[int(rng.integers(field.size))] = rng.choice([np.nan, np.inf, -np.inf, -largest, 1e300, 2 * largest])
    return field


def padded(fields: list[FloatArray], device: str) -> torch.Tensor:
    """Candidates with a halo, which the certificate fills, as a tensor; the halo is not to be trusted."""
    stacked = torch.as_tensor(np.stack(fields)).to(device)
    return torch.nn.functional.pad(stacked, (1, 1, 1, 1), value=float("nan"))


class HostileLevels:
    """Levels whose cycles are spoilt after they were made, on fixed pixels and in the halo too."""

    def __init__(self, levels: Levels, rng: np.random.Generator) -> None:
        self._levels, self._rng = levels, rng
        self._junk = [JUNK[int(rng.integers(len(JUNK)))] for _ in range(3)]

    def __copy__(self) -> HostileLevels:
        return HostileLevels(copy(self._levels), self._rng)

    def take(self, index: torch.Tensor) -> HostileLevels:
        return HostileLevels(self._levels.take(index), self._rng)

    def relinearise(self, free: torch.Tensor, decay: torch.Tensor) -> None:
        self._levels.relinearise(free, decay)

    def residual(self, x: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
        return self._levels.residual(x, b)

    def v_cycle(self, b: torch.Tensor) -> torch.Tensor:
        """Another kind of nonsense for each problem."""
        z = self._levels.v_cycle(b).cpu().numpy().copy()
        with np.errstate(over="ignore", invalid="ignore"):
            for number, each in enumerate(z):
                self._junk[number % len(self._junk)](self._rng, each)
        return torch.as_tensor(z).to(b.device)


def set_up(stack: Stack, c: torch.Tensor) -> Levels:
    """Levels for the equations linearised at candidates."""
    from surrogate_plugin.batched import operator

    levels = Levels(stack.shape, stack.rings, stack.count, stack.device, mapped=stack.north is not None)
    levels.set_up(stack.free, operator.tangent(stack, c), stack.north, stack.east, stack.wall_conductance)
    return levels
