"""The estimate of the discretisation error, against fields of the continuous equation that formulas have."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import k0

import surrogate_plugin as sp
from surrogate_plugin import gallery, memory
from surrogate_plugin.engine.discretisation import _richardson
from surrogate_plugin.equation.refinement import refined
from tests.equation.layers import End, Layer, field

SPACING = 0.5


def exact(problem: sp.Problem) -> np.ndarray:
    return sp.solve(problem, method="exact").field


@st.composite
def slabs(draw: st.DrawFn) -> tuple[sp.Problem, np.ndarray]:
    """Layers of tissue with membranes between them and sides of every kind, along x, and the continuous field."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    counts = draw(st.lists(st.integers(4, 12), min_size=1, max_size=3))
    ring = draw(st.booleans())
    diffusivities = rng.uniform(0.3, 3.0, len(counts))
    decays = diffusivities * rng.uniform(1e-3, 0.06, len(counts)) / SPACING**2  # 4 to 30 spacings of diffusion length
    productions = decays * rng.uniform(0.0, 2.0, len(counts)) * (rng.random(len(counts)) < 0.5)
    walls = np.where(rng.random(len(counts)) < 0.6, rng.uniform(0.05, 2.0, len(counts)), math.inf)
    (left, low), (right, high) = (_side(rng, each) for each in diffusivities[[0, -1]])
    edges = SPACING * np.cumsum([0, *counts])
    if not ring:  # the wall of a side with a value is half a spacing outside
        edges[[0, -1]] += 0.5 * SPACING * np.array([-isinstance(left, float), isinstance(right, float)])
    layers = [Layer(*each) for each in zip(edges, edges[1:], diffusivities, decays, productions, walls, strict=False)]

    def pixels(values: np.ndarray) -> np.ndarray:
        return np.tile(np.repeat(values, counts), (3, 1))

    membranes = np.full((3, sum(counts)), math.inf)
    membranes[:, np.cumsum(counts) - 1] = walls
    problem = sp.Problem(
        np.zeros((3, sum(counts))),
        diffusivity=pixels(diffusivities),
        decay=pixels(decays),
        production=pixels(productions),
        spacing=SPACING,
        boundary={"bottom": "reflecting", "top": "reflecting"}
        | ({"left": "periodic", "right": "periodic"} if ring else {"left": left, "right": right}),
        membranes=sp.Membranes(x=membranes if ring else membranes[:, :-1]),
    )
    x = SPACING * (np.arange(sum(counts)) + 0.5)
    return problem, np.tile(field(layers, None if ring else (low, high), x), (3, 1))


def _side(rng: np.random.Generator, diffusivity: float) -> tuple[float | str | sp.Flux | sp.Exchange, End]:
    """A side as it is posed, and what holds there."""
    kind, value, rate = rng.integers(4), rng.uniform(0.5, 2.0), 10 ** rng.uniform(-1.5, 1.0)
    if kind == 0:
        return float(value), End(1.0, 0.0, value)
    if kind == 1:  # through half a spacing of tissue and what resists there
        return sp.Exchange(rate, value), End(1.0, 0.5 * SPACING / diffusivity + 1.0 / rate, value)
    if kind == 2:
        return sp.Flux(rate), End(0.0, 1.0, rate)
    return "reflecting", End(0.0, 1.0, 0.0)


@settings(max_examples=60)
@given(slabs(), st.booleans())
def test_of_layered_slabs_it_is_the_error(drawn: tuple[sp.Problem, np.ndarray], upright: bool) -> None:
    problem, continuous = drawn
    if upright:
        problem, continuous = problem.turn(), np.rot90(continuous, -1)
    lacks = continuous - exact(problem)
    largest = float(np.abs(lacks).max())
    for lattices, near in ((2, 0.02), (3, 0.002)):
        estimate = sp.estimate_discretisation(problem, lattices=lattices)
        if largest <= 1e-7 * float(continuous.max()):  # a level field, say, which no lattice gets wrong
            assert estimate.largest <= 1e-6 * float(continuous.max())
            continue
        np.testing.assert_allclose(estimate.correction, lacks, rtol=0.0, atol=near * largest)
        assert estimate.expected_order == 2.0
        assert estimate.reliable is (None if lattices == 2 else True)
        assert lattices == 2 or abs(estimate.order - 2.0) < 0.1


@settings(max_examples=10)
@given(st.integers(6, 24), st.integers(6, 24), st.floats(0.0, 0.05))
def test_of_a_rectangle_that_produces_it_is_the_error(rows: int, columns: int, decay: float) -> None:
    """Constant production between four walls that absorb: a double sine series."""
    problem = sp.Problem(np.zeros((rows, columns)), decay=decay, production=1.0)
    continuous = np.zeros(problem.shape)
    odd = np.arange(1, 400, 2)
    sine = [np.sin(np.pi * np.outer(odd, np.arange(1, n + 1)) / (n + 1)) for n in problem.shape]
    along = [(np.pi * odd / (n + 1)) ** 2 for n in problem.shape]
    weights = 16 / np.pi**2 / np.outer(odd, odd) / (along[0][:, None] + along[1] + decay)
    continuous = sine[0].T @ weights @ sine[1]
    lacks = continuous - exact(problem)
    estimate = sp.estimate_discretisation(problem, lattices=3)
    np.testing.assert_allclose(estimate.correction, lacks, rtol=0.0, atol=0.05 * np.abs(lacks).max())
    assert abs(estimate.order - 2.0) < 0.2


