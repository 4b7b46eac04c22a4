"""One step in time: of first order, never below 0, and its bound covers what was there before."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

import surrogate_plugin as sp
from surrogate_plugin.equation.assembly import assemble, known_values
from surrogate_plugin.gallery import nasty_problems, random_problem
from tests.exact import exact_field

SEEDS = st.integers(0, 2**32 - 1)
SHAPE = (7, 9)


def problem_and_field(seed: int, **kinds) -> tuple[sp.Problem, np.ndarray]:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, shape=SHAPE, variable_decay=True, **kinds)
    return problem, rng.uniform(0.0, 2.0, SHAPE) * max(problem.largest_imposed, 1.0)


def exact_step(problem: sp.Problem, field: np.ndarray, dt: float) -> np.ndarray:
    """The step's own steady problem, by a solver that shares nothing with those that answer."""
    return exact_field(problem.replace(decay=problem.decay + 1 / dt, production=problem.production + field / dt))


def continuous(problem: sp.Problem, field: np.ndarray, time: float) -> np.ndarray:
    """The exact solution in time on the lattice, by the exponential of the assembled matrix."""
    graph = assemble(problem)
    steady = exact_field(problem)
    matrix = graph.matrix().toarray() * problem.reference_link
    after = steady.copy()
    after[graph.free] += scipy.linalg.expm(-time * matrix) @ (field - steady)[graph.free]
    assert known_values(problem, 1.0).shape == (problem.source.size + 4,)
    return after


@pytest.mark.parametrize("seed", range(4))
def test_steps_are_of_first_order_in_their_length(seed: int) -> None:
    problem, field = problem_and_field(seed)
    field = np.where(problem.fixed, problem.source, field)
    time = 2.0 / float(np.max(problem.decay) + problem.reference_diffusivity / problem.spacing**2)
    wanted, off = continuous(problem, field, time), []
    for steps in (16, 32, 64, 128):
        c = field
        for _ in range(steps):
            c = sp.advance(problem, c, time / steps, method="exact").field
        off.append(np.abs(c - wanted).max())
    orders = np.log2(np.array(off[:-1]) / off[1:])
    assert (np.abs(orders - 1.0) < 0.1).all()
    assert off[-1] < 0.02 * field.max()


@given(SEEDS, st.floats(-8, 8), st.sampled_from(["guarded", "exact", "multigrid", "sparse-direct"]), st.booleans())
def test_at_any_length_the_field_is_within_its_bound_and_within_what_feeds_it(seed, power, method, saturating) -> None:
    problem, field = problem_and_field(seed, michaelis_menten=saturating)
    dt = 10.0**power * problem.spacing**2 / problem.reference_diffusivity
    solution = sp.advance(problem, field, dt, method=method)
    assert np.abs(solution.field - exact_step(problem, field, dt)).max() <= solution.error_bound
    highest = max(problem.largest_imposed, field.max() + dt * np.max(problem.production))
    assert solution.field.min() >= 0.0
    assert solution.field.max() <= highest * (1 + 1e-12)
    assert np.array_equal(solution.field[problem.fixed], problem.source[problem.fixed])


def test_every_nasty_problem_steps_within_its_bound() -> None:
    rng = np.random.default_rng(5)
    for problem in nasty_problems(seed=5, count=60, max_side=20, variable_diffusivity=True):
        scale = max(problem.largest_imposed, 1e-3)
        field, dt = scale * rng.uniform(0, 1, problem.shape), 10.0 ** rng.uniform(-3, 3)
        dt *= problem.spacing**2 / problem.reference_diffusivity
        solution = sp.advance(problem, field, dt)
        assert np.abs(solution.field - exact_step(problem, field, dt)).max() <= solution.error_bound


@given(SEEDS, st.floats(-2, 2), st.floats(0, 1))
def test_the_bound_covers_the_error_of_the_field_before(seed, power, size) -> None:
    problem, true = problem_and_field(seed, michaelis_menten=bool(seed % 2))
    dt, rng = 10.0**power, np.random.default_rng(seed)
    error = size * true.max()
    given_field = np.maximum(true + error * rng.choice([-1.0, 1.0], SHAPE), 0.0)
    solution = sp.advance(problem, given_field, dt, field_error=error, error_map=True)
    off = np.abs(solution.field - exact_step(problem, true, dt))
    assert off.max() <= solution.error_bound
    assert (off <= solution.error_map).all()
    assert (solution.error_map[problem.fixed] == 0.0).all()


def test_what_is_carried_fades_by_the_slowest_decay() -> None:
    problem = sp.Problem(np.zeros((8, 8)), decay=0.5, boundary="reflecting")
    field = np.full((8, 8), 3.0)
    alone = sp.advance(problem, field, 2.0, method="exact").error_bound
    carrying = sp.advance(problem, field, 2.0, method="exact", field_error=0.1).error_bound
    assert carrying - alone == pytest.approx(0.1 / (1 + 2.0 * 0.5), rel=1e-9)


def test_a_closed_box_without_decay_steps_and_keeps_what_it_holds() -> None:
    field = np.zeros((12, 10))
    field[3, 4] = 120.0
    problem = sp.Problem(np.zeros((12, 10)), fixed=np.zeros((12, 10), bool), decay=0.0, boundary="reflecting")
    with pytest.raises(sp.InvalidProblemError, match="no unique steady state"):
        sp.solve(problem)
    c = field
    for dt in (0.1, 1.0, 10.0, 1e3, 1e5):
        solution = sp.advance(problem, c, dt, method="exact")
        c = solution.field
        assert c.sum() == pytest.approx(120.0, rel=1e-9)
    assert np.ptp(c) < 1e-3


