"""Groups of plain problems that one thread solves in compiled code: which are taken, and the buffers they need."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surrogate_plugin.arguments import Coefficient, FloatArray
from surrogate_plugin.engine import polish
from surrogate_plugin.engine.compiled.calls_kernels import addresses
from surrogate_plugin.engine.compiled.solve_kernels import solve_group
from surrogate_plugin.engine.compiled.terms_kernels import Lattice, Posed, Rules
from surrogate_plugin.engine.request import GUARDED_SHARE
from surrogate_plugin.equation.operator import rules_of
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.guard import certificate
from surrogate_plugin.solvers.multigrid import central_path, solver
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy

#: What is alike in the problems of a group: the shape, which axes are rings, whether uptake saturates, whether
#: coefficients are constant, and whether they have fields to start from.
Kind = tuple[tuple[int, int], tuple[bool, bool], bool, bool, bool]
#: A group has at most so many pixels, beyond which nothing is gained, and its arrays would not stay in a core's cache.
_MOST_PIXELS = 2**16
#: Found once: the compiler that knows them has locks, which a forked child may find held.
_addresses = functools.cache(addresses)


@dataclass(frozen=True, eq=False)
class Found:
    """What became of one problem of a group.

    Attributes
    ----------
    field : (H, W) float64, field units
        Of a buffer that the next group overwrites.
    bound : float, field units
    cycles : int
    settled : bool
        Whether the bound is within the tolerance; else an engine has to answer.
    """

    field: FloatArray
    bound: float
    cycles: int
    settled: bool


def kind_of(problem: Problem, *, started: bool = False) -> Kind:
    """Which problems may share a group with this one."""
    return problem.shape, problem.boundary.rings, problem.uptake is not None, problem.constant_coefficients, started


def group_size(shape: tuple[int, int]) -> int:
    """How many problems of a shape a group has at most."""
    return max(1, _MOST_PIXELS // (shape[0] * shape[1]))


class Group:
    """The buffers of one thread for one kind of problems.

    Parameters
    ----------
    problem : Problem
        Of that kind.
    most : int
        How many problems there is room for.
    started : bool
        Whether all have fields to start from; else none has.

    Examples
    --------
    >>> source = np.zeros((32, 32)); source[16, 16] = 38.0
    >>> problem = Problem(source, decay=np.full((32, 32), 0.01))
    >>> group = Group(problem, 2)
    >>> [found.bound <= 0.38 for found in group.solve([problem, problem], [0.38, 0.38])]
    [True, True]
    """

    def __init__(self, problem: Problem, most: int, *, started: bool = False) -> None:
        shape, saturates = problem.shape, problem.uptake is not None
        self._most = most
        self._maps = [np.empty((most, *shape)) for _ in range(4 if saturates else 3)]
        self._free = np.empty((most, *shape), np.bool_)
        self._start = np.empty((most if started else 0, *shape))
        self._km, self._least, self._made, self._tolerance, self._share, self._size = np.ones((6, most))
        self._rules, self._values = np.empty((most, 2, 2), np.int64), np.empty((most, 2, 2))
        self._walls = np.empty((most, 2, 2), np.float32)
        self._found = np.empty((most, *shape)), np.empty(most), np.empty(most, np.int64), np.empty(most, np.bool_)
        self._lattice = _lattice_of(problem)
        self._constants, self._code = _rules(saturates), _addresses(saturates)

    def solve(
        self, problems: Sequence[Problem], tolerances: Sequence[float | None], starts: Sequence[FloatArray] = ()
    ) -> list[Found]:
        """Solve some problems of the kind, each to its tolerance and from its start, as `take` has them."""
        self.take(problems, tolerances, starts)
        self.run(len(problems))
        return [self.found(k) for k in range(len(problems))]

    def take(
        self, problems: Sequence[Problem], tolerances: Sequence[float | None], starts: Sequence[FloatArray] = ()
    ) -> None:
        """Lay the coefficients of some problems side by side, as an `Operator` has them.

        Parameters
        ----------
        problems : sequence of Problem
        tolerances : sequence of float or None, field units
            None, where production alone feeds the field, allows `GUARDED_SHARE` of its largest value.
        starts : sequence of (H, W) float64, field units
            One for each problem, nowhere below 0, if the group is one of those; else none.
        """
        source, decay, production, *vmax = self._maps
        for k, problem in enumerate(problems):
            scale, walls = 1.0 / problem.reference_link, problem.walls
            np.logical_not(problem.fixed, out=self._free[k])
            source[k] = problem.source
            _scale(problem.decay, scale, decay[k])
            _scale(problem.supply, scale, production[k])
            if problem.uptake is not None:
                _scale(problem.uptake.vmax, scale, vmax[0][k])
                self._km[k] = problem.uptake.km
            self._least[k], self._made[k] = problem.least_decay * scale, problem.largest_supply * scale
            self._rules[k], self._values[k], self._walls[k] = rules_of(walls), walls.value, walls.conductance
        for k, tolerance in enumerate(tolerances):
            self._tolerance[k], self._share[k] = (0.0, GUARDED_SHARE) if tolerance is None else (tolerance, 0.0)
        for k, start in enumerate(starts):
            self._start[k] = start
            self._size[k] = problems[k].largest_imposed or start.max()

    def run(self, count: int) -> None:
        """Solve the first so many; no other thread waits for the interpreter meanwhile."""
        source, decay, production, *vmax = self._maps
        posed = Posed(
            self._free, source, decay, production, vmax[0] if vmax else None, self._km, self._rules, self._values,
            self._walls, self._least, self._made,
        )  # fmt: skip
        asked = self._tolerance, self._share, self._start, self._size
        solve_group(count, posed, asked, self._constants, self._code, self._lattice, self._found)

    def found(self, k: int) -> Found:
        """What became of problem ``k``."""
        fields, bounds, cycles, settled = self._found
        return Found(fields[k], float(bounds[k]), int(cycles[k]), bool(settled[k]))


def _scale(value: Coefficient, scale: float, out: FloatArray) -> None:
    if isinstance(value, np.ndarray):
        np.multiply(value, scale, out=out)
    else:
        out.fill(value * scale)


def _lattice_of(problem: Problem) -> Lattice:
    """The arrays that a solve works in."""
    shape = problem.shape
    hierarchy = Hierarchy(shape, problem.walls)
    buffers: tuple[Any, ...] = hierarchy.buffers
    rings, finest, levels, rate, wall, matrix = buffers
    r, z, p, w, lack = hierarchy.vectors
    return Lattice(
        c=np.zeros((shape[0] + 2, shape[1] + 2)),
        r=r,
        z=z,
        p=p,
        w=w,
        lack=lack,
        target=hierarchy.work[3],
        slope=np.empty(shape),
        unsaturated=np.empty(shape),
        loose=np.empty(shape, np.bool_),
        rings=rings,
        finest=finest,
        levels=levels,
        rate=rate,
        wall=wall,
        matrix=matrix,
    )


def _rules(saturates: bool) -> Rules:
    """The constants by which engine, solver and guard go."""
    return Rules(
        certify_at=polish.CERTIFY_AT,
        tries=float(polish.MAX_TRIES),
        most=float(polish.MULTIGRID.most),
        worse=polish.WORSE_THAN_NOTHING,
        restart=solver.RESTART_SATURATING if saturates else solver.RESTART_LINEAR,
        slow=solver.SLOW,
        near=solver.NEAR,
        stiff=solver.STIFF,
        sweeps=float(solver.SWEEPS),
        small=central_path.SMALL,
        steep=central_path.STEEP,
        shrinkage=central_path.SHRINKAGE,
        moved=central_path.NEAR,
        most_steps=float(central_path.MAX_STEPS),
        later=certificate.ROUGH.later,
        patience=float(certificate.ROUGH.patience),
        look=float(certificate.LOOK),
        stubborn=certificate.STUBBORN,
        tight=certificate.TIGHT,
        settled=certificate.SETTLED,
        smallest=certificate.SMALLEST,
    )