@settings(max_examples=8)
@given(st.integers(8, 30), st.floats(0.1, 4.0), st.floats(0.05, 2.0))
def test_of_saturating_uptake_it_is_the_error(columns: int, vmax: float, km: float) -> None:
    """Between a wall that holds 1 and a mirror, by shooting from the mirror."""
    spacing = 2.0 / (columns + 0.5)
    sides = {"left": 1.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    uptake = sp.MichaelisMenten(vmax, km)
    problem = sp.Problem(np.zeros((1, columns)), decay=0.1, uptake=uptake, spacing=spacing, boundary=sides)
    from_mirror = spacing * (np.arange(columns + 1) + 0.5)

    def shot(value: float) -> np.ndarray:
        """The field at the pixels' centres, the nearest to the mirror first, and at the wall."""

        def slopes(_: float, c: np.ndarray) -> list[float]:
            return [c[1], 0.1 * c[0] + vmax * c[0] / (km + c[0])]

        return solve_ivp(slopes, (0.0, 2.0), [value, 0.0], "DOP853", from_mirror, rtol=1e-11, atol=1e-13).y[0]

    at_mirror = brentq(lambda value: shot(value)[-1] - 1.0, 0.0, 1.0, xtol=1e-13)
    lacks = shot(at_mirror)[-2::-1] - exact(problem)[0]
    estimate = sp.estimate_discretisation(problem)
    np.testing.assert_allclose(estimate.correction[0], lacks, rtol=0.0, atol=0.05 * np.abs(lacks).max())


def vessel(spacing: float, offset: np.ndarray) -> tuple[sp.Problem, np.ndarray]:
    """A round vessel of radius 2 and value 1 in tissue that consumes, far from all sides: a Bessel function."""
    length, side = 1.5, round(24.0 / spacing)
    y, x = (spacing * (np.arange(side) + 0.5) - 12.0 - each for each in offset)
    r = np.hypot(y[:, None], x[None, :])
    problem = sp.Problem((r <= 2.0) * 1.0, decay=1 / length**2, spacing=spacing, boundary="reflecting")
    return problem, k0(np.maximum(r, 2.0) / length) / k0(2.0 / length)


def test_around_a_vessel_the_error_is_of_first_order_and_the_estimate_near_it() -> None:
    """Of how much is in the tissue, since which pixels a disc holds is chance: means over places of the vessel."""
    rng, errors, estimates = np.random.default_rng(0), [], []
    for spacing in (0.4, 0.2, 0.1):
        lacking, estimated = [], []
        for _ in range(4):
            problem, continuous = vessel(spacing, rng.uniform(0.0, spacing, 2))
            estimate = sp.estimate_discretisation(problem)
            assert estimate.expected_order == 1.0
            lacking.append(spacing**2 * float((continuous - exact(problem)).sum(where=~problem.fixed)))
            estimated.append(spacing**2 * float(estimate.correction.sum()))
        errors.append(np.mean(lacking))
        estimates.append(np.mean(estimated))
    orders = np.log2(np.divide(errors[:-1], errors[1:])), np.log2(np.divide(estimates[:-1], estimates[1:]))
    assert all(0.75 < order < 1.25 for each in orders for order in each)
    # Of the half spacing by which a vessel is thinner to the equation than its squares are, a circle has a part.
    ratios = np.divide(estimates, errors)
    assert all(1.0 < ratio < 1.6 for ratio in ratios)


#: Where tissues of a contrast of 100 meet in corners there is no telling, see below.
KINDS = ({*gallery.WIDER_KINDS} - {gallery.two_tissues}) | {gallery.one_pixel, gallery.rings, gallery.vessel_tree}


@settings(max_examples=20)
@given(st.sampled_from(sorted(KINDS, key=lambda kind: kind.__name__)), st.integers(0, 10_000))
def test_of_tissues_of_squares_it_is_near_the_error(kind: Callable[..., sp.Problem], seed: int) -> None:
    """Held squares have corners, tissues meet at them: against lattices of up to 27 times the pixels a side."""
    problem = kind(np.random.default_rng(seed), (10, 13))
    fields = {cuts: exact(fine.problem)[fine.centres] for cuts in (1, 9, 27) for fine in [refined(problem, cuts)]}
    order = sp.estimate_discretisation(problem).expected_order
    limit = fields[27] + (fields[27] - fields[9]) / (3.0**order - 1.0)
    largest = float(np.abs(limit - fields[1]).max())
    for lattices, near in ((2, 0.4), (3, 0.12)):
        estimate = sp.estimate_discretisation(problem, lattices=lattices)
        assert abs(estimate.largest - largest) <= near * largest + estimate.solver_error
        assert abs(estimate.largest - largest) <= 1.3 * estimate.uncertainty + 0.01 * largest
        assert estimate.expected_order == 1.0


def test_where_it_cannot_be_relied_on_it_says_so() -> None:
    """At corners where tissues of a contrast of 1e4 meet the field has no slope, and the order falls below theory's."""
    i, j = np.indices((12, 12)) // 2
    checkers = np.where((i + j) % 2 == 0, 1.0, 1e-4)
    sides = {"left": 1.0, "right": 0.0, "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(np.zeros((12, 12)), diffusivity=checkers, decay=0.0, boundary=sides)
    estimate = sp.estimate_discretisation(problem, lattices=3)
    assert estimate.order < 1.4 < estimate.expected_order
    assert estimate.reliable is False
    assert str(estimate).endswith("observed; doubtful).")


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_mirror_images_have_mirrored_estimates(seed: int) -> None:
    problem = gallery.wider_problem(np.random.default_rng(seed), 12)
    estimate = sp.estimate_discretisation(problem)
    for image, moved in (
        (problem.mirror(0), np.flip(estimate.correction, 0)),
        (problem.mirror(1), np.flip(estimate.correction, 1)),
        (problem.turn(), np.rot90(estimate.correction, -1)),
    ):
        of_image = sp.estimate_discretisation(image)
        solved_to = estimate.solver_error + of_image.solver_error
        np.testing.assert_allclose(of_image.correction, moved, rtol=0.0, atol=solved_to)
        assert solved_to < 1e-6 * max(float(problem.largest_imposed), estimate.largest)


def test_of_a_field_that_every_lattice_gets_right_nothing_is_left() -> None:
    sides = {"left": 1.0, "right": 0.0, "bottom": "reflecting", "top": "reflecting"}
    estimate = sp.estimate_discretisation(sp.Problem(np.zeros((4, 8)), decay=0.0, boundary=sides), lattices=3)
    assert estimate.largest < 1e-7
    assert not estimate.resolved
    assert estimate.order is None
    assert str(estimate).startswith("The largest discretisation error is below ")


def test_what_nothing_feeds_has_no_error() -> None:
    estimate = sp.estimate_discretisation(sp.Problem(np.zeros((4, 8))))
    assert estimate.largest == 0.0
    assert not estimate.map.any()
    assert str(estimate).startswith("The largest discretisation error is none: ")


def test_what_is_held_is_right() -> None:
    source = np.zeros((9, 9))
    source[4, 4] = 38.0
    estimate = sp.estimate_discretisation(sp.Problem(source, decay=0.1, spacing=(2.0, 3.0)))
    assert estimate.map[4, 4] == 0.0
    assert estimate.map[4, 5] > 0.0
    assert estimate.spacings == ((2.0, 3.0), (2.0 / 3.0, 1.0))
    assert "order 1 assumed" in estimate.sentence("mmHg")


def test_what_is_held_beyond_a_seam_is_touched_too() -> None:
    """Held, an obstacle, tissue, and round again."""
    source, diffusivity = np.zeros((1, 5)), np.ones((1, 5))
    source[0, 0], diffusivity[0, 1] = 1.0, 0.0
    problem = sp.Problem(
        source, diffusivity=diffusivity, decay=np.where(diffusivity > 0, 0.1, 0.0), boundary="periodic"
    )
    assert sp.estimate_discretisation(problem).expected_order == 1.0


@pytest.mark.parametrize("powers", [(1.0, 2.0), (2.0, 4.0)])
def test_two_terms_are_eliminated_and_errors_of_solves_counted(powers: tuple[float, float]) -> None:
    """Of ``5 + 2 h^p + 3 h^q``; what solves are off by goes in with the same weights, which add up to 0."""
    fields = [np.array([5.0 + 2.0 * h ** powers[0] + 3.0 * h ** powers[1]]) for h in (1.0, 1 / 3, 1 / 5)]
    correction, share = _richardson(fields, (1, 3, 5), powers)
    np.testing.assert_allclose(correction, [-5.0], rtol=1e-12)
    np.testing.assert_allclose(share @ np.array(fields)[:, 0], -5.0, rtol=1e-12)
    assert abs(share.sum()) < 1e-12


def test_what_it_cannot_do_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(sp.InvalidProblemError, match="the lattice is a single pixel"):
        sp.estimate_discretisation(sp.Problem(np.zeros((1, 1))))
    with pytest.raises(sp.InvalidProblemError, match="lattices is 4; 2 or 3 is allowed"):
        sp.estimate_discretisation(sp.Problem(np.eye(4)), lattices=4)
    with pytest.raises(sp.InvalidProblemError, match="problem is 'vessels'; a Problem is allowed"):
        sp.estimate_discretisation("vessels")
    with pytest.raises(sp.InvalidProblemError, match="no unique steady state"):
        sp.estimate_discretisation(sp.Problem(np.zeros((4, 4)), decay=0.0, boundary="reflecting"))
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**6)
    with pytest.raises(
        sp.InvalidProblemError, match=r"the lattice of 1/3 of the spacing has 192 x 192 pixels, .* free"
    ):
        sp.estimate_discretisation(sp.Problem(np.eye(64), boundary="reflecting"))
