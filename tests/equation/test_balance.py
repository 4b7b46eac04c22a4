"""What comes and goes in a step: every kind of face, side and pixel is counted, once."""

from __future__ import annotations

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.balance import Shares

SHAPE = (9, 12)


def step(problem: sp.Problem, field: np.ndarray, dt: float) -> sp.Balance:
    return sp.Balance.of(problem, field, sp.advance(problem, field, dt, method="exact").field, dt)


def random_sides(rng: np.random.Generator) -> dict[str, object]:
    def side() -> object:
        kinds = ["reflecting", "absorbing", 7.0, sp.Flux(rng.uniform(0, 3)), sp.Exchange(rng.uniform(0, 2), 5.0)]
        return kinds[rng.integers(len(kinds))]

    across = {"left": side(), "right": side()} if rng.random() < 0.8 else {"left": "periodic", "right": "periodic"}
    return across | (
        {"bottom": side(), "top": side()} if rng.random() < 0.8 else dict.fromkeys(("bottom", "top"), "periodic")
    )


def random_problem(seed: int) -> sp.Problem:
    """Obstacles, membranes, two axes, fluxes, exchange and rings, mixed."""
    rng = np.random.default_rng(seed)
    rows, columns = SHAPE
    diffusivity = rng.uniform(0.5, 20.0, SHAPE) * (rng.random(SHAPE) > 0.15)
    walls = sp.Membranes(
        x=rng.choice([0.0, 0.3, np.inf], (rows, columns - 1)), y=rng.choice([2.0, np.inf], (rows - 1, columns))
    )
    return sp.Problem(
        np.where(rng.random(SHAPE) < 0.1, rng.uniform(0, 9), 0.0),
        diffusivity=[diffusivity, 3.0, sp.PerAxis(x=diffusivity, y=2.0)][seed % 3],
        decay=rng.uniform(0, 0.3, SHAPE) * (rng.random(SHAPE) < 0.7),
        production=[0.0, 0.4, rng.uniform(0, 1, SHAPE)][rng.integers(3)],
        uptake=None if seed % 2 else sp.MichaelisMenten(rng.uniform(0, 2, SHAPE), 1.5),
        spacing=[1.0, (0.5, 2.0)][rng.integers(2)],
        boundary=random_sides(rng),
        membranes=[None, walls][rng.integers(2)],
    )


@pytest.mark.parametrize("seed", range(40))
def test_an_exact_step_balances_whatever_it_passes_through(seed: int) -> None:
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    field = rng.uniform(0, 8, SHAPE)
    for dt in (1e-3, 1.0, 1e3):
        balance = step(problem, field, dt)
        assert balance.relative_defect <= 1e-10
        given = balance.sources + balance.sides - balance.cells - balance.decay
        assert balance.change == pytest.approx(given, rel=1e-6, abs=1e-8 * max(balance.content, 1.0))


def test_a_field_that_is_off_shows_in_the_defect() -> None:
    problem, field = random_problem(3), np.full(SHAPE, 4.0)
    after = sp.advance(problem, field, 1.0, method="exact").field
    off = np.where(problem.fixed, after, 1.01 * after)
    assert sp.Balance.of(problem, field, off, 1.0).relative_defect > 1e-3


def test_each_amount_is_what_it_says() -> None:
    boundary = {"left": sp.Flux(2.0), "right": sp.Exchange(4.0, 0.0), "bottom": "reflecting", "top": "reflecting"}
    problem = sp.Problem(
        np.zeros((3, 5)), diffusivity=6.0, decay=0.25, production=0.5, spacing=(2.0, 3.0), boundary=boundary
    )
    field = np.random.default_rng(0).uniform(0, 3, (3, 5))
    after = sp.advance(problem, field, 0.7, method="exact").field
    balance = sp.Balance.of(problem, field, after, 0.7, Shares(cells=0.1))
    assert balance.sources == pytest.approx(0.7 * 6.0 * 15 * 0.5)
    assert balance.decay == pytest.approx(0.7 * 6.0 * 0.15 * after.sum())
    assert balance.cells == pytest.approx(0.7 * 6.0 * 0.1 * after.sum())
    assert balance.content == pytest.approx(6.0 * after.sum())
    assert balance.change == pytest.approx(6.0 * (after - field).sum())
    through = 1.0 / (3.0 / 6.0 + 1.0 / 4.0)
    assert balance.sides == pytest.approx(0.7 * 2.0 * (3 * 2.0 - through * after[:, -1].sum()))


def test_what_fixed_pixels_send_counts_as_sides() -> None:
    source = np.zeros((1, 4))
    source[0, 3] = 8.0
    problem = sp.Problem(source, diffusivity=2.0, decay=0.0, spacing=0.5, boundary="reflecting")
    field = np.array([[1.0, 2.0, 3.0, 0.0]])
    after = sp.advance(problem, field, 0.1, method="exact").field
    balance = sp.Balance.of(problem, field, after, 0.1)
    assert balance.sides == pytest.approx(0.1 * 2.0 * (8.0 - after[0, 2]))
    assert balance.change == pytest.approx(0.25 * (after[0, :3].sum() - 6.0))


def test_the_balance_of_two_steps_is_their_sum() -> None:
    problem, field = random_problem(7), np.full(SHAPE, 2.0)
    middle = sp.advance(problem, field, 1.0, method="exact").field
    after = sp.advance(problem, middle, 1.0, method="exact").field
    both = sp.Balance.of(problem, field, middle, 1.0) + sp.Balance.of(problem, middle, after, 1.0)
    assert both.content == pytest.approx(np.prod(problem.spacings) * after[~problem.fixed].sum())
    assert both.change == pytest.approx(np.prod(problem.spacings) * (after - field)[~problem.fixed].sum())
    assert "off by" in str(both)


def test_where_there_is_nothing_nothing_lacks() -> None:
    empty = sp.Problem(np.zeros(SHAPE), boundary="reflecting")
    assert sp.Balance.of(empty, np.zeros(SHAPE), np.zeros(SHAPE), 1.0).relative_defect == 0.0
