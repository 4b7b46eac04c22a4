"""Problems with obstacles, membranes, fluxes, exchange and two axes, held to one matrix written out face by face."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.assembly import assemble
from surrogate_plugin.equation.codec import digest
from surrogate_plugin.equation.operator import Operator
from tests.equation.assembled import assembled, solved
from tests.equation.wider import wide_problems


@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_problems_are_solved_and_bounded_against_an_assembled_reference(seed: int) -> None:
    for problem in wide_problems(seed, 100, 13):
        expected = solved(problem)
        largest = max(float(expected.max()), problem.largest_imposed)
        exact, guarded = sp.solve(problem, method="exact"), sp.solve(problem)
        off = np.abs(exact.field - expected).max()
        assert off <= 1e-8 * largest
        assert np.abs(guarded.field - exact.field).max() <= guarded.error_bound + 1e-10 * largest
        assert guarded.error_bound <= 0.01 * largest * (1 + 1e-9) or guarded.flags


@pytest.mark.parametrize("seed", range(3))
def test_the_operator_is_the_assembled_one(seed: int) -> None:
    for problem in wide_problems(seed, 60, 8, saturating=False):
        matrix, _, _ = assembled(problem)
        kept = problem.unknown.ravel()
        expected = matrix[np.ix_(kept, kept)] / problem.reference_link
        found = assemble(problem).matrix().toarray()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(Operator(problem).free, problem.unknown)


@pytest.mark.parametrize("seed", range(3))
def test_no_field_is_below_zero_or_above_what_feeds_it(seed: int) -> None:
    for problem in wide_problems(seed, 60, 16, saturating=False):
        field = sp.solve(problem, method="exact").field
        assert field.min() >= 0.0
        if not np.any(problem.supply):
            assert field.max() <= problem.largest_imposed * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_what_sides_and_sources_give_is_taken(seed: int) -> None:
    for problem in wide_problems(seed, 60, 12, hard=False):
        field = sp.solve(problem, method="sparse-direct").field
        balance = sp.Balance.of(problem, field, field, 1.0)
        assert balance.relative_defect <= 1e-9


def test_exchange_goes_from_reflecting_to_the_fixed_value() -> None:
    source = np.zeros((9, 12))
    source[4, 5] = 1.0

    def field(side: object) -> np.ndarray:
        return sp.solve(sp.Problem(source, decay=0.02, boundary={"left": side, "top": "reflecting"}), "exact").field

    closed, held = field("reflecting"), field(7.0)
    np.testing.assert_array_equal(field(sp.Exchange(0.0, 7.0)), closed)
    np.testing.assert_array_equal(field(sp.Exchange(np.inf, 7.0)), held)
    rates = [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9]
    fields = [field(sp.Exchange(rate, 7.0)) for rate in rates]
    for weaker, stronger in itertools.pairwise(fields):
        assert (stronger >= weaker - 1e-9).all()
    np.testing.assert_allclose(fields[0], closed, atol=1e-7)
    np.testing.assert_allclose(fields[-1], held, atol=1e-7)


def test_a_layered_slab_passes_what_its_resistances_say() -> None:
    """Layers of 3, 4 and 5 columns, a membrane after the first, and walls of their own at both ends."""
    h, layers, rate, permeability = 0.5, ((3, 2.0), (4, 0.1), (5, 7.0)), 0.8, 0.3
    diffusivity = np.concatenate([np.full(columns, value) for columns, value in layers])
    wall = np.full((6, 11), np.inf)
    wall[:, 2] = permeability
    sides = {"left": 12.0, "right": sp.Exchange(rate, 2.0), "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(
        np.zeros((6, 12)), diffusivity=np.tile(diffusivity, (6, 1)), decay=0.0, spacing=h, boundary=sides,
        membranes=sp.Membranes(x=wall),
    )  # fmt: skip
    # A held value stands a spacing outside the first pixel, half of it outside the layer; so does an exchanged one.
    resistance = h / 2 / 2.0 + 3 * h / 2.0 + 1 / permeability + 4 * h / 0.1 + 5 * h / 7.0 + h / 2 / 7.0 + 1 / rate
    flux = (12.0 - 2.0) / resistance
    middles = np.cumsum(h / diffusivity) - h / 2 / diffusivity + h / 2 / 2.0
    middles[3:] += 1 / permeability
    field = sp.solve(problem, method="sparse-direct").field
    np.testing.assert_allclose(field, np.tile(12.0 - flux * middles, (6, 1)), rtol=1e-12)


def test_a_flux_is_the_slope_at_its_side_and_all_of_it_decays() -> None:
    h, q = 0.25, 3.0
    sides = {"left": sp.Flux(q), "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(np.zeros((4, 200)), diffusivity=2.0, decay=0.5, spacing=h, boundary=sides)
    solution = sp.solve(problem, method="exact")
    length = np.sqrt(2.0 / 0.5)
    x = (np.arange(200) + 0.5) * h
    expected = q * length / 2.0 * np.cosh((200 * h - x) / length) / np.sinh(200 * h / length)
    np.testing.assert_allclose(solution.field[0], expected, rtol=h**2)
    assert 0.5 * solution.field[0].sum() * h == pytest.approx(q, rel=1e-12)
    assert solution.gradient()[1, 0, 0] == pytest.approx(-q / 2.0 * np.exp(-0.5 * h / length), rel=0.01)


def test_smooth_maps_are_of_second_order() -> None:
    """``c = cos(pi x) cos(2 pi y)`` between mirrors, with a diffusivity that varies along both axes."""
    errors = []
    for n in (16, 32, 64):
        h = 1.0 / n
        y, x = np.meshgrid(*([(np.arange(n) + 0.5) * h] * 2), indexing="ij")
        d = 1.0 + 0.5 * np.sin(np.pi * x) * np.cos(np.pi * y)
        d_x, d_y = (
            0.5 * np.pi * np.cos(np.pi * x) * np.cos(np.pi * y),
            -0.5 * np.pi * np.sin(np.pi * x) * np.sin(np.pi * y),
        )
        c = 2.0 + np.cos(np.pi * x) * np.cos(2 * np.pi * y)
        c_x = -np.pi * np.sin(np.pi * x) * np.cos(2 * np.pi * y)
        c_y = -2 * np.pi * np.cos(np.pi * x) * np.sin(2 * np.pi * y)
        div = d_x * c_x + d_y * c_y - 5 * np.pi**2 * d * (c - 2.0)
        decay = 60.0
        production = decay * c - div
        assert production.min() >= 0.0
        problem = sp.Problem(
            np.zeros((n, n)), diffusivity=d, decay=decay, production=production, spacing=h, boundary="reflecting"
        )
        errors.append(float(np.abs(sp.solve(problem, method="exact").field - c).max()))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 1.8).all()


def test_two_axes_are_the_same_equation_on_other_pixels() -> None:
    rng = np.random.default_rng(4)
    source = np.where(rng.random((14, 11)) < 0.1, 1.0, 0.0)
    stretched = sp.Problem(source, diffusivity=3.0, decay=0.1, spacing=(2.0, 0.5))
    same = sp.Problem(source, diffusivity=sp.PerAxis(y=3.0 / 4.0, x=3.0 / 0.25), decay=0.1)
    for method in ("spectral", "sparse-direct", "exact", "guarded"):
        one, other = sp.solve(stretched, method=method), sp.solve(same, method=method)
        np.testing.assert_allclose(one.field, other.field, atol=one.error_bound + other.error_bound + 1e-12)
    exact = sp.solve(same, method="sparse-direct").field
    np.testing.assert_allclose(sp.solve(same, method="spectral").field, exact, atol=1e-11)


def test_nothing_passes_an_obstacle_and_an_island_without_anchor_is_nothing() -> None:
    tissue = np.ones((7, 9))
    tissue[:, 4] = 0.0
    sides = {"left": 5.0, "right": "reflecting", "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(np.zeros((7, 9)), diffusivity=tissue, decay=0.0, boundary=sides)
    assert problem.void is not None
    np.testing.assert_array_equal(problem.void, np.broadcast_to(np.arange(9) >= 4, (7, 9)))
    for method in ("exact", "guarded", "sparse-direct"):
        field = sp.solve(problem, method=method).field
        np.testing.assert_allclose(field[:, :4], 5.0, rtol=1e-9)
        np.testing.assert_array_equal(field[:, 4:], 0.0)
    made = np.zeros((7, 9))
    made[3, 6] = 1.0
    with pytest.raises(sp.InvalidProblemError, match=r"production feeds pixel \(0, 5\), which no face"):
        sp.solve(problem.replace(production=made))
    assert float(sp.solve(problem.replace(production=made, decay=0.1)).field[3, 6]) > 0.1


def test_a_field_that_does_not_diffuse_is_what_is_made_over_what_decays() -> None:
    made = np.arange(20.0).reshape(4, 5)
    problem = sp.Problem(np.zeros((4, 5)), diffusivity=0.0, decay=0.5, production=made, boundary=3.0)
    for method in ("exact", "guarded", "sparse-direct"):
        np.testing.assert_allclose(sp.solve(problem, method=method).field, 2.0 * made, rtol=1e-12)
    assert not sp.solve(problem.replace(production=0.0, decay=0.0)).field.any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"boundary": {"left": sp.Flux(1.0)} | dict.fromkeys(("right", "bottom", "top"), "reflecting"), "decay": 0.0},
         "no unique steady state"),
        ({"diffusivity": sp.PerAxis(x=1.0, y=1.0, z=2.0)}, "diffusivity.z is given, but source has two axes"),
        ({"diffusivity": sp.PerAxis(x=np.ones((9, 8)), y=1.0)}, r"diffusivity.x has shape \(9, 8\), but source"),
        ({"spacing": (1.0, 0.0)}, r"spacing \(dx\) is 0"),
        ({"spacing": (1.0, 1e5)}, "spacings that differ by at most 1e4"),
        ({"membranes": 3.0}, "membranes is 3.0; None or a Membranes is allowed"),
        ({"membranes": sp.Membranes(x=np.ones((8, 9)))}, r"membranes.x has shape \(8, 9\), but the faces of a source"),
        ({"production": 1.0, "decay": 0.0, "boundary": "reflecting", "membranes": sp.Membranes(x=0.0)},
         "production feeds"),
    ],
)  # fmt: skip
def test_what_may_not_be_posed_is_refused_in_one_sentence(changes: dict[str, object], words: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match=words) as caught:
        sp.solve(sp.Problem(**({"source": np.zeros((8, 9))} | changes)))  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sp.Flux(-1.0), "flux is -1; finite values >= 0"),
        (lambda: sp.Flux(np.inf), "flux is inf"),
        (lambda: sp.Exchange(-1.0, 1.0), "exchange.rate is -1.0; numbers >= 0"),
        (lambda: sp.Exchange(np.nan, 1.0), "exchange.rate is nan"),
        (lambda: sp.Exchange(1.0, -3.0), "exchange.value is -3"),
        (lambda: sp.Membranes(x=-1.0), "membranes.x is -1.0; permeabilities >= 0"),
        (lambda: sp.Membranes(y=[[1.0, np.nan]]), r"membranes.y\[0, 1\] is nan"),
        (
            lambda: sp.Membranes.between(np.ones((2, 2)), 1.0),
            "ids is .* of dtype float64; an .* array of whole",
        ),
        (lambda: sp.Membranes(x=True), "membranes.x is True"),
        (lambda: sp.Membranes.between([[1, 2]], "thin"), "permeability is 'thin'"),
        (lambda: sp.Membranes.between([[1, 2]], {(1, 2): -1.0}), r"permeability\[\(1, 2\)\] is -1.0"),
        (lambda: sp.Membranes.between([[1, 2]], {1: 2.0}), "permeability names 1; pairs of numbers"),
        (lambda: sp.Membranes.between([[1, 2]], {(1, 2, 3): 2.0}), r"permeability names \(1, 2, 3\); pairs"),
        (lambda: sp.PerAxis(x=-1.0, y=1.0), "diffusivity.x is -1"),
    ],
)
def test_sides_and_membranes_refuse_what_they_are_not(make: object, words: str) -> None:
    with pytest.raises(sp.InvalidProblemError, match=words) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value).endswith(".")


def test_a_membrane_across_the_seam_of_a_ring_is_there_wherever_the_ring_is_opened() -> None:
    rng = np.random.default_rng(8)
    ids = (rng.random((6, 7)) < 0.4).astype(int)
    source = np.zeros((6, 7))
    source[2, 3] = 1.0

    def field(by: int) -> np.ndarray:
        turned = np.roll(ids, by, axis=1)
        return sp.solve(
            sp.Problem(
                np.roll(source, by, axis=1), decay=0.05, boundary={"left": "periodic", "right": "periodic"},
                membranes=sp.Membranes.between(turned, 0.01, rings=(False, True)),
            ),
            "exact",
        ).field  # fmt: skip

    for by in range(7):
        np.testing.assert_allclose(np.roll(field(by), -by, axis=1), field(0), atol=1e-11)


def test_a_membrane_across_the_seam_goes_along_with_images() -> None:
    rng = np.random.default_rng(9)
    problem = sp.Problem(
        (rng.random((6, 7)) < 0.1) * 1.0, decay=0.05, boundary="periodic",
        membranes=sp.Membranes.between((rng.random((6, 7)) < 0.4).astype(int), 0.01, rings=(True, True)),
    )  # fmt: skip
    assert problem.membranes is not None
    assert np.shape(problem.membranes.x) == np.shape(problem.membranes.y) == (6, 7)
    exact = sp.solve(problem, "exact").field
    np.testing.assert_allclose(sp.solve(problem.mirror(0), "exact").field, exact[::-1], atol=1e-10)
    np.testing.assert_allclose(sp.solve(problem.mirror(1), "exact").field, exact[:, ::-1], atol=1e-10)
    np.testing.assert_allclose(sp.solve(problem.turn(), "exact").field, exact[::-1].T, atol=1e-10)
    assert problem.pad().fingerprint == problem.crop().fingerprint == problem.fingerprint


def _every_part() -> sp.Problem:
    return sp.Problem(
        np.eye(6, 7), diffusivity=sp.PerAxis(x=2.0, y=np.linspace(1.0, 2.0, 42).reshape(6, 7)), decay=0.1,
        spacing=(1.0, 2.0), boundary={"left": sp.Exchange(0.5, 3.0), "bottom": sp.Flux(0.2), "top": "reflecting"},
        membranes=sp.Membranes(x=0.3, y=0.4),
    )  # fmt: skip


_SIDES = {"left": sp.Exchange(0.5, 3.0), "bottom": sp.Flux(0.2), "top": "reflecting"}
#: What changes the operator, and what it is applied to alone.
OPERATOR = [
    {"diffusivity": sp.PerAxis(x=2.5, y=np.linspace(1.0, 2.0, 42).reshape(6, 7))},
    {"diffusivity": sp.PerAxis(x=np.linspace(1.0, 2.0, 42).reshape(6, 7), y=2.0)},
    {"spacing": (2.0, 1.0)},
    {"spacing": (1.0, 2.5)},
    {"boundary": _SIDES | {"left": sp.Exchange(0.6, 3.0)}},
    {"boundary": _SIDES | {"left": "reflecting"}},
    {"membranes": sp.Membranes(x=0.4, y=0.3)},
    {"membranes": None},
]
SUPPLIED = [
    {"boundary": _SIDES | {"left": sp.Exchange(0.5, 4.0)}},
    {"boundary": _SIDES | {"bottom": sp.Flux(0.3)}},
]


@pytest.mark.parametrize("changes", OPERATOR)
def test_an_operator_is_not_taken_for_another_whatever_part_of_it_differs(changes: dict[str, object]) -> None:
    """A kept factorisation of the one would answer for the other."""
    engine, one = sp.Engine(), _every_part()
    other = one.replace(**changes)
    assert one.fingerprint != other.fingerprint
    for method in ("sparse-direct", "algebraic", "exact"):
        engine.solve(one, method=method)
        field = engine.solve(other, method=method).field
        np.testing.assert_allclose(field, solved(other), atol=1e-9)


@pytest.mark.parametrize("changes", SUPPLIED)
def test_what_feeds_a_field_is_no_part_of_its_operator_but_of_the_problem(changes: dict[str, object]) -> None:
    one = _every_part()
    other = one.replace(**changes)
    assert one.fingerprint == other.fingerprint
    assert digest(one.parts) != digest(other.parts)
    engine = sp.Engine()
    engine.solve(one, method="sparse-direct")
    np.testing.assert_allclose(engine.solve(other, method="sparse-direct").field, solved(other), atol=1e-9)


def test_where_two_cells_touch_there_are_two_membranes_and_pairs_may_differ() -> None:
    ids = np.array([[0, 1, 2], [0, 1, 1]])
    both = sp.Membranes.between(ids, 0.5, around=0)
    np.testing.assert_array_equal(both.x, [[0.5, 0.25], [0.5, np.inf]])
    np.testing.assert_array_equal(both.y, [[np.inf, np.inf, 0.25]])
    pairs = sp.Membranes.between(ids, {(1, 0): 3.0, (1, 2): 0.0})
    np.testing.assert_array_equal(pairs.x, [[3.0, 0.0], [3.0, np.inf]])
    np.testing.assert_array_equal(pairs.y, [[np.inf, np.inf, 0.0]])
