"""Numbers of every size: refused in a sentence, or solved as right as those of order 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.sides import Boundary, Side
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.gallery import nasty_problems
from surrogate_plugin.reference import solve_extended
from tests.gone import engine_without_network
from tests.junk import one_sentence

METHODS = ["guarded", "exact", "multigrid", "spectral", "sparse-direct"]
SOURCE = np.zeros((8, 10))
SOURCE[2:4, 3:6] = 1.0
NOTHING = np.zeros((8, 10))

_engine = engine_without_network()


def in_another_unit(problem: sp.Problem, unit: float) -> sp.Problem:
    """The same problem with all its values in a smaller or a larger unit: its field is that much larger."""
    uptake = problem.uptake
    return problem.replace(
        source=problem.source * unit,
        production=problem.production * unit,
        uptake=None if uptake is None else sp.MichaelisMenten(uptake.vmax * unit, uptake.km * unit),
        boundary=Boundary(*(Side(side.kind, side.value * unit) for side in problem.boundary.sides)),
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("decades", [-84, -45, 30, 84])
def test_the_unit_of_the_field_does_not_matter(method: str, decades: int) -> None:
    unit = 10.0**decades
    for problem in nasty_problems(3, 8, 12):
        plain, scaled = (_solved(posed, method) for posed in (problem, in_another_unit(problem, unit)))
        if plain is None or scaled is None:
            assert plain is scaled
            continue
        largest, bound = plain.field.max(), scaled.error_bound / unit
        assert plain.method == scaled.method
        assert np.abs(scaled.field / unit - plain.field).max() <= bound + plain.error_bound + 1e-14 * largest
        assert bound <= 10 * plain.error_bound + 1e-13 * largest


def _solved(problem: sp.Problem, method: str) -> sp.Solution | None:
    try:
        return _engine.solve(problem, method=method)
    except sp.UnsupportedProblemError:
        return None


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-300, 1e-101])
@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("source", lambda tiny: {"source": tiny * SOURCE}),
        ("boundary", lambda tiny: {"source": NOTHING, "boundary": tiny}),
        ("boundary", lambda tiny: {"source": NOTHING, "boundary": {"left": tiny, "right": "reflecting"}}),
        ("production", lambda tiny: {"source": NOTHING, "production": tiny}),
        ("production", lambda tiny: {"source": NOTHING, "production": tiny * SOURCE, "boundary": "periodic"}),
        ("diffusivity", lambda tiny: {"source": SOURCE, "diffusivity": tiny}),
        ("spacing", lambda tiny: {"source": SOURCE, "spacing": tiny}),
        ("uptake.km", lambda tiny: {"source": SOURCE, "uptake": sp.MichaelisMenten(1.0, tiny)}),
        ("decay", lambda tiny: {"source": NOTHING, "production": 1.0, "decay": tiny, "boundary": "reflecting"}),
    ],
)
def test_what_float64_cannot_carry_is_refused(field: str, problem: Any, tiny: float) -> None:
    with pytest.raises(sp.InvalidProblemError) as caught:
        sp.Problem(**problem(tiny)).check_steady()
    one_sentence(caught.value, field)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-300, 1e-101, 1e-40])
@pytest.mark.parametrize(
    "problem",
    [
        lambda tiny: {"source": np.maximum(SOURCE, tiny), "fixed": SOURCE > 0},
        lambda tiny: {"source": SOURCE + tiny * np.eye(8, 10)},
        lambda tiny: {"source": SOURCE, "decay": tiny},
        lambda tiny: {"source": SOURCE, "decay": tiny, "boundary": "reflecting"},
        lambda tiny: {"source": SOURCE, "decay": np.where(SOURCE[:, ::-1] > 0, 0.1, tiny), "boundary": "periodic"},
        lambda tiny: {"source": SOURCE, "production": tiny},
        lambda tiny: {"source": SOURCE, "production": tiny + tiny * SOURCE},
        lambda tiny: {"source": SOURCE, "boundary": {"left": tiny, "top": 1.0}},
        lambda tiny: {"source": SOURCE, "uptake": sp.MichaelisMenten(tiny, 0.1)},
        lambda tiny: {"source": SOURCE, "uptake": sp.MichaelisMenten(0.1 * SOURCE[:, ::-1] + tiny, 0.1)},
    ],
)
def test_what_is_tiny_beside_the_rest_is_as_good_as_nothing(problem: Any, tiny: float, method: str) -> None:
    posed = sp.Problem(**problem(tiny))
    solution = _solved(posed, method)
    if solution is not None:
        reference = solve_extended(posed)
        assert reference.distance(solution.field) <= solution.error_bound + reference.error
        assert solution.error_bound <= (0.01 if method == "guarded" else 1e-9)
        assert not any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tolerance", [5e-324, 1e-310, 1e-300, 1e-30, 1e100, 1.7e308])
def test_a_tolerance_of_any_size_is_reached_or_a_flag_says_that_it_is_not(method: str, tolerance: float) -> None:
    for problem in (sp.Problem(SOURCE), sp.Problem(SOURCE, uptake=sp.MichaelisMenten(0.1, 0.1))):
        try:
            solution = _engine.solve(problem, method=method, tolerance=tolerance)
        except sp.UnsupportedProblemError:
            continue
        reference = solve_extended(problem)
        assert reference.distance(solution.field) <= solution.error_bound + reference.error
        missed = any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)
        assert missed == (solution.error_bound > tolerance)


@pytest.mark.parametrize("largest", [1e90, 1e99])
def test_rates_that_overflow_beside_the_links_are_refused(largest: float) -> None:
    for changes in (
        {"production": largest, "spacing": 1e10},
        {"uptake": sp.MichaelisMenten(largest, largest), "spacing": 1e10, "decay": 0.0},
        {"uptake": sp.MichaelisMenten(largest, 1.0)},
        {"decay": largest},
    ):
        with pytest.raises(sp.InvalidProblemError, match="diffusivity / spacing"):
            sp.Problem(SOURCE, **changes)


@pytest.mark.parametrize("spacing", [1e-40, 1e-2, 1e2, 1e40])
def test_the_unit_of_length_does_not_matter(spacing: float) -> None:
    for problem in nasty_problems(4, 6, 12):
        link = problem.reference_diffusivity / problem.spacing**2
        uptake = problem.uptake
        changed = problem.replace(
            diffusivity=problem.diffusivity / problem.reference_diffusivity * spacing**1.5,
            decay=problem.decay / link * spacing**-0.5,
            production=problem.production / link * spacing**-0.5,
            uptake=uptake and sp.MichaelisMenten(uptake.vmax / link * spacing**-0.5, uptake.km),
            spacing=spacing,
        )
        one, two = (_engine.solve(posed, method="exact") for posed in (problem, changed))
        apart = np.abs(one.field - two.field).max()
        assert apart <= one.error_bound + two.error_bound + 1e-10 * one.field.max()
