"""Problems of every kind, as stacks of one kind each: what both engines are compared on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

import surrogate_plugin as sp
from surrogate_plugin.batched.stack import Kind, kind_of
from surrogate_plugin.gallery import extreme_problem
from tests.equation.wider import wide_problem

#: Odd and even, of one pixel and of one row.
SHAPES = [(1, 1), (1, 7), (2, 2), (5, 5), (8, 8), (9, 16), (13, 13), (33, 20)]


def stacks(seed: int, shape: tuple[int, int], count: int) -> list[list[sp.Problem]]:
    """``count`` problems of a shape, from the whole range that may be posed, grouped by kind."""
    groups: dict[Kind, list[sp.Problem]] = defaultdict(list)
    for problem in problems(seed, shape, count):
        groups[kind_of(problem)].append(problem)
    return list(groups.values())


def problems(seed: int, shape: tuple[int, int], count: int) -> Iterator[sp.Problem]:
    """As `stacks`, in the order in which they are drawn; with faces of every kind where the lattice is a square."""
    rng, made = np.random.default_rng([seed, *shape]), 0
    while made < count:
        wide = shape[0] == shape[1] and rng.random() < 0.5
        if not wide:
            problem = extreme_problem(rng, shape=shape)
        else:
            problem = wide_problem(rng, shape[0], min_side=shape[0])
            try:
                problem.check_steady()
            except sp.InvalidProblemError:
                continue
        made += 1
        yield problem
