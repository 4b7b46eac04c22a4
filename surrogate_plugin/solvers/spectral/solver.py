"""The fast exact solver for constant coefficients: one box transform and charges on the rims of the fixed pixels."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import calibration, team
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.solution import Solution, Stats
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.solvers.protocol import Solver, require_fresh
from surrogate_plugin.solvers.spectral.capacitance import Capacitance, capacitance, too_many_charges
from surrogate_plugin.solvers.spectral.greens import greens_table
from surrogate_plugin.solvers.spectral.transforms import BoxInverse, box_inverse, kinds_of

#: Of the largest value; a tolerance may only ask for less.
_ACCURACY = 1e-10
#: Below this total decay of a box without an imposed value, charges and field cancel too many digits.
_NEARLY_SINGULAR = 1e-5
#: Beyond this many pixels the Green's table takes longer than other methods' whole solve.
_MAX_PIXELS = 2048 * 2048
_MAX_REFINEMENTS = 4
#: What the cost of charges is measured with.
_CHARGES = 512


@dataclass(frozen=True, eq=False)
class SpectralState:
    """The capacitance matrix of the fixed pixels; None where no fixed pixel touches a free one."""

    fingerprint: str
    capacitance: Capacitance | None

    @property
    def nbytes(self) -> int:
        """What the matrix and its blocks occupy."""
        return 0 if self.capacitance is None else self.capacitance.nbytes


class Spectral(Solver[SpectralState]):
    """Solve constant-coefficient problems exactly by transforms and the capacitance matrix.

    ``c = A0^-1 (s + q)``, where ``A0`` is the operator of the whole box, ``s`` holds production and the sides' values,
    and ``q`` are charges on the fixed pixels that touch a free one, such that ``c`` takes the fixed values there:
    ``G q = c_fixed - A0^-1 s`` with ``G`` the rows and columns of ``A0^-1`` at the charges.

    Notes
    -----
    Error: at most ``tolerance`` (1e-10 of the largest value) where the charges settle; the field on the rims shows it,
    by the discrete maximum principle. Many charges with long diffusion lengths may not settle in `MAX_ITERATIONS`
    iterations: then the best field there is comes back, as from any solver, for the guard to bound.

    Source
    ------
    Buzbee, Dorr, George, Golub, "The direct solution of the discrete Poisson equation on irregular regions",
    SIAM J. Numer. Anal. 8 (1971).

    Examples
    --------
    >>> import numpy as np
    >>> source = np.zeros((16, 16)); source[8, 8] = 1.0
    >>> solver, problem = Spectral(), Problem(source)
    >>> solution = solver.solve(solver.prepare(problem), problem)
    >>> float(solution.field[8, 8]), bool(solution.field.max() <= 1.0)
    (1.0, True)
    """

    name = "spectral"

    def refusal(self, problem: Problem) -> str | None:
        """Why the problem cannot be taken: its coefficients vary, its box is singular, or it is too large."""
        if not problem.constant_coefficients:
            return (
                "spectral needs one diffusivity an axis, one decay, no saturating uptake, no membranes and no side "
                "that exchanges; use 'multigrid' for variable decay or uptake, 'sparse-direct' for anything."
            )
        if min(_links(problem)) == 0.0:
            return "spectral needs diffusion along both axes; use 'sparse-direct'."
        if not problem.fixed.any():
            return None
        if not problem.boundary.holds_a_value and _decay(problem) * problem.source.size < _NEARLY_SINGULAR:
            return (
                "spectral needs a decay or a side that holds a value, else the operator of the box is singular; "
                "use 'multigrid' or 'sparse-direct'."
            )
        if problem.source.size > _MAX_PIXELS:
            return f"spectral takes at most {_MAX_PIXELS} pixels with fixed ones among them; use 'multigrid'."
        charges = too_many_charges(problem)
        if charges:
            return f"spectral is slow for {charges} fixed pixels beside free ones; use 'multigrid' or 'sparse-direct'."
        return None

    def cost(self, problem: Problem) -> float:
        """Transforms and the Green's table, ``n log n``, and the square of the charges that fixed pixels may hold."""
        pixels, charges = problem.source.size, min(int(np.count_nonzero(problem.fixed)), problem.source.size // 2)
        threads = f"{team.thread_count()} threads"
        box = calibration.made_seconds(f"spectral, 256 x 256, {threads}", lambda: _posed(0))
        held = calibration.made_seconds(f"spectral, 256 x 256, {_CHARGES} charges, {threads}", lambda: _posed(_CHARGES))
        transforms = box * (pixels * math.log(pixels + 2.0)) / (65536 * math.log(65536.0))
        return transforms + max(held - box, 0.0) * (charges / _CHARGES) ** 2

    def prepare(self, problem: Problem) -> SpectralState:
        """Find the charges and what they do to one another; the box's transforms and Green's table are shared.

        Raises
        ------
        UnsupportedProblemError
            With the sentence of `refusal`.
        """
        reason = self.refusal(problem)
        if reason is not None:
            raise UnsupportedProblemError(reason)
        problem.check_steady()
        kinds, decay, links = kinds_of(problem.boundary), _decay(problem), _links(problem)
        matrix = capacitance(problem, lambda: greens_table(problem.shape, kinds, decay, links), lambda: _box(problem))
        return SpectralState(problem.fingerprint, matrix)

    def solve(
        self,
        state: SpectralState,
        problem: Problem,
        guess: FloatArray | None = None,
        *,
        tolerance: float | None = None,
    ) -> Solution:
        """Solve to ``tolerance`` or 1e-10 of the largest value, whichever is larger; ``guess`` is not used.

        Raises
        ------
        StaleStateError
            If ``state`` was prepared for another operator.
        """
        require_fresh(state.fingerprint, problem)
        began = time.perf_counter()
        box, supply = _box(problem), _supply(problem)
        if state.capacitance is None:
            field = np.zeros(problem.shape) if supply is None or problem.fixed.all() else box.apply(supply)
            iterations = 0
        else:
            field, iterations = _charged(box, state.capacitance, problem, supply, tolerance)
        field = np.maximum(field, 0.0, out=field)
        np.copyto(field, problem.source, where=problem.fixed)
        stats = Stats({"solve": time.perf_counter() - began}, {"iterations": iterations})
        return Solution(field, method=self.name, stats=stats)


def _posed(charges: int) -> Callable[[], object]:
    """A solve on 256 x 256 pixels with so many charges, from nothing, to be timed."""
    source = np.zeros((256, 256))
    source.ravel()[: 64 * charges : 64] = 1.0
    problem, solver = Problem(source, boundary=1.0), Spectral()
    return lambda: solver.solve(solver.prepare(problem), problem)


def _charged(
    box: BoxInverse, matrix: Capacitance, problem: Problem, supply: FloatArray | None, tolerance: float | None
) -> tuple[FloatArray, int]:
    """``A0^-1 (s + q)``, with charges added until the field on the rims is right to the tolerance."""
    pixels, wanted = matrix.pixels, problem.source.ravel()[matrix.pixels]
    rhs = np.zeros(problem.shape) if supply is None else supply
    field = None if supply is None else box.apply(supply)
    best, least = np.zeros(problem.shape), np.inf
    missing = wanted if field is None else wanted - field.ravel()[pixels]
    scale = max(float(np.max(wanted)), float(np.max(np.abs(missing))))
    target = max(tolerance or 0.0, _ACCURACY * scale)
    total = 0
    for _ in range(_MAX_REFINEMENTS):
        charge, iterations = matrix.solve(missing, 0.1 * target)
        total += iterations
        rhs.ravel()[pixels] += charge
        field = box.apply(rhs)
        missing = wanted - field.ravel()[pixels]
        target = max(tolerance or 0.0, _ACCURACY * max(float(np.max(wanted)), float(np.max(field))))
        error = float(np.max(np.abs(missing)))
        if error < least:
            best, least = field, error
        if not target < error < np.inf:
            break
    return best, total


def _decay(problem: Problem) -> float:
    """``decay / reference_link``."""
    return float(np.max(problem.decay)) / problem.reference_link


def _links(problem: Problem) -> tuple[float, float]:
    """The links along y and along x, over the reference link."""
    along_y, along_x = (float(np.max(link)) for link in problem.axis_links)
    return along_y, along_x


def _box(problem: Problem) -> BoxInverse:
    return box_inverse(problem.shape, kinds_of(problem.boundary), _decay(problem), links=_links(problem))


def _supply(problem: Problem) -> FloatArray | None:
    """What feeds the box and the values of the sides' ghost pixels, over the reference link; None where both are 0."""
    sides = problem.boundary
    if float(np.max(problem.supply)) == 0 and sides.largest_value == 0:
        return None
    along_y, along_x = _links(problem)
    supply = np.full(problem.shape, 1.0) * (problem.supply / problem.reference_link)
    supply[:, 0] += along_x * sides.left.value
    supply[:, -1] += along_x * sides.right.value
    supply[0] += along_y * sides.bottom.value
    supply[-1] += along_y * sides.top.value
    return supply