@given(SEEDS, st.floats(-30, -11))
def test_a_step_too_short_for_diffusion_is_within_its_bound(seed: int, power: float) -> None:
    problem, field = problem_and_field(seed, michaelis_menten=bool(seed % 2))
    dt = 10.0**power * problem.spacing**2 / problem.reference_diffusivity
    solution = sp.advance(problem, field, dt, method="exact")
    assert solution.error_bound <= 1e-9 * max(problem.largest_imposed, field.max())
    # What the step changes, with nothing but its own pixel and those beside it, to first order in dt.
    uptake = 0.0 if problem.uptake is None else problem.uptake.rate(field)
    alone = field + dt * (problem.production - problem.decay * field - uptake)
    moved = 4 * 10.0**power * max(problem.largest_imposed, field.max())
    off = np.abs(solution.field - alone)[~problem.fixed]
    assert (off <= solution.error_bound + moved + 10.0 ** (2 * power)).all()


def test_a_lattice_in_which_nothing_diffuses_steps_pixel_by_pixel() -> None:
    rng = np.random.default_rng(2)
    field, decay = rng.uniform(0, 5, (6, 8)), rng.uniform(0, 1, (6, 8))
    problem = sp.Problem(np.zeros((6, 8)), diffusivity=0.0, decay=decay, production=0.7)
    solution = sp.advance(problem, field, 3.0, method="exact")
    assert np.abs(solution.field - (field + 3.0 * 0.7) / (1 + 3.0 * decay)).max() <= solution.error_bound <= 1e-9


def test_without_a_tolerance_a_step_is_within_a_thousandth_of_the_largest_value() -> None:
    problem, field = problem_and_field(3)
    largest = max(problem.largest_imposed, field.max())
    assert sp.advance(problem, field, 1.0).error_bound <= 1e-3 * largest * (1 + 1e-9)
    assert sp.advance(problem, field, 1.0, tolerance=1e-7).error_bound <= 1e-7 * (1 + 1e-6)
    assert sp.advance(problem, field, 1.0, method="exact").error_bound <= 1.01e-10 * largest


def test_a_field_that_has_all_but_vanished_goes_on_vanishing() -> None:
    problem = sp.Problem(np.zeros((8, 8)), decay=1e6, boundary="reflecting")
    c, before = np.ones((8, 8)), math.inf
    for _ in range(60):
        solution = sp.advance(problem, c, 1.0)
        c = solution.field
        assert 0.0 <= c.max() <= before
        before = c.max()
    assert before < 1e-100


@pytest.mark.parametrize("method", ["guarded", "exact", "sparse-direct"])
def test_where_nothing_is_and_nothing_comes_nobody_is_asked(method: str) -> None:
    problem = sp.Problem(np.zeros((8, 8)), decay=0.1, boundary={"left": "absorbing", "top": "reflecting"})
    solution = sp.advance(problem, np.zeros((8, 8)), 6.0, method=method, field_error=0.2, error_map=True)
    assert (solution.field == 0.0).all()
    assert solution.method == "nothing-there"
    assert solution.flags == ()
    assert solution.error_bound == pytest.approx(0.2 / 1.6)
    assert (solution.error_map == solution.error_bound).all()
    again = sp.advance(problem, np.eye(8), 6.0, method=method)
    assert again.method != "nothing-there"


FIELD = np.ones((4, 6))


@pytest.mark.parametrize(
    ("given_options", "message"),
    [
        ({"dt": 0.0}, r"^dt is 0.0; a positive finite number is allowed\.$"),
        ({"dt": -1.0}, r"^dt is -1.0; a positive finite number is allowed\.$"),
        ({"dt": math.nan}, r"^dt is nan; a positive finite number is allowed\.$"),
        ({"dt": math.inf}, r"^dt is inf; a positive finite number is allowed\.$"),
        ({"dt": "6"}, r"^dt is '6'; a positive finite number is allowed\.$"),
        ({"dt": None}, r"^dt is None; a positive finite number is allowed\.$"),
        (
            {"field": np.where(np.eye(4, 6) > 0, -1.0, FIELD)},
            r"^field is -1 at \(row 0, column 0\); finite",
        ),
        ({"field": np.where(np.eye(4, 6) > 0, np.nan, FIELD)}, r"^field is NaN at \(row 0, column 0\)"),
        ({"field": np.ones((6, 4))}, r"^field has shape \(6, 4\), but the problem has \(4, 6\); they must agree\.$"),
        ({"field": 3.0}, r"^field has shape \(\), but the problem has \(4, 6\); they must agree\.$"),
        ({"field": "full"}, r"^field is 'full'; fields of real numbers are allowed"),
        ({"field_error": -0.1}, r"^field_error is -0.1; a number >= 0 is allowed\.$"),
        ({"field_error": math.nan}, r"^field_error is nan; a number >= 0 is allowed\.$"),
        ({"tolerance": 0.0}, r"^tolerance is 0.0; a positive finite number is allowed\.$"),
        ({"problem": None}, r"^problem is None; a Problem is allowed\.$"),
        ({"method": 3}, r"^method is 3; the name of a method"),
    ],
)
def test_what_is_not_allowed_is_told_in_one_sentence(given_options, message) -> None:
    options = {"problem": sp.Problem(np.eye(4, 6)), "field": FIELD, "dt": 1.0} | given_options
    with pytest.raises(sp.InvalidProblemError, match=message) as caught:
        sp.advance(**options)
    assert "\n" not in str(caught.value)
